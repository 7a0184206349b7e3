# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin that counts the tests of cells, so that a run over many can say how long it will take."""

import json
from pathlib import Path

import pytest

from testbed import celljobs, environment, fixtures
from testbed.environment import Cell


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cell-counts", type=Path, metavar="FILE",
                     help="how many tests each of the cells has that this file names; written to the same file")


def _chosen(item: pytest.Item, which: str, cell: Cell) -> bool:
    if which == celljobs.REST and fixtures.nowhere_else(item, cell):
        return True
    if which == celljobs.USUAL:
        return not item.get_closest_marker("thorough")
    return which == celljobs.ALL or any(item.get_closest_marker(name) for name in which.split(" or "))


@pytest.hookimpl(tryfirst=True)  # before anything is taken out for the cell of this very run
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    file = config.getoption("--cell-counts")
    counts = {}
    for cell in map(environment.cell, json.loads(file.read_text())):
        meant = [item for item in items if fixtures.meant_for(item, cell)]
        counts[cell.name] = {which: sum(_chosen(item, which, cell) for item in meant)
                             for which in (celljobs.ALL, celljobs.USUAL, celljobs.COVERING, celljobs.SHOWING,
                                           celljobs.REST)}
    file.write_text(json.dumps(counts))

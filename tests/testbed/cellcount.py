# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin that counts the tests of cells, so that a run over many can say how long it will take."""

import json
from pathlib import Path

import pytest

from testbed import environment, fixtures


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cell-counts", type=Path, metavar="FILE",
                     help="how many tests each of the cells has that this file names; written to the same file")


@pytest.hookimpl(tryfirst=True)  # before anything is taken out for the cell of this very run
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    file = config.getoption("--cell-counts")
    counts = {}
    for cell in map(environment.cell, json.loads(file.read_text())):
        meant = [item for item in items if fixtures.meant_for(item, cell)]
        counts[cell.name] = {"all": len(meant),
                             "covering": sum(item.get_closest_marker("covering") is not None for item in meant)}
    file.write_text(json.dumps(counts))

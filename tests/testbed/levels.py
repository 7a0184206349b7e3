# SPDX-License-Identifier: Apache-2.0
"""The levels of tests, the folders that hold them, and the command that runs one test again."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from testbed import places
from testbed.environment import Cell
from testbed.options import Subject

FOLDERS = {"source": ("tests/source", "tests/harness"), "model": ("tests/model",), "protocol": ("tests/protocol",),
           "driver": ("tests/driver", "tests/environments", "tests/techniques")}
LEVELS = tuple(FOLDERS)


def of(test: Path) -> str:
    """The level that a test's file belongs to; tests from outside of this tree are the driver's."""
    if not test.is_relative_to(places.TOP):
        return "driver"
    folder = "/".join(test.relative_to(places.TOP).parts[:2])
    return next((level for level, folders in FOLDERS.items() if folder in folders), "driver")


def again(test: Path, name: str, cell: Cell) -> str:
    """The command that runs the test of this file and name (what follows the file in pytest's node id) again, as this
    process runs it now."""
    words = ["./testbed", "test", "--level", of(test), *shlex.split(cell.arguments), *Subject.inherited().words(),
             "--", f"{places.shown(test)}::{name}"]
    return shlex.join(words)


def without_named(folders: Iterable[str], extra: Iterable[str]) -> tuple[str, ...]:
    """The folders to give to pytest: none when the further arguments name files of tests, or single tests in them."""
    return () if any(word.split("::")[0].endswith(".py") for word in extra) else tuple(folders)

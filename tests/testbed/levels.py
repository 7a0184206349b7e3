# SPDX-License-Identifier: Apache-2.0
"""The levels of tests, the folders that hold them, and the command that runs one test again."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from testbed import places
from testbed.environment import Cell
from testbed.errors import TestbedError
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


def again(test: Path, name: str, cell: Cell, *extra: str) -> str:
    """The command that runs the test of this file and name (what follows the file in pytest's node id) again, as this
    process runs it now. `extra` words are pytest's."""
    words = ["./testbed", "test", "--level", of(test), *shlex.split(cell.arguments), *Subject.inherited().words(),
             "--", *extra, f"{places.shown(test)}::{name}"]
    return shlex.join(words)


def narrowed(levels: Iterable[str], extra: Iterable[str]) -> list[str]:
    """Those of the levels that have tests to run: all, or when the further arguments name files of tests, theirs.
    TestbedError when none is left."""
    named = {_level(word) for word in extra if _is_file(word)}
    if left := [level for level in levels if not named or level in named]:
        return left
    raise TestbedError(f"the files that are named have tests of another level: {', '.join(sorted(named))}; "
                       f"./testbed test --level {min(named)} runs them")


def pytest_words(levels: Iterable[str], folders: Iterable[str], extra: Iterable[str]) -> tuple[str, ...]:
    """What pytest is given for these levels: the further arguments and the folders, or instead of these, those of the
    files of tests (or single tests in them) that are named and belong here."""
    others = tuple(word for word in extra if not _is_file(word))
    named = tuple(word for word in extra if _is_file(word))
    return (*others, *(word for word in named if _level(word) in levels)) if named else (*others, *folders)


def _is_file(word: str) -> bool:
    """A file of tests, or one test in it: not the value of one of pytest's options, if it
    is joined to it: --ignore=FILE."""
    return not word.startswith("-") and word.split("::")[0].endswith(".py")


def _level(word: str) -> str:
    return of((places.TOP / word.split("::")[0]).resolve())

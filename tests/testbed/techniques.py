# SPDX-License-Identifier: Apache-2.0
"""The table of techniques, tests/techniques.toml: every way to give a card memory that this project speaks of."""

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from testbed import places
from testbed.errors import TestbedError

FILE = places.TOP / "tests" / "techniques.toml"
PROPERTY = "techniques"  # of a test in JUnit files: the names of those that it shows, with blanks between them


@dataclass(frozen=True)
class Technique:
    """One row. `impossible`: why no test here can show it, empty where one can."""

    name: str  # as the `technique` mark and an environment's `proves` have it
    title: str
    why: str  # what goes wrong without it, or what is easily done wrong, in a sentence
    impossible: str = ""


@cache
def table(path: Path = FILE) -> dict[str, Technique]:
    """All techniques by name, in the file's order. TestbedError says what is wrong with the file."""
    try:
        rows = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TestbedError(f"{places.shown(path)}: {error}") from None
    return {name: _checked(name, row, path) for name, row in rows.items()}


def _checked(name: str, row: object, path: Path) -> Technique:
    known = {each.name for each in fields(Technique)} - {"name"}
    if not isinstance(row, dict) or not {"title", "why"} <= set(row) <= known or \
            not all(isinstance(value, str) and value.strip() for value in row.values()):
        raise TestbedError(f"{places.shown(path)}: [{name}] must have title and why, may have impossible, all text")
    return Technique(name, **row)

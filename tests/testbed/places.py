# SPDX-License-Identifier: Apache-2.0
"""Where things are: the project's folders, its build tree and the cache outside of it."""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
CMAKE_BUILD = BUILD / "default"
DEVICE_PROGRAM = CMAKE_BUILD / "qemu-device" / "prd32-device"
# What a run of tests leaves. Two runs in one tree need two places: PRD32_OUTPUT names another.
OUTPUT = Path(os.environ.get("PRD32_OUTPUT") or BUILD).absolute()
REPORTS = OUTPUT / "reports"  # JUnit XML and logs of each stage
FAILURES = OUTPUT / "failures"  # one folder a failed test
DEVICE_VARIABLE = "PRD32_DEVICE"


def cache() -> Path:
    """What is slow to fetch or build: $XDG_CACHE_HOME/prd32, by default ~/.cache/prd32. Safe to delete."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "prd32"


def device_program() -> Path:
    """The device program under test: PRD32_DEVICE names another than this tree's."""
    return Path(os.environ.get(DEVICE_VARIABLE) or DEVICE_PROGRAM)


def shown(path: Path) -> str:
    """`path` as a user would type it: relative to the project's top if it is below it."""
    try:
        return str(path.relative_to(TOP))
    except ValueError:
        return str(path)

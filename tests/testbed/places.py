# SPDX-License-Identifier: Apache-2.0
"""Where things are: the project's folders, its build tree and the cache outside of it."""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
CMAKE_BUILD = BUILD / "default"
DEVICE_PROGRAM = CMAKE_BUILD / "qemu-device" / "prd32-device"
REPORTS = BUILD / "reports"  # JUnit XML and logs of each stage
FAILURES = BUILD / "failures"  # one folder a failed test


def cache() -> Path:
    """What is slow to fetch or build: $XDG_CACHE_HOME/prd32, by default ~/.cache/prd32. Safe to delete."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "prd32"


def shown(path: Path) -> str:
    """`path` as a user would type it: relative to the project's top if it is below it."""
    try:
        return str(path.relative_to(TOP))
    except ValueError:
        return str(path)

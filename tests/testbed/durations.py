# SPDX-License-Identifier: Apache-2.0
"""How long things took the last time, so that the next run can say beforehand how long it will take."""

import json

from testbed import places
from testbed.filelock import locked

# What was never run is thought to take: pytest and a boot; each test, and how many times that with the debug kernel.
_START_SECONDS, _TEST_SECONDS, _DEBUG_TIMES = 10.0, 3.0, 3.3


def _file():
    return places.cache() / "durations.json"


def known() -> dict[str, float]:
    """Seconds by name, of everything that ever ran to its end."""
    try:
        found = json.loads(_file().read_text())
        return {str(name): float(seconds) for name, seconds in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # never written, or unreadable: it is only an estimate


def remember(seconds: dict[str, float]) -> None:
    """Adds these, or replaces what was known of the same names."""
    with locked(_file().with_suffix(".lock")):
        part = _file().with_suffix(".part")
        part.write_text(json.dumps({**known(), **seconds}, indent=1, sort_keys=True))
        part.rename(_file())


def guess(tests: int, debug: bool) -> float:
    """For what never ran: seconds for this many tests. `debug`: whether with the kernel that looks at everything."""
    return _START_SECONDS + tests * _TEST_SECONDS * (_DEBUG_TIMES if debug else 1)


def together(seconds: list[float], jobs: int) -> float:
    """How long all of them take, `jobs` side by side."""
    return max(sum(seconds) / jobs, max(seconds, default=0.0))


def shown(seconds: float) -> str:
    """For people: 40 s, 7 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

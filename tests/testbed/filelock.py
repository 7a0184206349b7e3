# SPDX-License-Identifier: Apache-2.0
"""One builder at a time for each thing in the cache, across processes."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.errors import DeadlinePassed

_DEADLINE = 1800.0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on `path` (created if absent). The kernel drops it with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        end = time.monotonic() + _DEADLINE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise DeadlinePassed(f"another testbed has held {path} for {_DEADLINE:.0f} s") from None
                time.sleep(0.1)  # flock has no wait with a deadline that does not need a signal
        yield

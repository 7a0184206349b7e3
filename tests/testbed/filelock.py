# SPDX-License-Identifier: Apache-2.0
"""One builder at a time for each thing in the cache, across processes."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from testbed.errors import DeadlinePassed, TestbedError

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


def held(path: Path) -> BinaryIO:
    """Says to `unlink_unheld` that the file is in use, until what is returned is closed, or this process ends. Any
    number may hold it; programs that this process starts do not."""
    file = path.open("rb")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def unlink_unheld(path: Path) -> None:
    """Removes the file unless somebody holds it. A lock keeps others from taking hold of it meanwhile."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        path.unlink()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Has `folder` (created if absent) for this process alone; TestbedError says who has it when somebody else does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            process = file.read().strip() or "unknown"
            raise TestbedError(f"another run of tests (process {process}) writes to {folder}: wait for it, or give "
                               "this one a folder of its own: PRD32_OUTPUT=FOLDER ./testbed ...") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield

# SPDX-License-Identifier: Apache-2.0
"""Progress on long work: a line a stage, on standard error, with the time that it took. Stages may run in parallel."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

_QUIET_SECONDS = 30.0  # without a terminal, a stage that runs says so this often
_SLOW_SECONDS = 1.0
_AWAKE_SECONDS = 1.0  # now and then, as Python calls its signal handlers between two steps of its own alone
_Result = TypeVar("_Result")


class Stage:
    """One running stage: `update` while it runs, `note` for what shall stand behind it when it is done."""

    def __init__(self, title: str, board: "_Board") -> None:
        self.title, self._board = title, board
        self.state = "..."
        self._began = self._shown = time.monotonic()
        self._note = ""
        self.seconds = 0.0  # how long it took, once it has ended
        self.good = True  # False: it ended without an error of its own, and yet something is wrong

    def update(self, text: str) -> None:
        """Shows how far the work is. Cheap to call often."""
        self.state = text
        now = time.monotonic()
        if self._board.terminal:
            self._board.redraw()
        elif now - self._shown >= _QUIET_SECONDS:
            self._shown = now
            self._board.line(f"   {self.title}: {text} ({now - self._began:.0f} s)")

    def note(self, text: str) -> None:
        """What the finished stage's line ends with."""
        self._note = text

    def finished(self, mark: str) -> str:
        """The stage's last line."""
        return f"{mark} {self.title:<46} {self.seconds:6.1f} s  {self._note}".rstrip()

    def end(self) -> None:
        """It has ended now."""
        self.seconds = time.monotonic() - self._began


class _Board:
    """What is on the terminal: the finished stages above, the running ones in the last line."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._running: list[Stage] = []
        self.terminal = sys.stderr.isatty()
        self.terse = False

    def begin(self, title: str) -> Stage:
        with self._lock:
            stage_ = Stage(title, self)
            self._running.append(stage_)
            self.redraw()
            return stage_

    def end(self, stage_: Stage, mark: str) -> None:
        with self._lock:
            self._running.remove(stage_)
            stage_.end()
            if not self.terse or stage_.seconds > _SLOW_SECONDS:
                self.line(stage_.finished(mark))
            elif self.terminal:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        with self._lock:
            print(f"\r\x1b[K{text}" if self.terminal else text, file=sys.stderr, flush=True)
            self.redraw()

    def redraw(self) -> None:
        with self._lock:
            if self.terminal and self._running:
                text = " | ".join(f"{stage_.title}: {stage_.state}" for stage_ in self._running)
                print(f"\r\x1b[K.. {text}"[:150], end="", file=sys.stderr, flush=True)


_board = _Board()


def only_slow() -> None:
    """From now on, stages that end within a second are not worth a line: for commands whose output is not ours."""
    _board.terse = True


@contextmanager
def stage(title: str) -> Iterator[Stage]:
    """Shows `title` as running, then as done (ok) or failed (!!) with the time it took."""
    running = _board.begin(title)
    try:
        yield running
    except BaseException:
        _board.end(running, "!!")
        raise
    _board.end(running, "ok" if running.good else "!!")


def in_parallel(*works: Callable[[], _Result], limit: int | None = None) -> list[_Result]:
    """Runs the works side by side, `limit` at a time, and returns their results in order; after all ended, raises the
    first's error. Interrupted, it waits for none."""
    pool = ThreadPoolExecutor(limit or len(works))
    try:
        futures = [pool.submit(work) for work in works]
        while wait(futures, _AWAKE_SECONDS).not_done:
            pass
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [future.result() for future in futures]

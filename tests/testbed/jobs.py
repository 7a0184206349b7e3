# SPDX-License-Identifier: Apache-2.0
"""Runs of pytest (or CTest) as processes of their own, several side by side, each with a log and a JUnit file.

Each has a process group of its own: Ctrl-C reaches us alone, and we end the tests in order, so that they end their
guests.
"""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from testbed import junit, places
from testbed.command import tied
from testbed.junit import Case, Tally
from testbed.stages import Stage, stage

_LOOK_SECONDS = 1.0  # between two looks at how far a run is
_GRACE_SECONDS = 30.0  # for an interrupted run to end its guests
_LONGEST_SECONDS = 3 * 3600.0
_NO_TESTS = 5  # pytest's exit status when it found none
_NOT_RUN = "not run"
_MEMORY_EACH = 1 << 30  # a guest, its card and what runs them


@dataclass(frozen=True, eq=False)  # a job is itself, not what it says
class Job:
    """One run. `name`: for people; `expected`: how many seconds it is thought to take; `may_be_empty`: whether finding
    no test is all right."""

    name: str
    argv: tuple[str, ...]
    junit: Path
    log: Path
    variables: dict[str, str] = field(default_factory=dict)
    expected: float = 0.0
    may_be_empty: bool = False


@dataclass(frozen=True)
class Done:
    """What became of a job. `status`: its exit status, None when it never ran; `ended`: whether it ran to its end."""

    job: Job
    status: int | None = None
    seconds: float = 0.0
    ended: bool = False
    why_not: str = ""
    cases: list[Case] = field(default_factory=list)

    @property
    def problem(self) -> str:
        """What is wrong besides failed tests; empty when nothing is."""
        if self.why_not or not self.ended:
            return self.why_not or "interrupted"
        empty = self.status == _NO_TESTS or not self.cases
        if empty and self.status in (0, _NO_TESTS):
            return "" if self.job.may_be_empty else "no test ran"
        if self.status != 0 and not any(case.outcome == "failed" for case in self.cases):
            return f"ended with status {self.status} before its tests did"
        return ""

    @property
    def tally(self) -> Tally:
        """How its tests ended; a problem counts as a failure, but not that it was never begun."""
        return Tally.of(self.cases) + Tally(failed=1 if self.problem and not self.unrun else 0)

    @property
    def unrun(self) -> bool:
        """Whether it was never begun, because the run was interrupted before."""
        return self.status is None and not self.ended and self.why_not == _NOT_RUN


def side_by_side() -> int:
    """How many runs this machine's cores and memory are good for."""
    text = Path("/proc/meminfo").read_text()
    available = int(re.search(r"MemAvailable:\s+(\d+)", text).group(1)) << 10
    return max(1, min(len(os.sched_getaffinity(0)), available // _MEMORY_EACH))


class Runner:
    """Runs jobs, `limit` side by side. `live`: a file descriptor that gets their output as it comes, not logs; `told`
    is told of each that ended, when it does."""

    def __init__(self, limit: int, live: int | None = None, told: Callable[[Done], None] | None = None) -> None:
        self._limit, self._live, self._told = limit, live, told
        self._lock, self._stopping = threading.Lock(), False
        self._running: set[subprocess.Popen] = set()
        self.interrupted = False

    def run(self, jobs: Sequence[Job]) -> list[Done]:
        """Runs them all, those that take longest first, and returns what became of each, in the order given.

        Ctrl-C ends what runs and starts nothing more; `interrupted` then says so.
        """
        with _interrupts(self._stop), ThreadPoolExecutor(self._limit) as pool:
            futures = {job: pool.submit(self._one, job) for job in sorted(jobs, key=lambda job: -job.expected)}
            # Now and then awake: Python calls its signal handlers between two steps of its own alone.
            while wait(futures.values(), _LOOK_SECONDS).not_done:
                pass
        return [futures[job].result() for job in jobs]

    def _stop(self) -> None:
        with self._lock:
            self.interrupted = self._stopping = True
            for process in self._running:
                process.send_signal(signal.SIGINT)

    def _one(self, job: Job) -> Done:
        if self._stopping:
            return Done(job, why_not=_NOT_RUN)
        for old in (job.junit, job.junit.with_suffix(".passed"), job.log):  # the mark is resume.py's
            old.parent.mkdir(parents=True, exist_ok=True)
            old.unlink(missing_ok=True)
        began = time.monotonic()
        if self._live is not None:
            status = self._process(job, self._live, None)
        else:
            with stage(job.name) as now, job.log.open("wb") as log:
                status = self._process(job, log.fileno(), now)
                self._note(now, Done(job, status, 0.0, not self._stopping, "", junit.read(job.junit)))
        if status is None:
            return Done(job, why_not=_NOT_RUN)
        done = Done(job, status, time.monotonic() - began, not self._stopping, "", junit.read(job.junit))
        if self._told:
            self._told(done)
        return done

    @staticmethod
    def _note(now: Stage, done: Done) -> None:
        tally = done.tally
        now.good = tally.failed == 0
        now.note(f"{tally.passed} passed, {tally.failed} failed{f': {done.problem}' if done.problem else ''}")

    def _process(self, job: Job, output: int, now: Stage | None) -> int | None:
        with self._lock:
            if self._stopping:
                return None
            process = subprocess.Popen(tied(job.argv), cwd=places.TOP, env={**os.environ, **job.variables},
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0)
            self._running.add(process)
        try:
            return self._wait(process, job, now)
        finally:
            with self._lock:
                self._running.remove(process)
            with suppress(ProcessLookupError):  # a guest that its test did not end
                os.killpg(process.pid, signal.SIGKILL)

    def _wait(self, process: subprocess.Popen, job: Job, now: Stage | None) -> int:
        end = time.monotonic() + _LONGEST_SECONDS
        while True:
            try:
                return process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if self._stopping:
                    end = min(end, time.monotonic() + _GRACE_SECONDS)
                if time.monotonic() > end:
                    process.kill()
                if now:
                    now.update(_progress(job.log))


@contextmanager
def _interrupts(told: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `told` and raise nothing: an exception between any two steps, while runs are being begun,
    would leave some that nobody knows of and nobody ends. Where they are ignored, they stay so."""
    numbers = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: told()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _progress(log: Path) -> str:
    """How far pytest is, from the end of its output."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        found = re.findall(rb"\[ *(\d+)%\]", file.read())
    return f"{found[-1].decode()} %" if found else "..."

# SPDX-License-Identifier: Apache-2.0
"""The device program as a child process: started, waited for, read out and stopped, each under a deadline."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from testbed import heap
from testbed.command import tied
from testbed.errors import TestbedError
from testbed.faults import Event, Faults

START_SECONDS = 20.0
STOP_SECONDS = 10.0
LONGEST_SOCKET_PATH = 99


class CardError(TestbedError):
    """The device program did not start, or did not end as it should."""


class CardProcess:
    """A running card. In its folder: card.log, violations.jsonl, injected.jsonl, card-stats.json and, where the path is
    short enough, card.sock and control.sock."""

    def __init__(self, binary: Path, folder: Path, *, memory_size: str | None = None, extra_args: Sequence[str] = (),
                 log_level: str = "info") -> None:
        self.binary = Path(binary)
        self.folder = Path(folder)
        self.log = self.folder / "card.log"
        self.violations_file = self.folder / "violations.jsonl"
        self.stats_file = self.folder / "card-stats.json"
        self.injected_file = self.folder / "injected.jsonl"
        self.socket = self.folder / "card.sock"
        self.control = self.folder / "control.sock"
        self._faults: Faults | None = None
        self._short_folder: str | None = None
        self._memory_size = memory_size
        self._extra_args = list(extra_args)
        self._log_level = log_level
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> CardProcess:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "the card was not started"
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, None while the program runs."""
        assert self._process is not None, "the card was not started"
        return self._process.poll()

    def wait(self, timeout: float = STOP_SECONDS) -> int:
        """Waits for the program to end by itself."""
        assert self._process is not None, "the card was not started"
        return self._process.wait(timeout)

    def start(self) -> CardProcess:
        """Starts the program and waits until clients can connect. Raises CardError when it does not come up."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if len(os.fsencode(self.control)) > LONGEST_SOCKET_PATH:
            self._short_folder = tempfile.mkdtemp(prefix="prd32-")
            self.socket = Path(self._short_folder) / "card.sock"
            self.control = Path(self._short_folder) / "control.sock"
        ready, tell_ready = os.pipe()
        command = [str(self.binary), "--socket", str(self.socket), "--ready-fd", str(tell_ready),
                   "--violations", str(self.violations_file), "--stats", str(self.stats_file),
                   "--control", str(self.control), "--injected", str(self.injected_file),
                   "--log-level", self._log_level, *self._extra_args]
        if self._memory_size is not None:
            command += ["--memory-size", self._memory_size]
        try:
            try:
                with self.log.open("ab") as log:
                    self._process = subprocess.Popen(tied(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                     env=heap.tuned(os.environ), pass_fds=(tell_ready,))
            finally:
                os.close(tell_ready)
            self._wait_ready(ready)
            self._connect_faults()
        except BaseException:
            self._give_up()
            raise
        finally:
            os.close(ready)
        return self

    def _give_up(self) -> None:
        """It did not start: nothing of it is left for stop() to find, which would report the kill instead."""
        if self._process is not None:
            self._end(signal.SIGKILL)
            self._process = None
        self._remove_short_folder()

    def _wait_ready(self, ready: int) -> None:
        """A newline, then the end of the stream: the program holds no descriptor of ours any more."""
        deadline = time.monotonic() + START_SECONDS
        said = b""
        while True:
            readable, _, _ = select.select([ready], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise CardError(f"{self.binary.name} was not ready within {START_SECONDS:g} s; see {self.log}")
            part = os.read(ready, 16)
            if not part:
                break
            said += part
        if said != b"\n":
            raise CardError(f"{self.binary.name} ended before it was ready:\n{self.log_tail()}")

    def _connect_faults(self) -> None:
        """Now, and answered once: a connection that is made during a test would look like a file left open."""
        self._faults = Faults(self.control)
        self._faults.state()

    @property
    def faults(self) -> Faults:
        """What makes the card misbehave (docs/faults.md)."""
        assert self._faults is not None, "the card was not started"
        return self._faults

    def injected(self) -> list[Event]:
        """The faults that were injected so far, oldest first."""
        if not self.injected_file.exists():
            return []
        return [Event.of(json.loads(line)) for line in self.injected_file.read_text().splitlines()]

    def log_tail(self, characters: int = 2000) -> str:
        """The end of what it logged."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    def violations(self) -> list[dict]:
        """What was recorded so far, oldest first."""
        if not self.violations_file.exists():
            return []
        found = []
        for number, line in enumerate(self.violations_file.read_text(errors="replace").splitlines(), 1):
            try:
                found.append(json.loads(line))
            except ValueError:
                raise CardError(f"{self.violations_file}:{number} is not whole, so violations were lost; was the disk "
                                "full?") from None
        return found

    def stats(self) -> dict:
        """The counters: as of now while the program runs, else as of its end."""
        if self.poll() is None:
            before = self._stats_version()
            os.kill(self.pid, signal.SIGUSR1)
            deadline = time.monotonic() + STOP_SECONDS
            while self._stats_version() == before:
                if time.monotonic() > deadline or self.poll() is not None:
                    raise CardError(f"{self.binary.name} wrote no statistics; see {self.log}")
                time.sleep(0.002)
        return json.loads(self.stats_file.read_text())

    def _stats_version(self) -> tuple[int, int] | None:
        try:
            status = self.stats_file.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def stop(self) -> None:
        """Ends the program, if it did not end yet. A program that must be killed, or that ends with another code than
        0, is an error: a crash, or what a sanitizer found."""
        if self._process is None:
            return
        code = self._end(signal.SIGTERM)
        if code != 0:
            raise CardError(f"{self.binary.name} ended with {code}; see {self.log}:\n{self.log_tail()}")

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        try:
            if self._process.poll() is None:
                self._process.send_signal(number)
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise CardError(f"{self.binary.name} did not end within {STOP_SECONDS:g} s of {number.name} and was "
                            f"killed; see {self.log}") from None
        finally:
            if self._faults is not None:
                self._faults.close()
            self._remove_short_folder()

    def _remove_short_folder(self) -> None:
        if self._short_folder is not None:
            shutil.rmtree(self._short_folder, ignore_errors=True)

# SPDX-License-Identifier: Apache-2.0
"""The command channel into the guest: qemu-guest-agent over virtio-serial. Exit codes and output arrive whole."""

import base64
import random
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from testbed.errors import DeadlinePassed, TestbedError
from testbed.jsonsocket import JsonSocket

_REPLY_SECONDS = 60.0
# Seconds: the agent has no event for the end of a program. To ask takes an emulated guest a millisecond.
_FIRST_POLL, _SLOWEST_POLL, _POLL_GROWTH = 0.002, 0.05, 1.2
_FILE_CHUNK = 4 << 20


@dataclass(frozen=True)
class Result:
    """How a program in the guest ended. exit_code is negative (-N) when signal N ended it, as in subprocess."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text, without the last line's end."""
        return self.stdout.decode(errors="replace").rstrip("\n")

    def check(self) -> "Result":
        """Returns itself, or raises TestbedError when the exit code is not 0."""
        if self.exit_code != 0:
            raise TestbedError(f"in the guest, {' '.join(self.argv)!r} ended with {self.exit_code}\n"
                               f"{self.stdout.decode(errors='replace')}{self.stderr.decode(errors='replace')}".rstrip())
        return self


class GuestProcess:
    """A program that was started in the guest and may still run."""

    def __init__(self, agent: "Agent", pid: int, argv: tuple[str, ...]) -> None:
        self._agent, self.pid, self.argv = agent, pid, argv
        self._result: Result | None = None

    def poll(self) -> Result | None:
        """Its result if it has ended, else None."""
        if self._result:
            return self._result
        status = self._agent.command("guest-exec-status", pid=self.pid)
        if not status["exited"]:
            return None
        if status.get("out-truncated") or status.get("err-truncated"):
            raise TestbedError(f"{self.argv} wrote more than the guest agent carries; let it write to a file instead")
        code = -status["signal"] if "signal" in status else status["exitcode"]
        self._result = Result(self.argv, code, base64.b64decode(status.get("out-data", "")),
                              base64.b64decode(status.get("err-data", "")))
        return self._result

    def wait(self, timeout: float, meanwhile: Callable[[], None] = lambda: None) -> Result:
        """Its result; kills it and raises DeadlinePassed when it runs for longer than `timeout` seconds. `meanwhile` is
        called every now and then."""
        end, pause = time.monotonic() + timeout, _FIRST_POLL
        while not (result := self.poll()):
            if time.monotonic() > end:
                self.kill()
                raise DeadlinePassed(f"in the guest, {' '.join(self.argv)!r} was still running after {timeout:.0f} s")
            meanwhile()
            time.sleep(pause)
            pause = min(pause * _POLL_GROWTH, _SLOWEST_POLL)
        return result

    def kill(self, signal: int = 9) -> None:
        """Sends it a signal (SIGKILL by default). One that has ended already is no error."""
        self._agent.run(["kill", f"-{signal}", str(self.pid)], timeout=20)


class Agent:
    """A conversation with the guest's agent."""

    def __init__(self, connection: socket.socket) -> None:
        self._json = JsonSocket(connection, "the guest agent")

    def synchronize(self, deadline: float) -> None:
        """Waits until the agent answers, at most `deadline` seconds, and drops what it said before."""
        token, end = random.getrandbits(31), time.monotonic() + deadline
        self._json.send_bytes(b"\xff")
        self._json.send({"execute": "guest-sync-delimited", "arguments": {"id": token}})
        while self._json.receive(end).get("return") != token:
            pass

    def command(self, name: str, **arguments: object):
        """Runs an agent command and returns its result. Argument names have _ where the agent has -."""
        words = {key.replace("_", "-"): value for key, value in arguments.items()}
        number, end = self._json.request(name, words), time.monotonic() + _REPLY_SECONDS
        while (reply := self._json.receive(end)).get("id", number) != number:
            pass  # too late: whoever asked has given up
        if "error" in reply:
            raise TestbedError(f"the guest agent refused {name}: {reply['error'].get('desc')}")
        return reply["return"]

    def start(self, argv: Sequence[str] | str, *, data: bytes | None = None) -> GuestProcess:
        """Starts a program (a list) or a shell command line (a string); `data` becomes its standard input."""
        words = ("/bin/sh", "-c", argv) if isinstance(argv, str) else tuple(argv)
        extra = {} if data is None else {"input_data": base64.b64encode(data).decode()}
        reply = self.command("guest-exec", path=words[0], arg=list(words[1:]), capture_output=True, **extra)
        return GuestProcess(self, reply["pid"], words)

    def run(self, argv: Sequence[str] | str, *, timeout: float = 30, data: bytes | None = None) -> Result:
        """Runs a program to its end, at most `timeout` seconds, whatever its exit code."""
        return self.start(argv, data=data).wait(timeout)

    def write_file(self, path: str, data: bytes) -> None:
        """Writes a file in the guest."""
        handle = self.command("guest-file-open", path=path, mode="w")
        try:
            for at in range(0, len(data), _FILE_CHUNK):
                chunk = data[at:at + _FILE_CHUNK]
                written = self.command("guest-file-write", handle=handle, buf_b64=base64.b64encode(chunk).decode())
                if written["count"] != len(chunk):
                    raise TestbedError(f"the guest wrote {written['count']} of {len(chunk)} bytes to {path}: "
                                       "is its memory full?")
        finally:
            self.command("guest-file-close", handle=handle)

    def read_file(self, path: str) -> bytes:
        """Reads a file of the guest, whole."""
        handle, data = self.command("guest-file-open", path=path, mode="r"), bytearray()
        try:
            while True:
                part = self.command("guest-file-read", handle=handle, count=_FILE_CHUNK)
                data += base64.b64decode(part["buf-b64"])
                if part["eof"] or part["count"] == 0:
                    return bytes(data)
        finally:
            self.command("guest-file-close", handle=handle)

    def open_file(self, path: str) -> int:
        """Opens a file of the guest for `read_part`. It stays open for as long as the guest runs."""
        return self.command("guest-file-open", path=path, mode="r")

    def read_part(self, handle: int) -> bytes:
        """What the file has got since the last reading, a few MiB at most; nothing when it has not grown."""
        return base64.b64decode(self.command("guest-file-read", handle=handle, count=_FILE_CHUNK)["buf-b64"])

    def close(self) -> None:
        """Closes the conversation."""
        self._json.close()

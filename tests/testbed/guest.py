# SPDX-License-Identifier: Apache-2.0
"""A guest: stock QEMU, Debian's kernel, our initramfs, and the cards that are plugged in."""

import shlex
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from testbed.agent import Agent, GuestProcess, Result
from testbed.card import CardProcess
from testbed.command import tail
from testbed.errors import DeadlinePassed, TestbedError
from testbed.jsonsocket import PeerGone
from testbed.machine import AGENT_PORT, GuestSpec, arguments, card_arguments, card_device
from testbed.qmp import Qmp

_BOOT_SECONDS = 90.0
_END_SECONDS = 10.0


class Guest:
    """A running guest. Use as a context manager; leaving it ends QEMU.

    Its folder receives serial.log (the console), qemu.log (QEMU's own words) and command (what was run). `cards` are
    there from the start; `plug` adds one later. `extra` words go to QEMU as they are.
    """

    def __init__(self, spec: GuestSpec, folder: Path, cards: Sequence[CardProcess] = (),
                 extra: Sequence[str] = ()) -> None:
        self.spec, self.folder, self.cards = spec, folder, list(cards)
        self._extra = list(extra)
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Guest":
        try:
            self.boot()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def card(self) -> CardProcess:
        """The first card's process."""
        return self.cards[0]

    def boot(self) -> None:
        """Starts QEMU and waits until the guest agent answers."""
        self._start([*card_arguments([card.socket for card in self.cards]), *self._extra])
        try:
            self.monitor.negotiate()
            self.monitor.wait_event("VSERPORT_CHANGE", _BOOT_SECONDS, id="agent", open=True)
            self.agent.synchronize(_BOOT_SECONDS)
        except (PeerGone, DeadlinePassed) as error:
            raise TestbedError(f"the guest did not come up: {error}\n{self.last_words()}") from None

    def plug(self, card: CardProcess) -> None:
        """Plugs a running card into the next free port. The guest finds it a moment later."""
        self.monitor.command("device_add", **card_device(len(self.cards), card.socket))
        self.cards.append(card)

    def _start(self, words: Sequence[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        monitor, monitor_peer = socket.socketpair()
        agent, agent_peer = socket.socketpair()
        argv = [*self.spec.qemu.argv, *arguments(self.spec),
                "-serial", f"file:{self.folder / 'serial.log'}",
                "-chardev", f"socket,id=monitor,fd={monitor_peer.fileno()}", "-mon", "chardev=monitor,mode=control",
                "-chardev", f"socket,id=agent,fd={agent_peer.fileno()}",
                "-device", f"virtserialport,chardev=agent,id=agent,name={AGENT_PORT}", *words]
        (self.folder / "command").write_text(shlex.join(argv) + "\n")
        with (self.folder / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(argv, env=self.spec.qemu.environment(), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log,
                                             pass_fds=[monitor_peer.fileno(), agent_peer.fileno()])
        monitor_peer.close()
        agent_peer.close()
        self.monitor, self.agent = Qmp(monitor), Agent(agent)

    def run(self, argv: Sequence[str] | str, *, timeout: float = 30, input: bytes | None = None,
            check: bool = True) -> Result:
        """Runs a program (list) or shell line (string) in the guest to its end; with `check`, other than 0 raises."""
        try:
            result = self.agent.run(argv, timeout=timeout, data=input)
        except PeerGone:
            raise TestbedError(f"the guest ended while it ran {argv!r}\n{self.last_words()}") from None
        return result.check() if check else result

    def start(self, argv: Sequence[str] | str) -> GuestProcess:
        """Starts a program in the guest and returns at once."""
        return self.agent.start(argv)

    def write_file(self, path: str, data: bytes) -> None:
        """Writes a file in the guest."""
        self.agent.write_file(path, data)

    def read_file(self, path: str) -> bytes:
        """Reads a file of the guest."""
        return self.agent.read_file(path)

    def load_driver(self, parameters: str = "") -> None:
        """Loads the driver under test."""
        self.run(f"insmod {self.spec.driver} {parameters}")

    def dmesg(self) -> str:
        """The guest's kernel log so far."""
        return self.run(["dmesg"]).text

    def uptime(self) -> float:
        """Seconds of guest time since its kernel started."""
        return float(self.run(["cat", "/proc/uptime"]).text.split()[0])

    @property
    def alive(self) -> bool:
        """Whether QEMU still runs."""
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """Ends QEMU. One that does not end in time is killed. Safe to call twice."""
        if self._process is None:
            return
        process, self._process = self._process, None
        try:
            process.terminate()
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END_SECONDS)
        finally:
            for connection in (getattr(self, "monitor", None), getattr(self, "agent", None)):
                if connection:
                    connection.close()

    def last_words(self) -> str:
        """What QEMU and the guest's console said last, for an error's text."""
        parts = []
        for name in ("qemu.log", "serial.log"):
            path = self.folder / name
            if path.exists() and path.stat().st_size:
                parts.append(f"the end of {path}:\n{tail(path.read_text(errors='replace'))}")
        return "\n".join(parts) or f"(nothing was said in {self.folder})"

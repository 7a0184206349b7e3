# SPDX-License-Identifier: Apache-2.0
"""A guest: stock QEMU, Debian's kernel, our initramfs, and the cards that are plugged in."""

import json
import shlex
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.accelerator import Accelerator
from testbed.agent import Agent, GuestProcess, Result
from testbed.command import tail
from testbed.errors import DeadlinePassed, TestbedError
from testbed.jsonsocket import PeerGone
from testbed.qemu import Qemu
from testbed.qmp import Qmp

if TYPE_CHECKING:
    from testbed.card import CardProcess

_BOOT_SECONDS = 90.0
_END_SECONDS = 10.0
_AGENT_PORT = "org.qemu.guest_agent.0"
# The kernel tests its own cryptography at every boot, which takes an emulated processor half a second.
_COMMAND_LINE = "console=ttyS0 loglevel=5 panic=-1 cryptomgr.notests"
_MODULE = "/opt/prd32/prd32.ko"


@dataclass(frozen=True)
class GuestSpec:
    """What to boot. `memory` as QEMU writes sizes (512M); `append` is added to the kernel command line."""

    qemu: Qemu
    accelerator: Accelerator
    kernel: Path
    initramfs: Path
    memory: str = "512M"
    cpus: int = 1
    append: str = ""


def arguments(spec: GuestSpec, cards: Sequence[Path]) -> list[str]:
    """QEMU's arguments for this guest, without those of its console, monitor and agent. `cards`: their sockets."""
    words = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
             "-machine", "q35,memory-backend=ram", "-accel", spec.accelerator.name, "-cpu", "max",
             # The card reaches guest memory through this file descriptor, so it must be a shared one.
             "-object", f"memory-backend-memfd,id=ram,size={spec.memory},share=on", "-m", spec.memory,
             "-smp", str(spec.cpus), "-kernel", str(spec.kernel), "-initrd", str(spec.initramfs),
             "-append", f"{_COMMAND_LINE} {spec.append}".strip(),
             "-device", "virtio-serial-pci"]
    for number, path in enumerate(cards):
        words += ["-device", f"pcie-root-port,id=port{number},chassis={number + 1},io-reserve=4k",
                  "-device", json.dumps({"driver": "vfio-user-pci", "id": f"card{number}", "bus": f"port{number}",
                                         "socket": {"type": "unix", "path": str(path)}})]
    return words


class Guest:
    """A running guest. Use as a context manager; leaving it ends QEMU.

    Its folder receives serial.log (the console), qemu.log (QEMU's own words) and command (what was run).
    """

    def __init__(self, spec: GuestSpec, folder: Path, card: "CardProcess | None" = None) -> None:
        self.spec, self.folder, self.card = spec, folder, card
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

    def boot(self) -> None:
        """Starts QEMU and waits until the guest agent answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        monitor, monitor_peer = socket.socketpair()
        agent, agent_peer = socket.socketpair()
        argv = [*self.spec.qemu.argv, *arguments(self.spec, [self.card.socket] if self.card else []),
                "-serial", f"file:{self.folder / 'serial.log'}",
                "-chardev", f"socket,id=monitor,fd={monitor_peer.fileno()}", "-mon", "chardev=monitor,mode=control",
                "-chardev", f"socket,id=agent,fd={agent_peer.fileno()}",
                "-device", f"virtserialport,chardev=agent,id=agent,name={_AGENT_PORT}"]
        (self.folder / "command").write_text(shlex.join(argv) + "\n")
        with (self.folder / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(argv, env=self.spec.qemu.environment(), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log,
                                             pass_fds=[monitor_peer.fileno(), agent_peer.fileno()])
        monitor_peer.close()
        agent_peer.close()
        self.monitor, self.agent = Qmp(monitor), Agent(agent)
        try:
            self.monitor.negotiate()
            self.monitor.wait_event("VSERPORT_CHANGE", _BOOT_SECONDS, id="agent", open=True)
            self.agent.synchronize(_BOOT_SECONDS)
        except (PeerGone, DeadlinePassed) as error:
            raise TestbedError(f"the guest did not come up: {error}\n{self.last_words()}") from None

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
        """Loads prd32.ko."""
        self.run(f"insmod {_MODULE} {parameters}")

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

# SPDX-License-Identifier: Apache-2.0
"""A guest: stock QEMU, Debian's kernel, our initramfs, and the cards that are plugged in."""

import shlex
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from testbed import filesport
from testbed.agent import Agent, GuestProcess, Result
from testbed.card import CardProcess
from testbed.command import tail, tied
from testbed.errors import DeadlinePassed, TestbedError
from testbed.filesport import FilesPort
from testbed.jsonsocket import PeerGone
from testbed.machine import AGENT_PORT, GuestSpec, arguments, card_arguments, card_device
from testbed.qmp import Qmp
from testbed.ram import Ram, size_of

_BOOT_SECONDS = 90.0
_SAVE_SECONDS = 120.0
_RESTORE_SECONDS = 60.0
_PLUG_SECONDS = 60.0
_END_SECONDS = 10.0

# x-ignore-shared: RAM in a file is the testbed's to save; mapped-ram: of other memory, each page has its place in the
# file, so that only pages in use are read; events: no need to poll.
_CAPABILITIES = [{"capability": name, "state": True} for name in ("x-ignore-shared", "mapped-ram", "events")]
# A card is found, and its driver's probe has returned, when the kernel lets go of the lock that rescanning needs, too.
_FOUND = """until set -- /sys/bus/pci/devices/*/0000:??:??.?/rescan && [ -e "$1" ] && [ $# -ge {count} ]; do :; done
for rescan; do echo 1 >"$rescan"; done"""
_BOUND = """for card in /sys/bus/pci/devices/*/0000:??:??.?; do
    [ -e "$card/driver" ] || { echo "no driver took the card ${card##*/}"; dmesg | tail; exit 1; }
done >&2"""


class Guest:
    """A running guest. Use as a context manager; leaving it ends QEMU.

    Its folder receives serial.log (the console), qemu.log (QEMU's own words) and command (what was run). `cards` are
    there from the start; `plug` adds one later. `extra` words go to QEMU as they are. With `terminal`, the console and
    QEMU's monitor (Ctrl-A C switches) have this process's terminal until QEMU ends.
    """

    def __init__(self, spec: GuestSpec, folder: Path, cards: Sequence[CardProcess] = (),
                 extra: Sequence[str] = (), *, terminal: bool = False) -> None:
        self._terminal = terminal
        self.spec, self.folder, self.cards = spec, folder, list(cards)
        self._extra = list(extra)
        self._process: subprocess.Popen | None = None
        self._ram: Ram | None = None
        self._setting_clock: GuestProcess | None = None

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
        self._start([*card_arguments([card.socket for card in self.cards], self.spec.patience), *self._extra])
        if self._ram:
            self._ram.prepare()  # while QEMU starts
        try:
            self.monitor.negotiate()
            self.monitor.wait_event("VSERPORT_CHANGE", _BOOT_SECONDS, id="agent", open=True)
            self.agent.synchronize(_BOOT_SECONDS)
        except (PeerGone, DeadlinePassed) as error:
            raise TestbedError(f"the guest did not come up: {error}\n{self.last_words()}") from None

    def save(self, path: Path) -> None:
        """Writes the guest as it is now to a file, of which `load` makes guests. This one is stopped for good then."""
        self.monitor.command("stop")
        self.monitor.command("migrate-set-capabilities", capabilities=_CAPABILITIES)
        self.monitor.command("migrate", uri=self._uri(path))
        self._migrated(_SAVE_SECONDS)
        if self._ram:
            self._ram.save(path)

    def load(self, snapshot: Path) -> None:
        """Starts a QEMU that loads what `save` wrote, and does not wait for it; `resume` lets the guest run on."""
        self._start(["-incoming", "defer", "-S", *self._extra])
        if self._ram:
            self._ram.fill(snapshot)  # while QEMU starts
        self._loading = [(name, self.monitor.post(name, **words)) for name, words in (
            ("qmp_capabilities", {}), ("migrate-set-capabilities", {"capabilities": _CAPABILITIES}),
            ("migrate-incoming", {"uri": self._uri(snapshot)}))]

    def _uri(self, path: Path) -> str:
        """Where QEMU keeps the state of a saved guest: in a file, behind RAM that is not its own."""
        return f"file:{path},offset={self._ram.size if self._ram else 0}"

    def resume(self, cards: Sequence[CardProcess] = ()) -> None:
        """Lets a loaded guest run on. The cards are plugged in at that moment; `await_cards`, which has to follow,
        waits for the kernel."""
        try:
            for name, number in self._loading:
                self.monitor.reply(number, name)
            self._migrated(_RESTORE_SECONDS)
            for card in cards:
                self.plug(card)
            self.monitor.command("cont")
            self.agent.synchronize(_RESTORE_SECONDS)
            # It was stopped for hours, perhaps. The agent's own guest-set-time wants /dev/rtc, which may not be there.
            self._setting_clock = self.agent.start(["date", "-s", f"@{time.time():.0f}"])
        except (PeerGone, DeadlinePassed) as error:
            raise TestbedError(f"the guest could not be restored: {error}\n{self.last_words()}") from None

    def _migrated(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            status = self.monitor.wait_event("MIGRATION", end - time.monotonic())["data"]["status"]
            if status == "completed":
                return
            if status in ("failed", "cancelled"):
                found = self.monitor.command("query-migrate")
                raise TestbedError(f"QEMU's migration {status}: {found.get('error-desc', 'it does not say why')}")

    def await_cards(self, *, driver: bool) -> None:
        """Waits until the kernel knows all cards that are plugged in; with `driver`, each must have got one by then.
        And until a restored guest's clock is right."""
        try:
            if self.cards:
                self.run(_FOUND.format(count=len(self.cards)) + (f"\n{_BOUND}" if driver else ""),
                         timeout=_PLUG_SECONDS)
        except DeadlinePassed:
            raise TestbedError(f"the guest's kernel was not done with the card after {_PLUG_SECONDS:g} s; does the "
                               f"driver's probe() hang?\n{self.last_words()}") from None
        if self._setting_clock:
            self._setting_clock.wait(_PLUG_SECONDS).check()
            self._setting_clock = None

    def plug(self, card: CardProcess) -> None:
        """Plugs a running card into the next free port. The guest finds it a moment later."""
        self.monitor.command("device_add", **card_device(len(self.cards), card.socket, self.spec.patience))
        self.cards.append(card)

    def _start(self, words: Sequence[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Where cards may not map it, RAM is QEMU's own, and so is the saving of it.
        self._ram = Ram(size_of(self.spec.ram)) if self.spec.environment.shared_memory else None
        monitor, monitor_peer = socket.socketpair()
        agent, agent_peer = socket.socketpair()
        files, files_peer = socket.socketpair()
        peers = (monitor_peer, agent_peer, files_peer)
        argv = [*self.spec.qemu.argv, *arguments(self.spec, self._ram.path if self._ram else ""),
                *self._console(),
                "-chardev", f"socket,id=monitor,fd={monitor_peer.fileno()}", "-mon", "chardev=monitor,mode=control",
                "-chardev", f"socket,id=agent,fd={agent_peer.fileno()}",
                "-device", f"virtserialport,chardev=agent,id=agent,name={AGENT_PORT}",
                "-chardev", f"socket,id=files,fd={files_peer.fileno()}",
                "-device", f"virtserialport,chardev=files,id=files,name={filesport.NAME}", *words]
        (self.folder / "command").write_text(shlex.join(argv) + "\n")
        with (self.folder / "qemu.log").open("wb") as log:
            talk = {} if self._terminal else {"stdin": subprocess.DEVNULL, "stdout": log}
            self._process = subprocess.Popen(tied(argv), env=self.spec.qemu.environment(), stderr=log, **talk,
                                             pass_fds=[*(peer.fileno() for peer in peers),
                                                       *([self._ram.fd] if self._ram else [])])
        for peer in peers:
            peer.close()
        self.monitor, self.agent = Qmp(monitor), Agent(agent)
        self._files = FilesPort(files, self.agent)

    def _console(self) -> list[str]:
        log = self.folder / "serial.log"
        if not self._terminal:
            return ["-serial", f"file:{log}"]
        return ["-chardev", f"stdio,id=terminal,mux=on,signal=off,logfile={log}", "-serial", "chardev:terminal",
                "-mon", "chardev=terminal,mode=readline"]

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
        way = self._files if len(data) >= filesport.WORTH_IT else self.agent
        way.write_file(path, data)

    def read_file(self, path: str) -> bytes:
        """Reads a file of the guest."""
        return self.agent.read_file(path)

    def load_driver(self, parameters: str = "") -> None:
        """Loads the driver under test and what it depends on, once the IOMMU treats devices as the environment wants.
        `parameters` stand in place of those that this run is for."""
        if kind := self.spec.environment.iommu_type:
            self.run(f'for type in /sys/kernel/iommu_groups/*/type; do grep -qx {kind} "$type" || '
                     f'echo {kind} >"$type" || exit; done')
        if self.spec.needs:
            self.run(["modprobe", "-a", *self.spec.needs])
        self.run(f"insmod {self.spec.driver} {parameters or self.spec.parameters}")

    def unload_driver(self) -> None:
        """Takes the driver under test out again."""
        self.run(["rmmod", Path(self.spec.driver).stem])

    def dmesg(self) -> str:
        """The guest's kernel log so far."""
        return self.run(["dmesg"]).text

    def uptime(self) -> float:
        """Seconds of guest time since its kernel started."""
        return float(self.run(["cat", "/proc/uptime"]).text.split()[0])

    def wait(self) -> int:
        """Waits, without a deadline, until QEMU ends by itself; returns its exit status."""
        assert self._process is not None, "the guest was not started"
        return self._process.wait()

    @property
    def pid(self) -> int:
        """QEMU's process id."""
        assert self._process is not None, "the guest was not started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether QEMU still runs."""
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """Ends QEMU, at once: a guest has nothing to keep. Safe to call twice."""
        if self._ram:
            self._ram.close()
        if self._process is None:
            return
        process, self._process = self._process, None
        try:
            if self._terminal:
                process.terminate()  # so that it leaves the terminal as it was
            else:
                process.kill()
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END_SECONDS)
        finally:
            for name in ("monitor", "agent", "_files"):
                if connection := getattr(self, name, None):
                    connection.close()

    def last_words(self) -> str:
        """What QEMU and the guest's console said last, for an error's text."""
        parts = []
        for name in ("qemu.log", "serial.log"):
            path = self.folder / name
            if path.exists() and path.stat().st_size:
                parts.append(f"the end of {path}:\n{tail(path.read_text(errors='replace'))}")
        return "\n".join(parts) or f"(nothing was said in {self.folder})"

# SPDX-License-Identifier: Apache-2.0
"""QEMU's arguments for a guest: machine, memory, kernel, ports for cards; what an environment changes is in its words.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed import devicetree
from testbed.accelerator import Accelerator
from testbed.environment import Environment
from testbed.kernels import Kernel
from testbed.qemu import Qemu

# The kernel tests its own cryptography at every boot, which takes an emulated processor half a second.
_COMMAND_LINE = "loglevel=5 panic=-1 cryptomgr.notests"
_FIRST_SLOT = 0x10  # of the cards' ports on bus 0; guest-image/device-trees names it, too
_TOOLS_SLOT = 0x18
TOOLS_PORT = "tools-port"  # where testbed.toolsdisk plugs its disk
# What a port keeps free for the memory BAR of a card that is plugged in later: the largest has 1 GiB, and may need as
# much again to be aligned in the window. On x86 the firmware lays out windows, and the port tells it.
_MEMORY_WINDOW = "2G"
_PRIVATE = "memory-backend-ram,share=off"
AGENT_PORT = "org.qemu.guest_agent.0"


@dataclass(frozen=True)
class _Architecture:
    machine: str
    console: str
    cpu: str
    devices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # for the kernel's command line
    emulated: str = ""  # added to the processor's name, where it is an emulated one
    port: str = ""  # added to the port of each card


_ARCHITECTURES = {
    "x86_64": _Architecture(
        "q35", "ttyS0", "max",
        # vmgenid tells the kernel that it is a copy, so that guests of one snapshot draw different random numbers.
        devices=("-device", "vmgenid,guid=auto"),
        # An emulated timer that a busy machine serves late is not a broken one.
        words=("no_timer_check",),
        # With 40 bits, which are usual, the firmware would put windows of 64 bits where its own map of the memory
        # reserves addresses for AMD's HyperTransport, and the kernel could place nothing there. Told that bytes move
        # quickly (ERMS, FSRM), the kernel moves bytes; emulated, words are quicker.
        emulated=",phys-bits=39,erms=off,fsrm=off", port=f",pref64-reserve={_MEMORY_WINDOW}"),
    "aarch64": _Architecture(
        # Pointer authentication, which `max` has, costs an emulated processor a third of its speed.
        "virt,gic-version=3", "ttyAMA0", "cortex-a57", words=(f"pci=hpmmioprefsize={_MEMORY_WINDOW}",)),
}


@dataclass(frozen=True)
class GuestSpec:
    """What to boot. `memory` as QEMU writes sizes, "" for the environment's; `append` is added to the kernel command
    line; `driver` is the module's path in the guest, `needs` the kernel's modules that go before it, `parameters` are
    its own."""

    environment: Environment
    qemu: Qemu
    accelerator: Accelerator
    kernel: Kernel
    initramfs: Path
    driver: str
    memory: str = ""
    append: str = ""
    needs: tuple[str, ...] = ()
    parameters: str = ""
    patience: float = 0.0  # seconds that QEMU waits for a card's reply before it gives the card up; 0: QEMU's own 5 s

    @property
    def ram(self) -> str:
        """The guest's RAM, as QEMU takes sizes."""
        return self.memory or self.environment.memory

    @property
    def cell_name(self) -> str:
        """The cell's name: vtd/6.12."""
        return f"{self.environment.name}/{self.kernel.name}"

    def command_line(self) -> str:
        """The kernel's command line."""
        arch, modules = _ARCHITECTURES[self.kernel.arch], ",".join(self.environment.modules)
        words = [f"console={arch.console}", _COMMAND_LINE, *arch.words, self.environment.append,
                 f"prd32.modules={modules}" if modules else "", self.append]
        return " ".join(word for word in words if word)


def arguments(spec: GuestSpec, ram: str = "") -> list[str]:
    """QEMU's arguments for this guest, without those of its console, monitor and agent, and without its cards: each
    has a port, `card_device` says what to plug there. One more port is for the disk of tools. `ram`: the file that is
    the guest's RAM, where others may map it."""
    environment, arch = spec.environment, _ARCHITECTURES[spec.kernel.arch]
    machine = ",".join(word for word in (arch.machine, "memory-backend=ram", environment.machine) if word)
    # The card reaches guest memory through a file descriptor of it, so it must be a shared one; aligned, so that huge
    # pages of it are mapped by one entry.
    backend = f"memory-backend-file,share=on,align=2M,mem-path={ram}" if environment.shared_memory else _PRIVATE
    cpu = arch.cpu + (arch.emulated if spec.accelerator.name == "tcg" else "")
    board = ["-nodefaults", "-no-user-config", "-display", "none", "-cpu", cpu,
             "-m", spec.ram, "-smp", str(environment.cpus), *environment.qemu]
    words = [*_memory(backend, spec), *board, "-no-reboot", "-machine", machine, "-accel", spec.accelerator.name,
             "-kernel", str(spec.kernel.image), "-initrd", str(spec.initramfs), "-append", spec.command_line(),
             *arch.devices, "-device", "virtio-serial-pci"]
    if environment.device_tree:
        like = [*_memory(_PRIVATE, spec), *board]
        words += ["-dtb", str(devicetree.edited(environment.device_tree, spec.qemu, machine, like))]
    for number in range(environment.cards):
        words += ["-device", f"pcie-root-port,id=port{number},chassis={number + 1},addr={_FIRST_SLOT + number:#x},"
                             f"io-reserve=4k{arch.port}"]
    return [*words, "-device", f"pcie-root-port,id={TOOLS_PORT},chassis=99,addr={_TOOLS_SLOT:#x},io-reserve=0"]


def _memory(backend: str, spec: GuestSpec) -> list[str]:
    return ["-object", f"{backend},id=ram,size={spec.ram}"]


def card_device(number: int, socket: Path, patience: float = 0.0) -> dict:
    """The device to add for card `number` (from 0), as QEMU's -device and device_add take it."""
    waits = {"x-msg-timeout": round(patience * 1000)} if patience else {}  # milliseconds
    return {"driver": "vfio-user-pci", "id": f"card{number}", "bus": f"port{number}",
            "socket": {"type": "unix", "path": str(socket)}, **waits}


def card_arguments(sockets: Sequence[Path], patience: float = 0.0) -> list[str]:
    """QEMU's arguments for cards that are there from the start."""
    return [word for number, socket in enumerate(sockets)
            for word in ("-device", json.dumps(card_device(number, socket, patience)))]

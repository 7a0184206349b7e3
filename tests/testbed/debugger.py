# SPDX-License-Identifier: Apache-2.0
"""gdb on a guest: QEMU's stub on a UNIX socket, and a file of gdb commands that knows the kernel and the driver."""

import platform
import re
from pathlib import Path

from testbed import guestbuild, options, places
from testbed.errors import TestbedError
from testbed.guest import Guest
from testbed.workshop import Software

# Seconds that QEMU shall wait for a card, or a card for its debugger: a day at a breakpoint breaks no link.
PATIENCE = 24 * 3600.0
APPEND = "nokaslr"  # so that addresses are those of vmlinux
# What gdb can use; the rest is the kernel's own book-keeping, or freed once the driver is loaded.
_SECTION = re.compile(r"\.(text|data|bss|rodata|noinstr)\b.*")


def listen(guest: Guest, socket: Path) -> None:
    """Lets QEMU's gdb stub listen at `socket`. The guest runs on until a gdb connects."""
    said = guest.monitor.command("human-monitor-command", command_line=f"gdbserver unix:{socket},server=on,wait=off")
    if "Waiting for gdb connection" not in str(said):
        raise TestbedError(f"QEMU's gdb stub does not listen: {said}")


def write_commands(guest: Guest, software: Software, socket: Path, path: Path) -> None:
    """Writes what `gdb -x` needs to connect: kernel symbols where there are some, and those of the loaded driver."""
    lines = ["set confirm off", "set pagination off"]
    if symbols := software.kernel.symbols:
        # With this, gdb loads the kernel's own commands beside vmlinux: lx-dmesg, lx-ps, lx-symbols and more.
        lines += [f"add-auto-load-safe-path {symbols.parent}", f"file {symbols}"]
    elif software.kernel.arch == "x86_64":
        lines += ["set architecture i386:x86-64"]
    else:
        lines += ["set architecture aarch64"]
    lines.append(f"target remote {socket}")
    if sections := _sections(guest, software):
        text = sections.pop(".text")
        words = [f"add-symbol-file {software.module} {text}", *(f"-s {name} {at}" for name, at in sections.items())]
        lines += [" ".join(words), f"set substitute-path {guestbuild.MODULE_PLACE} {software.source}"]
    path.write_text("\n".join(lines) + "\n")


def advice(software: Software, path: Path, cell_words: list[str]) -> str:
    """The one command to type, and what it will know."""
    gdb = "gdb" if software.kernel.arch == platform.machine() else "gdb-multiarch"
    lines = [f"{gdb} -x {places.shown(path)}"]
    if not software.kernel.symbols:
        lines.append("  It knows the driver's symbols, not the kernel's: Debian has those of "
                     f"{software.kernel.release} in a debug package of a gigabyte.")
        if software.kernel.arch == "x86_64":
            better = options.again("shell", *cell_words, "--kernel", "debug", "--gdb")
            lines[-1] += f" The debug kernel has them: {better}"
    return "\n".join(lines)


def _sections(guest: Guest, software: Software) -> dict[str, str]:
    """Where the driver's sections are in the guest; nothing when it is not loaded."""
    folder = f"/sys/module/{module_name(software.driver)}/sections"
    said = guest.run(f"cd {folder} 2>/dev/null && for name in .[a-z]*; do echo $name $(cat $name); done", check=False)
    found = dict(line.split() for line in said.text.splitlines() if _SECTION.fullmatch(line.split()[0]))
    return found if ".text" in found else {}


def module_name(driver: str) -> str:
    """What the kernel calls the module of this file."""
    return Path(driver).stem.replace("-", "_")

# SPDX-License-Identifier: Apache-2.0
"""What a failure leaves behind: one folder with everything that is known about it, and a script that repeats it."""

import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from testbed import accelerator, kernellog, places, qemu
from testbed.errors import DeadlinePassed, TestbedError
from testbed.guest import Guest

_PASSED_ON = (accelerator.OVERRIDE, *qemu.OVERRIDES.values())  # what the command line cannot say
_TOO_BIG = (".cpio", ".bin", ".snapshot")  # what can be built again
# What only a living guest can tell, each a file of the folder.
_OF_GUEST = {
    "interrupts": "cat /proc/interrupts",
    "memory": "cat /proc/meminfo /proc/vmstat",
    "modules": "cat /proc/modules; ls -l /sys/bus/pci/devices/*/driver",
    "processes": "ps -o pid,ppid,stat,comm,args; for p in /proc/[0-9]*; do echo $p $(cat $p/comm); cat $p/stack; done",
    "debugfs": "cd /sys/kernel/debug; for f in $(find prd32* swiotlb dma-api/[^d]* kmemleak -type f 2>/dev/null); do "
               "echo \"== $f\"; head -c 65536 $f; done",
}
_REPRODUCE = """#!/bin/sh
# Runs it again, in the same cell, from wherever this script is started. The exit status is 0 when nothing fails.
# What the new run leaves is in the folder that REPRODUCE names, by default build/reproduced.
cd {top} || exit 2
export PRD32_OUTPUT="${{REPRODUCE:-$PWD/build/reproduced}}"
unset PRD32_WORKSHOP
{variables}{commands}
"""


def fresh_folder(path: Path) -> Path:
    """An empty folder at `path`; what was there before is gone."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


class Evidence:
    """Collects what a run leaves in `folder`; `guest` may be set while it is alive, for what only it can tell; `how`
    says how it came to be, for people. `commands` repeat the run."""

    def __init__(self, folder: Path, commands: Sequence[str]) -> None:
        self.folder, self._commands = folder, commands
        self.guest: Guest | None = None
        self.how = ""

    def gather(self) -> None:
        """Adds what only a living guest can tell: its whole kernel log and more. One that is gone has serial.log; one
        that does not answer once is not asked again, as each question would take its whole time."""
        guest = self.guest
        if not guest:
            return
        self._write("environment", lambda: "".join(f"{name}: {value}\n" for name, value in self._environment(guest)))
        for card in guest.cards:
            with suppress(TestbedError):  # it hangs, which the judge says
                if card.poll() is None:
                    card.stats()  # renews the file that it has
        if not guest.alive:
            return
        questions = {"kernel.log": lambda: _kernel_log(guest)} | {
            name: lambda script=script: guest.run(f"{script} 2>&1", check=False).text
            for name, script in _OF_GUEST.items()}
        for name, ask in questions.items():
            if not self._write(name, ask):
                break

    def keep(self, name: str, reason: str) -> Path:
        """Copies it all to the failures folder under this name and returns where."""
        target = fresh_folder(places.FAILURES / name)
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.suffix not in _TOO_BIG:
                copy = target / path.relative_to(self.folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy)
        (target / "reason").write_text(reason + "\n")
        script = target / "reproduce"
        given = "".join(f"export {name}={shlex.quote(os.environ[name])}\n" for name in _PASSED_ON if name in os.environ)
        script.write_text(_REPRODUCE.format(top=shlex.quote(str(places.TOP)), variables=given,
                                            commands="\n".join(self._commands)))
        script.chmod(0o755)
        return target

    def _environment(self, guest: Guest) -> list[tuple[str, str]]:
        spec = guest.spec
        return [("cell", spec.cell_name), ("guest", self.how), ("kernel", spec.kernel.release),
                ("kernel command line", spec.command_line()), ("RAM", spec.ram), ("QEMU", spec.qemu.version),
                ("accelerator", spec.accelerator.name), ("driver", spec.driver), ("cards", str(len(guest.cards)))]

    def _write(self, name: str, what: Callable[[], str]) -> bool:
        """Evidence is worth having in part: what cannot be had says why. False when it was waited for in vain."""
        answered = True
        try:
            text = what()
        except (TestbedError, OSError) as error:
            text, answered = f"not to be had: {error}", not isinstance(error, DeadlinePassed)
        (self.folder / name).write_text(text.rstrip("\n") + "\n")
        return answered


def _kernel_log(guest: Guest) -> str:
    command, mark = kernellog.command()
    said = guest.run(command, check=False).text + "\n"
    reading = kernellog.parse(said, mark)
    if not reading:
        return f"(it was overwritten faster than it could be read; this is what came)\n{said}"
    return (f"({reading.lost} messages were lost; serial.log may have them)\n" if reading.lost else "") + reading.text


@contextmanager
def kept_on_failure(name: str, folder: Path, commands: list[str]) -> Iterator[Evidence]:
    """Keeps the evidence when the body raises; a TestbedError then also names the folder."""
    evidence = Evidence(folder, commands)
    try:
        yield evidence
    except BaseException as error:
        target = evidence.keep(name, f"{type(error).__name__}: {error}")
        if isinstance(error, TestbedError):
            raise type(error)(f"{error}\nLogs and how to repeat it: {places.shown(target)}") from None
        raise

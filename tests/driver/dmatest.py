# SPDX-License-Identifier: Apache-2.0
"""The kernel's own test of dmaengine providers, drivers/dma/dmatest.c as it is, in a guest."""

import hashlib
import re
import shutil
from dataclasses import dataclass

from prd32ctl import wait_until
from testbed import guestbuild, kernelsource
from testbed.environment import Cell
from testbed.filelock import locked
from testbed.guest import Guest
from testbed.workshop import Workshop

_SUMMARY = re.compile(r"dmatest: (\S+): summary (\d+) tests, (\d+) failures .* \((-?\d+)\)$")
_RESULT = re.compile(r"dmatest: \S+: result #\d+: '([^']+)'")
_MODULE = "/tmp/dmatest.ko"
_PARAMETERS = "/sys/module/dmatest/parameters"


@dataclass(frozen=True)
class Outcome:
    """What the threads of a run said in the end. `results`: each failure's words."""

    threads: tuple[str, ...]
    tests: int
    failures: int
    results: tuple[str, ...]


def module(workshop: Workshop, cell: Cell) -> bytes:
    """dmatest.ko for this cell's kernel, compiled as a module of its own."""
    source = kernelsource.file("drivers/dma/dmatest.c")
    folder = guestbuild.OUTPUT / f"dmatest-{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}"
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            (part / "Kbuild").write_text("obj-m := dmatest.o\n")
            shutil.copy(source, part)
            part.rename(folder)
    return guestbuild.stripped(guestbuild.module(workshop.of(cell).kernel, folder)).read_bytes()


def run(guest: Guest, pci: str, timeout: float = 240, **parameters: object) -> Outcome:
    """Runs dmatest on all channels of the provider at this PCI address until each thread has done its iterations.

    The parameters are the module's. The module must be in the guest: `install`.
    """
    before = len(_said(guest))
    words = " ".join(f"{name}={value}" for name, value in parameters.items())
    guest.run(f"insmod {_MODULE} device={pci} {words}")
    guest.run(f"echo 1 > {_PARAMETERS}/run")
    # Its own way to wait sleeps so deeply that the kernel takes a slow machine for a hung task.
    wait_until(lambda: guest.run(["cat", f"{_PARAMETERS}/run"]).text == "N", "the end of dmatest", timeout)
    lines = _said(guest)[before:]
    guest.run("rmmod dmatest")
    summaries = [match for match in map(_SUMMARY.search, lines) if match]
    return Outcome(tuple(match[1] for match in summaries), sum(int(match[2]) for match in summaries),
                   sum(int(match[3]) for match in summaries),
                   tuple(match[1] for match in map(_RESULT.search, lines) if match))


def install(guest: Guest, dmatest: bytes) -> None:
    """Brings the module into the guest; `run` loads it."""
    guest.write_file(_MODULE, dmatest)


def _said(guest: Guest) -> list[str]:
    return [line for line in guest.run("dmesg", check=False).text.splitlines() if "dmatest: " in line]

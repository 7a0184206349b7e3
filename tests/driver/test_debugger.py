# SPDX-License-Identifier: Apache-2.0
"""gdb on the driver in a running guest, and a card's link that outlives a debugger's pauses."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prd32ctl import KIB, roundtrip_words
from testbed import debugger, kernels
from testbed.fixtures import lent
from testbed.guest import Guest
from testbed.lab import Lab

pytestmark = pytest.mark.environments("direct")
_PAUSE = 6  # seconds: longer than QEMU's own patience with a card, which is 5
_GDB_SECONDS = 120


@pytest.fixture
def patient(request, workshop, cell, tmp_path) -> Iterator[Guest]:
    """A guest whose link to the card waits for a debugger."""
    with Lab(workshop, cell, tmp_path, patience=debugger.PATIENCE) as lab, lent(request, lab) as guest:
        yield guest


def _gdb(workshop, cell, guest: Guest, folder: Path, *commands: str) -> subprocess.Popen:
    assert shutil.which("gdb"), "gdb is missing: ci/install-packages debug"
    debugger.listen(guest, folder / "gdb.sock")
    debugger.write_commands(guest, workshop.of(cell), folder / "gdb.sock", folder / "gdb")
    words = [word for command in commands for word in ("-ex", command)]
    return subprocess.Popen(["gdb", "-nx", "-batch", "-x", folder / "gdb", *words], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.covering  # each kernel has symbols and callers of its own
def test_breakpoint_in_the_driver(patient, workshop, cell, tmp_path):
    pause = _PAUSE if cell.kernel == kernels.DEFAULT else 0  # how long QEMU waits does not depend on the kernel
    gdb = _gdb(workshop, cell, patient, tmp_path, "break prd32_fill_table", "continue", "backtrace", "print ch->index",
               "list", "info symbol schedule", f"shell sleep {pause}", "delete", "detach")
    # From the moment that gdb connects, the guest stands still until gdb has set its breakpoint and continues.
    patient.monitor.wait_event("STOP", _GDB_SECONDS)
    transfer = patient.start(["prd32ctl", *roundtrip_words(64 * KIB)])
    said, _ = gdb.communicate(timeout=_GDB_SECONDS)
    assert gdb.returncode == 0, said
    assert "Breakpoint 1, prd32_fill_table (ch=" in said, said
    assert "prd32_start_table" in said and "$1 = 0" in said, said
    assert "int prd32_fill_table" in said, "gdb finds no sources: " + said
    if workshop.of(cell).kernel.symbols:
        assert "schedule in section .text" in said, said
        assert "vfs_write" in said, "the kernel's callers have no names: " + said
    assert transfer.wait(30).check()


@pytest.mark.thorough
def test_link_waits_for_a_stopped_card(patient, tmp_path):
    """The card, too, may stand at a breakpoint: an access of the guest waits for it."""
    card = patient.card
    os.kill(card.pid, signal.SIGSTOP)
    try:
        reading = patient.start("prd32ctl ports status --json")
        time.sleep(_PAUSE)  # that the time passes is the point: QEMU has no event for its patience
    finally:
        os.kill(card.pid, signal.SIGCONT)
    assert reading.wait(30).check()
    patient.run(["prd32ctl", *roundtrip_words(64 * KIB)])

# SPDX-License-Identifier: Apache-2.0
"""Each detector of the debug kernel goes off when asked to, and the judge makes a failure of what it says."""

import gzip
from pathlib import Path

import pytest

from testbed import debugkernel, guestbuild
from testbed.environment import Cell
from testbed.guest import Guest
from testbed.judge import Judge
from testbed.workshop import Workshop

SOURCE = Path(__file__).parent / "detectors"
# Mistake -> what the report must begin with, and what must be in it: the whole of it, to the function that did it.
REPORTS = {
    "kasan": ("BUG: KASAN: slab-use-after-free in", "Memory state around the buggy address"),
    "ubsan": ("UBSAN: shift-out-of-bounds in", "shift exponent 40 is too large"),
    "lockdep": ("WARNING: possible circular locking dependency detected", "*** DEADLOCK ***"),
    "atomic": ("BUG: sleeping function called from invalid context", "Call Trace:"),
    "dma": ("DMA-API: ", "pending DMA allocations while released from device"),
    "list": ("list_add double add", "---[ end trace"),
    "refcount": ("refcount_t: decrement hit 0; leaking memory", "---[ end trace"),
    "timer": ("ODEBUG: free active", "object type: timer_list"),
}
# What the lab promises of its debug kernel, whatever guest-image/debug.config comes to ask for.
PROMISED = ("KASAN", "UBSAN", "PROVE_LOCKING", "DEBUG_ATOMIC_SLEEP", "DMA_API_DEBUG", "DMA_API_DEBUG_SG",
            "DEBUG_KMEMLEAK", "DETECT_HUNG_TASK", "FAULT_INJECTION", "FAILSLAB", "FAIL_PAGE_ALLOC", "KUNIT", "DMATEST",
            "KCOV", "GCOV_KERNEL")
# khungtaskd looks once in so many seconds, after which a task must have slept through two of its looks.
HUNG = "cd /proc/sys/kernel && echo 1 >hung_task_timeout_secs && timeout 60 grep -q -m 1 'task hung:' /dev/kmsg"

pytestmark = [pytest.mark.kernels("debug"), pytest.mark.environments("direct")]


def _set_off(guest: Guest, workshop: Workshop, cell: Cell, mistake: str) -> None:
    module = guestbuild.stripped(guestbuild.module(workshop.of(cell).kernel, SOURCE))
    guest.write_file("/tmp/detectors.ko", module.read_bytes())
    guest.run(f"insmod /tmp/detectors.ko fire={mistake}", check=False)


def test_promised_detectors_are_in_the_kernel(lab):
    """The configuration that the guest itself tells, not what its build was asked for."""
    with lab.fresh(cards=0) as station:
        packed = station.guest.read_file("/proc/config.gz")
    found = debugkernel.options(gzip.decompress(packed).decode())
    assert [name for name in PROMISED if found.get(f"CONFIG_{name}") not in ("y", "m")] == []


@pytest.mark.parametrize("mistake", REPORTS)
def test_mistake_is_a_failure(lab, workshop, cell, mistake):
    first, inside = REPORTS[mistake]
    with lab.fresh(cards=0) as station:
        judging = Judge(station.guest, [])
        _set_off(station.guest, workshop, cell, mistake)
        verdict = judging.verdict()
    complaints = [problem for problem in verdict if problem.startswith("the kernel complained:") and first in problem]
    assert complaints, verdict
    assert any(inside in problem for problem in complaints), complaints


def test_lost_memory_is_a_failure(lab, workshop, cell):
    with lab.fresh(cards=0) as station:
        judging = Judge(station.guest, [], kmemleak=True)
        _set_off(station.guest, workshop, cell, "kmemleak")
        verdict = judging.verdict()
    assert any("kmemleak found" in problem and "insmod" in problem for problem in verdict), verdict


def test_hung_task_is_a_failure(lab, workshop, cell):
    with lab.fresh(cards=0) as station:
        judging = Judge(station.guest, [])
        _set_off(station.guest, workshop, cell, "hung")
        station.guest.run(HUNG, timeout=90)
        verdict = judging.verdict()
    assert any("INFO: task hung:" in problem and "sleep_for_an_hour" in problem for problem in verdict), verdict


def test_a_guest_without_a_mistake_is_content(lab):
    with lab.fresh(cards=0) as station:
        judging = Judge(station.guest, [], kmemleak=True)
        assert judging.verdict() == []
        assert not any("no dma-debug" in check for check in judging.looked_at)

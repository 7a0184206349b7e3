# SPDX-License-Identifier: Apache-2.0
"""A complaint of the kernel is found whatever its kind, is shown whole, and cannot be hidden by a flood."""

import pytest

from testbed import kernellog
from testbed.kernellog import Record

QUIET = ("prd32 0000:01:00.0: ready", "random: crng init done")
TRACE = ("Call Trace:", " <TASK>", " dump_stack_lvl+0x5d/0x80", " ? __pfx_worker+0x10/0x10 [prd32]", " </TASK>")
RULE = "=" * 66

WARNING = ("------------[ cut here ]------------", "DMA-API: prd32 0000:01:00.0: device driver frees DMA memory",
           "WARNING: CPU: 0 PID: 12 at kernel/dma/debug.c:1031 check_unmap+0x1/0x2", "Modules linked in: prd32(O)",
           *TRACE, "---[ end trace 0000000000000000 ]---", "DMA-API: Mapped at:", " dma_map_page_attrs+0x1/0x2")
OOPS = ("BUG: unable to handle page fault for address: ffff888000000000", "#PF: supervisor write access in kernel mode",
        "Oops: 0002 [#1] PREEMPT SMP NOPTI", "RIP: 0010:prd32_read+0x1/0x2 [prd32]", *TRACE, "CR2: ffff888000000000",
        "---[ end trace 0000000000000000 ]---", "RIP: 0010:prd32_read+0x1/0x2 [prd32]",
        "PKRU: 55555554", "note: dd[99] exited with irqs disabled")
KASAN = (RULE, "BUG: KASAN: slab-use-after-free in prd32_read+0x1/0x2 [prd32]",
         "Read of size 8 by task dd/99", *TRACE, "",
         "Allocated by task 98:", " kasan_save_stack+0x1/0x2", "", "Memory state around the buggy address:",
         " ffff888000000000: fa fb fb fb", "                   ^", RULE)
LOCKDEP = ("", "=" * 54, "WARNING: possible circular locking dependency detected", "6.12 Tainted: G           O",
           "-" * 54,
           "dd/99 is trying to acquire lock:", "ffff888 (&a){+.+.}-{3:3}, at: prd32_read+0x1/0x2",
           "but task is already holding lock:", " Possible unsafe locking scenario:",
           "       CPU0                    CPU1",
           " *** DEADLOCK ***", "1 lock held by dd/99:", " #0: ffff888 (&b){+.+.}-{3:3}, at: prd32_read+0x1/0x2",
           "stack backtrace:", "CPU: 0 PID: 99 Comm: dd", *TRACE)
SLUB = ("=" * 77, "BUG kmalloc-64 (Tainted: G           O): Poison overwritten", "-" * 77, "",
        "0xffff888000000000-0xffff888000000003 @offset=1. First byte 0x11 instead of 0x6b",
        "Object   ffff888000000000: 11 11 11 11", *TRACE, "FIX kmalloc-64: Restoring Poison 0xffff888000000000=0x6b")
ARM = ("------------[ cut here ]------------", "WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x1/0x2", "pstate: 60400005",
       "pc : f+0x1/0x2",
       "x29: ffff800000000000", "Call trace:", " f+0x1/0x2 (P)", "---[ end trace 0000000000000000 ]---")
REPORTS = {"warning": WARNING, "oops": OOPS, "kasan": KASAN, "lockdep": LOCKDEP, "slub": SLUB, "arm64": ARM}


def _records(*lines: str, since: int = 1_000_000) -> list[Record]:
    return [Record(4, number, since + 100 * number, line) for number, line in enumerate(lines)]


@pytest.mark.parametrize("line", [
    "WARNING: CPU: 0 PID: 12 at kernel/dma/debug.c:1031 check_unmap+0x1/0x2",  # until 6.18
    "WARNING: kernel/dma/debug.c:1031 at check_unmap+0x1/0x2, CPU#0: insmod/12",  # since 6.19
    "BUG: unable to handle page fault for address: 00000000", "kernel BUG at mm/slub.c:100!", "Oops: 0000 [#1]",
    "Internal error: Oops: 0000000096000044 [#1] SMP", "Unable to handle kernel NULL pointer dereference at virtual",
    "BUG: KASAN: slab-use-after-free in prd32_read", "BUG: KFENCE: out-of-bounds read in prd32_read",
    "UBSAN: shift-out-of-bounds in prd32_prd.c:10", "DMA-API: debugging out of memory - disabling",
    "INFO: task prd32ctl:99 blocked for more than 120 seconds.", "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: {",
    "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [dd:99]", "watchdog: Watchdog detected hard LOCKUP on cpu 0",
    "BUG: workqueue lockup - pool cpus=0", "BUG: scheduling while atomic: dd/99/0x00000002",
    "BUG: sleeping function called from invalid context at mm/x.c:1", "BUG: spinlock bad magic on CPU#0, dd/99",
    "DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x1000 [fault reason 0x05] PTE Write",
    "DMAR: DRHD: handling fault status reg 2", "AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.0 domain=0x0001]",
    "prd32 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0001 address=0x1000 flags=0x0020]",
    "virtio_iommu virtio1: page fault from EP 256 at 0x1000 [W]",
    "arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:",
    "WARNING: possible circular locking dependency detected", "WARNING: possible recursive locking detected",
    "WARNING: inconsistent lock state", "WARNING: suspicious RCU usage", "WARNING: held lock freed!",
    "WARNING: bad unlock balance detected!", "[ BUG: Invalid wait context ]", "WARNING: dd/99 still has locks held!",
    "INFO: trying to register non-static key.", "BUG: MAX_LOCKDEP_ENTRIES too low!",
    "prd32 0000:01:00.0: swiotlb buffer is full (sz: 65536 bytes), total 32768 (slots), used 0 (slots)",
    "prd32 0000:01:00.0: DMA addr 0x0000000180000000+4096 overflow (mask ffffffff, bus limit 0).",
    "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)", "refcount_t: underflow; use-after-free.",
    "list_del corruption, 0000000000000000->next is NULL", "BUG kmalloc-64 (Not tainted): Right Redzone overwritten",
    "insmod: page allocation failure: order:11, mode:0xcc0(GFP_KERNEL), nodemask=(null)",
    "dd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    "irq 10: nobody cared (try booting with the \"irqpoll\" option)", "Disabling IRQ #10",
    "ODEBUG: free active (active state 0) object: 00000000", "Kernel panic - not syncing: Fatal exception",
    "Call Trace:",
])
def test_complaint_is_found(line):
    found = kernellog.reports(_records(*QUIET, line, *QUIET))
    assert [report.lines[0].partition("] ")[2] for report in found] == [line]


@pytest.mark.parametrize("line", [
    "DMA-API: preallocated 65536 debug entries", "DMA-API: debugging enabled by kernel config",
    "kmemleak: Kernel memory leak detector initialized (mem pool available: 15679)",
    "kmemleak: Automatic memory scanning thread started", "DMAR: Host address width 39",
    "DMAR: DRHD base: 0x000000fed90000",
    "AMD-Vi: Interrupt remapping enabled", "prd32: loading out-of-tree module taints kernel.",
    "prd32: module verification failed: signature and/or required key missing - tainting kernel",
    "software IO TLB: mapped [mem 0x00000000bbfe0000-0x00000000bffe0000] (64MB)",
    "iommu: Default domain type: Translated",
    "prd32 0000:01:00.0: channel 0: error 3 at descriptor 7",
])
def test_what_is_no_complaint(line):
    assert kernellog.reports(_records(line)) == []


@pytest.mark.parametrize("kind", REPORTS)
def test_report_is_shown_whole_and_nothing_else(kind):
    report = REPORTS[kind]
    found = kernellog.reports(_records(*QUIET, *report, *QUIET))
    wanted = [line for line in report if line] if kind != "kasan" else list(report)
    assert [line.partition("] ")[2] for line in found[0].lines if kind == "kasan" or line.partition("] ")[2]] == wanted
    assert len(found) == 1


def test_two_reports_are_two():
    found = kernellog.reports(_records(*WARNING, *KASAN, *LOCKDEP))
    assert len(found) == 3


def test_a_pause_ends_a_report():
    lines = _records("BUG: scheduling while atomic: dd/99/0x2") + _records(*QUIET, *TRACE, since=9_000_000)
    assert [len(report.lines) for report in kernellog.reports(lines)] == [1, len(TRACE)]


def test_a_very_long_report_says_where_the_rest_is():
    found = kernellog.reports(_records(WARNING[0], *[f" f{n}+0x1/0x2" for n in range(400)], "---[ end trace 0 ]---"))
    assert "more lines of it, which kernel.log has" in found[0].excerpt
    assert len(found[0].text.splitlines()) == 402


MARK = "testbed reads 00000000"
KMSG = ("5,0,0,-;Linux version 6.12\n6,1,1000,-;prd32 0000:01:00.0: ready\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01:00.0\n"
        "4,2,1234567,-;two\\x0alines; and a semicolon\n12,3,2000000,-;" + MARK + "\n")


def test_kmsg_is_understood():
    reading = kernellog.parse(KMSG, MARK)
    assert reading.lost == 0
    assert reading.text == ("[    0.000000] Linux version 6.12\n[    0.001000] prd32 0000:01:00.0: ready\n"
                            "[    1.234567] two\n[    1.234567] lines; and a semicolon\n")


def test_lost_messages_are_counted():
    assert kernellog.parse(KMSG.replace("5,0,0,-;Linux version 6.12\n", ""), MARK).lost == 1
    assert kernellog.parse(KMSG.replace("12,3,", "12,90,"), MARK).lost == 87


def test_a_reading_that_was_cut_is_none():
    assert kernellog.parse(KMSG.replace(MARK, ""), MARK) is None


def test_console_is_judged_too():
    said = "[    3.000000] WARNING: inconsistent lock state"
    console = f"program's own WARNING: no\r\n[    2.000000] fine\r\n{said}\r\n"
    assert [report.text for report in kernellog.of_console(console)] == [said]


def test_expected_and_unexpected():
    found = kernellog.reports(_records(*WARNING, *KASAN))
    bad, absent = kernellog.unexpected(found, ["frees DMA memory", "never said"])
    assert [report.lines for report in bad] == [found[1].lines] and absent == ["never said"]

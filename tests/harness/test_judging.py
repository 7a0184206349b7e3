# SPDX-License-Identifier: Apache-2.0
"""What judges the other tests must itself be able to fail."""

from pathlib import Path

import pytest

from testbed import evidence, kernellog, places
from testbed.errors import TestbedError
from testbed.judge import Judge
from testbed.testrun import Summary

QUIET = "[    1.0] prd32 0000:01:00.0: ready\n[    1.1] random: crng init done\n"


class FakeGuest:
    """A guest of which only the kernel log and the pulse are looked at."""

    def __init__(self) -> None:
        self.log, self.alive = QUIET, True

    def dmesg(self) -> str:
        return self.log

    def last_words(self) -> str:
        return "last words"


class FakeCard:
    """A card of which only the pulse and the violations are looked at."""

    def __init__(self) -> None:
        self.records: list[dict] = []
        self.code: int | None = None
        self.log = Path("card.log")

    def poll(self) -> int | None:
        return self.code

    def log_tail(self) -> str:
        return "last words"

    def violations(self) -> list[dict]:
        return list(self.records)


@pytest.mark.parametrize("line", [
    "WARNING: CPU: 0 PID: 12 at kernel/dma/debug.c:1031", "BUG: unable to handle page fault for address: 00000000",
    "kernel BUG at mm/slub.c:100!", "Oops: 0000 [#1]", "BUG: KASAN: slab-use-after-free in prd32_read",
    "UBSAN: shift-out-of-bounds in prd32_prd.c:10", "DMA-API: device driver frees DMA memory with wrong function",
    "INFO: task prd32ctl:99 blocked for more than 120 seconds.", "DMAR: [DMA Write NO_PASID] Request device [01:00.0]",
    "possible circular locking dependency detected", "swiotlb buffer is full (sz: 65536 bytes)",
    "kmemleak: 3 new suspected memory leaks", "refcount_t: underflow; use-after-free.",
])
def test_complaint_is_found(line):
    log = QUIET + f"[    2.0] {line}\n[    2.1] Call Trace:\n"
    assert kernellog.complaints(log).startswith(f"[    2.0] {line}")


def test_good_log_is_good():
    assert kernellog.complaints(QUIET) == ""


def test_only_the_new_part_is_judged():
    old = QUIET + "[    2.0] WARNING: old\n"
    assert kernellog.since(old + "[    3.0] new\n", old) == "[    3.0] new\n"
    assert kernellog.since("[    9.0] the buffer wrapped\n", old) == "[    9.0] the buffer wrapped\n"


def test_judge_is_content_with_nothing():
    assert Judge(FakeGuest(), FakeCard()).verdict() == []


def test_judge_sees_what_the_kernel_says():
    guest = FakeGuest()
    judge = Judge(guest, None)
    guest.log += "[    2.0] BUG: something\n"
    assert "BUG: something" in judge.verdict()[0]


def test_judge_sees_a_dead_guest():
    guest = FakeGuest()
    judge = Judge(guest, None)
    guest.alive = False
    assert "the guest ended" in judge.verdict()[0]


def test_judge_sees_a_dead_card():
    card = FakeCard()
    judge = Judge(None, card)
    card.code = -11
    assert "-11" in judge.verdict()[0]


def test_judge_sees_an_unexpected_violation_and_not_an_old_one():
    card = FakeCard()
    card.records.append({"rule": "old"})
    judge = Judge(None, card)
    assert judge.verdict() == []
    card.records.append({"rule": "prd-cross-64k"})
    assert "prd-cross-64k" in judge.verdict()[0]


def test_judge_misses_an_expected_violation():
    card = FakeCard()
    judge = Judge(None, card, ("prd-cross-64k",))
    assert "did not record" in judge.verdict()[0]
    card.records.append({"rule": "prd-cross-64k"})
    assert judge.verdict() == []


def test_judge_misses_an_expected_complaint():
    guest = FakeGuest()
    judge = Judge(guest, None, (), "swiotlb buffer is full")
    assert "did not complain" in judge.verdict()[0]
    guest.log += "[    2.0] swiotlb buffer is full (sz: 4096 bytes)\n"
    assert judge.verdict() == []


def test_failure_keeps_its_evidence(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "FAILURES", tmp_path / "failures")
    folder = evidence.fresh_folder(tmp_path / "run")
    (folder / "serial.log").write_text("the console\n")
    (folder / "initramfs.cpio").write_text("can be built again\n")
    with pytest.raises(TestbedError, match="it broke\nLogs and how to repeat it: .*failures/name"):
        with evidence.kept_on_failure("name", folder, ["./testbed demo"]):
            raise TestbedError("it broke")
    kept = {path.name for path in (tmp_path / "failures" / "name").iterdir()}
    assert kept == {"serial.log", "reason", "reproduce"}
    assert "./testbed demo" in (tmp_path / "failures" / "name" / "reproduce").read_text()


def _junit(folder: Path, body: str) -> Path:
    path = folder / "junit.xml"
    path.write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
    return path


def test_summary_counts(tmp_path):
    summary = Summary()
    summary.add(_junit(tmp_path, '<testcase classname="a" name="good"/><testcase classname="a" name="bad"><failure/>'
                       '</testcase><testcase classname="a" name="not"><skipped/></testcase>'), 1)
    assert (summary.passed, summary.failed, summary.skipped) == (1, 1, 1)
    assert summary.failures == ["a.bad"] and not summary.good
    assert summary.table().splitlines()[-1] == "1 passed, 1 failed, 1 skipped"


def test_runner_that_died_counts_as_a_failure(tmp_path):
    summary = Summary()
    summary.add(tmp_path / "absent.xml", 4)
    assert summary.failed == 1 and not summary.good


def test_nothing_run_is_not_good(tmp_path):
    summary = Summary()
    summary.add(_junit(tmp_path, ""), 0)
    assert not summary.good

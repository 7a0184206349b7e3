# SPDX-License-Identifier: Apache-2.0
"""What judges the other tests must itself be able to fail."""

import json
import os
import re
from pathlib import Path

import pytest

from testbed import judge, junit, leaks
from testbed.agent import Result
from testbed.card import CardError
from testbed.jobs import Done, Job
from testbed.judge import Expected, Judge
from testbed.junit import Tally
from testbed.report import Report

KMSG = ("5,0,0,-;Linux version 6.12", "6,1,1000,-;prd32 0000:01:00.0: ready")
COUNTS = {"pinned": 0, "slots": 0, "tainted": 4096, "mappings": 3, "errors": 0}


class FakeGuest:
    """A guest of which only the kernel log, the counts and the pulse are looked at."""

    def __init__(self, folder: Path) -> None:
        self.kmsg, self.counts, self.alive, self.folder = list(KMSG), dict(COUNTS), True, folder
        self.settle_after = 10 ** 6  # readings, until the bounce buffer is given back
        self.meanwhile = lambda: None

    def say(self, *lines: str) -> None:
        for line in lines:
            self.kmsg.append(f"4,{len(self.kmsg)},{2_000_000 + 100 * len(self.kmsg)},-;{line}")

    def run(self, script: str, *, check: bool = True, timeout: float = 30) -> Result:
        self.meanwhile()
        self.settle_after -= 1
        if self.settle_after < 0:
            self.counts["slots"] = 0
        said = [f"nr_foll_pin_acquired {100 + self.counts['pinned']}",
                "nr_foll_pin_released 100", f"swiotlb/io_tlb_used:{self.counts['slots']}",
                f"dma-api/error_count:{self.counts['errors']}", f"/proc/sys/kernel/tainted:{self.counts['tainted']}",
                "dump:", "dump:0000:00:03.0 900", f"dump:0000:01:00.0 {self.counts['mappings']}"]
        if mark := re.search(r"testbed reads \w+", script):
            self.say(mark[0], mark[0])
            said += self.kmsg[:-1]
        return Result(("sh",), 0, "\n".join(said).encode(), b"")

    def last_words(self) -> str:
        return "last words"


class FakeCard:
    """A card of which only the pulse, the violations and the counters are looked at."""

    def __init__(self) -> None:
        self.records: list[dict] = []
        self.code: int | None = None
        self.log, self.violations_file, self.stats_file = Path("card.log"), Path("violations"), Path("absent")
        self.counters = {"card": {"active": []}, "bridge": {"mappings": {"now": 4, "by_message": 1}},
                         "violations_lost": 0}
        self.pid = os.getpid()
        self.presence = "present"

    @property
    def faults(self) -> "FakeCard":
        return self

    def state(self) -> dict:
        return {"presence": self.presence}

    def poll(self) -> int | None:
        return self.code

    def log_tail(self) -> str:
        return "last words"

    def violations(self) -> list[dict]:
        return list(self.records)

    def stats(self) -> dict:
        return json.loads(json.dumps(self.counters))


@pytest.fixture
def guest(tmp_path, monkeypatch) -> FakeGuest:
    monkeypatch.setattr(judge, "_SETTLE_SECONDS", 0.2)
    (tmp_path / "serial.log").write_text("")
    return FakeGuest(tmp_path)


@pytest.fixture
def card(monkeypatch) -> FakeCard:
    monkeypatch.setattr(judge, "_SETTLE_SECONDS", 0.2)
    return FakeCard()


def test_judge_is_content_with_nothing(guest, card):
    assert Judge(guest, [card, FakeCard()]).verdict() == []


def test_judge_sees_what_the_kernel_says(guest):
    judging = Judge(guest, [])
    guest.say("BUG: something", "Call Trace:", " f+0x1/0x2")
    assert judging.verdict() == ["the kernel complained:\n[    2.000200] BUG: something\n[    2.000300] Call Trace:\n"
                                 "[    2.000400]  f+0x1/0x2"]


def test_judge_sees_what_the_kernel_said_while_the_driver_came(guest):
    guest.say("BUG: something")
    assert "BUG: something" in Judge(guest, []).verdict()[0]


def test_judge_sees_that_messages_are_lost_and_looks_at_the_console(guest):
    judging = Judge(guest, [])
    (guest.folder / "serial.log").write_text("[    3.000000] WARNING: inconsistent lock state\r\n")
    guest.kmsg = guest.kmsg[1:]
    verdict = judging.verdict()
    assert "1 messages of the kernel were lost" in verdict[0] and "inconsistent lock state" in verdict[1]


def test_judge_sees_a_taint_that_the_log_does_not_show(guest):
    judging = Judge(guest, [])
    guest.counts["tainted"] |= 1 << 9
    assert judging.verdict() == ["the kernel is tainted by a warning that its log does not show"]


def test_judge_sees_what_the_card_records_meanwhile(guest, card):
    """A channel that is still at work after the test."""
    judging = Judge(guest, [card])
    guest.meanwhile = lambda: card.records.append({"rule": "prd-cross-64k"})
    assert "prd-cross-64k" in judging.verdict()[0]


def test_judge_sees_all_that_can_be_seen(guest, card):
    """A card that does not say hides nothing of the guest."""
    judging = Judge(guest, [card])
    guest.say("BUG: something")
    card.stats = hangs
    assert [problem.partition("\n")[0] for problem in judging.verdict()] == [
        "it wrote no statistics", "the kernel complained:"]


def hangs() -> dict:
    raise CardError("it wrote no statistics")


def test_judge_sees_a_dead_guest(guest):
    judging = Judge(guest, [])
    guest.alive = False
    assert "the guest ended" in judging.verdict()[0]


def test_judge_sees_a_dead_card(card):
    judging = Judge(None, [card])
    card.code = -11
    assert "-11" in judging.verdict()[0]


def test_judge_sees_the_second_card_as_well(card):
    other = FakeCard()
    judging = Judge(None, [card, other])
    other.records.append({"rule": "prd-cross-64k"})
    assert "prd-cross-64k" in judging.verdict()[0]


def test_judge_sees_an_unexpected_violation_and_not_an_old_one(card):
    card.records.append({"rule": "old"})
    judging = Judge(None, [card])
    assert judging.verdict() == []
    card.records.append({"rule": "prd-cross-64k"})
    assert "prd-cross-64k" in judging.verdict()[0]


def test_judge_sees_violations_that_a_full_disk_lost(card):
    card.counters["violations_lost"] = 2
    assert "could not write 2 violations" in Judge(None, [card]).verdict()[0]


def test_judge_sees_a_channel_that_is_busy(guest, card):
    judging = Judge(guest, [card])
    card.counters["card"]["active"] = [1]
    assert judging.verdict() == ["the card is still busy after the test: channel 1"]
    card.presence = "removed"
    assert judging.verdict() == [], "a card that was pulled out stays as it was"


@pytest.mark.parametrize(("count", "name"), [("pinned", "pinned-pages"), ("slots", "swiotlb-slots"),
                                             ("mappings", "dma-mappings"), ("errors", "dma-errors")])
def test_judge_sees_a_leak_in_the_guest(guest, card, count, name):
    judging = Judge(guest, [card])
    before = guest.counts[count]
    guest.counts[count] += 7
    assert judging.verdict() == [f"a leak, {name}: 7 more than before the test ({before} before, {before + 7} after): "
                                 f"{leaks.COUNTS[name].what}"]
    assert Judge(guest, [card]).verdict() == [], "what was there before is not this test's"


def test_judge_sees_a_leak_of_the_card(guest, card):
    judging = Judge(guest, [card])
    card.counters["bridge"]["mappings"]["now"] = 5
    with open("/dev/null", encoding="utf-8"):
        names = [problem.partition(":")[0] for problem in judging.verdict()]
    assert names == ["a leak, card-mappings", "a leak, card-files"]


def test_judge_waits_for_what_is_given_back_late(guest):
    judging = Judge(guest, [])
    guest.counts["slots"], guest.settle_after = 7, 3
    assert judging.verdict() == []


def test_judge_says_what_it_cannot_count(guest):
    told = dict.fromkeys(Judge(guest, []).looked_at)
    assert "pinned-pages" in told and "card-files: not counted, the guest has no card" in told


def test_judge_misses_what_was_expected(guest, card):
    judging = Judge(guest, [card], Expected(("prd-cross-64k",), ("swiotlb buffer is full", "BUG"), ("pinned-pages",)))
    assert [problem.partition("\n")[0] for problem in judging.verdict()] == [
        "the card did not record the expected violation prd-cross-64k",
        "the kernel did not complain of 'swiotlb buffer is full' as expected; it said: nothing",
        "the kernel did not complain of 'BUG' as expected; it said: nothing",
        "the expected leak of pinned-pages did not happen"]
    card.records.append({"rule": "prd-cross-64k"})
    guest.say("swiotlb buffer is full (sz: 4096 bytes)", "BUG: something")
    guest.counts["pinned"] = 1
    assert judging.verdict() == []
    guest.say("WARNING: something else")
    assert "something else" in judging.verdict()[0]


def _report(folder: Path, status: int, body: str = "") -> Report:
    path = folder / "junit.xml"
    if body:
        path.write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
    done = Done(Job("a cell", (), path, folder / "log"), status=status, ended=True, cases=junit.read(path))
    return Report([done])


def test_report_counts(tmp_path):
    report = _report(tmp_path, 1, '<testcase classname="a" name="good"/><testcase classname="a" name="bad">'
                     '<failure message="\n it broke&#10;here"/></testcase>'
                     '<testcase classname="a" name="not"><skipped/></testcase>')
    assert report.tally == Tally(1, 1, 1) and report.status == 1
    assert [(name, why) for name, _, why in report.failures()] == [("a cell: a.bad", "it broke")]
    assert "FAILED a cell: a.bad\n    it broke\n" in report.text()


def test_report_of_one_run_tells_how_guests_started_and_whole_names(tmp_path):
    text = _report(tmp_path, 0, '<testcase classname="a.b" name="good[1.5 GiB-x.y]" time="2"><properties>'
                   '<property name="start" value="restored"/><property name="start_seconds" value="0.5"/>'
                   '</properties></testcase>').text()
    assert "restored 0.50 s" in text and "Slowest: good[1.5 GiB-x.y] (a cell) 2.0 s" in text


def test_runner_that_died_counts_as_a_failure(tmp_path):
    (tmp_path / "log").write_text("begun\nThread 0x1 (most recent call first)\n")
    assert _report(tmp_path, 4).tally.failed == 1 and not _report(tmp_path, 4).good
    assert "    Thread 0x1 (most recent call first)\n  evidence: " in _report(tmp_path, 4).text()
    assert not _report(tmp_path, 2, '<testcase classname="a" name="good"/>').good


def test_nothing_run_is_not_good(tmp_path):
    assert not _report(tmp_path, 0).good and _report(tmp_path, 0, '<testcase classname="a" name="good"/>').good


def test_report_says_that_nothing_was_chosen(tmp_path):
    job = Job("a cell", (), tmp_path / "xml", tmp_path / "log", may_be_empty=True)
    report = Report([Done(job, status=pytest.ExitCode.NO_TESTS_COLLECTED, ended=True)])
    assert report.status == 1 and "No test ran: " in report.text() and "Slowest" not in report.text()


def test_what_the_card_has_no_memory_of_is_no_leak(guest, card):
    judging = Judge(guest, [card])
    card.counters["bridge"]["mappings"].update(now=5, by_message=2)
    assert judging.verdict() == []

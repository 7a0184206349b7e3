# SPDX-License-Identifier: Apache-2.0
"""Who waits for a request looks for its end before it sleeps, for as long as was seen to be worth it: the parameters
spin_us and spin_kib."""

import re

import pytest

from blockdisk import DISK, SIZE, bytes_at, fill, fio, holds
import where
from prd32ctl import (KIB, MIB, MODULE, PARAMETERS, call, card_address, counters, expect_interrupts, expect_usable,
                      interrupts, roundtrip, signalled, sleep_at_once, wait_until)
from testbed import kernels

pytestmark = pytest.mark.environments(*where.ENDS)
_LONGEST = 1000  # us
_LONGER = 50  # ms: no spinning lasts that long
_LESSONS = 20  # after so many that took too long it is less than is worth it


def _patience(guest) -> int:
    """For how long the driver has learned to look, ns."""
    text = guest.run(f"cat /sys/kernel/debug/prd32/{card_address(guest)}/channels").text
    return int(re.search(r"^patience_ns (\d+)$", text, re.M)[1])


def _learn(guest) -> None:
    def learned() -> bool:
        roundtrip(guest, 4 * KIB, iterations=10)
        return _patience(guest) > 0

    wait_until(learned, "the driver has learned that it is worth looking")


@pytest.fixture
def spinning(card):
    """The card, whose driver has learned to spin, perhaps for as long as it ever does."""
    card.run(f"echo {_LONGEST} >{PARAMETERS}/spin_us")
    _learn(card)
    return card


def _nothing_was_lost(guest) -> bool:
    counts = counters(guest)
    return (counts["lost"], counts["failed"], counts["timeouts"]) == (0, 0, 0)


def test_not_at_all(card):
    """Nobody looks, then each request interrupts."""
    sleep_at_once(card)
    before = interrupts(card)
    roundtrip(card, 4 * KIB, iterations=20)
    expect_interrupts(card, before, 40)
    assert counters(card)["polls"] == _patience(card) == 0


@pytest.mark.environments("direct")
@pytest.mark.kernels(*(name for name in kernels.NAMES if name != "debug"))  # on which all takes longer
def test_by_default(card):
    """Nobody has to ask for it."""
    assert _patience(card) == 0, "nothing is known yet"
    _learn(card)

    def seen() -> bool:
        roundtrip(card, 4 * KIB, iterations=10)
        return counters(card)["polls"] > 0

    wait_until(seen, "a request ended while its end was looked for")
    assert _nothing_was_lost(card)


def test_small_requests(spinning):
    """What ends while it is looked for interrupts nobody. How many do is for the machine to say, but some."""
    def seen() -> bool:
        roundtrip(spinning, 4 * KIB, iterations=10)
        return counters(spinning)["polls"] > 0

    wait_until(seen, "a request ended while its end was looked for")
    assert _nothing_was_lost(spinning)


def test_large_requests(spinning):
    """They would take too long; the end of each interrupts."""
    spinning.run(f"echo 4 >{PARAMETERS}/spin_kib")
    before, polls, patience = interrupts(spinning), counters(spinning)["polls"], _patience(spinning)
    roundtrip(spinning, 64 * KIB, seed=7)
    assert (counters(spinning)["polls"], _patience(spinning)) == (polls, patience)
    expect_interrupts(spinning, before, 2)


def test_learns(spinning, faults):
    """A card that takes longer is not looked for any more, until it is quick again."""
    stall = faults.add("stall", "dma-read", for_ms=5, count=0)
    for _ in range(_LESSONS):
        call(spinning, "write", 4 * KIB)
    assert _patience(spinning) == 0
    before = interrupts(spinning)
    call(spinning, "write", 4 * KIB)
    expect_interrupts(spinning, before, 1)
    stall.clear()
    _learn(spinning)


@pytest.mark.parametrize("writeback", [True, False], ids=["status in memory", "status in registers"])
def test_what_takes_longer_interrupts(spinning, faults, writeback):
    if not writeback:
        spinning.run(f"rmmod prd32 && insmod {MODULE} writeback=N spin_us={_LONGEST}")
        _learn(spinning)
    before = interrupts(spinning)
    stall = faults.add("stall", "dma-read", for_ms=_LONGER, count=0)
    call(spinning, "write", 4 * KIB, offset=0, seed=3)
    stall.clear()
    expect_interrupts(spinning, before, 1)
    assert call(spinning, "read", 4 * KIB, offset=0, seed=3)["matching"] == 4 * KIB
    assert _nothing_was_lost(spinning)


@pytest.mark.parametrize("spin_us", [15, 50, 200, _LONGEST])
def test_ends_when_the_looking_ends(card, spin_us):
    """Whichever comes first: no end is lost between looking and being told."""
    card.run(f"echo {spin_us} >{PARAMETERS}/spin_us")
    for size in (512, 20 * KIB, 128 * KIB):
        roundtrip(card, size, iterations=100, seed=size)
    assert _nothing_was_lost(card)


@pytest.mark.expect_violations("data-read")
def test_errors(spinning, faults):
    """An error that is found by looking is the same error, and the next request is none the worse."""
    before, rules = counters(spinning)["polls"], []

    def found() -> bool:
        rules.append(faults.add("abort", "dma-read"))
        assert "Input/output error" in spinning.run(f"dd if=/dev/zero of={DISK} bs=4k count=1 oflag=direct 2>&1",
                                                    check=False).text
        assert rules[-1].fired == 1
        return len(rules) >= 5 and counters(spinning)["polls"] > before

    wait_until(found, "an error was found by looking")
    failed = counters(spinning)["failed"]
    expect_usable(spinning)
    assert failed == counters(spinning)["failed"] == len(rules)


@pytest.mark.thorough
def test_switched_on_and_off_under_load(tools):
    """Two who wait, so that each is in the other's way, and requests of all sizes."""
    tools.run(f"(while :; do for n in 0 50 {_LONGEST}; do echo $n >{PARAMETERS}/spin_us; sleep 0.05; done; done) "
              ">/dev/null 2>&1 & echo $! >/tmp/switch")
    fio(tools, "--group_reporting", ioengine="psync", numjobs=2, rw="randwrite", bsrange="512-512k", blockalign=512,
        size=SIZE // 2, offset_increment=SIZE // 2, verify="crc32c")
    tools.run("kill $(cat /tmp/switch)")
    assert _nothing_was_lost(tools)


def test_disk(spinning):
    """The disk's requests too, if who submits them waits for them; zeroes beside them."""
    data = fill(spinning, 4)
    before = counters(spinning)["polls"]

    def seen() -> bool:
        assert holds(spinning, data, 4)
        spinning.run(f"for n in 1 2 3 4 5 6 7 8; do dd if={DISK} of=/dev/null bs=4k count=1 iflag=direct; done 2>&1")
        return counters(spinning)["polls"] > before

    wait_until(seen, "a request of the disk ended while its end was looked for")
    spinning.run(f"dd if=/dev/zero of={DISK} bs=4k count=1 seek=512 oflag=direct 2>/dev/null")
    assert bytes_at(spinning, 2 * MIB, 4 * KIB) == bytes(4 * KIB)
    assert _nothing_was_lost(spinning)


def test_who_does_not_wait_is_not_kept(tools):
    """Asynchronous requests are submitted, and that is that: they interrupt."""
    tools.run(f"echo {_LONGEST} >{PARAMETERS}/spin_us; echo 0 >{PARAMETERS}/defer_us")
    _learn(tools)
    before, polls = signalled(tools), counters(tools)["polls"]
    job = fio(tools, ioengine="libaio", iodepth=1, rw="read", bs="4k", size=MIB)
    assert counters(tools)["polls"] == polls
    assert job["read"]["total_ios"] == MIB // (4 * KIB) <= signalled(tools) - before

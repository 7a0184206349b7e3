# SPDX-License-Identifier: Apache-2.0
"""Who waits for a request looks for its end for a moment before it sleeps: the parameters spin_us and spin_kib."""

import pytest

from blockdisk import DISK, SIZE, bytes_at, fill, fio, holds
import where
from prd32ctl import (KIB, MIB, PARAMETERS, call, counters, expect_interrupts, expect_usable, interrupts, roundtrip,
                      wait_until)

pytestmark = pytest.mark.environments(*where.ENDS)
_LONGEST = 1000  # us
_LONGER = 50  # ms: no spinning lasts that long


@pytest.fixture
def spinning(card):
    """The card, whose driver spins for as long as it ever does."""
    card.run(f"echo {_LONGEST} >{PARAMETERS}/spin_us")
    return card


def _nothing_was_lost(guest) -> bool:
    counts = counters(guest)
    return (counts["lost"], counts["failed"], counts["timeouts"]) == (0, 0, 0)


def test_not_unless_asked(card):
    """By default each request interrupts."""
    before = interrupts(card)
    call(card, "write", 4 * KIB)
    expect_interrupts(card, before, 1)
    assert counters(card)["polls"] == 0


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
    before = interrupts(spinning)
    roundtrip(spinning, 64 * KIB, seed=7)
    assert counters(spinning)["polls"] == 0
    expect_interrupts(spinning, before, 2)


@pytest.mark.parametrize("writeback", [True, False], ids=["status in memory", "status in registers"])
def test_what_takes_longer_interrupts(spinning, faults, writeback):
    if not writeback:
        spinning.run("rmmod prd32")
        spinning.load_driver(f"writeback=N spin_us={_LONGEST}")
    before = interrupts(spinning)
    stall = faults.add("stall", "dma-read", for_ms=_LONGER, count=0)
    call(spinning, "write", 4 * KIB, offset=0, seed=3)
    stall.clear()
    expect_interrupts(spinning, before, 1)
    assert call(spinning, "read", 4 * KIB, offset=0, seed=3)["matching"] == 4 * KIB
    assert _nothing_was_lost(spinning)


@pytest.mark.parametrize("spin_us", [1, 30, 100, 300])
def test_ends_when_the_looking_ends(card, spin_us):
    """Whichever comes first: no end is lost between looking and being told."""
    card.run(f"echo {spin_us} >{PARAMETERS}/spin_us")
    for size in (512, 20 * KIB, 128 * KIB):
        roundtrip(card, size, iterations=100, seed=size)
    assert _nothing_was_lost(card)


@pytest.mark.expect_violations("data-read")
def test_errors(spinning, faults):
    """An error that is found by looking is the same error, and the next request is none the worse."""
    for _ in range(5):
        rule = faults.add("abort", "dma-read")
        assert "Input/output error" in spinning.run(f"dd if=/dev/zero of={DISK} bs=4k count=1 oflag=direct 2>&1",
                                                    check=False).text
        assert rule.fired == 1
    expect_usable(spinning)
    assert counters(spinning)["failed"] == 5


def test_switched_on_and_off_under_load(tools):
    """Requests of both kinds, of all sizes, on both channels."""
    tools.run(f"(while :; do for n in 0 50 {_LONGEST}; do echo $n >{PARAMETERS}/spin_us; sleep 0.05; done; done) "
              ">/dev/null 2>&1 & echo $! >/tmp/switch")
    fio(tools, ioengine="libaio", iodepth=8, rw="randwrite", bsrange="512-512k", blockalign=512, size=SIZE,
        verify="crc32c")
    tools.run("kill $(cat /tmp/switch)")
    assert _nothing_was_lost(tools)


def test_disk(spinning):
    """The disk's requests too, whoever submits them; zeroes that are larger than what is spun for beside them."""
    data = fill(spinning, 4)

    def seen() -> bool:
        assert holds(spinning, data, 4)
        spinning.run(f"for n in 1 2 3 4 5 6 7 8; do dd if={DISK} of=/dev/null bs=4k count=1 iflag=direct; done 2>&1")
        return counters(spinning)["polls"] > 0

    wait_until(seen, "a request of the disk ended while its end was looked for")
    spinning.run(f"dd if=/dev/zero of={DISK} bs=4k count=1 seek=512 oflag=direct 2>/dev/null")
    assert bytes_at(spinning, 2 * MIB, 4 * KIB) == bytes(4 * KIB)
    assert _nothing_was_lost(spinning)

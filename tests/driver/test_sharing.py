# SPDX-License-Identifier: Apache-2.0
"""Several processes at one channel, and processes that die in the middle."""

import pytest

import where
from blockdisk import DISK
from prd32ctl import (DEVICE, MIB, PARAMETERS, await_tables, both_channels_busy, call, counters, expect_usable,
                      roundtrip_words, wait_until)

ENDLESS = 1000000
AT_ENGINE = 8  # requests that a channel's engine has at a time


@pytest.mark.covering
def test_two_processes_keep_their_data_apart(card):
    first = card.start(["prd32ctl", *roundtrip_words(4 * MIB, 0, 1, seed=1, iterations=5)])
    second = card.start(["prd32ctl", *roundtrip_words(4 * MIB, 8 * MIB, 2, seed=1000, iterations=5)])
    for process in (first, second):
        process.wait(120).check()


def test_a_long_reader_does_not_starve_a_short_one(card):
    """The channel is let go between chunks, so a small transfer gets in between those of an endless one."""
    greedy = [card.start(["prd32ctl", *roundtrip_words(24 * MIB, number * 24 * MIB, 0, iterations=ENDLESS)])
              for number in range(2)]  # one for each channel
    try:
        await_tables(card, 4, "the endless ones work")
        card.run(["prd32ctl", *roundtrip_words(65536, 48 * MIB, 0, seed=7, iterations=20)], timeout=120)
        assert all(each.poll() is None for each in greedy), "an endless one ended"
    finally:
        for each in greedy:
            each.kill()
            each.wait(30)
    expect_usable(card)


def test_nonblock_on_a_busy_card(card, faults):
    """While other processes are at every channel, O_NONBLOCK answers EAGAIN, and at once."""
    stall = faults.add("stall", "dma-write")
    busy = both_channels_busy(card)
    refused = call(card, "read", 4096, offset=0, nonblock=True)
    assert (refused["result"], refused["errno"]) == (-1, "EAGAIN")
    stall.clear()
    assert [process.wait(30).exit_code for process in busy] == [0, 0]
    assert call(card, "read", 4096, offset=0, nonblock=True)["result"] == 4096, "idle again"


@pytest.mark.thorough
@pytest.mark.environments(*where.ENDS)
def test_front_ends_take_turns(card, faults):
    """Whoever has queued much at the character device does not hold up the disk: it is next, behind what the engine has
    already."""
    card.run(f"echo 60000 >{PARAMETERS}/timeout_ms")
    stall = faults.add("stall", "dma-write")
    processes = both_channels_busy(card)
    processes += [card.start(f"dd if={DEVICE} of=/dev/null bs=4k count=1") for _ in range(2 * AT_ENGINE + 10)]
    wait_until(lambda: counters(card)["depth"] == len(processes), "all of them wait")
    disk = card.start(f"dd if={DISK} of=/dev/null bs=4k count=1 iflag=direct")
    wait_until(lambda: counters(card)["depth"] == len(processes) + 1, "the disk waits, too")
    faults.add("stall", "dma-write", for_ms=500, count=0)
    stall.clear()
    assert disk.wait(60).exit_code == 0
    assert sum(process.poll() is None for process in processes) > 4
    faults.clear()
    assert all(process.wait(30).exit_code == 0 for process in processes)


# Elsewhere nearly all of the time goes into copying or mapping, and the engine is hardly ever met.
@pytest.mark.environments("direct", "message", "intx", "msi")
@pytest.mark.card_memory("512M")
@pytest.mark.technique("transfer-timeout")
def test_killed_in_mid_transfer(card):
    """kill -9 of a reader stops the engine before the memory goes, and the card is as good as before."""
    stops = card.card.stats()["card"]["stops"]
    for _ in range(100):
        before = card.card.stats()["card"]["tables"]
        reader = card.start(["dd", f"if={DEVICE}", "of=/dev/null", "bs=32M"])
        wait_until(lambda: card.card.stats()["card"]["tables"] > before + 4 or reader.poll(), "the reader works")
        reader.kill()
        assert reader.wait(30).exit_code in (-9, 0)
        if card.card.stats()["card"]["stops"] > stops:
            break
    else:
        pytest.fail("in 100 attempts none was killed while the engine ran")
    expect_usable(card)

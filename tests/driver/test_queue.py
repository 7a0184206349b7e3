# SPDX-License-Identifier: Apache-2.0
"""Several tables at an engine at a time: the card's command queue, and those behind one that goes wrong."""

import json
import re

import pytest

import where
from blockdisk import DISK, fio_words, report
from prd32ctl import (DEVICE, FUNCTION, KIB, MIB, PARAMETERS, call, card_address, counters, expect_usable, roundtrip,
                      roundtrip_words, signalled, sleep_at_once, wait_until)

pytestmark = pytest.mark.environments(*where.ENDS)
SOON = 300  # ms: a deadline that a test waits for
READERS = 8  # four at each channel
SIZE = 64 * KIB


@pytest.fixture
def filled(card):
    """The card, with contents that the readers know, and requests that interrupt."""
    sleep_at_once(card)
    call(card, "write", MIB, offset=0, seed=3)
    return card


def _at_engines(guest) -> int:
    """How many commands the engines have."""
    text = guest.run(f"cat /sys/kernel/debug/prd32/{card_address(guest)}/registers").text
    values = {name: int(value, 16) for name, value in re.findall(r"^(\S+) (0x\w+)$", text, re.M)}
    return sum(values[f"ch{n}.QUEUE_TAIL"] - values[f"ch{n}.QUEUE_HEAD"] for n in range(2))


def _depths(guest) -> list[int]:
    """How many requests each channel has."""
    text = guest.run(f"cat /sys/kernel/debug/prd32/{card_address(guest)}/channels").text
    return [int(depth) for depth in re.findall(r"^  depth (\d+)$", text, re.M)]


def _reader(guest):
    return guest.start(["prd32ctl", "call", "read", "--size", str(SIZE), "--offset", "0", "--seed", "3", "--json"])


def _readers(guest, faults, count: int = READERS, in_order: bool = False) -> tuple[list, object]:
    """So many, all of them at the engines, whose first bytes do not come until the rule is cleared."""
    stall = faults.add("stall", "dma-write")
    readers = []
    for number in range(count):
        readers.append(_reader(guest))
        if in_order or number == count - 1:
            wait_until(lambda number=number: counters(guest)["depth"] == number + 1, "so many wait")
    assert _at_engines(guest) == count
    return readers, stall


def _results(readers) -> list[dict]:
    return [json.loads(reader.wait(30).stdout) for reader in readers]


def _whole(results: list[dict]) -> int:
    """How many of them have all that they asked for; others may have less, but nothing that is wrong."""
    assert all(max(result["result"], 0) == result["matching"] for result in results), results
    return sum(result["matching"] == SIZE for result in results)


def test_an_interrupt_may_tell_of_several(filled, faults):
    readers, stall = _readers(filled, faults)
    before = signalled(filled)
    stall.clear()
    assert _whole(_results(readers)) == READERS
    assert signalled(filled) - before < READERS
    assert (counters(filled)["lost"], counters(filled)["failed"]) == (0, 0)


@pytest.mark.parametrize("path", [pytest.param(DISK, marks=pytest.mark.thorough), DEVICE])
def test_who_does_not_wait_leaves_a_channel_to_who_does(tools, cell, faults, path):
    """What is submitted without waiting goes to the channel of its processor, until its engine has all it can have."""
    for number in range(cell.environment.cpus):
        stall = faults.add("stall", "dma-write")
        job = tools.start(fio_words(filename=path, ioengine="libaio", iodepth=8, cpus_allowed=number, rw="read",
                                    bs="4k", size=MIB))
        expected = [8 * (channel == number) for channel in range(2)]
        wait_until(lambda: _depths(tools) == expected, "they are at one channel")
        reader = _reader(tools)
        expected[1 - number] = 1
        wait_until(lambda: _depths(tools) == expected, "who waits is at the other")
        stall.clear()
        assert reader.wait(30).exit_code == 0 and report(job.wait(60))["error"] == 0
    assert (counters(tools)["lost"], counters(tools)["failed"]) == (0, 0)


def test_one_of_several_is_killed(filled, faults):
    """Neither the one that the engine is at, nor the last: it is taken out, and the others are done again."""
    readers, stall = _readers(filled, faults, in_order=True)
    killed = readers.pop(3)
    killed.kill()
    killed.wait(30)
    stall.clear()
    assert _whole(_results(readers)) == READERS - 1
    counts = counters(filled)
    assert (counts["stops"], counts["failed"], counts["timeouts"], counts["channel_resets"]) == (1, 1, 0, 0)
    expect_usable(filled)


def test_the_first_of_several_passes_its_deadline(filled, faults):
    """The others have deadlines of their own, which begin when the engine comes to them. The channels share it, so the
    first of the other channel may be late as well."""
    filled.run(f"echo 4000 >{PARAMETERS}/timeout_ms")  # until which all have to be there
    readers, _stall = _readers(filled, faults)
    results = _results(readers)
    late = sum(result["errno"] == "ETIMEDOUT" for result in results)
    assert 1 <= late <= 2 and _whole(results) == READERS - late
    assert counters(filled)["timeouts"] == late
    expect_usable(filled)


@pytest.mark.expect_violations("data-write")
def test_one_of_several_fails(filled, faults):
    """Those behind it are done all the same."""
    readers, stall = _readers(filled, faults)
    failure = faults.add("abort", "dma-write", after=2)
    stall.clear()
    assert _whole(_results(readers)) == READERS - 1
    assert failure.fired == 1
    counts = counters(filled)
    assert (counts["failed"], counts["stops"], counts["timeouts"]) == (1, 0, 0)
    expect_usable(filled)


@pytest.mark.expect_violations("queue-fetch")
def test_a_command_that_cannot_be_fetched(filled, faults):
    """The queue stops. Who was next has an error, the channel is reset, and the others are done again."""
    filled.run(f"echo {SOON} >{PARAMETERS}/timeout_ms")
    fault = faults.add("abort", "command", channel=0)
    assert call(filled, "read", SIZE, offset=0)["errno"] == "EIO"
    assert fault.fired == 1
    assert "QUEUE_FETCH" in filled.run("dmesg | grep prd32").text
    assert counters(filled)["timeouts"] == 0
    expect_usable(filled)


@pytest.mark.parametrize(("on", "whole"), [
    pytest.param("command", READERS - 1, marks=pytest.mark.expect_violations("queue-fetch")),
    # All bytes were moved, which is what its reader tells.
    pytest.param("writeback", READERS, marks=pytest.mark.expect_violations("writeback-refused"))])
def test_the_queue_stops_under_several(filled, faults, on, whole):
    """What of it the bus refuses is an error of one request; the others are done again. No deadline has to pass."""
    filled.run(f"echo 60000 >{PARAMETERS}/timeout_ms")  # longer than anything here waits
    readers, stall = _readers(filled, faults)
    fault = faults.add("abort", on, channel=0)
    stall.clear()
    assert _whole(_results(readers)) == whole
    assert fault.fired == 1 and counters(filled)["failed"] == 1
    expect_usable(filled)


@pytest.mark.thorough
@pytest.mark.expect_violations("queue-fetch")
def test_the_queue_stops_while_ends_are_not_told(tools, faults):
    """Its interrupt is one with that for an earlier end, and is taken back by who was there first."""
    tools.run(f"echo 60000 >{PARAMETERS}/timeout_ms")
    job = tools.start(fio_words(filename=DISK, ioengine="libaio", iodepth=8, rw="randread", bs="64k", size="8m",
                                loops=20, continue_on_error="io"))
    for _ in range(5):
        wait_until(lambda before=counters(tools)["requests"]: counters(tools)["requests"] > before + 50, "it goes on")
        fault = faults.add("abort", "command")
        wait_until(lambda fault=fault: fault.fired == 1, "it has happened")
        fault.clear()
    assert job.wait(50).exit_code in (0, 1)
    counts = counters(tools)
    assert counts["timeouts"] == 0 and 1 <= counts["failed"] <= 5
    expect_usable(tools)


def test_a_status_among_several_is_lost(filled, faults):
    """Nobody knows how that command ended, so it did not end well, unless it was the last. No other is held up."""
    filled.run(f"echo 60000 >{PARAMETERS}/timeout_ms")  # longer than anything here waits
    readers, stall = _readers(filled, faults)
    fault = faults.add("drop", "writeback", channel=0)
    stall.clear()
    assert _whole(_results(readers)) >= READERS - 1
    counts = counters(filled)
    assert fault.fired == 1 and counts["timeouts"] == 0 and counts["failed"] <= 1
    expect_usable(filled)


@pytest.mark.thorough
def test_a_reset_under_several(card, faults):
    """What the engines had when an administrator resets the function is done again; compared byte by byte."""
    stall = faults.add("stall", "dma-read")
    workers = [card.start(["prd32ctl", *roundtrip_words(MIB, number * 2 * MIB, seed=number, iterations=60)])
               for number in range(READERS)]
    wait_until(lambda: _at_engines(card) == READERS, "all of them are at the engines")
    reset = f"echo 1 >/sys/bus/pci/devices/{card_address(card)}/reset"
    card.run(reset)
    stall.clear()
    for _ in range(10):
        card.run(reset)
    for worker in workers:
        worker.wait(120).check()
    expect_usable(card)


def test_unbound_under_several(filled, faults):
    """Whoever waits learns it, and nothing is left."""
    address = card_address(filled)
    readers, stall = _readers(filled, faults)
    unbind = filled.start(f"echo {address} >{FUNCTION}/unbind")
    results = _results(readers)
    unbind.wait(30).check()
    assert {result["errno"] for result in results if result["result"] < 0} == {"ENODEV"}
    stall.clear()
    filled.run(f"echo {address} >{FUNCTION}/bind")
    expect_usable(filled)


def test_without_the_queue(card, faults):
    """One table at a time, with the registers of SFF-8038i, as for a card that has no queue."""
    card.run("rmmod prd32")
    card.load_driver("queue=N")
    assert "tables at a time: 1" in card.run("dmesg | grep prd32").text
    roundtrip(card, 5 * MIB + 3)
    stall = faults.add("stall", "dma-write")
    readers = [_reader(card) for _ in range(4)]
    wait_until(lambda: counters(card)["depth"] == 4, "all of them wait")
    assert _at_engines(card) == 0
    stall.clear()
    assert all(result["result"] == SIZE for result in _results(readers))

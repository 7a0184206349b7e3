# SPDX-License-Identifier: Apache-2.0
"""The card misbehaves on request, and the driver copes: each error has its errno, and the card is usable afterwards."""

import json
import re

import pytest

import regmap
import where
from prd32ctl import (DEVICE, FUNCTION, KIB, MIB, PARAMETERS, await_tables, call, card_address, counters, expect_usable,
                      interrupts, pull, sleep_at_once, wait_until)

pytestmark = pytest.mark.environments(*where.ENDS)
REGISTERS = regmap.load()
SOON = 300  # ms: a deadline that a test waits for


@pytest.fixture
def hasty(card):
    """The card, with a driver that waits for a table no longer than SOON."""
    card.run(f"echo {SOON} > {PARAMETERS}/timeout_ms")
    return card


def log(guest) -> str:
    return guest.run("dmesg | grep prd32").text


# ---- interrupts

@pytest.mark.technique("transfer-timeout")
def test_a_lost_interrupt_delays_and_does_no_more(hasty, faults):
    sleep_at_once(hasty)
    rule = faults.add("drop", "interrupt", vector=0)
    call(hasty, "write", MIB, offset=0, seed=5)
    rule.wait_fired()
    assert call(hasty, "read", MIB, offset=0, seed=5)["matching"] == MIB
    counts = counters(hasty)
    assert (counts["lost"], counts["timeouts"], counts["stops"]) == (1, 0, 0)
    assert "an interrupt was lost" in log(hasty)


@pytest.mark.parametrize("fault", ["duplicate", "late"])
def test_interrupts_that_come_twice_or_late(card, faults, fault):
    sleep_at_once(card)
    rule = faults.add(fault, "interrupt", count=0, **({"delay_ms": 20} if fault == "late" else {}))
    for seed in range(10):
        call(card, "write", 100 * KIB + seed, offset=seed, seed=seed)
        assert call(card, "read", 100 * KIB + seed, offset=seed, seed=seed)["matching"] == 100 * KIB + seed
    assert rule.fired >= 10
    assert counters(card)["failed"] == 0


def test_spurious_interrupts(card, faults):
    """Of every vector, with an idle card and with a busy one."""
    sleep_at_once(card)
    before = interrupts(card)
    for _ in range(20):
        for vector in range(3):
            faults.interrupt(vector)
    wait_until(lambda: interrupts(card) > before, "those of an idle card")
    busy = faults.add("spurious", "dma-write", count=0, interrupt=0)
    expect_usable(card)
    assert busy.fired > 0
    assert counters(card)["failed"] == 0
    assert "nobody cared" not in card.run("dmesg").text


# ---- an engine that does not end

@pytest.mark.technique("transfer-timeout")
def test_a_stalled_transfer_is_stopped(hasty, faults):
    faults.add("stall", "dma-write", channel=0)
    result = call(hasty, "read", MIB, offset=0)
    assert (result["result"], result["errno"]) == (-1, "ETIMEDOUT")
    counts = counters(hasty)
    assert (counts["timeouts"], counts["stops"], counts["channel_resets"]) == (1, 1, 0)
    expect_usable(hasty)


def test_what_was_moved_before_the_stall_is_returned(hasty, faults):
    """The second descriptor stalls: a read returns the bytes of the first, which are right."""
    call(hasty, "write", MIB, offset=0, seed=8)
    faults.add("stall", "dma-write", channel=0, prd_index=1)
    result = call(hasty, "read", MIB, offset=0, seed=8)
    assert 0 < result["result"] < MIB
    assert result["matching"] == result["result"]
    expect_usable(hasty)


def test_an_engine_that_is_deaf_to_stop_is_reset(hasty, faults):
    faults.add("stall", "dma-write", channel=0, survives="stop")
    assert call(hasty, "read", MIB, offset=0)["errno"] == "ETIMEDOUT"
    counts = counters(hasty)
    assert (counts["stops"], counts["channel_resets"], counts["function_resets"]) == (1, 1, 0)
    expect_usable(hasty)


def test_a_recovery_is_for_its_own_request(card, faults):
    """Asked for once more while it works, it leaves alone what the engine was given meanwhile."""
    card.run(f"echo 4000 > {PARAMETERS}/timeout_ms")  # of the first, until which the others have to be there
    faults.add("stall", "dma-write", channel=0, survives="stop")  # for as long as it is waited for a stop: a second
    first = card.start(f"dd if={DEVICE} of=/dev/null bs=4k count=1")
    faults.wait_stalled(0)
    card.run(f"echo 20000 > {PARAMETERS}/timeout_ms")
    others = []
    for depth in (2, 3):  # at the other channel, and behind the first one
        others.append(card.start(f"dd if={DEVICE} of=/dev/null bs=4k count=1"))
        wait_until(lambda depth=depth: counters(card)["depth"] >= depth, "another waits")
    later = faults.add("stall", "dma-write", channel=0, for_ms=500)
    wait_until(lambda: counters(card)["stops"] == 1, "the recovery")
    first.kill()
    assert [process.wait(30).exit_code for process in others] == [0, 0]
    assert later.fired == 1
    counts = counters(card)
    assert (counts["stops"], counts["channel_resets"]) == (1, 1)


def test_an_engine_that_is_deaf_to_its_reset_costs_a_function_reset(card, faults):
    """The other channel's transfer survives it: it is done again."""
    call(card, "write", 64 * KIB, offset=0, seed=4)
    card.run(f"echo 4000 > {PARAMETERS}/timeout_ms")  # of the first, until which the other has to be there
    faults.add("stall", "dma-write", channel=0, survives="channel-reset")
    first = card.start(f"dd if={DEVICE} of=/dev/null bs=4k count=1")
    faults.wait_stalled(0)
    card.run(f"echo 20000 > {PARAMETERS}/timeout_ms")
    other = card.start(["prd32ctl", "call", "read", "--size", str(64 * KIB), "--offset", "0", "--seed", "4", "--json"])
    wait_until(lambda: counters(card)["depth"] == 2, "the other is at the other channel")
    wait_until(lambda: counters(card)["function_resets"] == 1, "a function reset")
    assert first.wait(30).exit_code != 0
    assert json.loads(other.wait(30).check().stdout)["matching"] == 64 * KIB
    assert counters(card)["channel_resets"] == 1
    assert f"{card_address(card)}: channel 0 does not reset: resetting the card" in log(card)
    expect_usable(card)


# ---- errors that the card reports

@pytest.mark.parametrize(("on", "name", "code"), [
    pytest.param("dma-write", "read", "DATA_WRITE", marks=pytest.mark.expect_violations("data-write")),
    pytest.param("dma-read", "write", "DATA_READ", marks=pytest.mark.expect_violations("data-read")),
    pytest.param("table-fetch", "read", "PRDT_FETCH", marks=pytest.mark.expect_violations("prdt-fetch"))])
def test_a_bus_error_is_EIO_and_one_message(card, faults, on, name, code):
    faults.add("abort", on, channel=0)
    result = call(card, name, 64 * KIB, offset=0)
    assert (result["result"], result["errno"]) == (-1, "EIO")
    assert len(re.findall(rf"channel 0: {code} at descriptor 0, address 0x[0-9a-f]+; 0 of 65536", log(card))) == 1
    expect_usable(card)


@pytest.mark.expect_violations("writeback-refused")
def test_a_status_block_that_the_bus_refuses(card, faults):
    """The interrupt comes without news in memory: the driver asks the card, and does not wait for the deadline. All
    bytes were moved, which is what a read tells; the error is in the log."""
    call(card, "write", 64 * KIB, offset=0, seed=4)
    faults.add("abort", "writeback", channel=0)
    assert call(card, "read", 64 * KIB, offset=0, seed=4)["matching"] == 64 * KIB
    counts = counters(card)
    assert (counts["lost"], counts["failed"]) == (0, 1)
    assert "WRITEBACK_REFUSED" in log(card)
    expect_usable(card)


def test_a_short_transfer_is_no_whole_one(card, faults):
    """The card says that all is well, but moved less: so does the driver."""
    call(card, "write", 64 * KIB, offset=0, seed=2)
    rule = faults.add("short", "dma-write", channel=0, bytes=100)
    result = call(card, "read", 64 * KIB, offset=0, seed=2)
    assert rule.fired == 1
    assert 0 < result["result"] == result["matching"] < 64 * KIB
    expect_usable(card)


@pytest.mark.expect_violations("data-write")
@pytest.mark.parametrize("parameter", ["queue=N", "writeback=N"], ids=["status in memory", "status in registers"])
def test_an_error_while_the_card_vanishes(card, faults, parameter):
    """All ones are no count of bytes: what was not moved does not pass for read. A command of the queue has all of its
    report in memory."""
    card.run("rmmod prd32")
    card.load_driver(parameter)
    call(card, "write", MIB, offset=0, seed=6)
    faults.subscribe()
    faults.add("abort", "dma-write", channel=0, prd_index=3)
    faults.add("all-ones", "register-read", for_ms=200,
               addresses=[REGISTERS.offset("MOVED", 0), REGISTERS.offset("ERROR_ADDR", 0)])
    result = call(card, "read", MIB, offset=0, seed=6)
    assert result["result"] < MIB and result["matching"] == max(result["result"], 0)
    faults.wait_event("ended", fault="all-ones")
    expect_usable(card)


# ---- a card that is not there

@pytest.mark.technique("surprise-removal")
def test_all_ones_are_ENODEV_at_once_and_a_reset_brings_the_card_back(hasty, faults):
    faults.all_ones()
    assert call(hasty, "read", MIB, offset=0)["errno"] == "ENODEV"
    hasty.run(f"echo 600000 > {PARAMETERS}/timeout_ms")  # what comes now does not even try
    assert call(hasty, "read", MIB, offset=0)["errno"] == "ENODEV"
    faults.all_ones(False)
    hasty.run(f"echo 1 > /sys/bus/pci/devices/{card_address(hasty)}/reset")
    expect_usable(hasty)


def test_a_card_that_comes_back_as_another_is_refused(card, faults):
    """Tables and memory were laid out for the one that there was: nothing is begun with more."""
    reset = f"echo 1 > /sys/bus/pci/devices/{card_address(card)}/reset"
    call(card, "write", MIB, offset=0, seed=3)
    size = REGISTERS.offset("MEM_SIZE")
    faults.add("drop", "register-read", addresses=[size, size], count=0)
    card.run(reset)
    assert "another card than before" in log(card)
    assert call(card, "read", MIB, offset=0)["errno"] == "ENODEV"
    faults.clear()
    card.run(reset)
    assert call(card, "read", MIB, offset=0, seed=3)["matching"] == MIB
    expect_usable(card)


@pytest.mark.expect_violations("dma-bus-master-off", "data-write", "prdt-fetch", "writeback-refused")
def test_who_waits_in_a_queue_learns_at_once_that_the_card_has_left(card, faults):
    """One deadline passes, not one for each of them. What the card goes on with when it is back meets a closed bus: the
    memory is others' by then."""
    readers = 10
    card.run(f"echo 5000 > {PARAMETERS}/timeout_ms")  # until which all of them have to be there
    stall = faults.add("stall", "dma-write")  # the channels share an engine: the other one waits, too
    jobs = [card.start(f"dd if={DEVICE} of=/dev/null bs=1M count=1 2>/tmp/reader{n}") for n in range(readers)]
    wait_until(lambda: counters(card)["depth"] == readers, "all of them wait")
    stall.wait_fired()
    faults.all_ones()
    for number, job in enumerate(jobs):
        job.wait(50)
        assert "No such device" in card.run(f"cat /tmp/reader{number}").text
    assert counters(card)["timeouts"] == 0
    faults.all_ones(False)
    faults.clear()
    card.run(f"echo 1 > /sys/bus/pci/devices/{card_address(card)}/reset")
    expect_usable(card)


# ---- removal

@pytest.mark.technique("surprise-removal")
def test_surprise_removal_under_load(hasty, faults):
    """Readers get ENODEV, the driver lets go, and nothing is left."""
    address = card_address(hasty)
    readers = [hasty.start(f"while dd if={DEVICE} of=/dev/null bs=4M 2>/tmp/reader{n}; do :; done") for n in range(2)]
    await_tables(hasty, 4, "the readers work")
    faults.remove()
    for number, reader in enumerate(readers):
        reader.wait(30)
        assert "No such device" in hasty.run(f"cat /tmp/reader{number}").text
    pull(hasty, address)
    assert hasty.run(f"test -e {DEVICE}", check=False).exit_code != 0


def test_orderly_removal_under_load(card):
    """The slot's button, or the administrator: the driver is asked, stops what runs, and goes."""
    address = card_address(card)
    reader = card.start(f"while dd if={DEVICE} of=/dev/null bs=4M 2>/tmp/reader; do :; done")
    await_tables(card, 4, "the reader works")
    pull(card, address)
    reader.wait(30)
    assert card.run(f"test -e {DEVICE}", check=False).exit_code != 0


# ---- resets

@pytest.mark.thorough
def test_a_reset_under_load_loses_nothing(card):
    """What runs when an administrator resets the function is done again; compared byte by byte in the guest."""
    address = card_address(card)
    worker = card.start(["prd32ctl", "roundtrip", "--size", str(8 * MIB), "--card-offset", "0", "--iterations", "30"])
    await_tables(card, 1, "the worker works")
    for _ in range(10):
        card.run(f"echo 1 > /sys/bus/pci/devices/{address}/reset")
    worker.wait(120).check()
    expect_usable(card)


def test_bound_again_after_everything(hasty, faults):
    """Unbinding and binding in any state."""
    address = card_address(hasty)
    faults.add("stall", "dma-write", channel=0, survives="channel-reset", count=0)
    assert call(hasty, "read", MIB, offset=0)["errno"] == "ETIMEDOUT"
    hasty.run(f"echo {address} > {FUNCTION}/unbind")
    faults.clear()
    hasty.run(f"echo {address} > {FUNCTION}/bind")
    expect_usable(hasty)

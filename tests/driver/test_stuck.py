# SPDX-License-Identifier: Apache-2.0
"""An engine that nothing stops, and one that only seems to have stopped: memory that it may be at is no one else's, and
the bus is closed to it."""

import re

import pytest

import regmap
from blockdisk import CLIENT, DISK, DRIVER
from prd32ctl import (DEVICE, KIB, MIB, PARAMETERS, call, card_address, counters, expect_usable, wait_until,
                      without_deadline)
from testbed.environment import Cell

pytestmark = pytest.mark.environments("direct", "vtd")
SOON = 300  # ms
_BUS_MASTER = 1 << 2  # of COMMAND in configuration space
REGISTERS = regmap.load()


@pytest.fixture
def hasty(card):
    """The card, with a driver that waits for a table no longer than SOON."""
    card.run(f"echo {SOON} >{PARAMETERS}/timeout_ms")
    return card


def _mapped(cell: Cell) -> list[str]:
    """What stays with memory that is never unmapped, where it is counted."""
    return ["dma-mappings"] * (cell.kernel == "debug") + ["card-mappings"] * ("iommu" in cell.environment.proves)


@pytest.fixture
def leaves_mappings(request, cell):
    """The test leaks what it had mapped. To be asked for before the card."""
    request.node.add_marker(pytest.mark.expect_leak(*_mapped(cell)))


@pytest.fixture
def leaves_pages(request, cell):
    """The same, of pages that stay pinned, too."""
    request.node.add_marker(pytest.mark.expect_leak("pinned-pages", *_mapped(cell)))


@pytest.fixture
def unstoppable(hasty, faults):
    """A card that no means stops: it does not heed CONTROL.RESET, and the kernel has no way to reset it. Afterwards
    there is one again, and the card is as good as new."""
    device = f"/sys/bus/pci/devices/{card_address(hasty)}"
    methods = hasty.run(f"cat {device}/reset_method").text
    hasty.run(f"echo >{device}/reset_method")
    faults.add("stall", ["dma-read", "dma-write"], survives="channel-reset")
    yield hasty
    hasty.run(f"echo {methods} >{device}/reset_method && echo 1 >{device}/reset")
    assert _is_bus_master(hasty)
    expect_usable(hasty)


def _is_bus_master(guest) -> bool:
    command = guest.run(f"hexdump -s 4 -n 2 -e '\"%04x\"' /sys/bus/pci/devices/{card_address(guest)}/config").text
    return bool(int(command, 16) & _BUS_MASTER)


def _error_of(guest, words: str) -> str:
    """What a dd that must fail says."""
    failed = guest.run(f"dd {words}", check=False)
    assert failed.exit_code != 0
    return failed.stderr.decode()


def _expect_out_of_order(guest) -> None:
    """The card is cut off, and each front end says so at once."""
    assert not _is_bus_master(guest)
    assert call(guest, "read", 4 * KIB, offset=0)["errno"] == "EIO"
    assert call(guest, "write", 4 * KIB, offset=0)["errno"] == "EIO"
    assert "Input/output error" in _error_of(guest, f"if={DISK} of=/dev/null bs=4k count=1 iflag=direct")


# ---- the last means

@pytest.mark.technique("transfer-timeout", "bus-master")
def test_pages_of_a_reader_stay_pinned(leaves_pages, unstoppable):
    result = call(unstoppable, "read", 64 * KIB, offset=0)
    assert (result["result"], result["errno"]) == (-1, "ETIMEDOUT")
    _expect_out_of_order(unstoppable)


def test_memory_of_a_request_of_the_disk_stays_mapped(leaves_mappings, unstoppable):
    assert "timed out" in _error_of(unstoppable, f"if={DISK} of=/dev/null bs=64k count=1 iflag=direct")
    _expect_out_of_order(unstoppable)


def test_zeros_of_the_disk_stay(leaves_mappings, tools, unstoppable):
    """A disk that goes leaves them to an engine that reads them; the next one has zeros of its own."""
    words = ["blkdiscard", "--zeroout", "--force", "--length", str(MIB), DISK]  # forced: it does not read before
    # Linux 6.1 writes zeros by itself then, which a channel out of order refuses.
    assert re.search("timed out|Input/output error", tools.run(words, check=False).stderr.decode())
    _expect_out_of_order(tools)
    tools.run(f"echo {CLIENT} >{DRIVER}/unbind && echo {CLIENT} >{DRIVER}/bind")


def test_a_buffer_of_the_driver_stays(leaves_mappings, uapi, unstoppable):
    """Although handle and file are closed."""
    uapi("stuck.buffer")
    _expect_out_of_order(unstoppable)


def test_others_learn_of_it_at_once(leaves_pages, unstoppable, faults):
    """Who waits behind a request that cannot be ended does not wait for a deadline of its own."""
    unstoppable.run(f"echo 6000 >{PARAMETERS}/timeout_ms")  # until which the others have to be there
    # Its memory begins with a page, so that nothing of it goes through a buffer of the driver's.
    first = unstoppable.start(["prd32ctl", "call", "read", "--size", str(64 * KIB), "--offset", "0", "--json"])
    faults.wait_stalled()
    without_deadline(unstoppable)
    others = [unstoppable.start(f"dd if={DEVICE} of=/dev/null bs=4k count=1 2>/tmp/other{n}") for n in range(3)]
    wait_until(lambda: counters(unstoppable)["depth"] == 4, "all of them wait")
    wait_until(lambda: not _is_bus_master(unstoppable), "the card is given up")
    assert "ETIMEDOUT" in first.wait(30).text
    for number, other in enumerate(others):
        other.wait(30)
        assert "Input/output error" in unstoppable.run(f"cat /tmp/other{number}").text


# ---- an engine that was not seen idle

@pytest.mark.expect_violations("dma-bus-master-off")
def test_one_read_of_all_ones_is_no_idle_engine(hasty, faults):
    """Whatever the next read says: the request ends, its memory is others', and the bus is closed to the engine."""
    status = REGISTERS.offset("BM_STATUS", 0)
    stall = faults.add("stall", "dma-write", channel=0, survives="stop")
    faults.add("drop", "register-read", addresses=[status, status], after=1)
    assert call(hasty, "read", MIB, offset=0)["errno"] == "ENODEV"
    stall.release()
    hasty.run(f"echo 1 >/sys/bus/pci/devices/{card_address(hasty)}/reset")
    expect_usable(hasty)


# ---- what comes after an engine was seen idle

def _late_write(guest, faults) -> str:
    """A reader is killed while the card stalls; the card writes once more after it said that it had stopped. Returns
    what became of that."""
    faults.subscribe()
    faults.add("write-after-abort", "dma-write", channel=0, delay_ms=500)
    faults.add("stall", "dma-write", channel=0)
    reader = guest.start(["dd", f"if={DEVICE}", "of=/dev/null", "bs=64k", "count=1"])
    faults.wait_stalled(0)
    reader.kill()
    reader.wait(30)
    return faults.wait_event("written", fault="write-after-abort").how


@pytest.mark.environments("vtd")
@pytest.mark.technique("iommu")
@pytest.mark.expect_violations("dma-by-idle-channel")
def test_an_iommu_refuses_what_comes_late(card, faults):
    """The memory was unmapped by then, so that nobody's page is written."""
    assert _late_write(card, faults) == "refused"
    expect_usable(card)


@pytest.mark.environments("direct")
@pytest.mark.expect_violations("dma-by-idle-channel")
def test_without_one_the_card_tells(card, faults):
    """No driver can keep it from that: it saw the engine idle. The page is whoever's has it next."""
    assert _late_write(card, faults) == "taken"
    expect_usable(card)


@pytest.mark.environments("direct", "vtd", "intx")
def test_a_status_block_that_is_lost(card, faults):
    """The interrupt comes without news in memory: the driver asks the card, and does not wait for the deadline."""
    call(card, "write", 64 * KIB, offset=0, seed=4)
    rule = faults.add("drop", "writeback", channel=0)
    assert call(card, "read", 64 * KIB, offset=0, seed=4)["matching"] == 64 * KIB
    assert rule.fired == 1
    counts = counters(card)
    assert (counts["lost"], counts["failed"], counts["timeouts"]) == (0, 0, 0)
    expect_usable(card)

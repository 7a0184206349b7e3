# SPDX-License-Identifier: Apache-2.0
"""How often the driver is at the card's registers, and transfers whose end is told by registers alone (writeback=N)."""

import pytest

from blockdisk import DISK, SIZE, bytes_at, fio
from prd32ctl import (KIB, MIB, MODULE, call, counters, expect_interrupts, expect_usable, interrupts, roundtrip,
                      sleep_at_once)

_FEW = 10


@pytest.fixture
def without_writeback(card):
    """The card, which does not write its status to memory: as one would that cannot."""
    card.run(f"rmmod prd32 && insmod {MODULE} writeback=N spin_us=0")
    assert card.run("cat /sys/bus/pci/drivers/prd32/*/card/status").text == "registers"
    return card


def _accesses(guest, iterations: int) -> tuple[int, int]:
    """How often registers are read and written meanwhile; each iteration is two transfers of one table."""
    before = guest.card.stats()["bridge"]["messages"]
    roundtrip(guest, 64 * KIB, iterations=iterations)
    after = guest.card.stats()["bridge"]["messages"]
    return tuple(after[name] - before[name] for name in ("region_read", "region_write"))


@pytest.mark.environments("direct")
def test_no_register_is_read_on_the_way(card):
    """A read waits for the card, a write does not: START, and the interrupt taken back; where to and how much are there
    already. What a program costs besides, when it opens the device, is the same for few transfers and for many."""
    sleep_at_once(card)
    roundtrip(card, 64 * KIB)
    few, many = _accesses(card, _FEW), _accesses(card, 10 * _FEW)
    transfers = 2 * 9 * _FEW
    assert (many[0] - few[0], many[1] - few[1]) == (0, 2 * transfers)


@pytest.mark.environments("direct", "intx", "msi")
@pytest.mark.parametrize("sizes", [(1, 511, 512), (4095, 4096, 4097), (65535, 65536, 65537), (MIB + 3,)],
                         ids=["sector", "page", "descriptor", "many"])
def test_status_in_registers(without_writeback, sizes):
    for size in sizes:
        before = interrupts(without_writeback)
        assert roundtrip(without_writeback, size)["bytes"] == size
        expect_interrupts(without_writeback, before, 2)
    counts = counters(without_writeback)
    assert (counts["lost"], counts["failed"], counts["timeouts"]) == (0, 0, 0)


@pytest.mark.environments("direct", "intx", "msi")
@pytest.mark.expect_violations("data-write")
def test_an_error_in_registers(without_writeback, faults):
    """It is found, and what was moved before it counts."""
    faults.add("abort", "dma-write", prd_index=0)
    assert call(without_writeback, "read", 64 * KIB, offset=0)["errno"] == "EIO"
    fault = faults.add("abort", "dma-write", prd_index=3)
    moved = call(without_writeback, "read", MIB, offset=0)["result"]
    assert fault.fired == 1 and 0 < moved < MIB
    expect_usable(without_writeback)
    assert len(bytes_at(without_writeback, 0, 4 * KIB)) == 4 * KIB


@pytest.mark.environments("direct", "intx", "msi")
def test_disk_with_status_in_registers(tools):
    tools.run(f"rmmod prd32 && insmod {MODULE} writeback=N")
    fio(tools, disk=DISK, ioengine="libaio", iodepth=8, rw="randwrite", bsrange="512-512k", blockalign=512, size=SIZE,
        verify="crc32c")
    assert counters(tools)["lost"] == 0

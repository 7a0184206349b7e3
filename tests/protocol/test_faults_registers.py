# SPDX-License-Identifier: Apache-2.0
"""Registers that do not answer, and a card that is gone: for a while, or for good."""

import pytest

from protocol.guest_memory import (BASE, MAP, MEMORY, MMIO, PCI_COMMAND, GuestMemory, bus_master, finish, mask,
                                   read_register, start, table, transfer, write_register)
from protocol.held_access import ACTIVE, INTERRUPT, status
from protocol.interrupt_events import CH0, Events, use_msix
from protocol.vfio_user import Client
from testbed.faults import FaultRefused

ONES = 0xFFFFFFFF
SCRATCH = MAP.offset("SCRATCH", 0)


@pytest.fixture
def faults(device):
    return device.faults


@pytest.fixture
def ready(client, memory: GuestMemory) -> Client:
    memory.put(BASE, table([(memory.data, 64), (memory.data + 0x10000, 64)]))
    write_register(client, "SCRATCH", 0x1234)
    return client


def test_lost_read(device, ready, faults):
    """All ones, and no breach of the guest's."""
    faults.add("drop", "register-read", addresses=[SCRATCH, SCRATCH + 3], after=1)
    assert [read_register(ready, "SCRATCH") for _ in range(3)] == [0x1234, ONES, 0x1234]
    told, = device.injected()
    assert (told.on, told.address, told.bytes) == ("register-read", SCRATCH, 4)


def test_lost_write(ready, faults):
    faults.add("drop", "register-write", addresses=[SCRATCH, SCRATCH])
    write_register(ready, "IRQ_ENABLE", 1)
    write_register(ready, "SCRATCH", 0x5678)
    assert read_register(ready, "SCRATCH") == 0x1234 and read_register(ready, "IRQ_ENABLE") == 1
    write_register(ready, "SCRATCH", 0x5678)
    assert read_register(ready, "SCRATCH") == 0x5678


@pytest.mark.expect_violations("mmio-bad-access")
def test_refused_access(ready, faults):
    faults.add("abort", ["register-read", "register-write"], addresses=[SCRATCH, SCRATCH], count=2)
    write_register(ready, "SCRATCH", 0x5678)
    assert [read_register(ready, "SCRATCH") for _ in range(2)] == [ONES, 0x1234]


def test_all_ones(ready, faults):
    faults.all_ones()
    assert [read_register(ready, name) for name in ("ID", "SCRATCH")] == [ONES, ONES]
    assert ready.read(MMIO, 0, 1) == 0xFF and ready.read(MEMORY, 0, 8) == 0xFFFFFFFFFFFFFFFF
    write_register(ready, "SCRATCH", 0x5678)
    ready.write(MEMORY, 0, 0x55)
    assert ready.config_read(0, 4) != ONES  # configuration space is there
    assert faults.state()["presence"] == "all-ones"
    faults.all_ones(False)
    assert read_register(ready, "SCRATCH") == 0x1234 and ready.read(MEMORY, 0) == 0
    transfer(ready, BASE, to_host=True)


def test_all_ones_by_rule(ready, faults):
    """From that transaction on, for a time."""
    faults.subscribe()
    faults.add("all-ones", "register-write", addresses=[SCRATCH, SCRATCH], for_ms=100)
    assert read_register(ready, "SCRATCH") == 0x1234
    write_register(ready, "SCRATCH", 0x5678)
    assert read_register(ready, "SCRATCH") == ONES
    faults.wait(lambda: faults.state()["presence"] == "present", "the card to be back")
    assert read_register(ready, "SCRATCH") == 0x1234


def test_all_ones_stop_dma_and_interrupts(ready, memory, events: Events, faults):
    """What was under way waits until the card is back."""
    use_msix(ready, events)
    write_register(ready, "IRQ_ENABLE", mask("IRQ_ENABLE", "CH0"))
    memory.put(memory.data, b"\x55" * 64)
    memory.put(memory.data + 0x10000, b"\x55" * 64)
    faults.add("all-ones", "dma-write", prd_index=1)
    start(ready, BASE, to_host=True)
    faults.wait_stalled(0)
    assert status(ready) == 0xFF and events.take(CH0) == 0
    assert memory.get(memory.data, 64) == bytes(64) and memory.get(memory.data + 0x10000, 64) == b"\x55" * 64
    faults.interrupt(CH0)
    ready.device_info()
    assert events.take(CH0) == 0
    faults.all_ones(False)
    assert finish(ready) == INTERRUPT and events.take(CH0) == 1
    assert memory.get(memory.data + 0x10000, 64) == bytes(64)


def test_reset_while_all_ones(ready, memory, faults):
    """Configuration space answers, so a reset ends what was under way."""
    faults.add("all-ones", "dma-write")
    start(ready, BASE, to_host=True)
    faults.wait_stalled(0)
    ready.reset()
    assert faults.state()["stalls"] == [] and faults.state()["active"] == []
    faults.all_ones(False)
    bus_master(ready)
    transfer(ready, BASE, to_host=True)


def test_removed(ready, faults):
    faults.remove()
    assert read_register(ready, "ID") == ONES and ready.config_read(0, 4) == ONES
    ready.config_write(PCI_COMMAND, 0, 2)
    assert ready.read(MAP.msix.bar, 0) == ONES
    with pytest.raises(FaultRefused, match="removed"):
        faults.all_ones(False)
    ready.reset()
    assert ready.config_read(PCI_COMMAND, 2) == 0xFFFF
    assert faults.state()["presence"] == "removed"


def test_removed_in_the_middle_of_a_transfer(device, ready, memory, faults):
    memory.put(memory.data + 0x10000, b"\x55" * 64)
    faults.add("removal", "dma-write", prd_index=1)
    start(ready, BASE, to_host=True)
    faults.wait_stalled(0)
    assert status(ready) == 0xFF
    ready.close()  # as QEMU does when the guest has let the card go
    faults.wait(lambda: not faults.state()["active"], "the card to be reset")
    assert memory.get(memory.data + 0x10000, 64) == b"\x55" * 64
    assert [(told.event, told.fault) for told in device.injected()] == [("fired", "removal"), ("ended", "removal")]


def test_present_without_a_command(ready, faults):
    assert faults.state()["presence"] == "present" and status(ready) & ACTIVE == 0
    faults.all_ones(False)
    assert read_register(ready, "SCRATCH") == 0x1234

# SPDX-License-Identifier: Apache-2.0
"""Interrupts from the card's lines to eventfds: INTx as a level, MSI and MSI-X as messages, and masking of each."""

import os
import select
import struct

import pytest

from protocol.guest_memory import (BASE, COMMAND_INTX_DISABLE, COMMAND_MASTER, MAP, MMIO, PCI_COMMAND, PCI_STATUS,
                                   GuestMemory, bus_master, finish, mask, read_register, start, table,
                                   write_register)
from protocol.interrupt_events import (CAP_MSI, CH0, CH1, VECTORS, Events, lower_line, pending, raise_line, use_msi,
                                       use_msix)
from protocol.vfio_user import (ACTION_MASK, ACTION_TRIGGER, ACTION_UNMASK, DATA_BOOL, DATA_EVENTFD, DATA_NONE, INTX,
                                MSI, MSIX, REGION_WRITE_MULTI, Client)

INTERRUPT_STATUS = 0x8


@pytest.fixture
def card(client, memory: GuestMemory) -> Client:
    """Tables for a short transfer of each channel are in place, all interrupt causes are enabled."""
    for channel in (0, 1):
        memory.put(BASE + 0x10000 * channel, table([(BASE + 0x20000, 64)]))
    write_register(client, "IRQ_ENABLE", mask("IRQ_ENABLE", "CH0") | mask("IRQ_ENABLE", "CH1"))
    return client


# ---- writes that come in one message

def test_pulse_in_one_message_is_one_interrupt(card, events):
    """The line falls and rises between the writes, as when they come one by one."""
    use_msi(card, events)
    raise_line(card)
    assert events.take(CH0) == 1
    writes = b"".join(struct.pack("=QIIQ", MAP.offset("IRQ_ENABLE"), MMIO, 4, value)
                      for value in (0, mask("IRQ_ENABLE", "CH0")))
    card.call(REGION_WRITE_MULTI, struct.pack("=Q", 2) + writes)
    card.device_info()
    assert events.take(CH0) == 1


# ---- INTx

def test_intx_level_fires_once_and_again_when_unmasked(card, events, device):
    card.set_trigger(INTX, events.fds[:1])
    raise_line(card)
    assert events.take() == 1
    raise_line(card, 1)
    assert events.take() == 0, "masked until the client says that the interrupt was taken"
    card.set_irqs(INTX, DATA_NONE | ACTION_UNMASK, 0, 1)
    assert events.take() == 1, "the level is still there"
    lower_line(card)
    card.set_irqs(INTX, DATA_NONE | ACTION_UNMASK, 0, 1)
    assert events.take() == 1, "the other channel holds the level"
    lower_line(card, 1)
    card.set_irqs(INTX, DATA_NONE | ACTION_UNMASK, 0, 1)
    assert events.take() == 0
    raise_line(card)
    assert events.take() == 1
    assert device.stats()["bridge"]["interrupts"] == {"intx": 4, "msi": 0, "msix": 0}


def unmask(client: Client) -> None:
    client.set_irqs(INTX, DATA_NONE | ACTION_UNMASK, 0, 1)


def test_intx_fires_once_for_each_rise(card, events, device):
    """A handler that lowers the line before it unmasks is called once a transfer, and never for nothing."""
    card.set_trigger(INTX, events.fds[:1])
    for _ in range(20):
        raise_line(card)
        assert events.take() == 1
        lower_line(card)
        unmask(card)
        unmask(card)
        assert events.take() == 0
    assert device.stats()["bridge"]["interrupts"]["intx"] == 20


def test_intx_as_qemu_serves_it(card, events, device):
    """QEMU unmasks after each access to a BAR while the interrupt is pending, as it cannot know which one lowers the
    line. So the read of the cause makes a line that is still high fire again: twice a transfer, and no more."""
    card.set_trigger(INTX, events.fds[:1])
    for _ in range(20):
        raise_line(card)
        assert events.take() == 1
        assert read_register(card, "IRQ_CAUSE") == mask("IRQ_CAUSE", "CH0")
        unmask(card)
        assert events.take() == 1
        lower_line(card)
        unmask(card)
        assert events.take() == 0
    assert device.stats()["bridge"]["interrupts"]["intx"] == 40


def test_intx_that_fell_and_rose_behind_the_mask(card, events):
    card.set_trigger(INTX, events.fds[:1])
    raise_line(card)
    assert events.take() == 1
    lower_line(card)
    raise_line(card)
    assert events.take() == 0
    unmask(card)
    assert events.take() == 1
    lower_line(card)
    unmask(card)
    assert events.take() == 0


def test_intx_masked_by_the_client(card, events):
    card.set_trigger(INTX, events.fds[:1])
    card.set_irqs(INTX, DATA_NONE | ACTION_MASK, 0, 1)
    raise_line(card)
    assert events.take() == 0
    card.set_irqs(INTX, DATA_BOOL | ACTION_UNMASK, 0, 1, data=b"\0")
    assert events.take() == 0
    card.set_irqs(INTX, DATA_BOOL | ACTION_UNMASK, 0, 1, data=b"\1")
    assert events.take() == 1


def test_intx_unmasked_by_an_event(card, events):
    """KVM unmasks so, without a message."""
    card.set_trigger(INTX, events.fds[:1])
    card.set_irqs(INTX, DATA_EVENTFD | ACTION_UNMASK, 0, 1, fds=[events.fds[1]])
    raise_line(card)
    assert events.take() == 1
    os.eventfd_write(events.fds[1], 1)
    ready, _, _ = select.select([events.fds[0]], [], [], 10)
    assert ready and events.take() == 1
    card.set_irqs(INTX, DATA_EVENTFD | ACTION_UNMASK, 0, 1)
    os.eventfd_write(events.fds[1], 1)
    card.device_info()
    assert events.take() == 0


def test_intx_assigned_while_the_level_is_there(card, events):
    raise_line(card)
    card.set_trigger(INTX, events.fds[:1])
    assert events.take() == 1


def test_intx_disabled_in_the_command_register(card, events):
    card.set_trigger(INTX, events.fds[:1])
    card.config_write(PCI_COMMAND, COMMAND_MASTER | COMMAND_INTX_DISABLE, 2)
    raise_line(card)
    assert events.take() == 0
    assert card.config_read(PCI_STATUS, 2) & INTERRUPT_STATUS
    bus_master(card)
    assert events.take() == 1
    lower_line(card)
    assert not card.config_read(PCI_STATUS, 2) & INTERRUPT_STATUS


def test_intx_index_disabled(card, events):
    card.set_trigger(INTX, events.fds[:1])
    card.set_irqs(INTX, DATA_NONE | ACTION_TRIGGER)
    raise_line(card)
    assert events.take() == 0


def test_intx_is_silent_while_messages_are_on(card, events):
    card.set_trigger(INTX, events.fds[3:4])
    use_msix(card, events)
    raise_line(card)
    assert (events.take(3), events.take(CH0)) == (0, 1)
    assert not card.config_read(PCI_STATUS, 2) & INTERRUPT_STATUS


# ---- MSI

def test_msi_messages_by_vector(card, events, device):
    use_msi(card, events)
    raise_line(card)
    assert [events.take(vector) for vector in range(4)] == [int(vector == CH0) for vector in range(4)]
    raise_line(card, 1)
    assert [events.take(vector) for vector in range(4)] == [int(vector == CH1) for vector in range(4)]
    assert device.stats()["bridge"]["interrupts"] == {"intx": 0, "msi": 2, "msix": 0}


def test_msi_is_an_edge(card, events):
    use_msi(card, events)
    raise_line(card)
    assert events.take(CH0) == 1
    card.device_info()
    assert events.take(CH0) == 0
    raise_line(card)  # clears and sets the cause
    assert events.take(CH0) == 1


def test_msi_with_one_message_serves_all_vectors(card, events):
    use_msi(card, events, count=1)
    raise_line(card)
    raise_line(card, 1)
    assert events.take(0) == 2


def test_msi_mask_bits(card, events):
    at = use_msi(card, events)
    card.config_write(at + 16, 1 << CH1, 4)
    raise_line(card, 1)
    assert events.take(CH1) == 0
    assert card.config_read(at + 20, 4) == 1 << CH1
    card.config_write(at + 16, 0, 4)
    assert events.take(CH1) == 1
    assert card.config_read(at + 20, 4) == 0


def test_msi_vector_masked_by_message(card, events):
    at = use_msi(card, events)
    card.set_irqs(MSI, DATA_NONE | ACTION_MASK, CH0, 1)
    raise_line(card)
    assert (events.take(CH0), card.config_read(at + 20, 4)) == (0, 1 << CH0)
    card.set_irqs(MSI, DATA_NONE | ACTION_UNMASK, CH0, 1)
    assert (events.take(CH0), card.config_read(at + 20, 4)) == (1, 0)


def test_msi_pending_goes_when_the_cause_goes(card, events):
    at = use_msi(card, events)
    card.config_write(at + 16, 0xF, 4)
    raise_line(card)
    assert card.config_read(at + 20, 4) == 1 << CH0
    lower_line(card)
    assert card.config_read(at + 20, 4) == 0
    card.config_write(at + 16, 0, 4)
    assert events.take(CH0) == 0


def test_msi_mask_of_a_message_that_is_shared(card, events):
    at = use_msi(card, events, count=1)
    card.config_write(at + 16, 1, 4)
    raise_line(card)
    raise_line(card, 1)
    assert (events.take(0), card.config_read(at + 20, 4)) == (0, 1)
    card.config_write(at + 16, 0, 4)
    assert (events.take(0), card.config_read(at + 20, 4)) == (2, 0)


def test_msi_mask_and_pending_bits_are_those_of_the_vectors(client):
    """One mask bit for each message that is offered; pending bits cannot be written."""
    at = client.capability(CAP_MSI)
    assert client.config_read(at + 2, 2) & 0x100, "per-vector masking is offered"
    client.config_write(at + 16, 0xFFFFFFFF, 4)
    offered = 1 << (client.config_read(at + 2, 2) >> 1 & 7)
    assert client.config_read(at + 16, 4) == (1 << offered) - 1
    client.config_write(at + 20, 0xFFFFFFFF, 4)
    assert client.config_read(at + 20, 4) == 0


def test_msi_waits_until_it_is_enabled(card, events):
    at = use_msi(card, events, enable=False)
    raise_line(card)
    assert events.take(CH0) == 0
    card.config_write(at + 2, 0x21, 2)
    assert events.take(CH0) == 1


# ---- MSI-X

def test_msix_messages_by_vector(card, events, device):
    use_msix(card, events)
    raise_line(card, 1)
    assert [events.take(vector) for vector in range(VECTORS)] == [int(v == CH1) for v in range(VECTORS)]
    assert device.stats()["bridge"]["interrupts"] == {"intx": 0, "msi": 0, "msix": 1}


def test_msix_function_mask(card, events):
    at = use_msix(card, events, 0xC000)
    raise_line(card)
    assert (events.take(CH0), pending(card)) == (0, 1 << CH0)
    card.config_write(at + 2, 0x8000, 2)
    assert (events.take(CH0), pending(card)) == (1, 0)


def test_msix_both_masks_must_go(card, events):
    at = use_msix(card, events, 0xC000)
    control = MAP.msix.table_offset + 16 * CH0 + 12
    card.write(MAP.msix.bar, control, 1)
    raise_line(card)
    raise_line(card, 1)
    card.config_write(at + 2, 0x8000, 2)
    assert (events.take(CH0), events.take(CH1), pending(card)) == (0, 1, 1 << CH0)
    card.config_write(at + 2, 0xC000, 2)
    card.write(MAP.msix.bar, control, 0)
    assert (events.take(CH0), pending(card)) == (0, 1 << CH0)
    card.config_write(at + 2, 0x8000, 2)
    assert (events.take(CH0), pending(card)) == (1, 0)


def test_msix_vector_masked_in_the_table(card, events):
    use_msix(card, events)
    control = MAP.msix.table_offset + 16 * CH1 + 12
    assert card.read(MAP.msix.bar, control) == 1, "entries start masked"
    card.write(MAP.msix.bar, control, 1)
    raise_line(card, 1)
    assert (events.take(CH1), pending(card)) == (0, 1 << CH1)
    card.write(MAP.msix.bar, control, 0)
    assert (events.take(CH1), pending(card)) == (1, 0)


def test_msix_vector_masked_by_message(card, events):
    use_msix(card, events)
    card.set_irqs(MSIX, DATA_NONE | ACTION_MASK, CH0, 1)
    raise_line(card)
    assert (events.take(CH0), pending(card)) == (0, 1 << CH0)
    card.set_irqs(MSIX, DATA_NONE | ACTION_UNMASK, CH0, 1)
    assert (events.take(CH0), pending(card)) == (1, 0)


def test_msix_pending_goes_when_the_cause_goes(card, events):
    at = use_msix(card, events, 0xC000)
    raise_line(card)
    lower_line(card)
    assert pending(card) == 0
    card.config_write(at + 2, 0x8000, 2)
    assert events.take(CH0) == 0


def test_msix_loses_nothing_while_vectors_are_added(card, events):
    """QEMU disables the whole index and assigns all again when one more vector comes into use."""
    use_msix(card, events)
    card.set_irqs(MSIX, DATA_NONE | ACTION_TRIGGER)
    raise_line(card)
    card.set_trigger(MSIX, events.fds[:VECTORS])
    assert events.take(CH0) == 1


def test_msix_vector_without_an_event(card, events):
    use_msix(card, events)
    card.set_irqs(MSIX, DATA_EVENTFD | ACTION_TRIGGER, CH0, 1)  # no descriptor: taken away
    raise_line(card)
    assert (events.take(CH0), pending(card)) == (0, 1 << CH0)
    card.set_trigger(MSIX, events.fds[CH0:CH0 + 1], start=CH0)
    assert (events.take(CH0), pending(card)) == (1, 0)


@pytest.mark.parametrize("use", [use_msi, use_msix])
def test_messages_wait_for_bus_mastering(card, events, use):
    """A message is a write to memory."""
    use(card, events)
    raise_line(card)
    assert events.take(CH0) == 1
    bus_master(card, False)
    write_register(card, "IRQ_ENABLE", 0)
    write_register(card, "IRQ_ENABLE", mask("IRQ_ENABLE", "CH0"))
    card.device_info()
    assert events.take(CH0) == 0
    bus_master(card)
    assert events.take(CH0) == 1


def test_msix_table_keeps_what_is_written(client):
    bar, offset = MAP.msix.bar, MAP.msix.table_offset
    client.write(bar, offset + 16, 0xFEE01004)
    client.write(bar, offset + 20, 0x00000001)
    client.write(bar, offset + 24, 0x4055)
    client.write(bar, offset + 28, 0xFFFFFFFF)
    assert [client.read(bar, offset + 16 + at) for at in range(0, 16, 4)] == [0xFEE01004, 1, 0x4055, 1]
    assert client.read(bar, offset + 16, 8) == 0x1_FEE01004
    client.write(bar, MAP.msix.pba_offset, 0xFF)
    client.write(bar, offset + 16 * VECTORS, 0xFF)
    assert client.read(bar, MAP.msix.pba_offset) == client.read(bar, offset + 16 * VECTORS) == 0


def test_status_is_set_before_the_interrupt(card, events):
    """Whoever was woken finds the cause."""
    use_msix(card, events)
    start(card, BASE, to_host=True)
    assert select.select([events.fds[CH0]], [], [], 10)[0]
    assert finish(card) & mask("BM_STATUS", "INTERRUPT")


def test_full_event_counter_blocks_nobody(card):
    """A blocking eventfd at its highest count would make a write wait for ever."""
    blocking = Events(VECTORS, flags=0)
    use_msix(card, blocking)
    os.eventfd_write(blocking.fds[CH0], 2**64 - 2)
    raise_line(card)
    assert os.eventfd_read(blocking.fds[CH0]) == 2**64 - 2
    blocking.close()

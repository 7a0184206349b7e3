# SPDX-License-Identifier: Apache-2.0
"""Interrupts that are lost, late, doubled, or come for nothing; by MSI-X, unless said otherwise."""

import os
import select

import pytest

from protocol.guest_memory import BASE, GuestMemory, mask, read_register, table, transfer, write_register
from protocol.interrupt_events import CH0, CH1, Events, lower_line, raise_line, use_msix
from protocol.vfio_user import ACTION_UNMASK, DATA_NONE, INTX, SECONDS, Client


@pytest.fixture
def faults(device):
    return device.faults


@pytest.fixture
def card(client, memory: GuestMemory, events: Events) -> Client:
    """A table for a short transfer of each channel is in place, all causes are enabled, MSI-X is on."""
    for channel in (0, 1):
        memory.put(BASE + 0x10000 * channel, table([(BASE + 0x20000, 64)]))
    write_register(client, "IRQ_ENABLE", mask("IRQ_ENABLE", "CH0") | mask("IRQ_ENABLE", "CH1"))
    use_msix(client, events)
    return client


def comes(events: Events, vector: int) -> bool:
    """Whether one comes in time."""
    ready, _, _ = select.select([events.fds[vector]], [], [], SECONDS)
    return bool(ready) and events.take(vector) == 1


def test_without_a_rule_each_comes_once(card, events, faults):
    for _ in range(5):
        raise_line(card)
        assert events.take(CH0) == 1
        lower_line(card)
    assert faults.state()["injections"] == 0


def test_dropped(card, events, faults):
    rule = faults.add("drop", "interrupt", vector=CH0, after=1)
    for expected in (1, 0, 1):
        raise_line(card)
        assert read_register(card, "IRQ_CAUSE") == mask("IRQ_CAUSE", "CH0")  # the registers tell the truth
        assert events.take(CH0) == expected
        lower_line(card)
    assert rule.fired == 1


def test_other_vector_is_spared(card, events, faults):
    rule = faults.add("drop", "interrupt", vector=CH1)
    raise_line(card)
    assert events.take(CH0) == 1 and rule.matched == 0
    raise_line(card, 1)
    assert events.take(CH1) == 0 and rule.fired == 1


@pytest.mark.parametrize("delay", [0, 1, 50])
def test_duplicate(card, events, faults, delay):
    faults.add("duplicate", "interrupt", vector=CH0, delay_ms=delay)
    raise_line(card)
    total = events.take(CH0)
    if total < 2:
        assert comes(events, CH0)
    assert events.take(CH0) == 0
    lower_line(card)
    raise_line(card)
    assert events.take(CH0) == 1


def test_duplicate_after_the_cause_was_cleared(card, events, faults):
    """Which makes it a spurious one."""
    faults.add("duplicate", "interrupt", vector=CH0, delay_ms=200)
    raise_line(card)
    assert events.take(CH0) == 1
    lower_line(card)
    assert comes(events, CH0)
    assert read_register(card, "IRQ_CAUSE") == 0


def test_late(card, events, faults):
    faults.add("late", "interrupt", vector=CH0, delay_ms=100)
    raise_line(card)
    assert events.take(CH0) == 0
    assert comes(events, CH0)
    lower_line(card)
    raise_line(card)
    assert events.take(CH0) == 1


def test_late_after_the_cause_was_cleared(card, events, faults):
    faults.add("late", "interrupt", vector=CH0, delay_ms=200)
    raise_line(card)
    lower_line(card)
    raise_line(card)
    assert events.take(CH0) == 1  # the next transfer's own
    lower_line(card)
    assert comes(events, CH0)
    assert read_register(card, "IRQ_CAUSE") == 0


def test_spurious_by_command(card, events, faults):
    for vector in (CH0, CH1):
        faults.interrupt(vector)
        assert comes(events, vector)
    raise_line(card)
    assert events.take(CH0) == 1
    faults.interrupt(CH0)  # while the line is high
    assert comes(events, CH0)
    lower_line(card)
    assert [events.take(vector) for vector in (CH0, CH1)] == [0, 0]


def test_spurious_by_rule(card, events, faults):
    """Its transaction is not touched."""
    rule = faults.add("spurious", "dma-write", interrupt=CH1)
    transfer(card, BASE, to_host=True)
    assert comes(events, CH1) and events.take(CH0) == 1 and rule.fired == 1


def test_spurious_intx(client, memory, faults):
    """A level that is gone by the time that anybody looks."""
    event = os.eventfd(0, os.EFD_NONBLOCK)
    client.set_trigger(INTX, [event])
    for _ in range(2):
        faults.interrupt(CH0)
        ready, _, _ = select.select([event], [], [], SECONDS)
        assert ready and os.eventfd_read(event) == 1
        assert read_register(client, "IRQ_CAUSE") == 0
        client.set_irqs(INTX, DATA_NONE | ACTION_UNMASK, 0, 1)
    assert not select.select([event], [], [], 0)[0]
    os.close(event)


def test_many_at_once(card, events, faults):
    """None is lost on the way to the eventfd."""
    for _ in range(200):
        faults.interrupt(CH0)
    card.device_info()
    assert events.take(CH0) == 200

# SPDX-License-Identifier: Apache-2.0
"""DEVICE_RESET, function-level reset, and what a disconnect leaves behind."""

import os

import pytest

from protocol.conftest import BOTH_WAYS
from protocol.guest_memory import (BASE, COMMAND_INTX_DISABLE, COMMAND_MASTER, MAP, PCI_COMMAND, GuestMemory,
                                   bus_master, finish, mask, read_register, start, table, transfer,
                                   write_register)
from protocol.vfio_user import DATA_NONE, ACTION_UNMASK, DEVICE_RESET, ERR, INTX, MSIX, Client, Refused

CAP_EXPRESS = 0x10
START_FLR = 0x8000
pytestmark = BOTH_WAYS
FLR_CONTROL = 0x88  # test_function_level_reset_is_where_it_is_expected


def device_reset(client: Client) -> None:
    client.reset()


def function_level_reset(client: Client) -> None:
    client.config_write(FLR_CONTROL, START_FLR, 2)


def test_function_level_reset_is_where_it_is_expected(client):
    assert client.capability(CAP_EXPRESS) + 8 == FLR_CONTROL
    before = client.config_read(FLR_CONTROL, 2)
    function_level_reset(client)
    assert client.config_read(FLR_CONTROL, 2) == before, "the bit that starts a reset reads 0"


both = pytest.mark.parametrize("reset", [device_reset, function_level_reset])


@both
def test_registers_and_configuration_are_reset(client, reset):
    write_register(client, "SCRATCH", 0x1234)
    client.config_write(PCI_COMMAND, COMMAND_MASTER, 2)
    client.config_write(0x10, 0xFEB00000, 4)
    reset(client)
    assert read_register(client, "SCRATCH") == 0
    assert client.config_read(PCI_COMMAND, 2) == 0
    assert client.config_read(0x10, 4) == 0


@both
def test_mappings_and_card_memory_stay(client, memory, reset):
    memory.put(BASE, table([(memory.data, 512)]))
    memory.put(memory.data, b"kept" * 128)
    transfer(client, BASE, to_host=False)
    memory.put(memory.data, bytes(512))
    reset(client)
    bus_master(client)
    transfer(client, BASE, to_host=True)
    assert memory.get(memory.data, 512) == b"kept" * 128


@both
def test_a_running_transfer_ends(client, memory, device, reset):
    memory.put(BASE, table([(memory.data, 0x10000)] * 1000))
    with client.pipelined():
        start(client, BASE, to_host=True)
        reset(client)
    client.device_info()
    memory.put(memory.data, b"\x11" * 0x10000)
    assert read_register(client, "BM_STATUS") == 0
    assert read_register(client, "MOVED") == 0
    bus_master(client)
    for _ in range(100):
        client.device_info()
    assert memory.get(memory.data, 0x10000) == b"\x11" * 0x10000
    assert device.stats()["card"]["stops"] == 1


@both
def test_interrupt_level_falls(client, memory, reset):
    """What the client set up stays: the same eventfd serves the next interrupt."""
    event = os.eventfd(0, os.EFD_NONBLOCK)
    client.set_trigger(INTX, [event])
    memory.put(BASE, table([(memory.data, 64)]))
    for _ in range(2):
        bus_master(client)
        write_register(client, "IRQ_ENABLE", mask("IRQ_ENABLE", "CH0"))
        start(client, BASE, to_host=True)
        finish(client)
        client.device_info()
        assert os.eventfd_read(event) == 1
        reset(client)
        client.set_irqs(INTX, DATA_NONE | ACTION_UNMASK, 0, 1)
        with pytest.raises(BlockingIOError):
            os.eventfd_read(event)
    os.close(event)


def test_reset_has_no_payload(client):
    with pytest.raises(Refused):
        client.call(DEVICE_RESET, b"\0")


def test_next_client_finds_everything_as_after_power_on(device, descriptors):
    before = descriptors()
    for _ in range(5):
        with Client(device.socket) as client, GuestMemory(client) as memory:
            assert read_register(client, "SCRATCH") == 0
            assert client.config_read(PCI_COMMAND, 2) == COMMAND_MASTER | 2  # as GuestMemory set it
            assert device.stats()["bridge"]["mappings"]["now"] == 1
            event = os.eventfd(0)
            for index in (INTX, MSIX, ERR):
                client.set_trigger(index, [event])
            os.close(event)
            write_register(client, "SCRATCH", 0x1234)
            memory.put(BASE, table([(memory.data, 0x10000)] * 1000))
            start(client, BASE, to_host=True)
    with Client(device.socket) as last:
        last.device_info()
        assert last.config_read(PCI_COMMAND, 2) == 0
        assert descriptors() == before + 1  # its own connection
        assert device.stats()["bridge"]["mappings"]["now"] == 0
        with open(f"/proc/{device.pid}/maps") as maps:
            assert "memfd:prd32-test" not in maps.read(), "a client's memory stays mapped"


@both
def test_a_reset_raises_no_interrupt(client, memory, reset):
    """A cause that is pending behind a mask is gone with the mask."""
    intx, msix = (os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2))
    client.set_trigger(INTX, [intx])
    client.set_trigger(MSIX, [msix])
    client.config_write(PCI_COMMAND, COMMAND_MASTER | COMMAND_INTX_DISABLE, 2)
    flags = client.capability(0x11) + 2
    for masked in ((), (12,)):  # INTx by its bit of COMMAND, then also an entry of the MSI-X table
        for control in masked:
            client.config_write(PCI_COMMAND, COMMAND_MASTER | COMMAND_INTX_DISABLE, 2)
            client.write(MAP.msix.bar, control, 1)
            client.config_write(flags, 0x8000, 2)
        write_register(client, "IRQ_ENABLE", mask("IRQ_ENABLE", "CH0"))
        memory.put(BASE, table([(memory.data, 64)]))
        transfer(client, BASE, to_host=True)
        reset(client)
        client.device_info()
        for event in (intx, msix):
            with pytest.raises(BlockingIOError):
                os.eventfd_read(event)
    os.close(intx)
    os.close(msix)

# SPDX-License-Identifier: Apache-2.0
"""What ends an access by message before the client has answered, and that nothing moves afterwards."""

import os
import signal

import pytest

from protocol.guest_memory import (BASE, COMMAND_MEMORY, PCI_COMMAND, GuestMemory, bus_master, finish, read_register,
                                   table, transfer, write_register)
from protocol.held_access import (ACTIVE, BYTES, INTERRUPT, by_message, cancelled, card_bytes, release,
                                  start_and_hold, status)
from protocol.vfio_user import Client

PAGE = 4096
CAP_PM = 0x01


@pytest.mark.parametrize("to_host", [False, True])
def test_stop_is_complete_when_the_answer_came(client, unshared, device, to_host):
    """Until then ACTIVE tells the driver that its memory is in use."""
    start_and_hold(client, unshared, to_host=to_host)
    write_register(client, "BM_COMMAND", 0)
    for _ in range(10):
        assert status(client) == ACTIVE
    release(unshared)
    client.device_info()
    assert status(client) == 0
    assert read_register(client, "MOVED") == 0
    assert device.stats()["card"]["stops"] == 1
    asked = len(unshared.asked)
    for _ in range(50):
        client.device_info()
    assert len(unshared.asked) == asked
    transfer(client, BASE, to_host=to_host)


def test_stopped_read_brings_nothing_to_the_card(client, unshared):
    unshared.put(unshared.data, b"\xee" * BYTES)
    start_and_hold(client, unshared, to_host=False)
    write_register(client, "BM_COMMAND", 0)
    release(unshared)
    assert finish(client) == 0
    assert card_bytes(client, unshared) == bytes(BYTES)


def device_reset(client: Client) -> None:
    client.reset()


def function_level_reset(client: Client) -> None:
    client.config_write(client.capability(0x10) + 8, 0x8000, 2)


@pytest.mark.parametrize("end", [device_reset, function_level_reset])
@pytest.mark.parametrize("to_host", [False, True])
def test_reset_cancels(client, unshared, device, end, to_host):
    """It is no breach, and an answer that comes later changes nothing."""
    unshared.put(unshared.data, b"\xee" * BYTES)
    start_and_hold(client, unshared, to_host=to_host)
    end(client)
    assert status(client) == 0
    assert device.stats()["card"]["stops"] == 1
    release(unshared)
    client.device_info()
    assert by_message(device)["late_replies"] == 1
    assert card_bytes(client, unshared) == bytes(BYTES)
    unshared.put(unshared.data, b"\x77" * BYTES)
    transfer(client, BASE, to_host=False)
    assert card_bytes(client, unshared) == b"\x77" * BYTES


@pytest.mark.parametrize("to_host", [False, True])
def test_disconnect_cancels(device, to_host):
    with Client(device.socket) as client, GuestMemory(client, shared=False) as memory:
        memory.put(BASE, table([(memory.data, BYTES)]))
        start_and_hold(client, memory, to_host=to_host)
    with Client(device.socket) as client, GuestMemory(client, shared=False) as memory:
        assert status(client) == 0
        memory.put(BASE, table([(memory.data, BYTES)]))
        memory.put(memory.data, b"\x77" * BYTES)
        transfer(client, BASE, to_host=False)
        assert card_bytes(client, memory) == b"\x77" * BYTES
        assert by_message(device)["late_replies"] == 0


@pytest.mark.parametrize("to_host", [False, True])
def test_client_that_answers_and_leaves(device, to_host):
    """The card asks for the rest of its access before the program could see that nobody is there: no breach either."""
    with Client(device.socket, negotiate=False) as client:
        client.version({"max_data_xfer_size": PAGE})
        with GuestMemory(client, shared=False) as memory:
            memory.put(BASE, table([(memory.data, BYTES)]))
            start_and_hold(client, memory, to_host=to_host)
            os.kill(device.pid, signal.SIGSTOP)
            try:
                release(memory)
                client.close()
            finally:
                os.kill(device.pid, signal.SIGCONT)
    with Client(device.socket) as client:
        assert status(client) == 0
    assert by_message(device)["messages"] == 3, "the table, the first part, and the one that nobody took"
    assert device.stats()["card"]["stops"] == 1


@pytest.mark.expect_violations("dma-bus-master-off", "data-read")
def test_bus_mastering_goes_off(client, unshared):
    unshared.put(unshared.data, b"\xee" * BYTES)
    start_and_hold(client, unshared, to_host=False)
    bus_master(client, False)
    cancelled(client, unshared, "DATA_READ")


@pytest.mark.expect_violations("dma-in-d3", "data-write", "mmio-in-d3")
def test_function_is_put_to_sleep(client, unshared, device):
    unshared.put(unshared.data, b"\xee" * BYTES)
    start_and_hold(client, unshared, to_host=True)
    control = client.capability(CAP_PM) + 4
    client.config_write(control, 3, 2)
    assert client.read(0, 0) == 0xFFFFFFFF
    assert [each["rule"] for each in device.violations()][:1] == ["dma-in-d3"]
    client.config_write(control, 0, 2)  # which resets it
    assert status(client) == 0
    release(unshared)
    client.device_info()
    assert by_message(device)["late_replies"] == 1


@pytest.mark.expect_violations("dma-after-unmap", "data-write")
def test_unmap_of_what_is_accessed(client, device):
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, 0x10000, shared=False)
        for page in range(BYTES // PAGE):
            memory.map(memory.data + page * PAGE, PAGE, offset=0x10000 + page * PAGE, shared=False)
        memory.put(BASE, table([(memory.data, BYTES)]))
        start_and_hold(client, memory, to_host=True)
        client.dma_unmap(memory.data + BYTES, PAGE)  # none, and next to it
        client.dma_map(memory.data + BYTES, PAGE, None)
        client.dma_unmap(memory.data + BYTES, PAGE)
        assert status(client) == ACTIVE
        client.dma_unmap(memory.data + BYTES - PAGE, PAGE)
        cancelled(client, memory, "DATA_WRITE")
    assert by_message(device)["late_replies"] == 1


def test_other_bits_of_the_command_register_cancel_nothing(client, unshared):
    start_and_hold(client, unshared, to_host=False)
    client.config_write(PCI_COMMAND, COMMAND_MEMORY | 4, 2)
    client.config_write(PCI_COMMAND, 4, 2)
    assert status(client) == ACTIVE
    release(unshared)
    assert finish(client) == INTERRUPT

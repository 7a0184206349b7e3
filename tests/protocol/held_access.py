# SPDX-License-Identifier: Apache-2.0
"""An access of the card by message whose answer a test holds back. What works in either way of DMA is shown in test_dma
and test_reset, the rest in test_dma_messages, test_dma_ended and test_dma_answers."""

from protocol.guest_memory import (BASE, GuestMemory, bus_master, error, error_code, finish, mask, read_register, start,
                                   table, transfer)
from protocol.vfio_user import Client
from testbed.card import CardProcess

ACTIVE = mask("BM_STATUS", "ACTIVE")
INTERRUPT = mask("BM_STATUS", "INTERRUPT")
FAILED = mask("BM_STATUS", "ERROR") | INTERRUPT
BYTES = 0x8000  # of the region that the table of `unshared` describes


def by_message(device: CardProcess) -> dict:
    """What the program counted."""
    return device.stats()["bridge"]["dma"]["by_message"]


def status(client: Client, channel: int = 0) -> int:
    return read_register(client, "BM_STATUS", channel)


def start_and_hold(client: Client, memory: GuestMemory, *, to_host: bool) -> None:
    """The region's access waits for an answer; the table was fetched."""
    memory.hold = lambda address, _count: address >= memory.data
    start(client, BASE, to_host=to_host)
    memory.wait_held()
    assert status(client) == ACTIVE


def release(memory: GuestMemory) -> None:
    """Answers what is held."""
    memory.hold = lambda _address, _count: False
    for request in memory.held:
        memory.answer(request)
    memory.held.clear()


def card_bytes(client: Client, memory: GuestMemory, count: int = BYTES) -> bytes:
    """What the card's memory starts with, fetched by way of other client memory."""
    kept, other = memory.get(BASE, 8), memory.data + 0x40000
    memory.put(BASE, table([(other, count)]))
    bus_master(client)
    transfer(client, BASE, to_host=True)
    memory.put(BASE, kept)
    return memory.get(other, count)


def cancelled(client: Client, memory: GuestMemory, code: str) -> None:
    """The transfer that was held has failed; the answer comes too late, and nothing came to the card."""
    assert finish(client) == FAILED
    assert error(client) == (error_code(code), 0, memory.data)
    release(memory)
    client.device_info()
    if code == "DATA_READ":
        assert card_bytes(client, memory) == bytes(BYTES)

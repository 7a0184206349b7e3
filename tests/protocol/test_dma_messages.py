# SPDX-License-Identifier: Apache-2.0
"""DMA by messages: what the client is asked for, and that everything else goes on until it answers."""

import errno
import random

import pytest

from protocol.guest_memory import (BASE, DMA, MEMORY, SIZE, GuestMemory, finish, read_register, start, table, transfer,
                                   write_register)
from protocol.held_access import ACTIVE, BYTES, FAILED, INTERRUPT, by_message, release, start_and_hold, status
from protocol.vfio_user import CAPABILITIES, DMA_READ, DMA_WRITE, MAP_READ, Client

PAGE = 4096


def test_one_request_a_region(client, unshared, device):
    unshared.put(unshared.data, b"\x5a" * BYTES)
    transfer(client, BASE, to_host=False)
    transfer(client, BASE, to_host=True)
    fetch, region = (DMA_READ, BASE, PAGE), (unshared.data, BYTES)
    assert unshared.asked == [fetch, (DMA_READ, *region), fetch, (DMA_WRITE, *region)]
    assert by_message(device) == {"reads": 3, "read_bytes": 2 * PAGE + BYTES, "writes": 1, "write_bytes": BYTES,
                                  "messages": 4, "late_replies": 0}
    assert device.stats()["bridge"]["dma"]["read_bytes"] == 0, "that counts the other way"


@pytest.mark.parametrize("limit", [1000, 4096, 65535, 65536, 1 << 20, None])
def test_no_request_is_larger_than_the_client_takes(device, limit):
    capabilities = {**CAPABILITIES, "max_data_xfer_size": limit}
    with Client(device.socket, negotiate=False) as client:
        client.version(capabilities if limit else {})
        with GuestMemory(client, shared=False) as memory:
            content = random.Random(limit).randbytes(0x10000)
            memory.put(BASE, table([(memory.data, 0x10000)]))
            memory.put(memory.data, content)
            transfer(client, BASE, to_host=False)
            memory.put(memory.data, bytes(0x10000))
            transfer(client, BASE, to_host=True)
            assert memory.get(memory.data, 0x10000) == content
            assert max(count for _, _, count in memory.asked) == min(limit or 65536, 65536)
            assert sum(count for command, _, count in memory.asked if command == DMA_WRITE) == 0x10000


def test_access_over_both_kinds_of_mapping(client, device):
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, 0x10000)
        memory.map(memory.data, PAGE, offset=0x10000)
        memory.map(memory.data + PAGE, PAGE, offset=0x10000 + PAGE, shared=False)
        memory.put(BASE, table([(memory.data, 2 * PAGE)]))
        memory.put(memory.data, b"\x11" * PAGE + b"\x22" * PAGE)
        transfer(client, BASE, to_host=False)
        memory.put(memory.data, bytes(2 * PAGE))
        transfer(client, BASE, to_host=True)
        assert memory.get(memory.data, 2 * PAGE) == b"\x11" * PAGE + b"\x22" * PAGE
        assert [(address, count) for _, address, count in memory.asked] == [(memory.data, 2 * PAGE)] * 2
        assert device.stats()["bridge"]["dma"]["read_bytes"] == PAGE, "the table is read through the descriptor"


@pytest.mark.expect_violations("dma-write-denied", "dma-unmapped", "data-write", "data-read")
def test_what_is_not_allowed_is_not_asked_for(client):
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, SIZE, shared=False, flags=MAP_READ)
        for base, to_host in ((memory.data, True), (BASE + SIZE, False)):
            memory.put(BASE, table([(base, 512)]))
            start(client, BASE, to_host=to_host)
            assert finish(client) == FAILED
        assert {address for _, address, _ in memory.asked} == {BASE}


@pytest.mark.device_options("--dma", "ask")
@pytest.mark.expect_violations("dma-refused-by-client", "data-read")
def test_the_client_decides_about_what_it_has_not_mapped(client, memory, device):
    """With --dma ask: nothing is open to the card, and it asks all the same."""
    client.dma_unmap(BASE, SIZE)
    memory.put(BASE, table([(memory.data, BYTES)]))
    transfer(client, BASE, to_host=False)
    assert memory.asked == [(DMA_READ, BASE, PAGE), (DMA_READ, memory.data, BYTES)]
    memory.hold = lambda address, _count: address == memory.data
    start(client, BASE, to_host=False)
    memory.wait_held()
    client.reply(memory.held.pop(), error=errno.EFAULT)
    assert finish(client) == FAILED
    assert device.violations()[0]["address"] == memory.data


# ---- while an answer is awaited

def test_requests_are_served_meanwhile(client, unshared):
    start_and_hold(client, unshared, to_host=False)
    write_register(client, "SCRATCH", 0x1234)
    for _ in range(100):
        assert read_register(client, "SCRATCH") == 0x1234
    client.dma_map(1 << 40, PAGE, None)
    client.device_info()
    assert status(client) == ACTIVE
    release(unshared)
    assert finish(client) == INTERRUPT


def test_channels_take_turns(client, unshared):
    """They share an engine: while one of them waits for an answer, the other asks for nothing."""
    tables, data = (BASE, BASE + 0x10000), (BASE + 0x20000, BASE + 0x30000)
    for channel in (0, 1):
        unshared.put(tables[channel], table([(data[channel], BYTES), (data[channel] + BYTES, BYTES)]))
        unshared.put(data[channel], bytes([channel + 1]) * 2 * BYTES)
    unshared.hold = lambda address, _count: address >= data[0]
    with client.pipelined():
        for channel in (0, 1):
            start(client, tables[channel], to_host=False, channel=channel, card_addr=channel * 2 * BYTES)
    order = []
    for _ in range(4):
        unshared.wait_held()
        for _ in range(20):
            client.device_info()
        assert len(unshared.held) == 1
        assert ACTIVE in (status(client, 0), status(client, 1))
        order.append(DMA.unpack_from(unshared.held[0].payload)[0])
        unshared.answer(unshared.held.pop())
    assert order == [data[0], data[1], data[0] + BYTES, data[1] + BYTES]
    assert [finish(client, channel) for channel in (0, 1)] == [INTERRUPT, INTERRUPT]
    for channel in (0, 1):
        assert client.region_read(MEMORY, channel * 2 * BYTES, 2 * BYTES) == bytes([channel + 1]) * 2 * BYTES

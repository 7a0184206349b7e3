# SPDX-License-Identifier: Apache-2.0
"""DMA through the client's memory: PRD transfers both ways, and every way in which the bus refuses one."""

import random

import pytest

from protocol.conftest import BOTH_WAYS
from protocol.guest_memory import (BASE, SIZE, GuestMemory, bus_master, error, error_code, finish, mask,
                                   read_register, start, table, transfer, write_register)
from protocol.vfio_user import MAP_READ, MAP_WRITE, Client

FAILED = mask("BM_STATUS", "ERROR") | mask("BM_STATUS", "INTERRUPT")
PAGE = 4096
END = BASE + SIZE
pytestmark = BOTH_WAYS


@pytest.mark.parametrize("size", [1, 2, 3, 4, 511, 512, 4095, 4096, 4097, 65535, 65536])
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "unsealed"])
def test_bytes_go_to_the_card_and_come_back(client, size, sealed):
    """A sealed file is accessed through a direct pointer, another one by checked copies; to messages it is the same."""
    content = random.Random(size).randbytes(size)
    with GuestMemory(client, sealed=sealed) as memory:
        memory.put(BASE, table([(memory.data, size)]))
        memory.put(memory.data, content)
        transfer(client, BASE, to_host=False)
        memory.put(memory.data, bytes(size + 1))
        transfer(client, BASE, to_host=True)
        assert memory.get(memory.data, size + 1) == content + b"\0"
        assert read_register(client, "MOVED") == size


def test_scattered_regions(client, memory):
    regions = [(memory.data + 0x10000 * index + 0x100, 0x1000 * (index + 1)) for index in range(8)]
    parts = [random.Random(base).randbytes(count) for base, count in regions]
    memory.put(BASE, table(regions))
    for (base, _), part in zip(regions, parts):
        memory.put(base, part)
    transfer(client, BASE, to_host=False, card_addr=0x1234)
    total = sum(map(len, parts))
    memory.put(BASE, table([(END - 0x20000, 0x10000), (END - 0x10000, 0x10000)]))
    transfer(client, BASE, to_host=True, card_addr=0x1234)
    assert memory.get(END - 0x20000, min(total, 0x20000)) == b"".join(parts)[:0x20000]


def test_two_channels_at_once(client, memory):
    memory.put(BASE, table([(memory.data, 0x10000)]))
    memory.put(memory.data, b"\xa5" * 0x10000)
    transfer(client, BASE, to_host=False)
    for channel in (0, 1):
        memory.put(BASE + 0x10000 * channel, table([(BASE + 0x20000 * (channel + 1), 0x10000)]))
    for channel in (0, 1):
        start(client, BASE + 0x10000 * channel, to_host=True, channel=channel)
    for channel in (0, 1):
        assert finish(client, channel) == mask("BM_STATUS", "INTERRUPT")
        assert memory.get(BASE + 0x20000 * (channel + 1), 0x10000) == b"\xa5" * 0x10000


def test_region_over_many_small_mappings(client):
    """A virtual IOMMU shows a buffer as pages from anywhere."""
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, 0x10000)
        for page in range(16):
            memory.map(memory.data + page * PAGE, PAGE, offset=0x10000 + (15 - page) * PAGE)
        memory.put(BASE, table([(memory.data, 0x10000)]))
        memory.put(memory.data, b"".join(bytes([page]) * PAGE for page in range(16)))
        transfer(client, BASE, to_host=False)
        memory.put(memory.data, bytes(0x10000))
        client.dma_unmap(memory.data, 0x10000)
        memory.map(memory.data, 0x10000, offset=0x10000)
        transfer(client, BASE, to_host=True)
        assert memory.get(memory.data, 0x10000) == b"".join(bytes([15 - page]) * PAGE for page in range(16))


def fails(client: Client, code: str, address: int, *, to_host: bool = False, prdt: int = BASE) -> None:
    start(client, prdt, to_host=to_host)
    assert finish(client) == FAILED
    found = error(client)
    assert (found[0], found[2]) == (error_code(code), address)


@pytest.mark.expect_violations("dma-bus-master-off", "prdt-fetch")
def test_bus_master_off(client, memory):
    memory.put(BASE, table([(memory.data, 512)]))
    bus_master(client, False)
    fails(client, "PRDT_FETCH", BASE)
    bus_master(client)
    transfer(client, BASE, to_host=False)


@pytest.mark.expect_violations("dma-bus-master-off", "prdt-fetch")
def test_bus_master_off_after_direct_access(client, memory):
    """A model that was given a pointer must give it back."""
    memory.put(BASE, table([(memory.data, 512)]))
    transfer(client, BASE, to_host=False)
    bus_master(client, False)
    fails(client, "PRDT_FETCH", BASE)


@pytest.mark.expect_violations("dma-unmapped", "prdt-fetch")
def test_table_in_no_mapping(client, memory):
    fails(client, "PRDT_FETCH", END + 0x100000, prdt=END + 0x100000)


@pytest.mark.expect_violations("dma-unmapped", "data-read")
def test_data_in_no_mapping(client, memory):
    memory.put(BASE, table([(memory.data, 512), (END, 512)]))
    fails(client, "DATA_READ", END)
    assert read_register(client, "MOVED") == 512


@pytest.mark.expect_violations("dma-after-unmap", "data-write")
def test_data_after_unmap(client, device):
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, 0x10000)
        memory.map(memory.data, PAGE, offset=0x10000)
        memory.put(BASE, table([(memory.data + 16, 512)]))
        transfer(client, BASE, to_host=True)
        client.dma_unmap(memory.data, PAGE)
        fails(client, "DATA_WRITE", memory.data + 16, to_host=True)
    assert device.violations()[0]["address"] == memory.data + 16


@pytest.mark.expect_violations("dma-beyond-mapping", "data-write")
def test_data_runs_out_of_its_mapping(client, device):
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, 0x10000)
        memory.map(memory.data, PAGE, offset=0x10000)
        memory.put(memory.data, bytes(PAGE))
        memory.put(BASE, table([(memory.data, 16)]))
        transfer(client, BASE, to_host=False)
        memory.put(BASE, table([(memory.data + PAGE - 512, 1024)]))
        memory.put(memory.data, b"\x77" * PAGE)
        fails(client, "DATA_WRITE", memory.data + PAGE - 512, to_host=True)
        assert memory.get(memory.data, PAGE) == b"\x77" * PAGE, "a refused access moved bytes"
    assert device.violations()[0]["address"] == memory.data + PAGE


@pytest.mark.expect_violations("dma-after-unmap", "data-write")
def test_last_page_was_unmapped_too_early(client):
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, 0x10000)
        for page in range(2):
            memory.map(memory.data + page * PAGE, PAGE, offset=0x10000 + page * PAGE)
        memory.put(BASE, table([(memory.data, 2 * PAGE)]))
        client.dma_unmap(memory.data + PAGE, PAGE)
        fails(client, "DATA_WRITE", memory.data, to_host=True)


@pytest.mark.expect_violations("dma-write-denied", "data-write")
def test_write_to_what_is_read_only(client):
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, SIZE, flags=MAP_READ)
        memory.put(BASE, table([(memory.data, 512)]))
        transfer(client, BASE, to_host=False)
        fails(client, "DATA_WRITE", memory.data, to_host=True)


@pytest.mark.expect_violations("dma-read-denied", "data-read")
def test_read_of_what_is_write_only(client):
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, 0x10000)
        memory.map(memory.data, PAGE, flags=MAP_WRITE, offset=0x10000)
        memory.put(BASE, table([(memory.data, 512)]))
        transfer(client, BASE, to_host=True)
        fails(client, "DATA_READ", memory.data)


def test_stop_ends_a_transfer(client, memory, device):
    """No byte moves after the reply to the stop."""
    memory.put(BASE, table([(memory.data, 0x10000)] * 1000))
    with client.pipelined():
        start(client, BASE, to_host=True)
        write_register(client, "BM_COMMAND", mask("BM_COMMAND", "TO_HOST"))
    assert read_register(client, "BM_STATUS") & mask("BM_STATUS", "ACTIVE") == 0
    assert device.stats()["card"]["stops"] == 1
    memory.put(memory.data, b"\x11" * 0x10000)
    for _ in range(100):
        read_register(client, "BM_STATUS")
    assert memory.get(memory.data, 0x10000) == b"\x11" * 0x10000


def test_client_is_answered_during_a_long_transfer(client, memory, device):
    memory.put(BASE, table([(memory.data, 0x10000)] * 1000))  # card memory is 64 MiB
    start(client, BASE, to_host=True)
    replies = 0
    while read_register(client, "BM_STATUS") & mask("BM_STATUS", "ACTIVE"):
        replies += 1
    assert replies > 1
    assert device.stats()["card"]["bytes_to_host"] == 1000 << 16


@pytest.mark.card_memory("512M")
def test_statistics_name_the_channels_at_work(client, memory, device):
    memory.put(BASE, table([(memory.data, 0x10000)] * 4096))  # tens of milliseconds
    assert device.stats()["card"]["active"] == []
    start(client, BASE, to_host=False)
    assert device.stats()["card"]["active"] == [0]
    finish(client)
    assert device.stats()["card"]["active"] == []

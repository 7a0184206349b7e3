# SPDX-License-Identifier: Apache-2.0
"""Card memory through its BAR: by messages, and as a file that the client maps. Channels move the same bytes."""

import fcntl
import mmap
import os
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from protocol.conftest import BOTH_WAYS
from protocol.guest_memory import BASE, MAP, MEMORY, PCI_COMMAND, GuestMemory, bus_master, table, transfer
from protocol.vfio_user import NO_REPLY, REGION_INFO, REGION_WRITE, REGION_WRITE_MULTI, Client

MIB = 1 << 20
SIZE = MAP.bar("MEMORY").size
READ, WRITE, MMAP, CAPS = 1, 2, 4, 8
SPARSE = struct.Struct("=HHIIIQQ")  # id, version, next, areas, reserved; offset and size of the one area
CAP_PM = 0x01
FIVE_MIB = pytest.mark.card_memory("5M")  # no power of two
BY_MESSAGE = pytest.mark.device_options("--no-memory-mapping")


@contextmanager
def card_file(client: Client) -> Iterator[int]:
    """The descriptor of card memory."""
    client.region_info_bytes(MEMORY, REGION_INFO.size + SPARSE.size)
    fd, = client.passed
    client.passed.clear()
    yield fd
    os.close(fd)


@pytest.fixture
def mapped(client: Client) -> Iterator[mmap.mmap]:
    """Card memory as the client maps it."""
    with card_file(client) as fd, mmap.mmap(fd, 0) as view:
        yield view


def test_descriptor_is_the_memory(client):
    assert client.region_info(MEMORY) == (REGION_INFO.size, READ | WRITE | MMAP, MEMORY, 0, SIZE, 0)
    assert [os.fstat(fd).st_size for fd in client.passed] == [SIZE]


@pytest.mark.card_memory("1G")
def test_untouched_memory_costs_nothing(client):
    with card_file(client) as fd:
        assert os.fstat(fd).st_blocks == 0
        client.write(MEMORY, 0x3FFFFFFC, 1)
        assert os.fstat(fd).st_blocks * 512 == mmap.PAGESIZE


def test_client_cannot_change_the_file(client):
    """Neither its size, nor that others may write it."""
    with card_file(client) as fd:
        for size in (0, SIZE - mmap.PAGESIZE, SIZE + mmap.PAGESIZE):
            with pytest.raises(PermissionError):
                os.ftruncate(fd, size)
        with pytest.raises(PermissionError):
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)


def test_asking_again_leaks_nothing(client, descriptors):
    before = descriptors()
    for _ in range(50):
        client.region_info(MEMORY)
        os.close(client.passed.pop())
    assert descriptors() == before


@pytest.mark.parametrize("offset, size", [(0, 1), (1, 2), (3, 3), (0xFFE, 4), (0x1001, 8), (0xFFF9, 100),
                                          (MIB, 0x10000), (SIZE - 0x10000, 0x10000), (SIZE - 1, 1)])
def test_messages_and_mapping_are_the_same_bytes(client, mapped, offset, size):
    """Any size at any place, and not a byte beside it."""
    first, second = random.Random(size).randbytes(size), random.Random(offset).randbytes(size)
    client.region_write(MEMORY, offset, first)
    assert mapped[offset:offset + size] == first
    assert sum(mapped[max(0, offset - 64):offset]) == sum(mapped[offset + size:offset + size + 64]) == 0
    mapped[offset:offset + size] = second
    assert client.region_read(MEMORY, offset, size) == second


def test_posted_and_many_writes(client, mapped):
    head = struct.pack("=QII", 0x100, MEMORY, 6)
    client.send(REGION_WRITE, head + b"posted", flags=NO_REPLY)
    one = struct.pack("=QII", 0x106, MEMORY, 8) + b"together"
    assert client.call(REGION_WRITE_MULTI, struct.pack("=Q", 1) + one) == struct.pack("=Q", 1)
    assert mapped[0x100:0x110] == b"postedtogether\0\0"


@BOTH_WAYS
def test_channels_move_what_is_mapped(client, memory, mapped):
    memory.put(BASE, table([(memory.data, 0x10000), (memory.data + 0x10000, 1000)]))
    content = random.Random(1).randbytes(0x10000 + 1000)
    mapped[5:5 + len(content)] = content
    transfer(client, BASE, to_host=True, card_addr=5)
    assert memory.get(memory.data, len(content)) == content
    memory.put(memory.data, content[::-1])
    transfer(client, BASE, to_host=False, card_addr=7)
    assert mapped[7:7 + len(content)] == content[::-1]
    assert mapped[5:7] == content[:2]


@pytest.mark.parametrize("way", ["mmap", pytest.param("message", marks=BY_MESSAGE)], indirect=True)
def test_client_that_never_maps(client, memory, way):
    _, flags, _, _, size, _ = client.region_info(MEMORY)
    assert (flags, size) == (READ | WRITE | (MMAP if way == "mmap" else 0), SIZE)
    assert len(client.passed) == (way == "mmap")
    memory.put(BASE, table([(memory.data, 512)]))
    client.region_write(MEMORY, SIZE - 512, b"message!" * 64)
    transfer(client, BASE, to_host=True, card_addr=SIZE - 512)
    assert memory.get(memory.data, 512) == b"message!" * 64
    memory.put(memory.data, b"transfer" * 64)
    transfer(client, BASE, to_host=False)
    assert client.region_read(MEMORY, 0, 520) == b"transfer" * 64 + bytes(8)


@FIVE_MIB
def test_capability_says_how_much_can_be_mapped(client):
    reply = client.region_info_bytes(MEMORY, REGION_INFO.size + SPARSE.size)
    assert REGION_INFO.unpack_from(reply) == (64, READ | WRITE | MMAP | CAPS, MEMORY, REGION_INFO.size, 8 * MIB, 0)
    assert SPARSE.unpack_from(reply, REGION_INFO.size) == (1, 1, 0, 1, 0, 0, 5 * MIB)
    assert len(client.passed) == 1 and os.fstat(client.passed[0]).st_size == 5 * MIB


@FIVE_MIB
@pytest.mark.parametrize("room", [REGION_INFO.size, REGION_INFO.size + SPARSE.size - 1])
def test_without_room_for_the_capability_nothing_can_be_mapped(client, room):
    assert client.region_info(MEMORY, argsz=room) == (64, READ | WRITE, MEMORY, 0, 8 * MIB, 0)
    assert client.passed == []


@FIVE_MIB
@pytest.mark.expect_violations("mmio-bad-access")
def test_behind_the_memory_is_nothing(client, device, mapped):
    end = 5 * MIB
    client.region_write(MEMORY, end - 4, b"\x11" * 12)  # its first bytes are memory, and are written
    assert client.region_read(MEMORY, end - 4, 12) == b"\x11" * 4 + b"\xff" * 8
    assert mapped[-4:] == b"\x11" * 4
    client.write(MEMORY, 8 * MIB - 4, 0)
    assert client.read(MEMORY, 8 * MIB - 4) == 0xFFFFFFFF
    assert [found["address"] for found in device.violations()] == [end, end, 8 * MIB - 4, 8 * MIB - 4]


def test_resets_keep_the_content(client, mapped):
    power = client.capability(CAP_PM) + 4
    control = client.capability(0x10) + 8
    mapped[0:4] = b"kept"
    for reset in (client.reset, lambda: client.config_write(control, 0x8000, 2),
                  lambda: [client.config_write(power, state, 2) for state in (3, 0)]):
        client.config_write(PCI_COMMAND, 2, 2)
        reset()
        assert client.config_read(PCI_COMMAND, 2) == 0, "there was no reset"
        assert client.region_read(MEMORY, 0, 4) == mapped[0:4] == b"kept"


def test_next_client_has_the_same_memory(device):
    with Client(device.socket) as client, card_file(client) as fd:
        os.pwrite(fd, b"kept", SIZE - 4)
    with Client(device.socket) as client, card_file(client) as fd:
        assert client.region_read(MEMORY, SIZE - 4, 4) == os.pread(fd, 4, SIZE - 4) == b"kept"


@pytest.mark.expect_violations("mmio-in-d3")
def test_asleep_it_answers_no_message(client, device, mapped):
    """What is mapped goes past the function; that the BAR is out of reach then is the client's to see to."""
    mapped[0:4] = b"kept"
    power = client.capability(CAP_PM) + 4
    client.config_write(power, 3, 2)
    assert client.read(MEMORY, 0) == 0xFFFFFFFF
    client.write(MEMORY, 0, 0)
    assert mapped[0:4] == b"kept"
    assert len(device.violations()) == 2
    client.config_write(power, 0, 2)


@BOTH_WAYS
def test_card_memory_may_be_a_bus_address(client, device, way):
    """As another card's BAR is to a card; here it is its own. QEMU maps each BAR for DMA, without a descriptor."""
    bar = 0xC0000000
    with card_file(client) as fd, GuestMemory(client) as memory:
        client.dma_map(bar, SIZE, fd if way == "mmap" else None)
        bus_master(client)
        memory.put(BASE, table([(bar + MIB, 512)]))
        client.region_write(MEMORY, 0, b"peertopeer" * 51 + b"!!")
        asked = []

        def serve(request) -> None:
            address, count = struct.unpack_from("=QQ", request.payload)
            if not bar <= address < bar + SIZE:
                memory.answer(request)
                return
            asked.append(address)
            os.pwrite(fd, request.payload[16:16 + count], address - bar)
            client.reply(request, request.payload[:16])

        client.on_request = serve
        transfer(client, BASE, to_host=True)
        assert client.region_read(MEMORY, MIB, 512) == b"peertopeer" * 51 + b"!!"
        assert asked == ([bar + MIB] if way == "message" else [])
        client.dma_unmap(bar, SIZE)
        assert device.stats()["bridge"]["mappings"]["now"] == 1

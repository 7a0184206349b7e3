# SPDX-License-Identifier: Apache-2.0
"""VFIO_USER_DMA_MAP: what may be mapped, and that each refusal leaves neither a mapping nor a descriptor behind."""

import errno
import os
import socket
import struct

import pytest

from protocol.guest_memory import BASE, GuestMemory, bus_master, table, transfer
from protocol.vfio_user import DMA_MAP, MAP_READ, MAP_WRITE, Refused, memfd

PAGE = 4096


def refused(client, *args, **kwargs) -> int:
    with pytest.raises(Refused) as caught:
        client.dma_map(*args, **kwargs)
    return caught.value.errno


@pytest.fixture
def file():
    fd = memfd(16 * PAGE)
    yield fd
    os.close(fd)


def test_mappings_are_counted(device, client, file):
    for page in range(4):
        client.dma_map(page * PAGE, PAGE, file, offset=page * PAGE)
    assert device.stats()["bridge"]["mappings"] == {"now": 4, "most": 4, "by_message": 0}
    client.dma_unmap(0, 2 * PAGE)
    assert device.stats()["bridge"]["mappings"] == {"now": 2, "most": 4, "by_message": 0}


@pytest.mark.parametrize("address, size", [(4, 1), (3, 2), (3, 9), (5, 1), (4, 4), (7, 5), (0, 16)])
def test_overlap_is_refused(client, file, address, size):
    client.dma_map(4 * PAGE, 4 * PAGE, file)
    assert refused(client, address * PAGE, size * PAGE, file) == errno.EEXIST


def test_neighbours_do_not_overlap(client, file):
    client.dma_map(4 * PAGE, 4 * PAGE, file)
    client.dma_map(0, 4 * PAGE, file)
    client.dma_map(8 * PAGE, PAGE, file)


@pytest.mark.parametrize("address, size", [
    (0, 0), (PAGE, 0), (1, PAGE), (PAGE, 100), (0, 1), (2**64 - PAGE, 2 * PAGE), (2 * PAGE, 2**64 - PAGE),
    (2**64 - 1, PAGE), (PAGE, 2**64 - 1)])
def test_impossible_ranges_are_refused(client, file, address, size):
    assert refused(client, address, size, file) == errno.EINVAL
    assert refused(client, address, size, None) == errno.EINVAL


def test_top_of_the_address_space_can_be_mapped(client, file):
    client.dma_map(2**64 - PAGE, PAGE, file)
    client.dma_unmap(2**64 - PAGE, PAGE)


@pytest.mark.parametrize("offset, size", [(0, 17), (16, 1), (15, 2), (2**51, 1), (1, 16)])
def test_more_than_the_file_has_is_refused(client, file, offset, size):
    assert refused(client, 0, size * PAGE, file, offset=offset * PAGE) == errno.EINVAL


def test_offset_that_wraps_is_refused(client, file):
    assert refused(client, 0, PAGE, file, offset=2**64 - PAGE) == errno.EINVAL


@pytest.mark.parametrize("flags", [0, 4, 7, 0x80000003, 0x10])
def test_unknown_or_no_rights_are_refused(client, file, flags):
    assert refused(client, 0, PAGE, file, flags=flags) == errno.EINVAL


def test_file_that_is_no_memory_is_refused(client):
    reading, writing = os.pipe()
    pair = socket.socketpair()
    directory = os.open("/tmp", os.O_RDONLY | os.O_DIRECTORY)
    for fd in (reading, writing, pair[0].fileno(), directory):
        assert refused(client, 0, PAGE, fd) == errno.EINVAL
    for fd in (reading, writing, directory):
        os.close(fd)
    for end in pair:
        end.close()


def test_read_only_file_serves_read_only_mappings(client, tmp_path):
    path = tmp_path / "rom"
    path.write_bytes(bytes(PAGE))
    with path.open("rb") as file:
        assert refused(client, 0, PAGE, file.fileno()) == errno.EACCES
        client.dma_map(0, PAGE, file.fileno(), flags=MAP_READ)
        assert refused(client, PAGE, PAGE, file.fileno(), flags=MAP_WRITE) == errno.EACCES


def test_without_a_descriptor_the_range_is_known(client, file):
    """QEMU maps its ROMs so."""
    client.dma_map(0, PAGE, None, flags=MAP_READ)
    assert refused(client, 0, PAGE, file) == errno.EEXIST
    client.dma_unmap(0, PAGE)


def test_two_descriptors_are_refused(client, file, descriptors):
    before = descriptors()
    with pytest.raises(Refused):
        client.call(DMA_MAP, struct.pack("=IIQQQ", 32, 3, 0, 0, PAGE), fds=[file, file])
    assert descriptors() == before


@pytest.mark.parametrize("size", [0, 1, 31])
def test_too_short_is_refused(client, file, size, descriptors):
    before = descriptors()
    with pytest.raises(Refused) as caught:
        client.call(DMA_MAP, bytes(size), fds=[file])
    assert caught.value.errno == errno.EINVAL
    assert descriptors() == before


def test_refusals_leak_no_descriptor(client, file, descriptors):
    client.dma_map(0, PAGE, file)
    before = descriptors()
    for _ in range(50):
        refused(client, 0, PAGE, file)
        refused(client, PAGE, 17 * PAGE, file)
        refused(client, PAGE, PAGE, file, flags=0)
    assert descriptors() == before


def test_mappings_hold_no_descriptor(client, file, descriptors):
    before = descriptors()
    for page in range(16):
        client.dma_map(page * PAGE, PAGE, file, offset=page * PAGE)
    assert descriptors() == before


def test_one_file_is_mapped_once(device, client, file):
    """A client with a virtual IOMMU maps each page by itself."""
    def views() -> int:
        with open(f"/proc/{device.pid}/maps") as maps:
            return sum("memfd:prd32-test" in line for line in maps)
    for page in range(16):
        client.dma_map(page * 2 * PAGE, PAGE, file, offset=page * PAGE)
    assert views() == 1


def test_machine_with_memory_above_4_gib(device, client):
    """6 GiB in one file, seen on both sides of the hole below 4 GiB. The card reaches the lower part; the upper one
    takes part in everything but that."""
    gib = 1 << 30
    fd = memfd(6 * gib, sealed=True)
    client.dma_map(0, 3 * gib, fd)
    client.dma_map(4 * gib, 3 * gib, fd, offset=3 * gib)
    bus_master(client)
    os.pwrite(fd, table([(3 * gib - 512, 512)]), BASE)
    os.pwrite(fd, b"edge" * 128, 3 * gib - 512)
    transfer(client, BASE, to_host=False)
    os.pwrite(fd, bytes(512), 3 * gib - 512)
    transfer(client, BASE, to_host=True)
    assert os.pread(fd, 516, 3 * gib - 512) == b"edge" * 128 + bytes(4), "and not over the hole into what follows"
    client.dma_unmap(4 * gib, 3 * gib)
    transfer(client, BASE, to_host=True)
    assert device.stats()["bridge"]["mappings"] == {"now": 1, "most": 2, "by_message": 0}
    os.close(fd)


def test_number_of_mappings_is_bounded(client, file):
    """As many as were negotiated, then ENOSPC; and all of them go with one message."""
    client.socket.settimeout(60)
    message = struct.pack("=IIQQ", 32, 3, 0, 0)[:16]
    most = 65535
    for first in range(0, most, 255):  # pipelined, or it would take a while
        for page in range(first, first + 255):
            client.send(DMA_MAP, message + struct.pack("=QQ", page * PAGE, PAGE))
        assert all(client.receive().error == 0 for _ in range(255))
    assert refused(client, most * PAGE, PAGE, file) == errno.ENOSPC
    client.dma_unmap(0, 2**63)
    client.dma_map(most * PAGE, PAGE, file)


def test_file_that_grew_is_mapped_further(client):
    """The view of the file is made larger under mappings that are in use."""
    with GuestMemory(client, mapped=False, sealed=False) as memory:
        client.dma_map(BASE, len(memory.bytes), memory.fd)
        os.ftruncate(memory.fd, 2 << 20)
        memory.put(BASE, table([(memory.data, 512)]))
        memory.put(memory.data, b"before" + bytes(506))
        transfer(client, BASE, to_host=False)
        client.dma_map(BASE + (1 << 20), 1 << 20, memory.fd, offset=1 << 20)
        memory.put(BASE, table([(BASE + (1 << 20) + 0x8000, 512)]))
        transfer(client, BASE, to_host=True)
        assert os.pread(memory.fd, 6, (1 << 20) + 0x8000) == b"before"

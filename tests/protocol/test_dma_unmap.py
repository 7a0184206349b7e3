# SPDX-License-Identifier: Apache-2.0
"""VFIO_USER_DMA_UNMAP, by the rule of the kernel's type 1 IOMMU."""

import errno
import os
import struct

import pytest

from protocol.vfio_user import DMA_UNMAP, UNMAP_ALL, Refused, memfd

PAGE = 4096


@pytest.fixture
def file(client):
    """Pages 4..7 and 8..11 are mapped, one mapping each, and page 20."""
    fd = memfd(16 * PAGE)
    client.dma_map(4 * PAGE, 4 * PAGE, fd)
    client.dma_map(8 * PAGE, 4 * PAGE, fd)
    client.dma_map(20 * PAGE, PAGE, fd)
    yield fd
    os.close(fd)


def mapped(device) -> int:
    return device.stats()["bridge"]["mappings"]["now"]


@pytest.mark.parametrize("address, size, left", [
    (4, 4, 2), (8, 4, 2), (4, 8, 1), (0, 12, 1), (4, 17, 0), (0, 2**40, 0), (12, 8, 3), (0, 4, 3), (21, 100, 3)])
def test_all_mappings_inside_go(device, client, file, address, size, left):
    client.dma_unmap(address * PAGE, size * PAGE)
    assert mapped(device) == left


@pytest.mark.parametrize("address, size", [(5, 3), (4, 3), (4, 5), (0, 5), (7, 1), (7, 2), (11, 10), (5, 1)])
def test_cut_through_a_mapping_is_refused_as_a_whole(device, client, file, address, size):
    with pytest.raises(Refused) as refused:
        client.dma_unmap(address * PAGE, size * PAGE)
    assert refused.value.errno == errno.EINVAL
    assert mapped(device) == 3


@pytest.mark.parametrize("address, size", [(0, 0), (PAGE, 0), (2**64 - PAGE, 2 * PAGE), (PAGE, 2**64 - 1)])
def test_impossible_ranges_are_refused(device, client, file, address, size):
    with pytest.raises(Refused) as refused:
        client.dma_unmap(address, size)
    assert refused.value.errno == errno.EINVAL
    assert mapped(device) == 3


def test_whole_address_space_in_two_halves(device, client, file):
    """How QEMU clears an address space of 2**64 bytes."""
    client.dma_unmap(0, 2**63)
    client.dma_unmap(2**63, 2**63)
    assert mapped(device) == 0


def test_unmap_all(device, client, file):
    client.dma_unmap(0, 0, flags=UNMAP_ALL)
    assert mapped(device) == 0
    client.dma_unmap(0, 0, flags=UNMAP_ALL)


def test_unmap_all_takes_no_range(device, client, file):
    with pytest.raises(Refused):
        client.dma_unmap(0, PAGE, flags=UNMAP_ALL)
    assert mapped(device) == 3


@pytest.mark.parametrize("flags", [1, 4, 0x80000000])
def test_unknown_flags_are_refused(device, client, file, flags):
    """1 asks for a dirty bitmap, which the card does not keep."""
    with pytest.raises(Refused) as refused:
        client.dma_unmap(4 * PAGE, 4 * PAGE, flags=flags)
    assert refused.value.errno == errno.EINVAL
    assert mapped(device) == 3


@pytest.mark.parametrize("size", [0, 23])
def test_too_short_is_refused(client, size):
    with pytest.raises(Refused):
        client.call(DMA_UNMAP, bytes(size))


def test_descriptor_is_refused(client, file, descriptors):
    before = descriptors()
    with pytest.raises(Refused):
        client.call(DMA_UNMAP, struct.pack("=IIQQ", 24, 0, 4 * PAGE, 4 * PAGE), fds=[file])
    assert descriptors() == before


def test_range_can_be_mapped_again(client, file):
    for _ in range(100):
        client.dma_unmap(20 * PAGE, PAGE)
        client.dma_map(20 * PAGE, PAGE, file)

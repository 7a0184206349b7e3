# SPDX-License-Identifier: Apache-2.0
"""Client memory whose file changes under its mappings, and files too large to map all of them."""

import errno
import fcntl
import os

import pytest

from protocol.guest_memory import BASE, SIZE, GuestMemory, finish, mask, start, table, transfer
from protocol.vfio_user import MAP_READ, Refused, memfd

PAGE = 4096
OTHER = BASE + (16 << 20)


@pytest.mark.expect_violations("dma-backing-lost", "prdt-fetch")
def test_file_that_shrank_is_mapped_anew(client):
    """The view of the file is made again for a new right, and the older mapping's end lies behind the file's."""
    with GuestMemory(client, mapped=False, sealed=False) as memory:
        client.dma_map(BASE, SIZE, memory.fd, flags=MAP_READ)
        os.ftruncate(memory.fd, PAGE)
        client.dma_map(OTHER, PAGE, memory.fd)
        start(client, BASE + 0x80000, to_host=False)
        assert finish(client) & mask("BM_STATUS", "ERROR")


@pytest.mark.expect_violations("dma-backing-lost", "data-read")
def test_file_that_was_sealed_too_late(client):
    """It cannot shrink any more, but it is shorter than what was mapped before."""
    with GuestMemory(client, mapped=False, sealed=False) as memory:
        client.dma_map(BASE, SIZE, memory.fd)
        os.ftruncate(memory.fd, 0x20000)
        fcntl.fcntl(memory.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        client.dma_map(OTHER, PAGE, memory.fd)
        memory.put(BASE, table([(memory.data, 512)]))
        transfer(client, BASE, to_host=False)
        memory.put(BASE, table([(BASE + 0x80000, 512)]))
        start(client, BASE, to_host=False)
        assert finish(client) & mask("BM_STATUS", "ERROR")


def test_files_larger_than_the_address_space(client, device):
    """Sparse files cost their owner nothing, and must not leave the program without room."""
    held, address = [], 0
    for bits in range(46, 12, -1):
        for _ in range(2):
            try:
                fd = memfd(1 << bits)
            except OSError:
                continue  # no file of this size here
            held.append(fd)
            try:
                client.dma_map(address, PAGE, fd)
            except Refused as refused:
                assert refused.errno == errno.ENOMEM
            address += PAGE
    with open(f"/proc/{device.pid}/status") as status:
        size = next(int(line.split()[1]) for line in status if line.startswith("VmSize"))
    assert size < 80 << 30, "KiB"
    with GuestMemory(client, mapped=False) as memory:  # once the files are gone there is room again
        client.dma_unmap(0, 1 << 40)
        client.dma_map(BASE, SIZE, memory.fd)
    for fd in held:
        os.close(fd)

# SPDX-License-Identifier: Apache-2.0
"""Client memory whose file changes under its mappings, and files too large to map all of them."""

import errno
import fcntl
import os

import pytest

from protocol.guest_memory import (BASE, SIZE, GuestMemory, error, error_code, finish, mask, start, table,
                                   transfer)
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


@pytest.mark.expect_violations("dma-backing-lost", "data-write", "prdt-fetch")
def test_file_truncated_under_the_mapping(client):
    """The peer can do that at any time; the kernel answers an access with SIGBUS."""
    with GuestMemory(client, sealed=False) as memory:
        memory.put(BASE, table([(memory.data, 512)]))
        transfer(client, BASE, to_host=True)
        os.ftruncate(memory.fd, 0x10000)
        for prdt, to_host, code, address in ((BASE, True, "DATA_WRITE", memory.data),
                                             (memory.data, False, "PRDT_FETCH", memory.data)):
            for _ in range(3):
                start(client, prdt, to_host=to_host)
                assert finish(client) & mask("BM_STATUS", "ERROR")
                assert (error(client)[0], error(client)[2]) == (error_code(code), address)


@pytest.mark.device_options("--dma", "mmap")
@pytest.mark.expect_violations("dma-not-mappable", "data-read")
def test_mapping_without_a_descriptor(client):
    """Asking the client for it was not wanted."""
    with GuestMemory(client, mapped=False) as memory:
        memory.map(BASE, 0x10000)
        memory.map(memory.data, PAGE, shared=False)
        memory.put(BASE, table([(memory.data, 512)]))
        start(client, BASE, to_host=False)
        assert finish(client) & mask("BM_STATUS", "ERROR")
        assert (error(client)[0], error(client)[2]) == (error_code("DATA_READ"), memory.data)

# SPDX-License-Identifier: Apache-2.0
"""DEVICE_GET_INFO, DEVICE_GET_REGION_INFO, DEVICE_GET_IRQ_INFO and commands that the server does not have."""

import errno
import os
import struct

import pytest

from protocol.guest_memory import MAP, MEMORY
from protocol.vfio_user import (CONFIG_REGION, DEVICE_FEATURE, DEVICE_GET_INFO, DEVICE_GET_IRQ_INFO,
                                DEVICE_GET_REGION_INFO, DEVICE_GET_REGION_IO_FDS, DIRTY_PAGES, DMA_READ, DMA_WRITE,
                                ERR, INTX, IRQS, MIG_DATA_READ, MIG_DATA_WRITE, MSI, MSIX, REGIONS, REQ, Refused)

EVENTFD, MASKABLE, AUTOMASKED = 1, 2, 4


def test_device_is_a_pci_device_with_reset(client):
    assert client.device_info() == (16, 0x3, REGIONS, IRQS)


def test_regions_have_their_sizes(client):
    sizes = {bar.index: bar.size for bar in MAP.bars} | {MAP.msix.bar: MAP.msix.size, CONFIG_REGION: 4096}
    for index in range(REGIONS):
        size = sizes.get(index, 0)
        mappable = index == MEMORY
        assert client.region_info(index) == (32, 0x7 if mappable else 0x3 if size else 0, index, 0, size, 0)
        assert len(client.passed) == mappable, "a descriptor comes with what can be mapped, and with nothing else"
        while client.passed:
            os.close(client.passed.pop())


def test_larger_room_for_the_reply_is_fine(client):
    assert client.region_info(0, argsz=4096)[0] == 32
    assert client.irq_info(0, argsz=4096)[0] == 16


@pytest.mark.parametrize("index", [REGIONS, REGIONS + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_unknown_region_is_refused(client, index):
    with pytest.raises(Refused) as refused:
        client.region_info(index)
    assert refused.value.errno == errno.EINVAL


def test_irqs_have_their_counts(client):
    vectors = len(MAP.vectors)
    power = 1 << (vectors - 1).bit_length()  # MSI knows only powers of two
    assert client.irq_info(INTX) == (16, EVENTFD | MASKABLE | AUTOMASKED, INTX, 1)
    assert client.irq_info(MSI) == (16, EVENTFD | MASKABLE, MSI, power)
    assert client.irq_info(MSIX) == (16, EVENTFD | MASKABLE, MSIX, vectors)
    assert client.irq_info(ERR) == (16, EVENTFD, ERR, 1)
    assert client.irq_info(REQ) == (16, EVENTFD, REQ, 1)


@pytest.mark.parametrize("index", [IRQS, 0xFFFFFFFF])
def test_unknown_irq_is_refused(client, index):
    with pytest.raises(Refused) as refused:
        client.irq_info(index)
    assert refused.value.errno == errno.EINVAL


@pytest.mark.parametrize("command, size", [(DEVICE_GET_INFO, 16), (DEVICE_GET_REGION_INFO, 32),
                                           (DEVICE_GET_IRQ_INFO, 16)])
def test_too_little_is_refused(client, command, size):
    for length in (0, 1, size - 1):
        with pytest.raises(Refused):
            client.call(command, bytes(length))
    with pytest.raises(Refused):  # no room for the reply
        client.call(command, struct.pack("=I", size - 1) + bytes(size - 4))
    client.device_info()


@pytest.mark.parametrize("command", [DEVICE_GET_REGION_IO_FDS, DIRTY_PAGES, DEVICE_FEATURE, MIG_DATA_READ,
                                     MIG_DATA_WRITE, 0, 19, 0xFFFF])
def test_commands_that_are_not_there(client, command):
    with pytest.raises(Refused) as refused:
        client.call(command, struct.pack("=IIII", 16, 0x10001, 0, 0))
    assert refused.value.errno == errno.ENOTSUP
    client.device_info()


@pytest.mark.parametrize("command", [DMA_READ, DMA_WRITE])
def test_server_commands_are_refused(client, command):
    with pytest.raises(Refused) as refused:
        client.call(command, struct.pack("=QQ", 0x1000, 16) + bytes(16))
    assert refused.value.errno == errno.EINVAL

# SPDX-License-Identifier: Apache-2.0
"""Configuration space as a kernel walks it."""

import pytest

from protocol.guest_memory import (BASE, COMMAND_MASTER, MAP, MEMORY, PCI_COMMAND, PCI_STATUS, GuestMemory,
                                   read_register, start, table, transfer, write_register)
from protocol.vfio_user import CONFIG_REGION, Refused

CAP_PM, CAP_MSI, CAP_EXPRESS, CAP_MSIX = 0x01, 0x05, 0x10, 0x11
SCRATCH = 0x12345678


def test_identity(client):
    pci = MAP.pci
    assert client.config_read(0x00, 2) == pci["vendor_id"]
    assert client.config_read(0x02, 2) == pci["device_id"]
    assert client.config_read(0x08, 4) == pci["class_code"] << 8 | pci["revision_id"]
    assert client.config_read(0x2C, 4) == pci["subsystem_id"] << 16 | pci["subsystem_vendor_id"]
    assert client.config_read(0x0E, 1) == 0  # an endpoint, one function
    assert client.config_read(0x3D, 1) == 1  # INTA#
    assert client.config_read(PCI_STATUS, 2) == 0x10  # has capabilities


def test_identity_cannot_be_written(client):
    before = client.region_read(CONFIG_REGION, 0, 4096)
    for offset in (0x00, 0x02, 0x06, 0x08, 0x0A, 0x0E, 0x2C, 0x30, 0x34, 0x3D, 0x100, 0xFFE):
        client.config_write(offset, 0xFFFF, 2)
    after = client.region_read(CONFIG_REGION, 0, 4096)
    assert after[:0x40] == before[:0x40]
    assert after[0x100:] == before[0x100:] == bytes(0xF00)


def test_bars_tell_their_size(client):
    sizes = {bar.index: (bar.size, bar.kind) for bar in MAP.bars} | {MAP.msix.bar: (MAP.msix.size, "memory32")}
    upper = {index for bar in MAP.bars for index in bar.indexes[1:]}
    assert upper == {MEMORY + 1}
    for index in range(6):
        if index in upper:
            continue
        at = 0x10 + 4 * index
        kind = client.config_read(at, 4)
        client.config_write(at, 0xFFFFFFFF, 4)
        answer = client.config_read(at, 4)
        if index not in sizes:
            assert answer == kind == 0
            continue
        size, name = sizes[index]
        assert kind == {"io": 1, "memory32": 0, "memory64": 0xC}[name]
        assert answer == (~(size - 1) & 0xFFFFFFFF) | kind
        client.config_write(at, 0xF8000000, 4)
        assert client.config_read(at, 4) == 0xF8000000 | kind


@pytest.mark.parametrize("size", [pytest.param(size << 20, marks=pytest.mark.card_memory(f"{size}M"))
                                  for size in (1, 5, 1024)])
def test_memory_bar_has_64_bits_and_a_power_of_two(client, size):
    at = 0x10 + 4 * MEMORY
    for half in (at, at + 4):
        client.config_write(half, 0xFFFFFFFF, 4)
    answer = client.config_read(at, 4) | client.config_read(at + 4, 4) << 32
    assert answer & 0xF == 0xC, "64 bits, prefetchable"
    assert 2**64 - (answer & ~0xF) == 1 << (size - 1).bit_length()
    client.config_write(at + 4, 0x80, 4)
    client.config_write(at, 0x40000000, 4)
    assert client.config_read(at, 8) == 0x80_4000000C


def test_no_expansion_rom(client):
    client.config_write(0x30, 0xFFFFFFFF, 4)
    assert client.config_read(0x30, 4) == 0


def test_command_keeps_what_it_implements(client):
    client.config_write(PCI_COMMAND, 0xFFFF, 2)
    assert client.config_read(PCI_COMMAND, 2) == 0x0547
    client.config_write(PCI_COMMAND + 1, 0, 1)
    assert client.config_read(PCI_COMMAND, 2) == 0x0047


def test_any_size_and_alignment(client):
    whole = client.region_read(CONFIG_REGION, 0, 4096)
    for offset, size in ((1, 2), (3, 4), (0, 3), (5, 8), (0x3E, 100), (4095, 1)):
        assert client.region_read(CONFIG_REGION, offset, size) == whole[offset:offset + size]
    client.region_write(CONFIG_REGION, 0x3B, b"\xff\x2a\xff")
    assert client.config_read(0x3C, 1) == 0x2A


@pytest.mark.parametrize("offset, size", [(4096, 1), (4095, 2), (0, 4097), (2**64 - 1, 1), (2**64 - 1, 4096), (0, 0)])
def test_outside_is_refused(client, offset, size):
    with pytest.raises(Refused):
        client.region_read(CONFIG_REGION, offset, size)
    with pytest.raises(Refused):
        client.region_write(CONFIG_REGION, offset, bytes(size))


def test_capability_list(client):
    found = [client.capability(wanted) for wanted in (CAP_PM, CAP_MSI, CAP_MSIX, CAP_EXPRESS)]
    assert len(set(found)) == 4 and all(at >= 0x40 and at % 4 == 0 for at in found)


def test_express_endpoint_with_function_reset(client):
    at = client.capability(CAP_EXPRESS)
    assert client.config_read(at + 2, 2) == 0x0002  # version 2, endpoint
    assert client.config_read(at + 4, 4) & (1 << 28)
    assert client.config_read(at + 0x12, 2) == 0x11  # one lane at 2.5 GT/s


def test_msi_capability(client):
    at = client.capability(CAP_MSI)
    assert client.config_read(at + 2, 2) == 0x0184  # 64 bits, masking, 4 vectors
    client.config_write(at + 4, 0xFEE00123, 4)
    client.config_write(at + 8, 0x1, 4)
    client.config_write(at + 12, 0x4041, 2)
    client.config_write(at + 16, 0xFFFFFFFF, 4)
    client.config_write(at + 20, 0xFFFFFFFF, 4)
    assert client.config_read(at + 4, 4) == 0xFEE00120
    assert client.config_read(at + 8, 4) == 0x1
    assert client.config_read(at + 12, 2) == 0x4041
    assert client.config_read(at + 16, 4) == 0xF
    assert client.config_read(at + 20, 4) == 0  # pending bits are the card's


def test_msix_capability(client):
    at = client.capability(CAP_MSIX)
    assert client.config_read(at + 2, 2) == len(MAP.vectors) - 1
    assert client.config_read(at + 4, 4) == MAP.msix.table_offset | MAP.msix.bar
    assert client.config_read(at + 8, 4) == MAP.msix.pba_offset | MAP.msix.bar
    client.config_write(at + 2, 0xFFFF, 2)
    assert client.config_read(at + 2, 2) == 0xC000 | len(MAP.vectors) - 1


def test_power_states(client):
    at = client.capability(CAP_PM)
    assert client.config_read(at + 2, 2) == 3
    for state, kept in ((3, 3), (1, 3), (2, 3), (0, 0), (1, 0), (2, 0)):
        client.config_write(at + 4, state, 2)
        assert client.config_read(at + 4, 2) == kept


def test_way_back_from_d3_resets(client):
    """The function says so by not having No_Soft_Reset."""
    power = client.capability(CAP_PM) + 4
    write_register(client, "SCRATCH", SCRATCH)
    client.config_write(PCI_COMMAND, COMMAND_MASTER, 2)
    client.config_write(power, 0, 2)
    assert read_register(client, "SCRATCH") == SCRATCH, "D0 to D0 resets nothing"
    client.config_write(power, 3, 2)
    assert client.config_read(PCI_COMMAND, 2) == COMMAND_MASTER
    client.config_write(power, 0, 2)
    assert read_register(client, "SCRATCH") == 0
    assert client.config_read(PCI_COMMAND, 2) == 0


@pytest.mark.expect_violations("mmio-in-d3")
def test_registers_are_out_of_reach_in_d3(client, device):
    power = client.capability(CAP_PM) + 4
    client.config_write(power, 3, 2)
    write_register(client, "SCRATCH", SCRATCH)
    assert read_register(client, "SCRATCH") == 0xFFFFFFFF
    assert client.read(MAP.msix.bar, MAP.msix.pba_offset) == 0xFFFFFFFF
    assert len(device.violations()) == 3


@pytest.mark.expect_violations("dma-in-d3", "prdt-fetch")
def test_d3_ends_dma(client, device):
    with GuestMemory(client) as memory:
        power = client.capability(CAP_PM) + 4
        memory.put(BASE, table([(memory.data, 0x10000)] * 1000))
        with client.pipelined():
            start(client, BASE, to_host=True)
            client.config_write(power, 3, 2)
        assert client.config_read(power, 2) == 3
        while device.stats()["card"]["errors"] == 0:
            pass
        assert device.stats()["card"]["bytes_to_host"] < 1000 << 16
        client.config_write(power, 0, 2)
        client.config_write(PCI_COMMAND, COMMAND_MASTER, 2)
        memory.put(BASE, table([(memory.data, 512)]))
        transfer(client, BASE, to_host=True)

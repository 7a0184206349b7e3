# SPDX-License-Identifier: Apache-2.0
"""REGION_READ, REGION_WRITE and REGION_WRITE_MULTI on BARs: sizes, bounds, posted writes."""

import errno
import struct

import pytest

from protocol.guest_memory import IO, MAP, MEMORY, MMIO, read_register, write_register
from protocol.vfio_user import (NO_REPLY, REGION_READ, REGION_WRITE, REGION_WRITE_MULTI, ROM_REGION, VGA_REGION,
                                Refused)

SCRATCH = MAP.offset("SCRATCH")
SIZE = MAP.bar("MEMORY").size
WORDS = [0x01020304, 0xFFFFFFFF, 0x5A5AA5A5, 0]


def test_registers_read_their_reset_values(client):
    for register, _, offset in MAP.instances():
        assert client.read(MMIO, offset, register.bytes) == register.reset, register.name


@pytest.mark.parametrize("value", WORDS)
def test_write_is_read_back(client, value):
    write_register(client, "SCRATCH", value)
    assert read_register(client, "SCRATCH") == value


def test_bytes_and_halves(client):
    for index, size in ((0, 1), (1, 1), (2, 2)):
        client.write(MMIO, SCRATCH + index, 0xA0 + index, size)
    assert client.read(MMIO, SCRATCH) == 0x00A2A1A0
    assert [client.read(MMIO, SCRATCH + index, 1) for index in range(4)] == [0xA0, 0xA1, 0xA2, 0x00]
    assert client.read(MMIO, SCRATCH + 2, 2) == 0x00A2


def test_eight_bytes_are_two_times_four(client):
    enable = MAP.offset("IRQ_ENABLE")
    assert SCRATCH == enable + 4 and enable % 8 == 4
    client.write(MMIO, SCRATCH, 0xFFFFFFFF_11223344, 8)
    assert client.read(MMIO, SCRATCH) == 0x11223344
    assert client.read(MMIO, MAP.offset("ID"), 8) == (
        MAP.register("VERSION").reset << 32 | MAP.register("ID").reset)


def test_io_bar_mirrors_the_bus_master_block(client):
    at = MAP.offset("BM_PRDT", 1)
    client.write(IO, at, 0x12340000)
    assert client.read(MMIO, at) == 0x12340000
    client.write(MMIO, at, 0xABCD0000)
    assert client.read(IO, at) == 0xABCD0000
    assert client.read(IO, at + 2, 2) == 0xABCD


@pytest.mark.parametrize("region, offset, count", [
    (MMIO, 0, 0), (MMIO, 0, 3), (MMIO, 0, 5), (MMIO, 0, 12), (MMIO, 0, 16), (MMIO, 0, 4096), (MMIO, 0x1000, 4),
    (MMIO, 0xFFD, 4), (MMIO, 2**64 - 4, 4), (MMIO, 2**64 - 1, 2), (MMIO, 2**32, 4), (IO, 0x10, 1), (IO, 0xE, 4),
    (MEMORY, SIZE, 1), (MEMORY, SIZE - 1, 2), (MEMORY, 0, 0), (MEMORY, 2**64 - 1, 2), (MEMORY + 1, 0, 4), (5, 0, 4),
    (ROM_REGION, 0, 4), (VGA_REGION, 0, 4), (9, 0, 4), (0xFFFFFFFF, 0, 4)])
def test_outside_or_odd_is_refused(client, region, offset, count):
    for call in (lambda: client.region_read(region, offset, count),
                 lambda: client.region_write(region, offset, bytes(count))):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.errno == errno.EINVAL


@pytest.mark.parametrize("count", [0x10001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_huge_counts_are_refused(client, count):
    for region in (MMIO, 7):
        with pytest.raises(Refused):
            client.call(REGION_READ, struct.pack("=QII", 0, region, count))
        with pytest.raises(Refused):
            client.call(REGION_WRITE, struct.pack("=QII", 0, region, count) + bytes(4))


def test_count_and_data_must_agree(client):
    for count, data in ((4, b""), (4, bytes(3)), (4, bytes(5)), (0, bytes(4))):
        with pytest.raises(Refused):
            client.call(REGION_WRITE, struct.pack("=QII", SCRATCH, MMIO, count) + data)
    for size in range(16):
        with pytest.raises(Refused):
            client.call(REGION_READ, bytes(size))
        with pytest.raises(Refused):
            client.call(REGION_WRITE, bytes(size))


@pytest.mark.expect_violations("mmio-bad-access")
def test_what_the_card_refuses_reads_as_ones(client, device):
    assert client.read(MMIO, SCRATCH + 1) == 0xFFFFFFFF
    write_register(client, "SCRATCH", 0x1111)
    client.write(MMIO, SCRATCH + 1, 0xFFFFFFFF)
    assert read_register(client, "SCRATCH") == 0x1111
    assert [v["address"] for v in device.violations()] == [SCRATCH + 1, SCRATCH + 1]


def test_posted_write_has_no_reply(client):
    head = struct.pack("=QII", SCRATCH, MMIO, 4)
    for value in range(1, 200):
        client.send(REGION_WRITE, head + struct.pack("=I", value), flags=NO_REPLY)
    assert read_register(client, "SCRATCH") == 199


def test_refused_posted_write_has_no_reply_either(client):
    client.send(REGION_WRITE, struct.pack("=QII", 2**40, MMIO, 4) + bytes(4), flags=NO_REPLY)
    client.send(REGION_WRITE, b"", flags=NO_REPLY)
    assert client.device_info()


def one(offset: int, value: int, count: int = 4, region: int = MMIO) -> bytes:
    return struct.pack("=QIIQ", offset, region, count, value)


def multi(*writes: bytes) -> bytes:
    return struct.pack("=Q", len(writes)) + b"".join(writes)


def test_many_writes_in_one_message(client):
    prdt = [MAP.offset("BM_PRDT", channel) for channel in (0, 1)]
    reply = client.call(REGION_WRITE_MULTI, multi(one(SCRATCH, 7), one(prdt[0], 0x10000), one(prdt[1], 0x20000, 4, IO),
                                                  one(SCRATCH, 9, 1)))
    assert struct.unpack("=Q", reply) == (4,)
    assert [read_register(client, "BM_PRDT", channel) for channel in (0, 1)] == [0x10000, 0x20000]
    assert read_register(client, "SCRATCH") == 9


def test_many_posted_writes(client):
    for value in range(50):
        client.send(REGION_WRITE_MULTI, multi(*[one(SCRATCH, value)] * 100), flags=NO_REPLY)
    assert read_register(client, "SCRATCH") == 49


def test_writes_before_a_refused_one_count(client):
    reply = client.call(REGION_WRITE_MULTI, multi(one(SCRATCH, 7), one(0x1000, 7), one(SCRATCH, 9)))
    assert struct.unpack("=Q", reply) == (1,)
    assert read_register(client, "SCRATCH") == 7


@pytest.mark.parametrize("payload", [
    b"", bytes(7), struct.pack("=Q", 1), struct.pack("=Q", 2) + one(SCRATCH, 5), struct.pack("=Q", 0) + one(SCRATCH, 5),
    multi(one(SCRATCH, 5)) + b"\0", multi(one(SCRATCH, 5, 9)), multi(one(SCRATCH, 5, 0xFFFFFFFF)),
    struct.pack("=Q", 2**61 + 1) + one(SCRATCH, 5), struct.pack("=Q", 2**64 - 1), multi(one(0x1000, 5))],
    ids=lambda payload: f"{len(payload)}-{payload[:8].hex()}")
def test_bad_multi_is_refused(client, payload):
    with pytest.raises(Refused) as refused:
        client.call(REGION_WRITE_MULTI, payload)
    assert refused.value.errno == errno.EINVAL
    assert read_register(client, "SCRATCH") == 0


def test_no_writes_at_all(client):
    assert client.call(REGION_WRITE_MULTI, multi()) == struct.pack("=Q", 0)

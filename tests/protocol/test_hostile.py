# SPDX-License-Identifier: Apache-2.0
"""What no sane client sends. Each time: an errno or a disconnect, and the next client is served (see `survives`)."""

import errno
import os
import random
import select
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from protocol.guest_memory import (BASE, MAP, GuestMemory, mask, read_register, start, table, transfer,
                                   write_register)
from protocol.vfio_user import (ACTION_TRIGGER, DATA_NONE, DEVICE_GET_INFO, DEVICE_RESET,
                                DEVICE_SET_IRQS, DMA_MAP, ERROR, HEADER, INTX, REGION_READ, REPLY, VERSION, Client,
                                SECONDS, Disconnected, memfd)

DAY_NS, HUNDRED_SECONDS_NS = 24 * 3600 * 10 ** 9, 100 * 10 ** 9


@pytest.mark.parametrize("size", [0, 1, 15, 0x10000 + 65, 0x7FFFFFFF, 0xFFFFFFFF])
def test_impossible_size_is_refused_and_disconnected(client, size):
    """Where the next message starts cannot be known."""
    client.send(DEVICE_GET_INFO, bytes(16), size=size)
    reply = client.receive()
    assert reply.flags == REPLY | ERROR and reply.error == errno.EMSGSIZE
    client.wait_disconnect()


def test_largest_message_is_read_as_a_whole(client):
    client.send(DEVICE_RESET, bytes(0x10000 + 64 - 16))
    assert client.receive().error == errno.EINVAL
    client.device_info()


@pytest.mark.parametrize("kind", [2, 3, 7, 15])
def test_unknown_type_is_refused(client, kind):
    client.send(DEVICE_GET_INFO, struct.pack("=IIII", 16, 0, 0, 0), flags=kind)
    assert client.receive().error == errno.EINVAL
    client.device_info()


def test_reply_to_nothing_is_ignored(client):
    client.send(REGION_READ, bytes(32), flags=REPLY)
    client.send(0xFFFF, b"", flags=REPLY | ERROR)
    client.device_info()


def test_error_flag_in_a_command_means_nothing(client):
    client.send(DEVICE_GET_INFO, struct.pack("=IIII", 16, 0, 0, 0), flags=ERROR)
    assert client.receive().flags == REPLY


def test_message_ids_may_repeat(client):
    message = HEADER.pack(7, DEVICE_GET_INFO, 32, 0, 0) + struct.pack("=IIII", 16, 0, 0, 0)
    client.send_raw(message * 3)
    assert [client.receive().id for _ in range(3)] == [7, 7, 7]


def test_message_in_pieces(client):
    message = HEADER.pack(9, DEVICE_GET_INFO, 32, 0, 0) + struct.pack("=IIII", 16, 0, 0, 0)
    for byte in message:
        client.socket.sendall(bytes([byte]))
    assert client.receive().id == 9


@pytest.mark.parametrize("length", [1, 8, 15, 16, 17, 31])
def test_half_a_message_and_silence(device, client, length):
    message = HEADER.pack(9, DEVICE_GET_INFO, 32, 0, 0) + struct.pack("=IIII", 16, 0, 0, 0)
    client.socket.sendall(message[:length])
    client.close()
    assert device.poll() is None


def test_descriptors_with_every_command(client, descriptors):
    before = descriptors()
    event = os.eventfd(0)
    for command in range(20):
        client.send(command, bytes(32), fds=[event] * 3)
        assert client.receive().flags == REPLY | ERROR
    os.close(event)
    assert descriptors() == before


def test_descriptors_on_any_byte_of_a_message(client, descriptors):
    before = descriptors()
    event = os.eventfd(0)
    message = HEADER.pack(9, DEVICE_GET_INFO, 32, 0, 0) + struct.pack("=IIII", 16, 0, 0, 0)
    for cut in (1, 15, 16, 31):
        client.socket.sendall(message[:cut])
        client.send_raw(message[cut:], [event] * 16)
        assert client.receive().error == errno.EINVAL
    for cut in (5, 20):  # more than a message may have, in two pieces
        client.send_raw(message[:cut], [event] * 10)
        client.send_raw(message[cut:], [event] * 10)
        assert client.receive().error == errno.EINVAL
    os.close(event)
    assert descriptors() == before


def test_descriptors_belong_to_their_message_when_pipelined(client):
    """QEMU sends DMA_UNMAP and DMA_MAP without waiting for replies."""
    small, large = memfd(4096), memfd(1 << 20)
    plain = HEADER.pack(1, DEVICE_GET_INFO, 32, 0, 0) + struct.pack("=IIII", 16, 0, 0, 0)
    for turn in range(20):
        for fd, size in ((small, 4096), (large, 1 << 20)):
            body = struct.pack("=IIQQQ", 32, 3, 0, (turn << 32) + size * 16, size)
            client.send_raw(plain)
            client.send_raw(HEADER.pack(2, DMA_MAP, 48, 0, 0) + body, [fd])
            client.send_raw(plain)
    replies = [client.receive() for _ in range(120)]
    assert [reply.id for reply in replies] == [1, 2, 1] * 40
    assert all(reply.error == 0 for reply in replies)
    os.close(small)
    os.close(large)


def test_client_that_reads_no_replies(device, client):
    """Its replies are kept to a bound, and it is simply not served further."""
    client.socket.setblocking(False)
    message = HEADER.pack(9, REGION_READ, 32, 0, 0) + struct.pack("=QII", 0, 7, 4096)
    sent = 0
    with pytest.raises(BlockingIOError):
        while sent < 100_000_000:
            sent += client.socket.send(message * 64)
    with open(f"/proc/{device.pid}/status") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    assert resident < 400_000
    client.close()


def test_disconnect_in_the_middle_of_a_transfer(device):
    for _ in range(10):
        with Client(device.socket) as client, GuestMemory(client, sealed=False) as memory:
            memory.put(BASE, table([(memory.data, 0x10000)] * 1000))
            for channel in (0, 1):
                start(client, BASE, to_host=True, channel=channel)
    assert device.poll() is None


def test_disconnect_with_unread_replies(device):
    for _ in range(20):
        with Client(device.socket) as client:
            for _ in range(50):
                client.send(DEVICE_GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))


def test_slow_pattern_does_not_use_up_simulated_time(device, client, memory):
    """Each descriptor waits for a minute of it, and 213 days are all there is: it gets a day ahead, and no further."""
    memory.put(BASE, table([(memory.data, 0x10000)] * 8))
    field = MAP.register("CONTROL").field("ENDPOINT")
    pattern = next(value.value for value in MAP.enum("ENDPOINT").values if value.name == "PATTERN")
    write_register(client, "CONTROL", mask("CONTROL", "CYCLIC") | pattern << field.lsb)
    write_register(client, "PATTERN_RATE", 1)
    start(client, BASE, to_host=True)
    end = time.monotonic() + SECONDS
    while device.stats()["simulated_ns"] < DAY_NS - HUNDRED_SECONDS_NS:
        assert time.monotonic() < end
    memory.put(BASE + 0x20000, table([(BASE + 0x30000, 0x8000)]))
    for _ in range(20):  # the other channel is none the worse for it
        transfer(client, BASE + 0x20000, to_host=True, channel=1)
    assert device.stats()["simulated_ns"] < DAY_NS + HUNDRED_SECONDS_NS
    write_register(client, "BM_COMMAND", 0)
    assert not read_register(client, "BM_STATUS") & mask("BM_STATUS", "ACTIVE")


def test_half_closed_connection(device, client):
    client.socket.shutdown(socket.SHUT_WR)
    with pytest.raises(Disconnected):
        client.receive()


def test_ended_by_a_signal_with_a_client_connected(device, client):
    client.config_read(0, 4)
    device.stop()
    assert not device.socket.exists()
    client.wait_disconnect()


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes(device, seed):
    chance = random.Random(seed)
    with Client(device.socket, negotiate=False) as client:
        try:
            client.send_raw(chance.randbytes(chance.randrange(1, 5000)))
            client.socket.shutdown(socket.SHUT_WR)
            client.wait_disconnect()
        except BrokenPipeError:
            pass


@pytest.mark.parametrize("seed", range(20))
def test_random_payloads(client, seed):
    """Well-framed messages of any command, with numbers that are likely to be at a boundary."""
    chance = random.Random(seed)
    event, file = os.eventfd(0), memfd(1 << 16)
    edges = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 20, 24, 32, 0x24, 0x1000, 0x10000, 2**31, 2**32 - 1]
    for _ in range(300):
        words = [chance.choice(edges) for _ in range(chance.randrange(0, 12))]
        command = chance.choice([c for c in range(20) if c != VERSION])
        fds = [chance.choice([event, file])] * chance.choice([0, 0, 0, 1, 3])
        client.send(command, struct.pack(f"={len(words)}I", *words), fds=fds)
        assert client.receive().command == command
    os.close(event)
    os.close(file)


def test_blocking_eventfd_that_fills_up_under_the_server(client):
    """It looks whether it may write, and then it may not: the client was quicker. Found within 20000 attempts."""
    event = os.eventfd(0)
    client.set_trigger(INTX, [event])
    chance = random.Random(0)
    with ThreadPoolExecutor(1) as other:
        for _ in range(20000):
            os.eventfd_write(event, 2**64 - 3)  # room for one
            written = other.submit(os.eventfd_write, event, 1)
            for _ in range(chance.randrange(1000)):
                pass
            client.send(DEVICE_SET_IRQS, struct.pack("=IIIII", 20, DATA_NONE | ACTION_TRIGGER, INTX, 0, 1))
            try:
                assert client.receive().error == 0
            finally:
                while (full := select.select([event], [], [], 0)[0]) or not written.done():
                    if full:
                        os.eventfd_read(event)
    os.close(event)

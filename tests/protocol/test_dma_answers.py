# SPDX-License-Identifier: Apache-2.0
"""DMA by messages: answers that refuse, that do not fit, and that do not come."""

import errno
import struct
import time

import pytest

from protocol.guest_memory import BASE, DMA, GuestMemory, error, error_code, finish, start, table, transfer
from protocol.held_access import (ACTIVE, BYTES, FAILED, INTERRUPT, by_message, cancelled, card_bytes, release,
                                  start_and_hold, status)
from protocol.vfio_user import CONFIG_REGION, DMA_WRITE, HEADER, REGION_READ, REPLY, SECONDS, Client

PAGE = 4096


# ---- answers that are none

@pytest.mark.parametrize("number", [errno.EFAULT, errno.ENODEV, errno.EPERM, 0, 99999])
@pytest.mark.expect_violations("dma-refused-by-client", "data-read")
def test_client_refuses(client, unshared, device, number):
    start_and_hold(client, unshared, to_host=False)
    client.reply(unshared.held.pop(), error=number or 0x80000000)
    cancelled(client, unshared, "DATA_READ")
    refusal = device.violations()[0]
    assert refusal["rule"] == "dma-refused-by-client" and refusal["address"] == unshared.data
    if number == errno.EPERM:
        assert "Operation not permitted" in refusal["detail"]


@pytest.mark.expect_violations("dma-refused-by-client", "prdt-fetch")
def test_client_refuses_the_table(client, unshared):
    unshared.hold = lambda _address, _count: True
    start(client, BASE, to_host=False)
    unshared.wait_held()
    client.reply(unshared.held.pop(), error=errno.EFAULT)
    assert finish(client) == FAILED
    assert error(client)[0] == error_code("PRDT_FETCH")


@pytest.mark.expect_violations("dma-refused-by-client", "data-write")
def test_client_refuses_a_later_part(device):
    """The violation names the first byte that did not move."""
    with Client(device.socket, negotiate=False) as client:
        client.version({"max_data_xfer_size": PAGE})
        with GuestMemory(client, shared=False) as memory:
            memory.put(BASE, table([(memory.data, 4 * PAGE)]))
            memory.hold = lambda address, _count: address == memory.data + 2 * PAGE
            start(client, BASE, to_host=True)
            memory.wait_held()
            client.reply(memory.held.pop(), error=errno.EFAULT)
            assert finish(client) == FAILED
            assert memory.asked[-1][1] == memory.data + 2 * PAGE, "nothing more is asked for"
    assert device.violations()[0]["address"] == memory.data + 2 * PAGE


HEAD = slice(0, DMA.size)
WRONG_ANSWERS = {
    "nothing": lambda client, request: client.reply(request),
    "no data": lambda client, request: client.reply(request, request.payload[HEAD]),
    "too little": lambda client, request: client.reply(request, request.payload[HEAD] + bytes(BYTES - 1)),
    "too much": lambda client, request: client.reply(request, request.payload[HEAD] + bytes(BYTES + 1)),
    "other address": lambda client, request: client.reply(request, DMA.pack(0, BYTES) + bytes(BYTES)),
    "other count": lambda client, request: client.reply(request, DMA.pack(DMA.unpack(request.payload)[0], 1)
                                                        + bytes(BYTES)),
    "data where the count's upper half is": lambda client, request: client.reply(
        request, request.payload[:12] + b"\xee" * BYTES + bytes(4)),
    "other command": lambda client, request: client.reply(request, request.payload[HEAD] + bytes(BYTES),
                                                          command=DMA_WRITE),
    "refusal of another command": lambda client, request: client.reply(request, error=errno.EIO, command=DMA_WRITE),
}


@pytest.mark.parametrize("name", WRONG_ANSWERS)
@pytest.mark.expect_violations("dma-bad-reply", "data-read")
def test_answer_that_does_not_fit(client, unshared, name):
    start_and_hold(client, unshared, to_host=False)
    WRONG_ANSWERS[name](client, unshared.held.pop())
    cancelled(client, unshared, "DATA_READ")


@pytest.mark.expect_violations("dma-bad-reply", "data-write")
def test_confirmation_with_data(client, unshared):
    start_and_hold(client, unshared, to_host=True)
    request = unshared.held.pop()
    client.reply(request, request.payload)
    cancelled(client, unshared, "DATA_WRITE")


def test_answers_that_nobody_waits_for(client, unshared, device):
    """Another id, and an id for the second time: they are ignored and counted."""
    start_and_hold(client, unshared, to_host=False)
    request = unshared.held[0]
    before = device.stats()["bridge"]["errors"]
    request.id ^= 0x8000
    unshared.answer(request)
    assert status(client) == ACTIVE
    request.id ^= 0x8000
    unshared.answer(request)
    release(unshared)
    assert finish(client) == INTERRUPT
    assert device.stats()["bridge"]["errors"] == before + 2


def test_descriptors_with_an_answer(client, unshared, descriptors):
    before = descriptors()
    start_and_hold(client, unshared, to_host=False)
    request = unshared.held[0]
    answer = request.payload[HEAD] + bytes(BYTES)
    client.send_raw(HEADER.pack(request.id, request.command, HEADER.size + len(answer), REPLY, 0) + answer,
                    [unshared.fd] * 3)
    assert finish(client) == INTERRUPT
    client.device_info()
    assert descriptors() == before


# ---- no answer

def wait_for_another_violation(device) -> None:
    count, end = len(device.violations()), time.monotonic() + SECONDS
    while len(device.violations()) == count:
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.device_options("--dma-timeout-ms", "100")
@pytest.mark.expect_violations("dma-no-reply", "data-read", "data-write")
@pytest.mark.parametrize("talks", [True, False], ids=["talks", "silent"])
def test_no_answer_in_time(client, unshared, device, talks):
    """Whether the client goes on asking or the program sleeps meanwhile."""
    unshared.put(unshared.data, b"\xee" * BYTES)
    for to_host, code in ((False, "DATA_READ"), (True, "DATA_WRITE")):
        start_and_hold(client, unshared, to_host=to_host)
        if not talks:
            wait_for_another_violation(device)
        cancelled(client, unshared, code)
    assert by_message(device)["late_replies"] == 2
    unshared.put(unshared.data, b"\x77" * BYTES)
    transfer(client, BASE, to_host=False)
    assert card_bytes(client, unshared) == b"\x77" * BYTES


@pytest.mark.device_options("--dma-timeout-ms", "100")
@pytest.mark.expect_violations("dma-no-reply", "prdt-fetch")
def test_client_that_never_answers(client, unshared, device):
    unshared.hold = lambda _address, _count: True
    for number in range(3):
        for channel in (0, 1):
            start(client, BASE, to_host=False, channel=channel)
        unshared.wait_held(2 * number + 2)
        for channel in (0, 1):
            assert finish(client, channel) == FAILED
    assert by_message(device)["messages"] == 6
    assert len({request.id for request in unshared.held}) == 6, "ids are not used again before they were answered"


@pytest.mark.device_options("--dma-timeout-ms", "500")
@pytest.mark.expect_violations("dma-no-reply", "data-write")
def test_client_that_reads_nothing(client, unshared, device):
    """The time limit holds also while the program can neither send nor, for that reason, receive."""
    start_and_hold(client, unshared, to_host=True)
    client.socket.setblocking(False)
    message = HEADER.pack(9, REGION_READ, 32, 0, 0) + struct.pack("=QII", 0, CONFIG_REGION, 4096)
    with pytest.raises(BlockingIOError):
        while True:
            client.socket.send(message * 64)
    assert device.violations() == []
    wait_for_another_violation(device)


@pytest.mark.device_options("--dma-timeout-ms", "0")
def test_no_time_limit(client, unshared):
    start_and_hold(client, unshared, to_host=False)
    release(unshared)
    assert finish(client) == INTERRUPT


def test_program_ends_while_an_answer_is_awaited(client, unshared, device):
    start_and_hold(client, unshared, to_host=False)
    device.stop()
    client.wait_disconnect()

# SPDX-License-Identifier: Apache-2.0
"""The command queue through the device program. What the card does is the model's tests' concern; here it is seen that
its accesses come through, both ways, and that faults can befall them."""

import random

import pytest

from protocol.command_queue import HALF, STRUCTURE, CommandQueue, put_tables, status_of
from protocol.conftest import BOTH_WAYS
from protocol.guest_memory import BASE, error, error_code, mask, read_register, write_register
from protocol.held_access import ACTIVE, FAILED, INTERRUPT, status

pytestmark = BOTH_WAYS
BYTES = 0x1000
CONTENTS = [random.Random(index).randbytes(BYTES) for index in range(4)]
SIZE = STRUCTURE.size


@pytest.fixture
def tables(memory):
    """Of each of CONTENTS, the addresses of the table and of the region."""
    return put_tables(memory, CONTENTS)


@pytest.fixture
def queue(client, memory, tables):
    return CommandQueue(client, memory, coalesce=0xFFFF)


def put_all(queue, tables, *, to_host=False):
    return [queue.put(prdt, to_host=to_host, card_addr=index * BYTES, length=BYTES)
            for index, (prdt, _) in enumerate(tables)]


def test_capability(client):
    assert read_register(client, "CAPS") & mask("CAPS", "QUEUE")


def test_there_and_back(client, memory, queue, tables):
    numbers = put_all(queue, tables)
    assert queue.run() == INTERRUPT
    for _, data in tables:
        memory.put(data, bytes(BYTES))
    numbers += put_all(queue, tables, to_host=True)
    assert queue.run() == INTERRUPT
    assert [memory.get(data, BYTES) for _, data in tables] == CONTENTS
    assert [queue.status(number) for number in numbers] == [status_of(number, moved=BYTES) for number in numbers]
    assert queue.head() == len(numbers)


def test_round_and_round(client, memory, tables):
    """The queue's index wraps; doorbells come while it runs, and while it does not."""
    queue = CommandQueue(client, memory, log2=2)
    for number in range(40):
        while number - queue.head() >= queue.size:
            pass
        queue.put(tables[number % 4][0], to_host=False)
        queue.ring()
    queue.finish()
    assert queue.head() == 40
    assert [queue.status(number) for number in range(36, 40)] == [status_of(number, moved=BYTES)
                                                                  for number in range(36, 40)]


def test_both_channels(client, memory, tables):
    queues = [CommandQueue(client, memory, channel=channel) for channel in (0, 1)]
    for queue in queues:
        put_all(queue, tables)
        queue.ring()
    for queue in queues:
        assert queue.finish() == INTERRUPT
        assert queue.status(3) == status_of(3, moved=BYTES)


def test_stop(client, memory, queue, tables, device):
    rule = device.faults.add("stall", "dma-read", addresses=[tables[2][1], tables[2][1]])
    put_all(queue, tables)
    queue.ring()
    while rule.fired == 0:
        client.device_info()
    assert status(client) == ACTIVE and queue.head() == 2
    write_register(client, "BM_COMMAND", 0)
    assert queue.finish() == 0
    assert read_register(client, "QUEUE_TAIL") == queue.head() == 2
    assert queue.status(2)["NUMBER.COUNT"] == 0


# ---- what the bus refuses

@pytest.mark.expect_violations("dma-unmapped", "queue-fetch")
def test_queue_in_no_mapping(client, queue, tables):
    write_register(client, "QUEUE_BASE", BASE - 0x10000)
    put_all(queue, tables)
    assert queue.run() == FAILED
    assert error(client) == (error_code("QUEUE_FETCH"), 0, BASE - 0x10000)
    assert queue.halted() and queue.head() == 0
    write_register(client, "CONTROL", mask("CONTROL", "RESET"))
    assert not queue.halted()


@pytest.mark.expect_violations("queue-fetch")
def test_aborted_fetch(client, queue, tables, device):
    rule = device.faults.add("abort", "command", after=2)
    put_all(queue, tables)
    assert queue.run() == FAILED
    assert (rule.matched, rule.fired) == (3, 1)
    assert error(client) == (error_code("QUEUE_FETCH"), 0, queue.place(2))
    assert queue.halted() and queue.head() == 2
    told, = device.injected()
    assert (told.fault, told.on, told.channel, told.prd_index) == ("abort", "command", 0, -1)
    assert (told.address, told.bytes) == (queue.place(2), HALF)


@pytest.mark.parametrize("fault, end", [
    pytest.param("abort", FAILED, marks=pytest.mark.expect_violations("writeback-refused")), ("drop", INTERRUPT)])
def test_status(client, queue, tables, device, fault, end):
    rule = device.faults.add(fault, "writeback", addresses=[queue.place(1), queue.place(1) + SIZE - 1])
    put_all(queue, tables)
    assert queue.run() == end
    assert rule.fired == 1
    assert queue.status(0) == status_of(0, moved=BYTES)
    assert queue.status(1)["NUMBER.COUNT"] == 0
    assert queue.halted() == (fault == "abort")


def test_stalled_fetch(client, queue, tables, device):
    """Registers answer meanwhile, and doorbells count."""
    rule = device.faults.add("stall", "command", count=1)
    queue.put(tables[0][0], to_host=False)
    queue.ring()
    while rule.fired == 0:
        client.device_info()
    assert status(client) == ACTIVE
    queue.put(tables[1][0], to_host=False)
    queue.ring()
    assert rule.release() == 1
    assert queue.finish() == INTERRUPT
    assert queue.head() == 2


@pytest.mark.expect_violations("data-read")
def test_a_command_in_error_ends_alone(client, queue, tables, device):
    device.faults.add("abort", "dma-read", after=1)
    put_all(queue, tables)
    assert queue.run() == FAILED
    assert queue.status(1) == status_of(1, moved=0, code=error_code("DATA_READ"), detail=tables[1][1])
    assert queue.status(3) == status_of(3, moved=BYTES)
    assert not queue.halted()


def test_other_transactions_are_spared(client, queue, tables, device):
    """The command and its status are accesses of their own kind."""
    rules = [device.faults.add("abort", kind, addresses=[queue.base, queue.base + queue.size * SIZE - 1])
             for kind in ("dma-read", "dma-write", "table-fetch")]
    put_all(queue, tables)
    assert queue.run() == INTERRUPT
    assert [rule.matched for rule in rules] == [0, 0, 0]

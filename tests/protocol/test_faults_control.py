# SPDX-License-Identifier: Apache-2.0
"""The control socket itself: what it takes, what it refuses, and that no client of it can do harm."""

import json
import random
import socket
import time
from collections.abc import Iterator

import pytest

from protocol.guest_memory import BASE, table, transfer
from protocol.vfio_user import SECONDS
from testbed.card import CardError, CardProcess
from testbed.faults import Faults, FaultRefused

LONGEST_LINE, MOST_CLIENTS, MOST_RULES = 0x4000, 16, 256  # qemu-device/control_server.hpp, fault_rules.hpp


@pytest.fixture
def faults(device) -> Faults:
    return device.faults


@pytest.fixture
def raw(device) -> Iterator[socket.socket]:
    """A connection that sends what it is told to."""
    with connected(device) as connection:
        yield connection


def connected(device: CardProcess) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(device.control))  # first: with a timeout it would not wait for a place in the queue
    connection.settimeout(SECONDS)
    return connection


def lines(connection: socket.socket, count: int) -> list[dict]:
    """So many lines; fewer when the connection ends before."""
    data = b""
    while data.count(b"\n") < count:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        data += part
    return [json.loads(line) for line in data.splitlines()]


def ended(connection: socket.socket) -> bool:
    """Once the program has closed the connection."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


# ---- rules and answers

def test_rule_is_told_as_it_was_given(faults):
    given = {"fault": "stall", "on": ["dma-read", "dma-write"], "channel": 1, "prd_index": 7, "addresses": [16, 31],
             "after": 3, "count": 0, "every": 2, "probability": 0.25, "seed": 9, "for_ms": 20, "survives": "stop"}
    rule = faults.add(**given)
    assert faults.rules() == [{"rule": rule.number, "matched": 0, "fired": 0, **given}]


@pytest.mark.parametrize("rule", [
    {}, {"fault": "abort"}, {"fault": "abort", "on": []}, {"fault": "abort", "on": "dma"},
    {"fault": 1, "on": "dma-read"},
    {"fault": "explode", "on": "dma-read"}, {"fault": "abort", "on": "dma-read", "chanel": 0},
    {"fault": "abort", "on": "dma-read", "channel": 2}, {"fault": "abort", "on": "dma-read", "channel": -1},
    {"fault": "abort", "on": "dma-read", "channel": 0.5}, {"fault": "abort", "on": "register-read", "channel": 0},
    {"fault": "abort", "on": "interrupt"}, {"fault": "stall", "on": "register-read"},
    {"fault": "duplicate", "on": "dma-read"}, {"fault": "short", "on": "table-fetch"},
    {"fault": "late", "on": "interrupt"}, {"fault": "drop", "on": "interrupt", "vector": 3},
    {"fault": "drop", "on": "dma-write", "vector": 0}, {"fault": "drop", "on": "writeback", "prd_index": 0},
    {"fault": "drop", "on": "command"}, {"fault": "stall", "on": "command", "prd_index": 0},
    {"fault": "abort", "on": "dma-read", "addresses": [2, 1]}, {"fault": "abort", "on": "dma-read", "addresses": [1]},
    {"fault": "abort", "on": "dma-read", "addresses": ["1", 2]}, {"fault": "abort", "on": "dma-read", "every": 0},
    {"fault": "abort", "on": "dma-read", "probability": 0}, {"fault": "abort", "on": "dma-read", "probability": 1.5},
    {"fault": "abort", "on": "dma-read", "probability": "1"}, {"fault": "abort", "on": "dma-read", "for_ms": 5},
    {"fault": "stall", "on": "dma-read", "for_ms": 0}, {"fault": "stall", "on": "dma-read", "survives": "all"},
    {"fault": "spurious", "on": "dma-read"}, {"fault": "spurious", "on": "dma-read", "interrupt": 3},
    {"fault": "write-after-abort", "on": "dma-read", "bytes": 0}, [], 7, None])
def test_bad_rule_is_refused(faults, rule):
    with pytest.raises(FaultRefused):
        faults.request("add", rule=rule)
    assert faults.rules() == []


@pytest.mark.parametrize("request_line", [
    b"", b"x", b"7", b"[]", b"null", b'"add"', b"{", b'{"id":1}', b'{"id":1,"command":7}', b'{"command":"state"}',
    b'{"id":1.5,"command":"state"}', b'{"id":[],"command":"state"}', b'{"id":1,"command":"states"}',
    b'{"id":1,"command":"state","more":1}', b'{"id":1,"command":"add"}', b'{"id":1,"command":"clear","rule":1}',
    b'{"id":1,"command":"release","rule":0}', b'{"id":1,"command":"all-ones"}', b'{"id":1,"command":"all-ones","on":1}',
    b'{"id":1,"command":"interrupt"}', b'{"id":1,"command":"interrupt","vector":3}',
    b'{"id":1,"command":"interrupt","vector":-1}', b"\xff\xfe", b'{"id":"\xff","command":"state"}', b"[" * 10000,
    b'{"a":' * 2000])
def test_bad_request_is_refused(raw, request_line):
    """And the connection goes on."""
    raw.sendall(request_line + b"\n" + b'{"id":"next","command":"state"}\n')
    bad, good = lines(raw, 2)
    assert bad["ok"] is False and bad["error"]
    assert (good["id"], good["ok"], good["presence"]) == ("next", True, "present")


def test_request_in_pieces_and_many_in_one(raw):
    for byte in b'{"id":1,"command":"state"}\n':
        raw.sendall(bytes([byte]))
    raw.sendall(b'{"id":2,"command":"rules"}\n' * 100)
    assert [line["id"] for line in lines(raw, 101)] == [1] + [2] * 100


def test_rules_are_bounded_and_numbers_not_used_again(faults):
    numbers = [faults.add("abort", "dma-read").number for _ in range(MOST_RULES)]
    with pytest.raises(FaultRefused, match="256"):
        faults.add("abort", "dma-read")
    assert len(faults.rules()) == MOST_RULES and len(set(numbers)) == MOST_RULES
    faults.clear()
    assert faults.rules() == []
    assert faults.add("abort", "dma-read").number == max(numbers) + 1


def test_first_rule_has_the_transaction(client, memory, faults):
    """The ones behind it are not asked, unless the first only watches."""
    memory.put(BASE, table([(memory.data, 64)]))
    rules = [faults.add("spurious", "dma-write", interrupt=0), faults.add("drop", "dma-write"),
             faults.add("drop", "dma-write")]
    transfer(client, BASE, to_host=True)
    assert [rule.fired for rule in rules] == [1, 1, 0] and rules[2].matched == 0


def test_several_clients(device, client, memory, faults):
    """They see the same rules, and each that asked for it hears of the same events."""
    memory.put(BASE, table([(memory.data, 64)]))
    others = [Faults(device.control) for _ in range(3)]
    for other in others[:2]:
        other.subscribe()
    rule = others[2].add("drop", "dma-write")
    assert faults.rules()[0]["rule"] == rule.number
    others[2].close()
    transfer(client, BASE, to_host=True)
    assert [other.wait_event("fired").rule for other in others[:2]] == [rule.number] * 2
    for other in others[:2]:
        other.close()
    assert device.injected()[0].rule == rule.number


# ---- bad clients

@pytest.mark.parametrize("end", [b"", b"\n"])
def test_too_long_a_line(raw, end):
    raw.sendall(b"x" * (LONGEST_LINE + 1) + end)
    answer, = lines(raw, 1)
    assert "too long" in answer["error"] and ended(raw)


def test_longest_line(raw):
    raw.sendall(b'{"id":1,"command":"state"}'.ljust(LONGEST_LINE) + b"\n")
    assert lines(raw, 1)[0]["ok"]


def test_too_many_clients(device):
    """The harness has one connection already."""
    others = [connected(device) for _ in range(MOST_CLIENTS - 1)]
    with connected(device) as surplus:
        assert "too many" in lines(surplus, 1)[0]["error"] and ended(surplus)
    for other in others:
        other.sendall(b'{"id":1,"command":"state"}\n')
        assert lines(other, 1)[0]["ok"]
        other.close()
    device.faults.state()
    with connected(device) as again:
        again.sendall(b'{"id":1,"command":"state"}\n')
        assert lines(again, 1)[0]["ok"]


def test_client_that_sends_and_goes(device, descriptors):
    before = descriptors()
    for request in (b"", b"x", b'{"id":1,"command":"state"}\n' * 50, b'{"id":1,"command":"subscribe"}\n'):
        for _ in range(10):
            with connected(device) as connection:
                connection.sendall(request)
    deadline = time.monotonic() + SECONDS
    while descriptors() != before:
        assert time.monotonic() < deadline, "descriptors are left open"
        device.faults.state()


def test_last_requests_of_a_client_are_answered(raw):
    """It has said that it will send no more; what is no whole line is nothing."""
    raw.sendall(b'{"id":1,"command":"state"}\n{"id":2,"command":"rules"}\n{"id":3,')
    raw.shutdown(socket.SHUT_WR)
    assert [line["id"] for line in lines(raw, 3)] == [1, 2]


def test_client_that_reads_no_answers(device, raw, faults):
    """It is not served further; the others are."""
    raw.setblocking(False)
    sent = 0
    with pytest.raises(BlockingIOError):
        while sent < 100_000_000:
            sent += raw.send(b'{"id":1,"command":"state"}\n' * 100)
    assert resident(device) < 400_000
    assert faults.state()["presence"] == "present"
    raw.setblocking(True)
    raw.settimeout(SECONDS)
    assert all(line["ok"] for line in lines(raw, sent // 27 - 1))


def test_subscriber_that_reads_nothing(device, client, memory, raw, faults):
    """Events cannot wait for it: it is dropped."""
    raw.sendall(b'{"id":1,"command":"subscribe"}\n')
    faults.state()
    for _ in range(5000):
        faults.interrupt(0)
    assert ended(raw)
    assert resident(device) < 400_000
    assert faults.state()["injections"] == 5000


def resident(device: CardProcess) -> int:
    """Memory in use, KiB."""
    with open(f"/proc/{device.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.parametrize("seed", range(10))
def test_random_requests(device, faults, seed):
    chance = random.Random(seed)
    words = ["add", "rules", "clear", "release", "subscribe", "state", "interrupt", "all-ones", "fault", "on", "stall",
             "abort", "drop", "dma-read", "rule", "id", "command", 0, 1, -1, 2**64, 1e99, True, None, [], {}]

    def value(depth: int) -> object:
        kind = chance.randrange(6)
        if kind == 0 and depth:
            return {str(chance.choice(words)): value(depth - 1) for _ in range(chance.randrange(5))}
        if kind == 1 and depth:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        return chance.choice(words)

    with connected(device) as connection:
        for number in range(200):
            request = {"id": number, "command": chance.choice(words[:8]), chance.choice(["rule", "on", "x"]): value(3)}
            connection.sendall(json.dumps(request).encode() + b"\n")
        connection.shutdown(socket.SHUT_WR)
        answers = [line for line in lines(connection, 100000) if "event" not in line]
    assert [answer["id"] for answer in answers] == list(range(200))
    faults.all_ones(False)


# ---- the program

def test_path_that_cannot_be_served(device, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "control.sock").write_text("no socket")
    with pytest.raises(CardError, match="control.sock exists and is no socket"):
        CardProcess(device.binary, folder).start()


def test_record_that_cannot_be_written(device, client, memory, tmp_path):
    """The card goes on without."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "injected.jsonl").symlink_to("/dev/full")
    with CardProcess(device.binary, folder) as card:
        card.faults.interrupt(0)
        card.faults.interrupt(0)
        assert card.faults.state()["injections"] == 2
    assert "cannot write injected faults" in card.log_tail()

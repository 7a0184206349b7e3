# SPDX-License-Identifier: Apache-2.0
"""Faults of the card's DMA: each is seen to happen where its rule says so, and nowhere else."""

import errno
import time
from collections.abc import Callable

import pytest

from protocol.conftest import BOTH_WAYS
from protocol.guest_memory import (BASE, SIZE, GuestMemory, bus_master, error, error_code, finish, mask, read_register,
                                   start, table, transfer, write_register)
from protocol.held_access import ACTIVE, FAILED, INTERRUPT, status
from protocol.vfio_user import SECONDS, Client
from testbed.card import CardProcess
from testbed.errors import DeadlinePassed
from testbed.faults import Event

pytestmark = BOTH_WAYS
REGIONS = 4
BYTES = 0x1000
PATTERN = bytes(range(256)) * (BYTES // 256)
LATE = b"\xee"


@pytest.fixture
def faults(device):
    return device.faults


@pytest.fixture
def filled(way, client, memory: GuestMemory) -> GuestMemory:
    """Memory with a table of four regions of a page; the card's memory holds a pattern for them."""
    regions = [(memory.data + i * 0x10000, BYTES) for i in range(REGIONS)]
    memory.put(BASE, table(regions))
    for address, _ in regions:
        memory.put(address, PATTERN)
    transfer(client, BASE, to_host=False)
    for address, _ in regions:
        memory.put(address, bytes(BYTES))
    return memory


def region(memory: GuestMemory, index: int) -> bytes:
    return memory.get(memory.data + index * 0x10000, BYTES)


def answering(client: Client, look: Callable[[], list]) -> list:
    """What `look` finds, as soon as it finds something. The client answers meanwhile, as DMA by message wants it."""
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it does not come"
        client.device_info()
    return found


def written(device: CardProcess, client: Client) -> Event:
    """What became of a write after an abort."""
    return answering(client, lambda: written_events(device))[0]


def written_events(device: CardProcess) -> list[Event]:
    return [told for told in device.injected() if told.event == "written"]


def stop(client, channel: int = 0) -> None:
    write_register(client, "BM_COMMAND", 0, channel)


def reset_channel(client, channel: int = 0) -> None:
    write_register(client, "CONTROL", mask("CONTROL", "RESET"), channel)


def test_without_a_rule_nothing_happens(device, client, filled, faults):
    transfer(client, BASE, to_host=True)
    assert [region(filled, i) for i in range(REGIONS)] == [PATTERN] * REGIONS
    assert device.injected() == [] and faults.state()["injections"] == 0


# ---- abort

@pytest.mark.expect_violations("data-write")
def test_aborted_write(device, client, filled, faults):
    rule = faults.add("abort", "dma-write", prd_index=2)
    start(client, BASE, to_host=True)
    assert finish(client) == FAILED
    assert error(client) == (error_code("DATA_WRITE"), 2, filled.data + 0x20000)
    assert [region(filled, i) for i in range(3)] == [PATTERN, PATTERN, bytes(BYTES)]
    assert (rule.matched, rule.fired) == (1, 1)
    told, = device.injected()
    assert (told.event, told.rule, told.fault, told.on) == ("fired", rule.number, "abort", "dma-write")
    assert (told.channel, told.prd_index, told.address, told.bytes) == (0, 2, filled.data + 0x20000, BYTES)
    transfer(client, BASE, to_host=True)  # it fires once, unless said otherwise
    assert region(filled, 3) == PATTERN


@pytest.mark.expect_violations("data-read")
def test_aborted_read(client, filled, faults):
    faults.add("abort", "dma-read", after=1)
    start(client, BASE, to_host=False)
    assert finish(client) == FAILED
    assert error(client) == (error_code("DATA_READ"), 1, filled.data + 0x10000)


@pytest.mark.expect_violations("prdt-fetch")
def test_aborted_fetch(client, filled, faults):
    faults.add("abort", "table-fetch", prd_index=3)  # which the burst of the first brings
    start(client, BASE, to_host=True)
    assert finish(client) == FAILED
    assert error(client) == (error_code("PRDT_FETCH"), 0, BASE)


@pytest.mark.parametrize("fault, end", [
    pytest.param("abort", FAILED, marks=pytest.mark.expect_violations("writeback-refused")), ("drop", INTERRUPT)])
def test_writeback(client, filled, faults, fault, end):
    where = filled.data + 0x8000
    write_register(client, "CONTROL", mask("CONTROL", "WRITEBACK"))
    write_register(client, "WRITEBACK_ADDR", where)
    faults.add(fault, "writeback")
    start(client, BASE, to_host=True)
    assert finish(client) == end
    assert filled.get(where, 16) == bytes(16)
    transfer(client, BASE, to_host=True)
    assert filled.get(where, 16) != bytes(16)


def test_other_transactions_are_spared(client, filled, faults):
    rules = [faults.add("abort", "dma-write", channel=1), faults.add("abort", "dma-read"),
             faults.add("abort", "dma-write", prd_index=REGIONS), faults.add("abort", "writeback"),
             faults.add("abort", "dma-write", addresses=[filled.data + BYTES, filled.data + 0xFFFF])]
    transfer(client, BASE, to_host=True)
    assert [(rule.matched, rule.fired) for rule in rules] == [(0, 0)] * len(rules)


@pytest.mark.expect_violations("data-write")
def test_address_range(client, filled, faults):
    """Touching it is enough."""
    faults.add("abort", "dma-write", addresses=[filled.data + 0x10FFF, filled.data + 0x1FFFF])
    start(client, BASE, to_host=True)
    assert finish(client) == FAILED
    assert error(client)[1] == 1


def test_dropped_write(client, filled, faults):
    faults.add("drop", "dma-write", prd_index=1)
    transfer(client, BASE, to_host=True)
    assert [region(filled, i) for i in range(3)] == [PATTERN, bytes(BYTES), PATTERN]


def test_rule_in_the_middle_of_a_stream(client, filled, faults):
    """Direct access to memory, which the card has by now, is taken away for the rule, and comes back after it."""
    transfer(client, BASE, to_host=True)
    rule = faults.add("drop", "dma-write", count=0)
    transfer(client, BASE, to_host=True)
    assert rule.fired == REGIONS
    rule.clear()
    filled.put(filled.data, bytes(BYTES))
    transfer(client, BASE, to_host=True)
    assert region(filled, 0) == PATTERN


# ---- stall

def stalled(client, memory: GuestMemory, faults, **keys):
    """A transfer that hangs at its second region."""
    rule = faults.add("stall", "dma-write", prd_index=1, **keys)
    start(client, BASE, to_host=True)
    found, = answering(client, lambda: faults.state()["stalls"])
    assert (found["rule"], found["address"]) == (rule.number, memory.data + 0x10000)
    assert status(client) == ACTIVE
    assert read_register(client, "PRDS") == 1  # registers answer
    return rule


def test_released(device, client, filled, faults):
    rule = stalled(client, filled, faults)
    assert rule.release() == 1
    assert finish(client) == INTERRUPT
    assert region(filled, 1) == PATTERN
    assert [(told.event, told.how) for told in device.injected()] == [("fired", ""), ("ended", "released")]
    assert faults.state()["stalls"] == [] and faults.release() == 0


def test_cleared_rule_lets_go(client, filled, faults):
    stalled(client, filled, faults).clear()
    assert finish(client) == INTERRUPT


def test_stall_for_a_time(client, filled, faults):
    faults.subscribe()
    stalled(client, filled, faults, for_ms=300)
    assert faults.wait_event("ended").how == "time"
    assert finish(client) == INTERRUPT


def test_stop_ends_a_stall(client, filled, faults):
    stalled(client, filled, faults)
    stop(client)
    assert status(client) == 0
    transfer(client, BASE, to_host=True)


@pytest.mark.parametrize("survives, ends", [("nothing", "stop"), ("stop", "channel-reset"),
                                            ("channel-reset", "function-reset"), ("function-reset", "released")])
def test_deaf_engine(client, filled, faults, survives, ends):
    """What ends a stall, and that nothing weaker does. What was stopped moves nothing."""
    faults.subscribe()
    stalled(client, filled, faults, survives=survives)
    for name, attempt in {"stop": stop, "channel-reset": reset_channel,
                          "function-reset": lambda client: client.reset(),
                          "released": lambda _client: faults.release()}.items():
        attempt(client)
        if name == ends:
            break
        assert len(faults.state()["stalls"]) == 1
        if name != "function-reset":
            assert status(client) == ACTIVE
    assert faults.wait_event("ended").how == ends
    assert status(client) == 0
    assert region(filled, 1) == bytes(BYTES)
    bus_master(client)
    transfer(client, BASE, to_host=True)


def test_stopped_transfer_that_is_released_later(client, filled, faults):
    """It was under way on the bus, so its bytes may still come, until ACTIVE falls."""
    rule = stalled(client, filled, faults, survives="stop")
    stop(client)
    assert status(client) == ACTIVE
    rule.release()
    assert finish(client) == 0
    assert region(filled, 1) == PATTERN and region(filled, 2) == bytes(BYTES)


def test_other_channel_waits_for_the_engine(client, filled, faults):
    """Which the two share, a descriptor at a time."""
    rule = stalled(client, filled, faults)
    start(client, BASE, to_host=True, channel=1)
    assert status(client, 1) == ACTIVE
    rule.release()
    assert finish(client, 0) == finish(client, 1) == INTERRUPT


def test_disconnect_ends_a_stall(device, client, filled, faults):
    stalled(client, filled, faults)
    faults.subscribe()
    client.close()
    assert faults.wait_event("ended").how == "function-reset"
    assert faults.state()["active"] == []
    assert len(faults.rules()) == 1  # rules are the tester's


@pytest.mark.parametrize("ended", [False, True])
def test_program_ends_with_rules_and_clients(device, client, filled, faults, ended):
    faults.add("late", "interrupt", delay_ms=100000)
    stalled(client, filled, faults, for_ms=100000)
    if ended:
        client.reset()
    device.stop()
    assert device.poll() == 0 and not device.control.exists()


# ---- short

@pytest.mark.parametrize("bytes_moved", [0, 100, BYTES - 1])
@pytest.mark.parametrize("to_host", [True, False])
def test_short_completion(device, client, filled, faults, to_host, bytes_moved):
    rule = faults.add("short", "dma-write" if to_host else "dma-read", prd_index=2, bytes=bytes_moved)
    for i in range(REGIONS):
        filled.put(filled.data + i * 0x10000, bytes(BYTES) if to_host else b"\x55" * BYTES)
    start(client, BASE, to_host=to_host, length=REGIONS * BYTES)
    assert finish(client) == INTERRUPT
    moved = 2 * BYTES + bytes_moved
    assert read_register(client, "MOVED") == moved
    assert read_register(client, "RESIDUAL") == REGIONS * BYTES - moved
    assert read_register(client, "ERROR") == 0 and rule.fired == 1
    if to_host:
        assert region(filled, 2) == PATTERN[:bytes_moved] + bytes(BYTES - bytes_moved)
    rule.clear()
    transfer(client, BASE, to_host=True)
    assert region(filled, 3) == PATTERN
    if not to_host:
        assert region(filled, 2) == b"\x55" * bytes_moved + PATTERN[bytes_moved:]


# ---- write after abort

@pytest.mark.expect_violations("dma-by-idle-channel")
@pytest.mark.parametrize("end", [stop, reset_channel])
def test_write_after_stop(device, client, filled, faults, end):
    faults.add("write-after-abort", "dma-write", prd_index=1, bytes=32)
    stalled(client, filled, faults)
    end(client)
    assert region(filled, 1) == bytes(BYTES)
    assert status(client) == 0  # it was told so, and only then
    assert written(device, client).how == "taken"
    assert region(filled, 1) == LATE * 32 + bytes(BYTES - 32)
    breach, = device.violations()
    assert (breach["channel"], breach["address"]) == (0, filled.data + 0x10000)


@pytest.mark.expect_violations("dma-by-idle-channel")
def test_write_after_stop_into_the_next_transfer(device, client, filled, faults):
    """A driver that started the channel again within the delay is told all the same."""
    faults.add("write-after-abort", "dma-write", prd_index=1, delay_ms=1)
    first = stalled(client, filled, faults)
    stop(client)
    assert status(client) == 0
    first.clear()
    second = stalled(client, filled, faults)
    assert written(device, client).how == "taken"
    assert status(client) == ACTIVE
    second.release()
    assert finish(client) == INTERRUPT


@pytest.mark.expect_violations("dma-by-idle-channel")
def test_refused_write_after_stop_is_one_breach(way, device, client, filled, faults):
    """Whatever else is wrong with it: the client says no, or the memory is not the card's any more."""
    faults.add("write-after-abort", "dma-write", prd_index=1)
    stalled(client, filled, faults)
    stop(client)
    if way == "mmap":
        client.dma_unmap(BASE, SIZE)
    filled.hold = lambda address, _count: address == filled.data + 0x10000
    assert status(client) == 0
    if way == "message":
        filled.wait_held()
        client.reply(filled.held.pop(), error=errno.EFAULT)
    assert written(device, client).how == "refused"
    assert [violation["rule"] for violation in device.violations()] == ["dma-by-idle-channel"]


@pytest.mark.expect_violations("dma-by-idle-channel", "data-write")
def test_write_after_abort(device, client, filled, faults):
    faults.add("write-after-abort", "dma-write", prd_index=1, delay_ms=20)
    faults.add("abort", "dma-write", prd_index=1)
    start(client, BASE, to_host=True)
    assert finish(client) == FAILED
    assert written(device, client).how == "taken"
    assert region(filled, 1) == LATE * 16 + bytes(BYTES - 16)
    assert [violation["rule"] for violation in device.violations()] == ["data-write", "dma-by-idle-channel"]


@pytest.mark.expect_violations("dma-by-idle-channel")
def test_write_after_function_reset(device, client, filled, faults):
    """Where bus mastering is off, so that the bus takes nothing."""
    faults.add("write-after-abort", "dma-write", prd_index=1)
    stalled(client, filled, faults)
    client.reset()
    assert written(device, client).how == "refused"
    assert region(filled, 1) == bytes(BYTES)


def test_good_end_is_no_abort(device, client, filled, faults):
    rule = faults.add("write-after-abort", "dma-write", count=0)
    transfer(client, BASE, to_host=True)
    assert rule.fired == REGIONS
    stop(client)
    status(client)
    client.reset()
    client.device_info()
    assert region(filled, REGIONS - 1) == PATTERN
    assert [told.event for told in device.injected()] == ["fired"] * REGIONS


def test_new_transfer_forgets_the_old_one(device, client, filled, faults):
    """Whose memory is no longer where the PRD points."""
    faults.add("write-after-abort", "dma-write")
    transfer(client, BASE, to_host=True)
    stalled(client, filled, faults)
    stop(client)
    status(client)
    assert region(filled, 0) == PATTERN and written_events(device) == []


# ---- chances

def fates(client, memory: GuestMemory, faults, **keys) -> list[bool]:
    """Which of 40 writes were dropped."""
    rule = faults.add("drop", "dma-write", count=0, **keys)
    fate = []
    for _ in range(10):
        for i in range(REGIONS):
            memory.put(memory.data + i * 0x10000, bytes(BYTES))
        transfer(client, BASE, to_host=True)
        fate += [region(memory, i) == bytes(BYTES) for i in range(REGIONS)]
    assert rule.fired == sum(fate) and rule.matched == len(fate)
    rule.clear()
    return fate


def test_seed_repeats(client, filled, faults):
    first = fates(client, filled, faults, probability=0.3, seed=7)
    assert first == fates(client, filled, faults, probability=0.3, seed=7)
    assert first != fates(client, filled, faults, probability=0.3, seed=8)
    assert 3 < sum(first) < 25


def test_after_and_every(client, filled, faults):
    fate = fates(client, filled, faults, after=3, every=5)
    assert [index for index, dropped in enumerate(fate) if dropped] == [3, 8, 13, 18, 23, 28, 33, 38]


def test_count(client, filled, faults):
    rule = faults.add("drop", "dma-write", count=3, every=2)
    for _ in range(3):
        transfer(client, BASE, to_host=True)
    assert (rule.matched, rule.fired) == (3 * REGIONS, 3)


def test_wait_has_a_deadline(faults):
    rule = faults.add("stall", "dma-write")
    with pytest.raises(DeadlinePassed, match="stall of dma-write"):
        rule.wait_fired(timeout=0.05)

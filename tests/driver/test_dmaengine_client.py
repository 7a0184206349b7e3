# SPDX-License-Identifier: Apache-2.0
"""The dmaengine provider, as a client in the kernel sees it."""

import pytest

import where
from dmaclient import ABORTED, COMPLETE, ERROR, GOOD, IN_PROGRESS, PIECE, PIECES, WRITE_FAILED, client  # noqa: F401
from prd32ctl import KIB, cuts_segments, expect_usable, roundtrip, wait_until, without_deadline

pytestmark = pytest.mark.environments(*where.ENDS)
AUXILIARY = "/sys/bus/auxiliary/drivers/prd32.dma"
TABLE = 4096  # descriptors
DESCRIPTOR, SEGMENT = 0, 1  # enum dma_residue_granularity


def crc32c(data: bytes) -> int:
    """As the card reckons it: iSCSI's polynomial."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def looked_at(client, good: int) -> None:  # noqa: F811
    """The first pieces of a transfer are right, and the others are as they were."""
    assert [(piece["right"], piece["untouched"]) for piece in client.lines("look")] == \
        [(1, 0)] * good + [(0, 1)] * (PIECES - good)


@pytest.mark.environments(*where.EVERYWHERE)
def test_slave(client):  # noqa: F811
    """Pieces of odd lengths at odd addresses, to an odd place on the card and back into other pieces."""
    assert client("slave") == {"error": 0, "length": 49154, "wrong": 0}


@pytest.mark.environments(*where.EVERYWHERE)
def test_order(client):  # noqa: F811
    """Nothing happens before it is issued; then descriptors are done and called back in their order."""
    assert client("order") == {"before": IN_PROGRESS, "residue": 4096, "after": COMPLETE, "called": 8, "in_order": 8,
                               "wrong": 0}


def test_giving_up_in_a_callback(client):  # noqa: F811
    assert client("give_up")["called"] == 1
    assert client("order")["called"] == 8, "a new client of the channel is not affected"


def test_reuse(client):  # noqa: F811
    assert client("reuse") == {"error": 0, "wrong": 0, "freed": 0}


def test_checksum(client):  # noqa: F811
    """Another end of the card than its memory, and a result besides the bytes: metadata."""
    data = bytes((i ^ (i >> 8) * 31) & 0xff for i in range(4096))
    assert client("checksum") == {"status": COMPLETE, "crc": crc32c(data)}


@pytest.mark.environments(*where.EVERYWHERE)
@pytest.mark.technique("segment-limits")
def test_limits(client, cell):  # noqa: F811
    """A descriptor's limits, where an IOMMU or a bounce buffer is to keep them; the driver cuts whatever it gets."""
    segment = 64 * KIB if cuts_segments(cell) else 1 << 30
    assert client("limits") == {"error": 0, "max_sg": TABLE, "granularity": SEGMENT, "reuse": 1, "segment": segment,
                                "boundary": segment - 1, "refused": 7, "private": 1}


def test_residue(client, faults):  # noqa: F811
    """In the middle of a transfer the residue is what is left; the rest comes when the card goes on."""
    stall = faults.add("stall", "dma-write", after=5)
    client.do("hold", "start")
    stall.wait_fired()
    assert client("status") == {"status": IN_PROGRESS, "residue": (PIECES - 5) * PIECE, "callbacks": 0, "result": -1,
                                "left": 0}
    looked_at(client, 5)
    stall.clear()
    wait_until(lambda: client("status")["callbacks"], "the end")
    assert client("status") == {"status": COMPLETE, "residue": 0, "callbacks": 1, "result": GOOD, "left": 0}
    looked_at(client, PIECES)
    client.do("finish", "let_go")


@pytest.mark.expect_violations("data-write")
def test_error(client, faults):  # noqa: F811
    """What could not be written is told: which, by the callback and by the status."""
    faults.add("abort", "dma-write", prd_index=9)
    client.do("hold", "start")
    wait_until(lambda: client("status")["callbacks"], "the end")
    assert client("status") == {"status": ERROR, "residue": 0, "callbacks": 1, "result": WRITE_FAILED,
                                "left": (PIECES - 9) * PIECE}
    looked_at(client, 9)
    client.do("finish", "start")
    wait_until(lambda: client("status")["callbacks"], "the end")
    looked_at(client, PIECES)
    client.do("finish", "let_go")


@pytest.mark.environments(*where.EVERYWHERE)
@pytest.mark.parametrize("survives", ["nothing", "stop"])
@pytest.mark.technique("transfer-timeout")
def test_terminate_in_mid_transfer(client, faults, survives):  # noqa: F811
    """The engine has stopped when synchronize returns, however hard that was, and nobody is called back."""
    without_deadline(client.guest)
    stall = faults.add("stall", "dma-write", after=3, survives=survives)
    client.do("hold", "start")
    stall.wait_fired()
    client.do("terminate", "synchronize")
    assert client.guest.card.stats()["card"]["active"] == []
    stall.clear()
    looked_at(client, 3)
    assert client("status")["callbacks"] == 0
    client.do("finish", "start")
    wait_until(lambda: client("status")["callbacks"], "the end of another transfer")
    looked_at(client, PIECES)
    client.do("finish", "let_go")
    expect_usable(client.guest)


def test_cyclic(client, faults):  # noqa: F811
    """Laps of 16 periods: seen in the third one, in which four are done. No word is missing, and none comes twice."""
    stall = faults.add("stall", "dma-write", after=36)
    faults.add("stall", "dma-write", for_ms=40, count=0)  # a guest that is a lap late is not called back for each
    client.do("hold", "start_cyclic")
    stall.wait_fired()
    wait_until(lambda: client("status")["callbacks"] == 36, "a callback for each period")
    assert client("status") == {"status": IN_PROGRESS, "residue": 12 * PIECE, "callbacks": 36, "result": GOOD,
                                "left": 0}
    words = PIECE // 4
    assert [(piece["first"], piece["counting"]) for piece in client.lines("look")] == \
        [(period * words, 1) for period in [32, 33, 34, 35, *range(20, 32)]]
    client.do("terminate", "synchronize")
    assert client("status")["callbacks"] == 36
    client.do("finish", "let_go")


@pytest.mark.expect_violations("writeback-refused")
def test_cyclic_that_ends_without_a_word(client, faults):  # noqa: F811
    """The bus refuses the block that would tell: the interrupt has nothing to show, so the card is asked."""
    faults.add("abort", "writeback", after=20)
    client.do("hold", "start_cyclic")
    wait_until(lambda: client("status")["status"] == ERROR, "the error is told")
    client.do("finish", "let_go")
    expect_usable(client.guest)


def test_others_work_beside_a_cyclic_transfer(client, faults):  # noqa: F811
    """It has an engine for itself, and goes on for as long as nobody ends it."""
    pace = faults.add("stall", "dma-write", for_ms=5, count=0)  # else the guest does nothing but take interrupts
    client.do("hold", "start_cyclic")
    assert client("slave")["wrong"] == client("order")["wrong"] == 0
    before = client("status")["callbacks"]
    roundtrip(client.guest, 100000, card_offset=40 << 20)
    wait_until(lambda: client("status")["callbacks"] > before, "further periods")
    pace.clear()
    client.do("terminate", "synchronize")
    after = client("status")["callbacks"]
    assert all(piece["counting"] for piece in client.lines("look"))
    assert client("status")["callbacks"] == after
    client.do("finish", "let_go")


def seat(guest) -> str:
    """The name of the provider's auxiliary device."""
    return guest.run(f"ls {AUXILIARY} | grep prd32").text


def test_unbind_while_a_channel_is_held(client):  # noqa: F811
    """Nothing moves any more, everything is told so, and the channel can be given back whenever that suits."""
    client.do("hold")
    device = seat(client.guest)
    client.guest.run(f"echo {device} > {AUXILIARY}/unbind")
    client.do("start")
    wait_until(lambda: client("status")["callbacks"], "the refusal")
    assert client("status") == {"status": ERROR, "residue": 0, "callbacks": 1, "result": ABORTED,
                                "left": PIECES * PIECE}
    client.do("finish")
    expect_usable(client.guest)  # of the other front ends nothing was taken
    client.guest.run(f"echo {device} > {AUXILIARY}/bind")
    assert client("slave")["wrong"] == 0, "of the device that is there now"
    client.do("let_go", "hold", "start")
    wait_until(lambda: client("status")["result"] == GOOD, "a transfer")
    client.do("finish", "let_go")


def test_unbind_in_mid_transfer(client, faults):  # noqa: F811
    without_deadline(client.guest)
    stall = faults.add("stall", "dma-write", after=2)
    client.do("hold", "start")
    stall.wait_fired()
    device = seat(client.guest)
    client.guest.run(f"echo {device} > {AUXILIARY}/unbind")
    wait_until(lambda: client("status")["callbacks"], "the end")
    assert client("status") == {"status": ERROR, "residue": 0, "callbacks": 1, "result": ABORTED,
                                "left": (PIECES - 2) * PIECE}
    looked_at(client, 2)
    client.do("finish", "let_go")
    client.guest.run(f"echo {device} > {AUXILIARY}/bind")
    assert client("slave")["wrong"] == 0


def test_the_card_goes_while_a_channel_is_held(client):  # noqa: F811
    """The whole driver leaves the card; who holds the module, holds the code of the channel."""
    from prd32ctl import FUNCTION, card_address
    pci = card_address(client.guest)
    client.do("hold")
    client.guest.run(f"echo {pci} > {FUNCTION}/unbind")
    assert client.guest.run("rmmod prd32", check=False).exit_code != 0
    client.do("let_go")
    client.guest.run(f"echo {pci} > {FUNCTION}/bind")
    assert client("slave")["wrong"] == 0


@pytest.mark.kmemleak
@pytest.mark.kernels("debug")
def test_bound_and_unbound_20_times(client):  # noqa: F811
    device = seat(client.guest)
    for _ in range(20):
        client.do("hold")
        client.guest.run(f"echo {device} > {AUXILIARY}/unbind; echo {device} > {AUXILIARY}/bind")
        client.do("let_go")
    assert client("order")["wrong"] == 0

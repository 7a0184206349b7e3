# SPDX-License-Identifier: Apache-2.0
"""Bytes go to the card and come back: every size and offset at which a page, a descriptor or a table ends.

prd32ctl compares each byte in the guest and checks guard bytes around both buffers; it fails when one is wrong.
How descriptors are cut is tested without a guest in tests/driver/unit.
"""

import itertools
import re

import pytest

import where
from prd32ctl import (KIB, MIB, PARAMETERS, WITHOUT_IOMMU, both_channels_busy, call, expect_interrupts, interrupts,
                      memory_size, roundtrip, sleep_at_once)
from testbed import kernels

_TRACING = "/sys/kernel/tracing"

# Around the ends of what a transfer is made of. Those of a kind share a guest, which costs more than their transfers.
SIZES = [pytest.param(sizes, id=kind) for kind, sizes in {
    "sector": [1, 2, 511, 512], "page": [4095, 4096, 4097], "descriptor": [65535, 65536, 65537]}.items()]
SIZES += [pytest.param([MIB + 3], id="many", marks=pytest.mark.covering)]


@pytest.mark.technique("streaming-sg", "streaming-direction", "pin-user")
@pytest.mark.technique("consistent-mapping", "prdt-align-64k", "ordering")
@pytest.mark.parametrize("sizes", SIZES)
def test_size(card, sizes):
    for size in sizes:
        before = card.card.stats()["card"]
        assert roundtrip(card, size)["bytes"] == size
        after = card.card.stats()["card"]
        assert after["bytes_from_host"] - before["bytes_from_host"] == size
        assert after["bytes_to_host"] - before["bytes_to_host"] == size


@pytest.mark.environments("direct")
def test_data_goes_straight(card):
    """By a pointer into guest RAM. What the bridge is asked for, and counts, is copied twice."""
    before = card.card.stats()["bridge"]["dma"]
    roundtrip(card, 4 * MIB)
    after = card.card.stats()["bridge"]["dma"]
    assert after["read_bytes"] - before["read_bytes"] < 64 * KIB
    assert after["write_bytes"] - before["write_bytes"] < 64 * KIB


def test_offset_in_page(card):
    for page_offset in (0, 1, 511, 4095):
        for size in (1, 2, 4095, 4096, 4097, 65536, 65537):
            roundtrip(card, size, page_offset=page_offset, card_offset=8192, seed=size + page_offset)


def test_offset_in_card(card):
    for seed, card_offset in enumerate((1, 3, 4095, 4096, 4097, 65535, 65537, 16 * MIB - 1)):
        roundtrip(card, 65537, card_offset=card_offset, page_offset=5, seed=seed)


def test_neighbours_on_the_card_stay(card):
    """A write changes its own bytes of the card and no others."""
    call(card, "write", 3 * 4096, offset=0, seed=1)
    call(card, "write", 100, offset=4000, seed=2)
    assert call(card, "read", 4000, offset=0, seed=1)["matching"] == 4000
    assert call(card, "read", 100, offset=4000, seed=2)["matching"] == 100
    rest = 3 * 4096 - 4100
    assert call(card, "read", rest, offset=4100, seed=1)["matching"] == rest


def test_memory_is_really_scattered(card):
    """Otherwise the tests above show less than they say."""
    assert roundtrip(card, 4 * MIB)["pieces"] > 900  # of 1024 pages


def test_whole_card(card):
    size = memory_size(card)
    assert size == 64 * MIB
    before = card.card.stats()["card"]
    result = roundtrip(card, size)
    assert (result["write_calls"], result["read_calls"]) == (1, 1)
    after = card.card.stats()["card"]
    # 16 MiB are pinned at a time, which scattered pages turn into one full table.
    assert after["tables"] - before["tables"] == 2 * size // (16 * MIB)
    assert after["interrupts"][0] - before["interrupts"][0] == 2 * size // (16 * MIB)


@pytest.mark.technique("large-buffer")
@pytest.mark.environments(*WITHOUT_IOMMU)  # which turns this memory into one table's worth of descriptors
def test_several_tables_for_one_mapping(card, cell):
    """With more pinned at a time than one table can describe, the tables follow each other."""
    card.run(f"echo {64 * KIB} > {PARAMETERS}/chunk_kib")
    try:
        before = card.card.stats()["card"]["tables"]
        assert roundtrip(card, 40 * MIB, page_offset=7, card_offset=9)["bytes"] == 40 * MIB
        tables = card.card.stats()["card"]["tables"] - before
        # Three each way; where memory is copied, what finds no room for its copy is cut smaller.
        assert tables >= 2 * 3 if cell.environment.copies else tables == 2 * 3
    finally:
        card.run(f"echo {16 * KIB} > {PARAMETERS}/chunk_kib")


def test_small_chunks(card, cell):
    """Chunks end in the middle of pages; what is pinned at a time must not show in the result."""
    card.run(f"echo 64 > {PARAMETERS}/chunk_kib")
    try:
        before = card.card.stats()["card"]["tables"]
        result = roundtrip(card, MIB + 3, page_offset=17)
        assert result["write_calls"] == 1
        tables = card.card.stats()["card"]["tables"] - before
        # A card that does not snoop does the edges of each chunk's cache lines apart.
        assert tables > 2 * 17 if cell.environment.device_tree == "noncoherent" else tables == 2 * 17
    finally:
        card.run(f"echo {16 * KIB} > {PARAMETERS}/chunk_kib")


@pytest.mark.timeout(600)
@pytest.mark.environments(*where.LOADS)
@pytest.mark.card_memory("512M")
@pytest.mark.guest_memory("1G")
@pytest.mark.technique("large-buffer")
@pytest.mark.thorough
def test_300_mebibytes(card):
    result = roundtrip(card, 300 * MIB, page_offset=3, card_offset=1, timeout=300)
    assert (result["bytes"], result["write_calls"], result["read_calls"]) == (300 * MIB, 1, 1)


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.environments(*where.LOADS)
@pytest.mark.card_memory("1G")
@pytest.mark.technique("large-buffer")
def test_a_gibibyte(uapi):
    """All of the largest card in one write() and one read(), of fewer pages that are there many times."""
    uapi("large", timeout=300)
    moved = uapi.guest.card.stats()["card"]
    assert min(moved["bytes_from_host"], moved["bytes_to_host"]) >= 1 << 30


def test_vectors(card):
    """readv() and writev(): elements of any size, empty ones too."""
    for seed, sizes in enumerate(([1, 1], [4096, 1, 4095, 65537], [0, 5, 0, 0, 7, 0], [3] * 200, [65536] * 8)):
        total = sum(sizes)
        written = call(card, "write", *sizes, offset=12345, page_offset=100, seed=seed)
        assert (written["result"], written["errno"]) == (total, None), sizes
        got = call(card, "read", *sizes, offset=12345, page_offset=2000, seed=seed)
        assert (got["result"], got["matching"], got["guards_intact"]) == (total, total, True), sizes
        # The other way round, so that a swap of elements cannot cancel out.
        assert call(card, "read", total, offset=12345, seed=seed)["matching"] == total, sizes


def test_one_interrupt_a_transfer(card):
    sleep_at_once(card)
    before, cards = interrupts(card), card.card.stats()["card"]["interrupts"][0]
    roundtrip(card, 4096, iterations=50)
    expect_interrupts(card, before, 100)
    assert card.card.stats()["card"]["interrupts"][0] - cards == 100


def _vectors(guest) -> list[tuple[str, int]]:
    """Of each channel's interrupt: the processors that the driver wishes for, and how many there were."""
    found = []
    for channel in range(2):
        line = guest.run(f"grep prd32-ch{channel}@ /proc/interrupts").text.split()
        number = line[0].rstrip(":")
        hint = guest.run(["cat", f"/proc/irq/{number}/affinity_hint"]).text
        found.append((hint, sum(int(word) for word in itertools.takewhile(str.isdigit, line[1:]))))
    return found


@pytest.mark.environments("smp")
@pytest.mark.technique("interrupt-msix")
def test_each_channel_interrupts_a_processor(card, faults):
    """Channels are spread over the processors, and each has a vector of its own."""
    before = _vectors(card)
    assert [hint for hint, _count in before] == ["1", "2"]
    stall = faults.add("stall", "dma-write")
    readers = both_channels_busy(card)
    stall.clear()
    assert all(reader.wait(30).exit_code == 0 for reader in readers)
    assert [after - count for (_hint, count), (_same, after) in zip(before, _vectors(card))] == [1, 1]


def _handled(guest) -> tuple[set[str], set[str]]:
    """What the handlers of the card's line said of the interrupts that the trace has: ours, and the others'."""
    line = guest.run("awk '/prd32/ { print $1 + 0 }' /proc/interrupts").text
    said = re.findall(rf"irq_handler_entry: irq={line} name=(\S+)\n.*irq_handler_exit: irq={line} ret=(\w+)",
                      guest.run(f"cat {_TRACING}/trace && echo >{_TRACING}/trace").text)
    return ({answer for name, answer in said if name.startswith("prd32")},
            {answer for name, answer in said if not name.startswith("prd32")})


@pytest.mark.environments("intx")
@pytest.mark.technique("interrupt-intx")
def test_a_line_that_others_share(tools):
    """The disk of tools is on the card's line: all handlers are asked each time, and ours knows what is not its
    card's."""
    sleep_at_once(tools)
    tools.run(f"cd {_TRACING}/events/irq && echo 1 >irq_handler_exit/enable && echo 1 >irq_handler_entry/enable")
    tools.run("dd if=/dev/vda of=/dev/null bs=64k count=8 iflag=direct")
    assert _handled(tools) == ({"unhandled"}, {"handled"}), "nothing but the disk's"
    roundtrip(tools, 64 * KIB, iterations=10)
    ours, theirs = _handled(tools)
    assert "handled" in ours and theirs == {"unhandled"}, "nothing but ours"


@pytest.mark.kernels(*(name for name in kernels.NAMES if name != "6.1"))
@pytest.mark.covering
def test_kernel_memory(card):
    """splice() hands the driver kernel pages instead of a user's: sendfile() in both directions."""
    card.run("dd if=/dev/urandom of=/tmp/kernel-memory bs=64k count=17 2>/dev/null")
    card.run("prd32ctl put /tmp/kernel-memory")
    size = 17 * 64 * KIB
    card.run(f"prd32ctl get /tmp/back --splice --size {size}")
    assert card.run("cmp /tmp/kernel-memory /tmp/back", check=False).exit_code == 0
    card.run(f"prd32ctl call write --offset 0 --size {size} --seed 5")
    card.run("prd32ctl put /tmp/kernel-memory --splice")
    card.run(f"prd32ctl get /tmp/back --size {size}")
    assert card.run("cmp /tmp/kernel-memory /tmp/back", check=False).exit_code == 0
    card.run("rm /tmp/kernel-memory /tmp/back")


@pytest.mark.kernels("6.1")
def test_kernel_memory_is_refused(card):
    """Linux 6.1 has no way to pin it, and the driver says so."""
    for words in (["get", "/tmp/back", "--splice", "--size", "4096"], ["put", "/init", "--splice"]):
        refused = card.run(["prd32ctl", *words], check=False)
        assert refused.exit_code == 1 and b"not supported" in refused.stderr, refused
    roundtrip(card, 4096)

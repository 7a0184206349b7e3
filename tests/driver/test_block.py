# SPDX-License-Identifier: Apache-2.0
"""The block device over half of the card's memory, with what busybox has: limits, binding, sizes, errors."""

import pytest

import where
from blockdisk import CLIENT, DISK, DRIVER, NAME, SIZE, SYSFS, bytes_at, fill, holds, queue
from prd32ctl import (DEVICE, KIB, MIB, MODULE, PARAMETERS, both_channels_busy, cuts_segments, expect_usable,
                      without_deadline)

_LINE = 64  # bytes of a cache line, of the processor that aarch64's guests have
_OVERFLOW = r"DMA addr 0x[0-9a-f]+\+[0-9]+ overflow"  # what the kernel says of the first such mapping


@pytest.mark.technique("block-sg")
def test_bytes_go_to_the_card_and_come_back(card):
    """Written and read past the cache, in requests that are cut in different ways. Each request is one table."""
    card.run(f"dd if=/dev/urandom of=/tmp/data bs=1M count={SIZE // MIB} 2>/dev/null")
    before, requests = card.card.stats()["card"], _requests(card)
    card.run(f"dd if=/tmp/data of={DISK} bs=96k oflag=direct 2>/dev/null")
    assert holds(card, "/tmp/data")
    after = card.card.stats()["card"]
    assert after["bytes_from_host"] - before["bytes_from_host"] == SIZE
    assert after["bytes_to_host"] - before["bytes_to_host"] == SIZE
    assert after["tables"] - before["tables"] == _requests(card) - requests


def _requests(guest) -> int:
    """Reads and writes that the disk has had."""
    fields = guest.run(["cat", f"{SYSFS}/stat"]).text.split()
    return int(fields[0]) + int(fields[4])


def test_limits_are_those_of_the_card(card, cell):
    """What is declared is what a PRD can take where an IOMMU merges, and a bounce buffer where that is: a segment of
    the block layer is one descriptor there. Elsewhere memory is as it is, and the driver cuts."""
    assert card.run(["cat", f"{SYSFS}/size"]).text == str(SIZE // 512)
    copied = cell.environment.copies
    segment = 32 * KIB if copied else 64 * KIB if cuts_segments(cell) else 1 << 30
    # Where the card does not see caches, what it writes shares no line of them with others' bytes.
    alignment = _LINE if cell.environment.device_tree == "noncoherent" else 4
    wanted = {"max_segment_size": segment, "max_segments": 512, "logical_block_size": 512,
              "minimum_io_size": 4 * KIB, "physical_block_size": 4 * KIB, "dma_alignment": alignment - 1,
              "rotational": 0, "fua": 0, "write_zeroes_max_bytes": 16 * MIB, "discard_max_hw_bytes": 16 * MIB,
              "discard_granularity": 4 * KIB}
    assert {name: queue(card, name) for name in wanted} == wanted
    assert card.run(["cat", f"{SYSFS}/queue/write_cache"]).text == "write through"
    most = queue(card, "max_hw_sectors_kb")
    if copied:  # each segment is copied to a pool, and no mapping there is larger
        assert 128 <= most < 256
    else:
        assert most == 32 * KIB
    assert queue(card, "optimal_io_size") == min(MIB, most * KIB)


@pytest.mark.environments(*where.USER)
def test_what_is_dirty_is_written_before_an_unbind(card):
    """Each front end is bound by itself: the character device works meanwhile. Card memory keeps what it has."""
    card.run(f"head -c {8 * MIB} /dev/urandom >/tmp/data && dd if=/tmp/data of={DISK} bs=1M 2>/dev/null")
    card.run(f"echo {CLIENT} >{DRIVER}/unbind && test ! -e {DISK} && prd32ctl call read --offset 0 --size 4096")
    card.run(f"echo {CLIENT} >{DRIVER}/bind")
    assert holds(card, "/tmp/data", 8)


@pytest.mark.environments(*where.USER)
def test_a_program_that_has_it_open_keeps_nothing_but_its_file(card):
    card.run("mkfifo /tmp/hold")
    holder = card.start(f"exec 3<>{DISK}; echo open >/tmp/hold; read line </tmp/hold; cat <&3 | wc -c")
    card.run("cat /tmp/hold")  # returns when the holder has it open
    card.run(f"echo {CLIENT} >{DRIVER}/unbind && echo {CLIENT} >{DRIVER}/bind")
    card.run("echo go >/tmp/hold")
    assert holder.wait(30).text == "0", "the disk that it had open has become an empty one"
    fill(card, 1)
    expect_usable(card)


@pytest.mark.environments(*where.USER)
def test_size_of_the_disk(card):
    """disk_mib counts from the next bind on: nothing, a part, all; not more than there is."""
    for mib, size in ((0, 0), (16, 16 * MIB), (64, 64 * MIB), (65, 0), (-1, SIZE)):
        card.run(f"echo {CLIENT} >{DRIVER}/unbind; echo {mib} >{PARAMETERS}/disk_mib; echo {CLIENT} >{DRIVER}/bind",
                 check=False)
        found = card.run(f"cat {SYSFS}/size", check=False).text
        assert found == (str(size // 512) if size else ""), f"disk_mib={mib}"
    last = SIZE - 512
    card.run(f"printf %512s last | dd of={DISK} bs=512 seek={last // 512} oflag=direct conv=notrunc 2>/dev/null")
    assert bytes_at(card, last, 512) == b"last".rjust(512)


@pytest.mark.environments(*where.USER)
def test_module_with_an_open_disk_stays(card):
    card.run("mkfifo /tmp/hold")
    holder = card.start(f"exec 3<{DISK}; echo open >/tmp/hold; read line </tmp/hold")
    card.run("cat /tmp/hold")
    assert card.run("rmmod prd32", check=False).exit_code != 0
    card.run("echo go >/tmp/hold")
    holder.wait(30)
    card.run(f"rmmod prd32 && test ! -e {DISK} && insmod {MODULE} disk_mib=8")
    assert card.run(f"cat {SYSFS}/size").text == str(8 * MIB // 512)


@pytest.mark.environments("two-cards")
@pytest.mark.technique("several-cards")
def test_each_card_has_its_disk(card):
    first, second = fill(card, 4), "/dev/prd32b1"
    card.run(f"dd if=/dev/zero of={second} bs=1M count=4 oflag=direct 2>/dev/null")
    assert holds(card, first, 4) and not holds(card, first, 4, second)
    assert {guest.stats()["card"]["bytes_from_host"] for guest in card.cards} == {4 * MIB}


# ---- errors

def _dd_error(guest, words: str = f"if={DISK} of=/dev/null bs=4k count=1 iflag=direct") -> str:
    """What a dd that must fail says."""
    failed = guest.run(f"dd {words}", check=False)
    assert failed.exit_code != 0
    return failed.stderr.decode()


@pytest.mark.expect_violations("data-write")
def test_a_bus_error_is_an_io_error(card, faults):
    fill(card, 1)
    faults.add("abort", "dma-write", prd_index=0)
    assert "Input/output error" in _dd_error(card)
    assert len(bytes_at(card, 0, 4 * KIB)) == 4 * KIB


@pytest.mark.technique("transfer-timeout")
@pytest.mark.parametrize("first", ["core", "block"])
def test_a_transfer_that_does_not_end(card, faults, first):
    """The core's deadline is the shorter one, as it comes; that of the block layer works, too."""
    if first == "core":
        card.run(f"echo 300 >{PARAMETERS}/timeout_ms")
    else:
        without_deadline(card)
        card.run(f"echo 1000 >{SYSFS}/queue/io_timeout")
    fill(card, 1)
    faults.add("stall", "dma-write")
    assert "timed out" in _dd_error(card)
    assert len(bytes_at(card, 0, 4 * KIB)) == 4 * KIB
    expect_usable(card)


@pytest.mark.environments(*where.ENDS)
def test_who_waits_for_others_has_time(card, faults):
    """The block layer's deadline is for the engine's time, not for that of requests of others before."""
    card.run(f"echo 500 >{SYSFS}/queue/io_timeout")
    faults.add("stall", "dma-write", for_ms=4000)
    others = both_channels_busy(card)
    card.run(f"dd if={DISK} of=/dev/null bs=4k count=1 iflag=direct")
    assert all(process.wait(30).exit_code == 0 for process in others)


@pytest.mark.environments("nobounce")
@pytest.mark.expect_kernel_log(_OVERFLOW)
@pytest.mark.technique("mapping-error")
def test_memory_that_cannot_be_mapped_is_an_error_and_no_hang(card):
    """No request waits for ever for bounce buffers that there are none of."""
    assert "Input/output error" in _dd_error(card)
    assert card.run(f"echo {CLIENT} >{DRIVER}/unbind && echo {CLIENT} >{DRIVER}/bind && test -e {DISK} -a -e {DEVICE}")
    assert NAME in card.run("cat /proc/partitions").text

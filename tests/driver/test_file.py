# SPDX-License-Identifier: Apache-2.0
"""/dev/prd32-N as a file: its end, its position, and what bad requests get."""

import pytest

import where
from prd32ctl import DEVICE, MIB, call, expect_usable, interrupts, memory_size

pytestmark = pytest.mark.environments(*where.USER)

PAGE = 4096
BOTH = ("read", "write")  # in one guest, which costs more than both


def test_read_stops_at_the_end(card):
    size = memory_size(card)
    call(card, "write", 100, offset=size - 100)
    result = call(card, "read", 4 * PAGE, offset=size - 100)
    assert (result["result"], result["matching"], result["untouched"]) == (100, 100, True)


def test_read_at_and_behind_the_end(card):
    size = memory_size(card)
    for offset in (size, size + 1, size + (1 << 40)):
        result = call(card, "read", 10, offset=offset)
        assert (result["result"], result["errno"], result["untouched"]) == (0, None, True)


def test_write_stops_at_the_end(card):
    size = memory_size(card)
    assert call(card, "write", 4 * PAGE, offset=size - 100)["result"] == 100
    assert call(card, "read", 100, offset=size - 100)["matching"] == 100


def test_write_at_and_behind_the_end(card):
    size = memory_size(card)
    for offset in (size, size + 1, size + (1 << 40)):
        assert call(card, "write", 10, offset=offset)["errno"] == "ENOSPC"


def test_nothing_is_nothing(card):
    before = interrupts(card)
    for name in BOTH:
        for offset in (0, memory_size(card)):
            result = call(card, name, 0, offset=offset)
            assert (result["result"], result["errno"]) == (0, None), name
    assert interrupts(card) == before, "the card was asked to move nothing"


def test_position_moves_with_the_bytes(card):
    """read() and write() continue where the last one ended; the descriptor is the shell's."""
    size = memory_size(card)
    script = (f"exec 3<>{DEVICE}; for n in 100 4096 1; do prd32ctl call write --fd 3 --size $n --seed 4 --json; done")
    positions = [line for line in card.run(script).text.splitlines()]
    assert [f'"position":{end}' in line for line, end in zip(positions, (100, 4196, 4197))] == [True] * 3
    assert call(card, "read", 4197, offset=0, seed=4)["matching"] == 4197
    assert call(card, "read", 10, offset=20)["position"] == 0, "pread() leaves the position alone"
    assert card.run(f"dd if={DEVICE} of=/dev/null bs=1M 2>&1").text.startswith(f"{size // MIB}+0 records in")


def test_bad_memory(card):
    for name in BOTH:
        result = call(card, name, 3 * PAGE, offset=0, unmapped_from=0)
        assert (result["result"], result["errno"]) == (-1, "EFAULT"), name
        expect_usable(card)


def test_memory_that_ends_early(card):
    """What can be moved is, and its count returned."""
    call(card, "write", 3 * PAGE, offset=0, seed=1)
    result = call(card, "read", 3 * PAGE, offset=0, page_offset=100, unmapped_from=2 * PAGE, seed=1)
    assert result["result"] == result["matching"] == 2 * PAGE - 100
    assert call(card, "write", 3 * PAGE, offset=0, page_offset=100, unmapped_from=2 * PAGE)["result"] == 2 * PAGE - 100


@pytest.mark.environments(*where.BYTES)
@pytest.mark.technique("pin-user")
def test_bad_memory_pins_nothing(card):
    """A failed request gives its pages back: /proc/vmstat counts what is pinned and unpinned."""
    def pinned() -> int:
        # Each processor counts for itself for up to a second, unless told to put it together.
        acquired, released = card.run(
            "echo 1 > /proc/sys/vm/stat_refresh; "
            "awk '/nr_foll_pin_acquired/ { a = $2 } /nr_foll_pin_released/ { r = $2 } "
            "END { print a + 0, r + 0 }' /proc/vmstat").text.split()
        assert int(acquired) > 0, "this kernel does not count"
        return int(acquired) - int(released)

    expect_usable(card)
    before = pinned()
    for _ in range(5):
        call(card, "read", 64 * PAGE, offset=0, unmapped_from=60 * PAGE)
        call(card, "write", 64 * PAGE, offset=0, unmapped_from=1)
    assert pinned() == before


def test_nonblock_on_an_idle_card(card):
    """O_NONBLOCK is about waiting for somebody else; a transfer of one's own is made as ever."""
    for name in BOTH:
        result = call(card, name, 2 * MIB, offset=0, nonblock=True)
        assert (result["result"], result["errno"]) == (2 * MIB, None), name


def test_only_root_may(card):
    assert card.run(f"stat -c %a:%u {DEVICE}").text == "600:0"

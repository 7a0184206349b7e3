# SPDX-License-Identifier: Apache-2.0
"""Card memory as the guest's processor reaches it, through the memory BAR: the bytes that the driver moves."""

import pytest

import regmap
import where
from prd32ctl import FUNCTION, KIB, MIB, call, card_address, ctl, memory_size

_BAR = regmap.load().bar("MEMORY")
_KIND = 0x10_0000 | 0x2000 | 0x200  # the kernel's IORESOURCE_MEM_64, _PREFETCH and _MEM
_SIZE = 8 * KIB  # of a transfer: each access is a message, and takes a hundred times as long as one to RAM


def memory(guest, word: str, *, offset: int, size: int = _SIZE, **options: object) -> dict:
    """The processor reads or writes the pattern that `call` knows. True gives a flag, False none."""
    words = [each for name, value in options.items() if value is not False
             for each in (f"--{name}", *([] if value is True else [value]))]
    return ctl(guest, "memory", word, "--pci", card_address(guest), "--offset", offset, "--size", size, *words)


def _resource(guest) -> tuple[int, int, int]:
    """First address, size and flags of the memory BAR, as the kernel has assigned them."""
    lines = guest.run(f"cat /sys/bus/pci/devices/{card_address(guest)}/resource").text.splitlines()
    first, last, flags = (int(word, 16) for word in lines[_BAR.index].split())
    assert int(lines[_BAR.index + 1].split()[0], 16) == 0, "the BAR's upper half is no BAR"
    return first, last - first + 1, flags


@pytest.mark.covering
def test_processor_and_driver_see_the_same_bytes(card):
    """Both ways, at the start of card memory and at its end."""
    first, size, flags = _resource(card)
    assert first % size == 0 and size == memory_size(card) and flags & _KIND == _KIND
    for offset in (0, size - _SIZE):
        call(card, "write", _SIZE, offset=offset, seed=offset + 1)
        assert memory(card, "read", offset=offset, seed=offset + 1)["matching"] == _SIZE
        memory(card, "write", offset=offset, seed=offset + 2)
        assert call(card, "read", _SIZE, offset=offset, seed=offset + 2)["matching"] == _SIZE


@pytest.mark.environments(*where.BYTES)
@pytest.mark.parametrize("combining", [False, True])
def test_every_width(card, combining):
    """And with writes that the processor may put together. What is beside them stays."""
    for width in (1, 2, 4):
        _expect_written(card, {"width": width, "combining": combining}, width)


def _expect_written(card, options: dict, width: int) -> None:
    call(card, "write", 3 * 4096, offset=0, seed=1)
    memory(card, "write", offset=4096 - width, size=4096, seed=2, **options)
    assert call(card, "read", 4096 - width, offset=0, seed=1)["matching"] == 4096 - width
    assert call(card, "read", 4096, offset=4096 - width, seed=2)["matching"] == 4096
    assert call(card, "read", 4096 + width, offset=8192 - width, seed=1)["matching"] == 4096 + width
    assert memory(card, "read", offset=4096 - width, size=4096, seed=2, **options)["matching"] == 4096


@pytest.mark.card_memory("1G")
def test_largest_memory(card):
    """A card that is plugged in finds room for it behind its port."""
    first, size, _ = _resource(card)
    assert size == 1024 * MIB and first % size == 0
    memory(card, "write", offset=size - _SIZE, seed=5)
    assert call(card, "read", _SIZE, offset=size - _SIZE, seed=5)["matching"] == _SIZE


@pytest.mark.card_memory("5M")
@pytest.mark.expect_violations("mmio-bad-access")
def test_behind_the_memory_is_nothing(card):
    """The BAR has more bytes than the memory; what is read there is all ones."""
    _, size, _ = _resource(card)
    assert (memory_size(card), size) == (5 * MIB, 8 * MIB)
    memory(card, "write", offset=5 * MIB - 8, size=16, seed=6)
    assert call(card, "read", 8, offset=5 * MIB - 8, seed=6)["matching"] == 8
    assert memory(card, "read", offset=5 * MIB, size=8)["first"] == "0xffffffffffffffff"
    found = [violation["address"] for violation in card.card.violations()]
    assert found and all(5 * MIB <= address < 5 * MIB + 8 for address in found)


def test_reset_keeps_the_content(card):
    address = card_address(card)
    function = f"/sys/bus/pci/devices/{address}"
    memory(card, "write", offset=MIB, seed=7)
    card.run(f"echo {address} >{FUNCTION}/unbind && echo flr >{function}/reset_method && echo 1 >{function}/reset && "
             f"echo {address} >{FUNCTION}/bind")
    assert memory(card, "read", offset=MIB, seed=7)["matching"] == _SIZE
    assert call(card, "read", _SIZE, offset=MIB, seed=7)["matching"] == _SIZE

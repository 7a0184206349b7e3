# SPDX-License-Identifier: Apache-2.0
"""Buffers of the driver, of every kind, in user space."""

import re

import pytest

import where
from prd32ctl import WITHOUT_IOMMU, card_address
from testbed import environment

_COPYING = tuple(name for name, found in environment.everything().items()
                 if "force" in found.append and found.tests == "all")
_SIZE = 64 << 10


@pytest.mark.technique("mmap-coherent", "consistent-mapping")
def test_coherent(uapi):
    uapi("mmap.coherent")


@pytest.mark.technique("write-combine")
def test_write_combined(uapi):
    uapi("mmap.write_combine")


@pytest.mark.technique("mmap-cached")
def test_cached(uapi):
    uapi("mmap.cached")


@pytest.mark.environments(*_COPYING)
@pytest.mark.technique("mmap-cached", "streaming-sync")
def test_cached_needs_synchronising(uapi):
    """Where the card's view is a copy, the bytes arrive at the call and not before it."""
    uapi("copied.cached_needs_sync")


@pytest.mark.technique("noncontiguous")
def test_noncontiguous(uapi):
    uapi("mmap.noncontiguous")


@pytest.mark.kernels("6.1", "6.12", "7.2")  # `debug` warns: whatever limits a device has, the API gives one segment
def test_large_noncontiguous(uapi):
    """The one segment is longer than a descriptor can have: the driver cuts it."""
    uapi("mmap.noncontiguous_cut")


@pytest.mark.environments(*where.BYTES)
@pytest.mark.technique("mmap-subpage")
def test_no_whole_page(uapi):
    """What is mapped behind a buffer's end is zero, and stays so: no neighbour's data."""
    uapi("mmap.subpage", "mmap.subpage_tail_stays")


@pytest.mark.environments(*where.BYTES)
@pytest.mark.technique("mmap-coherent")
def test_offset_and_length(uapi):
    uapi("mmap.part", "mmap.arguments")


@pytest.mark.kernels("6.1", "6.12", "7.2")  # `debug` warns where the coherent memory has pages: they are mapped twice
@pytest.mark.technique("mmap-coherent", "mmap-cached")
def test_direct_io(uapi):
    """A coherent mapping may have no pages to give to others; a cached one has."""
    uapi("mmap.direct_io", "mmap.cached_has_pages")


@pytest.mark.environments(*where.USER)
def test_mappings_outlive_handle_and_process(uapi):
    uapi("mmap.outlives_its_handle", "mmap.child_has_it_too")


@pytest.mark.technique("address-types")
def test_addresses_of_buffers(uapi, cell):
    """debugfs: without an IOMMU a bus address is a physical address; with one it is not, and one range is many."""
    shown = _addresses(uapi)
    assert set(shown) == {"coherent", "write-combine", "cached", "noncontiguous"}
    for kind, (physical, bus) in shown.items():
        assert sum(size for _, size in physical) == sum(size for _, size in bus) == _SIZE, kind
        assert all(address + size <= 1 << 32 for address, size in bus), kind
        if cell.environment.name in WITHOUT_IOMMU and not cell.environment.copies:
            assert _bytes(physical) == _bytes(bus), f"{kind}: the card's addresses are not the memory's"
        elif cell.environment.name not in WITHOUT_IOMMU:
            assert _bytes(physical).isdisjoint(_bytes(bus)), f"{kind}: the IOMMU translates nothing"
    if cell.environment.name not in WITHOUT_IOMMU:
        assert len(shown["noncontiguous"][1]) == 1


def _addresses(uapi) -> dict[str, tuple[list, list]]:
    """Of a buffer of each kind: its physical and its bus addresses, each with a size."""
    guest = uapi.guest
    holder = guest.start(["/tmp/prd32-uapi-test", "hold.buffers"])
    try:
        path = f"/sys/kernel/debug/prd32/{card_address(guest)}/addresses"
        text = guest.run(f"until [ $(grep -c length {path}) = 4 ]; do :; done; cat {path}").text
    finally:
        holder.kill()
        holder.wait(30)
    found = {}
    for part in re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]:
        physical = re.findall(r"physical (0x\w+) size (\d+) virtual \S+", part)
        bus = re.findall(r"dma (0x\w+) size (\d+)", part)
        found[part.split()[0]] = tuple([(int(address, 16), int(size)) for address, size in each]
                                       for each in (physical, bus))
    return found


def _bytes(runs: list[tuple[int, int]]) -> set[int]:
    """The pages of these runs."""
    return {page for address, size in runs for page in range(address, address + size, 4096)}

# SPDX-License-Identifier: Apache-2.0
"""Memory that is lent to the card for one transfer, by a driver as small as can be."""

import pytest

from testbed.environment import Cell

KIB = 1 << 10
EIO, ENOMEM = 5, 12


def bounces(cell: Cell) -> bool:
    """Whether mappings of memory as it comes are copies: all are, or memory lies above what the card can reach."""
    return bool({"swiotlb-bounce", "non-coherent"} & set(cell.environment.proves))


@pytest.mark.technique("streaming-single", "segment-64k", "prd-count-zero")
def test_single(lessons, cell):
    """A page, 64 KiB as one region with count 0, and 64 KiB that lie across a boundary and must be cut."""
    found = lessons("single")
    assert (found["page"], found["whole"], found["crossing"]) == (1, 1, 1)
    if "iommu" not in cell.environment.proves and not bounces(cell):
        assert (found["page_regions"], found["whole_regions"], found["crossing_regions"]) == (1, 1, 2)


@pytest.mark.technique("streaming-page")
def test_page_at_an_offset(lessons):
    """4 KiB from the middle of a page on into the next, and nothing around them."""
    assert lessons("page") == {"moved": 1, "around": 1}


@pytest.mark.technique("streaming-sg")
def test_list(lessons, cell):
    """Every second page of ten: behind an IOMMU one range, elsewhere five regions."""
    found = lessons("list")
    assert (found["given"], found["good"]) == (5, 10)
    if "iommu" in cell.environment.proves:
        assert found["mapped"] == 1
    else:
        assert found["mapped"] == 5


@pytest.mark.technique("streaming-sync")
def test_sync(lessons, cell):
    """Where memory is copied, each side sees what was there before until it is told; elsewhere at once."""
    found = lessons("sync")
    assert (found["result"], found["synced_for_cpu"], found["synced_for_device"]) == (0, 0x77, 0x33)
    stale = (0x11, 0x77) if bounces(cell) else (0x77, 0x33)
    assert (found["unsynced_for_cpu"], found["unsynced_for_device"]) == stale


@pytest.mark.technique("streaming-direction")
@pytest.mark.environments("direct", "bounce", "noncoherent", "arm64", "message")
def test_wrong_direction(lessons, cell):
    """A mistake that works in one environment, and loses the data in another."""
    assert lessons("wrong_direction") == {"result": 0, "arrived": 0 if bounces(cell) else 1}


@pytest.mark.technique("streaming-direction")
@pytest.mark.environments("vtd", "amd-iommu")
@pytest.mark.expect_violations("dma-write-denied", "data-write")
def test_wrong_direction_behind_an_iommu(lessons):
    """What was mapped for reading cannot be written."""
    assert lessons("wrong_direction") == {"result": -EIO, "arrived": 0}


@pytest.mark.technique("min-align-mask", "segment-limits")
@pytest.mark.environments("bounce", "noncoherent", "direct", "highmem")
def test_limits(lessons, cell):
    """What bouncing makes of an offset, and of a declared boundary; both are nothing without it."""
    found = lessons("limits")
    assert (found["align_mask"], found["align_mask_offset"] & 0xfff) == (0, 0x234)
    assert found["no_boundary"] == found["boundary_64k"] == 0
    if bounces(cell):
        assert found["max_mapping_size"] == 256 * KIB
        assert found["no_align_mask_offset"] != 0x234, "the offset in the page is lost"
        assert found["boundary_128k"] == -ENOMEM, "though max_mapping_size says that it fits"
    else:
        assert (found["no_align_mask_offset"], found["boundary_128k"]) == (0x234, 0)


@pytest.mark.technique("noncontiguous")
def test_pieces(lessons):
    """256 KiB of dma_alloc_noncontiguous(): one range for the card, cached for the kernel."""
    found = lessons("pieces")
    assert (found["moved"], found["ranges"]) == (1, 1)


@pytest.mark.technique("write-combine")
def test_write_combined(lessons):
    assert lessons("write_combined") == {"result": 0, "seen": 0x99}

# SPDX-License-Identifier: Apache-2.0
"""Where memory for a card comes from, and what each allocator promises."""

import pytest

MIB, GIB = 1 << 20, 1 << 30


@pytest.mark.technique("zone-masks")
def test_zones(lessons, cell):
    """GFP_DMA is the zone of ISA cards on x86; elsewhere, and with GFP_DMA32, it is what 32 bits reach."""
    found = lessons("zones")
    limit = 16 * MIB if cell.environment.arch == "x86_64" else 4 * GIB
    assert 0 < found["gfp_dma"] < limit and 0 < found["get_dma_pages"] < limit
    assert 0 < found["gfp_dma32"] < 4 * GIB


@pytest.mark.technique("get-order", "page-allocators")
def test_orders(lessons):
    """Asked for 2048 pages, get_order(2048) would bring one; 4 MiB are had in one piece, 8 MiB are not."""
    found = lessons("order")
    assert (found["order_of_2048"], found["order_of_2048_pages"]) == (0, 11)
    assert (found["pages_of_4m"], found["pages_of_8m"]) == (1, 0)


@pytest.mark.technique("kmalloc-limits")
def test_kmalloc(lessons):
    found = lessons("slab")
    assert (found["kmalloc_4m"], found["kmalloc_8m"], found["misaligned"]) == (1, 0, 0)


@pytest.mark.technique("consistent-mapping", "address-types", "prdt-over-allocate")
def test_coherent_memory(lessons, cell):
    """Below 4 GiB always; aligned except in a reserved pool; and only sometimes what virt_to_phys() says."""
    found, environment = lessons("coherent"), cell.environment
    assert (found["got"], found["above"]) == (64, 0)
    if environment.device_tree == "reserved":
        assert (found["misaligned"], found["crossing"]) == (64, 32), "its base is 0x50005000"
    else:
        assert (found["misaligned"], found["crossing"]) == (0, 0)
    translated = "iommu" in environment.proves or environment.device_tree
    assert found["linear"] == (0 if translated else 64), "virt_to_phys() of coherent memory"


@pytest.mark.technique("dma-pool", "dma-pool-bounce")
def test_pools(lessons, cell):
    """24 KiB that do not cross 64 KiB, 48 KiB aligned to it, and descriptors: 64 of each at a time.

    A dma_pool keeps both promises relative to where its own memory begins: from a reserved pool at 0x50005000 half of
    the pieces cross, and a driver must look at what it got."""
    boundary, aligned, small = lessons.lines("pool")
    assert (boundary["size"], aligned["size"]) == (24 << 10, 48 << 10)
    assert min(each["got"] for each in (boundary, aligned, small)) > 60, "a reserved pool of 4 MiB has a little less"
    assert (small["misaligned"], boundary["misaligned"]) == (0, 0)
    if cell.environment.device_tree == "reserved":
        assert boundary["crossing"] > 0 and aligned["misaligned"] == aligned["got"]
    else:
        assert (boundary["crossing"], aligned["crossing"], aligned["misaligned"]) == (0, 0, 0)

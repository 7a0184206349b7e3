# SPDX-License-Identifier: Apache-2.0
"""Kinds of memory that a kernel client may give the card."""

import pytest

from dmaclient import Client, client, module  # noqa: F401

KEPT = 0x18000000  # of the environment `kept`


@pytest.mark.technique("kmalloc-safe")
def test_buffers_with_cache_lines_of_their_own(client):  # noqa: F811
    """Inside one kmalloc() allocation, beside bytes that the processor writes meanwhile."""
    assert client("kmalloc_careful") == {"error": 0, "shared": 0, "wrong": 0, "before": 0x12, "after": 0x23}


@pytest.mark.technique("kmalloc-safe")
@pytest.mark.kernels("debug")
@pytest.mark.environments("direct", "vtd")
@pytest.mark.expect_kernel_log("cacheline tracking EEXIST")
@pytest.mark.expect_leak("dma-errors")
def test_buffers_that_share_a_cache_line(client):  # noqa: F811
    """It works on this machine, whose caches see what the card does. A kernel that counts lines complains."""
    found = client("kmalloc_careless")
    assert found["shared"] >= 1 and found["wrong"] == 0


@pytest.mark.technique("reserved-ioremap")
@pytest.mark.environments("kept")
def test_memory_that_the_kernel_leaves_alone(card, workshop, cell):
    """There are no pages for it: memremap() for the processor, dma_map_resource() for the card."""
    client = Client(card, module(workshop, cell), f"kept_at={KEPT:#x}")  # noqa: F811
    assert client("kept") == {"error": 0, "ram": 0, "wrong": 0, "uncached": 1}
    card.run("rmmod prd32_dmaclient")

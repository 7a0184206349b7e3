# SPDX-License-Identifier: Apache-2.0
"""dma-bufs: buffers of the driver for others, memory of others for the card."""

import pytest


# Debian's Linux 6.1 has neither udmabuf nor heaps.
_WITH_OTHERS = pytest.mark.kernels("6.12", "7.2", "debug")


@_WITH_OTHERS
@pytest.mark.technique("dma-buf-import")
def test_memfd_through_udmabuf(uapi):
    """memfd, udmabuf, card, and back: also where the card's view of it is a copy, and behind an IOMMU."""
    uapi("udmabuf")


@_WITH_OTHERS
@pytest.mark.technique("dma-buf-import")
def test_memory_of_a_heap(uapi):
    uapi("dmabuf.heap")


@pytest.mark.technique("dma-buf-import")
def test_what_is_no_dma_buf(uapi):
    uapi("dmabuf.refused")


@pytest.mark.technique("dma-buf-export")
def test_export(uapi):
    """Mapped by others, given to the card again as somebody else's, and kept by who has it."""
    uapi("export")


@pytest.mark.environments("two-cards")
@pytest.mark.technique("dma-buf-export", "dma-buf-import", "several-cards")
def test_from_card_to_card(uapi):
    """One card's buffer is the other card's memory: each has a mapping of its own."""
    uapi("cards")

# SPDX-License-Identifier: Apache-2.0
"""dma-bufs: buffers of the driver for others, memory of others for the card."""

import pytest

from testbed import environment

_ALL = [found for found in environment.everything().values() if found.tests == "all"]
# Debian's Linux has heaps on this processor alone, and neither them nor udmabuf in 6.1.
WITH_HEAPS = tuple(found.name for found in _ALL if found.arch == "x86_64")
# udmabuf maps its pages a second time, for a device of its own, and synchronises that one: with a copy of them when all
# devices have copies, which overwrites what came from ours. `highmem` is where the card alone has one.
WITH_UDMABUF = tuple(found.name for found in _ALL if "force" not in found.append)


@pytest.mark.kernels("6.12", "7.2")  # not `debug`: dma-debug reports each line of pages that are mapped twice
@pytest.mark.environments(*WITH_UDMABUF)
@pytest.mark.technique("dma-buf-import")
def test_memfd_through_udmabuf(uapi):
    """memfd, udmabuf, card, and back: also where the card's view of it is a copy, and behind an IOMMU."""
    uapi("udmabuf")


@pytest.mark.kernels("6.12", "7.2", "debug")
@pytest.mark.environments(*WITH_HEAPS)
@pytest.mark.technique("dma-buf-import")
def test_memory_of_a_heap(uapi):
    uapi("dmabuf.heap")


@pytest.mark.technique("dma-buf-import")
def test_what_is_no_dma_buf(uapi):
    uapi("dmabuf.refused")


@pytest.mark.covering
@pytest.mark.technique("dma-buf-export")
def test_export(uapi):
    """Mapped by others, given to the card again as somebody else's, and kept by who has it."""
    uapi("export")


@pytest.mark.environments("two-cards")
@pytest.mark.technique("dma-buf-export", "dma-buf-import", "several-cards")
def test_from_card_to_card(uapi):
    """One card's buffer is the other card's memory: each has a mapping of its own."""
    uapi("cards")

# SPDX-License-Identifier: Apache-2.0
"""Memory of any alignment, where the card moves bytes: also beside cache lines that it does not see."""

import pytest

from edge_pool import pools


def test_every_alignment(uapi):
    uapi("edge", timeout=300)


@pytest.mark.environments("noncoherent")
@pytest.mark.technique("dma-pool-bounce", "non-coherent")
def test_cache_lines_are_edges(uapi):
    """There the alignment is a cache line's, although the card moves bytes."""
    uapi("edged")
    assert "prd32 edges" in pools(uapi.guest)


@pytest.mark.environments("direct")
def test_bytes_need_no_pieces(uapi):
    assert "prd32 edges" not in pools(uapi.guest)

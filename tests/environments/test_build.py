# SPDX-License-Identifier: Apache-2.0
"""The driver builds without a warning, W=1 included, for every kernel and for both processors."""

import pytest

from testbed import guestbuild


@pytest.mark.covering
@pytest.mark.environments("direct", "arm64")  # all kernels of one processor, one of the other
def test_builds_without_a_warning(workshop, cell):
    """Nothing is built for it: this is what the compiler said of the very module that the guests load."""
    said = guestbuild.said(guestbuild.module(workshop.of(cell).kernel)).read_text()
    assert "LD [M]" in said, "nothing was built"
    assert [line for line in said.splitlines() if "warning:" in line.lower()] == []

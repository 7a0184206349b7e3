# SPDX-License-Identifier: Apache-2.0
"""Reads and writes through io_uring and libaio's interface: several under way at once, and ended early."""

import pytest


def test_io_uring(uapi):
    """Several at once while the card is busy, of every length, bounds, and a program that is killed meanwhile."""
    uapi("ring")


@pytest.mark.kernels("6.12", "7.2", "debug")  # Linux 6.1 gives the driver no way to hold the kernel's memory
def test_io_uring_with_memory_kept_pinned(uapi):
    uapi("kept")


def test_libaio(uapi):
    uapi("aio")

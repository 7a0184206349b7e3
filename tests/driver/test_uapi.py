# SPDX-License-Identifier: Apache-2.0
"""The calls of uapi/linux/prd32.h: what they do, and what they say to wrong arguments."""

import pytest

import where
from prd32ctl import without_deadline


@pytest.mark.environments(*where.USER)
def test_arguments(uapi):
    """Every call with every kind of wrong argument."""
    uapi("arguments")


def test_requests(uapi):
    """All memories and endpoints, many at once."""
    uapi("request", "result")


@pytest.mark.environments(*where.USER)
def test_areas_of_card_memory(uapi):
    uapi("area")


@pytest.mark.environments(*where.USER)
def test_reset_keeps_card_memory(uapi):
    uapi("reset")


@pytest.mark.environments(*where.ENDS)
def test_waiting(uapi):
    """poll(), eventfd, deadlines, signals, O_NONBLOCK."""
    uapi("wait")


@pytest.mark.technique("transfer-timeout")
def test_ending_requests_early(card, uapi):
    """Aborted, closed, killed: the engine has stopped before the memory goes."""
    without_deadline(card)
    uapi("abort")


@pytest.mark.environments(*where.USER)
def test_file_passed_on(uapi):
    uapi("file")


def test_unbind_with_everything_open(card, uapi):
    """Requests, mappings, dma-bufs, areas, waiters: the card goes first."""
    without_deadline(card)
    uapi("unbind")


@pytest.mark.kmemleak
@pytest.mark.kernels("debug")
def test_nothing_is_left(uapi):
    """Errors and ends of all kinds leak no memory: kmemleak looks afterwards."""
    uapi("arguments", "request", "result", "area", "abort", "file", "export", timeout=300)

# SPDX-License-Identifier: Apache-2.0
"""The kernel's own dmatest drives the dmaengine provider: copies that go through card memory."""

import pytest

import dmatest
import where
from prd32ctl import card_address
from testbed import environment

# dmatest maps all of a buffer at once: more than 64 KiB cannot be had where that is a copy.
_LARGE = tuple(name for name, found in environment.everything().items() if not found.copies and found.tests == "all")


@pytest.fixture
def tested(card, workshop, cell):
    """A guest with card, driver, and dmatest at hand."""
    dmatest.install(card, dmatest.module(workshop, cell))
    return card


@pytest.mark.thorough
def test_some_copies(tested):
    outcome = dmatest.run(tested, card_address(tested), threads_per_chan=2, iterations=25)
    assert (len(outcome.threads), outcome.tests, outcome.failures) == (8, 200, 0), outcome


@pytest.mark.timeout(600)
@pytest.mark.environments(*where.LOADS)
def test_10000_copies(tested):
    """Random sizes up to 16 KiB at random offsets, three threads at each of four channels."""
    before = tested.card.stats()["card"]
    outcome = dmatest.run(tested, card_address(tested), threads_per_chan=3, iterations=834, timeout=500)
    assert (len(outcome.threads), outcome.tests, outcome.failures) == (12, 12 * 834, 0), outcome
    after = tested.card.stats()["card"]
    assert after["tables"] - before["tables"] == 2 * outcome.tests, "each copy is two transfers"
    moved = [after[name] - before[name] for name in ("bytes_from_host", "bytes_to_host")]
    assert moved[0] == moved[1] > 12 * 834 * 7000, "8 KiB on average"


@pytest.mark.environments(*_LARGE)
def test_sizes(tested):
    """The sizes of pci_endpoint_test, at odd addresses: as random as dmatest makes them."""
    for size in (1, 1024, 1025, 1024000, 1024001):
        outcome = dmatest.run(tested, card_address(tested), test_buf_size=size + 4099, transfer_size=size,
                              max_channels=2, iterations=10)
        assert (len(outcome.threads), outcome.tests, outcome.failures) == (2, 20, 0), (size, outcome)


@pytest.mark.environments(*where.ENDS)
def test_polled(tested):
    """A client that asks for the status again and again instead of being called back."""
    outcome = dmatest.run(tested, card_address(tested), polled=1, iterations=50)
    assert (len(outcome.threads), outcome.tests, outcome.failures) == (4, 200, 0), outcome


@pytest.mark.environments(*where.USER)
def test_bytes_that_are_lost_are_noticed(tested, faults):
    """Otherwise the tests above show nothing: the card forgets to write a descriptor, and says that all is well."""
    lost = faults.add("drop", "dma-write", after=10)
    outcome = dmatest.run(tested, card_address(tested), max_channels=1, iterations=30)
    assert lost.fired == 1
    assert (outcome.tests, outcome.failures, outcome.results) == (30, 1, ("data error",)), outcome


@pytest.mark.environments(*where.ENDS)
@pytest.mark.expect_violations("data-read", "data-write")
def test_errors_are_told(tested, faults):
    """Of 30 copies two cannot be read or written, and exactly those end with an error."""
    aborts = [faults.add("abort", "dma-read", after=7), faults.add("abort", "dma-write", after=14)]
    outcome = dmatest.run(tested, card_address(tested), max_channels=1, iterations=30)
    assert [rule.fired for rule in aborts] == [1, 1]
    assert (outcome.tests, outcome.failures, outcome.results) == (30, 2, ("completion error status",) * 2), outcome

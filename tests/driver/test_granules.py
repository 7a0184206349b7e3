# SPDX-License-Identifier: Apache-2.0
"""Cards that move granules of several bytes, and callers who know nothing of that."""

import dataclasses
from collections.abc import Iterator

import pytest

import where
from blockdisk import DISK, queue
from edge_pool import pools
from prd32ctl import expect_usable
from testbed.environment import Cell
from testbed.lab import Lab

pytestmark = [pytest.mark.technique("dma-pool-bounce"), pytest.mark.environments(*where.BYTES)]


@pytest.fixture(scope="module", params=[1, 2, 12], ids=["2-bytes", "4-bytes", "4096-bytes"])
def lab(request, workshop, cell, tmp_path_factory) -> Iterator[Lab]:
    """Gives the fixtures of the ladder guests with such a card."""
    folder = tmp_path_factory.mktemp("granules")
    profile = folder / "granules.toml"
    profile.write_text(f'based_on = "strict"\ngranule_log2 = {request.param}\n')
    card = (*cell.environment.card, "--profile", str(profile))
    careful = Cell(dataclasses.replace(cell.environment, card=card), cell.kernel)
    with Lab(workshop, careful, folder / "guests") as fresh_guests:
        yield fresh_guests


@pytest.fixture(autouse=True)
def without_driver(uapi):
    """Afterwards nothing is left of the driver's pieces, whose pages it keeps for the next: dma-debug counts them."""
    yield
    uapi.guest.run("rmmod prd32")


def test_every_alignment(uapi):
    """Edges go through a piece of the driver's; neighbours, in host and card memory, keep their bytes."""
    uapi("edge", "edged", "granule", timeout=300)
    assert "prd32 edges" in pools(uapi.guest)
    expect_usable(uapi.guest)


def test_disk(uapi):
    """Its blocks are no smaller than what the card moves."""
    granule = max(512, int(uapi.guest.run("cat /sys/bus/pci/drivers/prd32/*/card/granule").text))
    assert queue(uapi.guest, "logical_block_size") == granule
    uapi.guest.run("dd if=/dev/urandom of=/tmp/data bs=4k count=64 2>/dev/null")
    uapi.guest.run(f"dd if=/tmp/data of={DISK} bs={granule} oflag=direct 2>/dev/null")
    uapi.guest.run(f"dd if={DISK} of=/tmp/back bs={granule} count={(256 << 10) // granule} iflag=direct 2>/dev/null && "
                   "cmp /tmp/data /tmp/back")


def test_several_at_once(uapi):
    """Not writes: those that meet in a granule want an order."""
    uapi("ring.several_at_once", "ring.bounds")


def test_longer_than_a_chunk(uapi):
    """Which may be set to what is no multiple of a granule."""
    uapi.guest.run("echo 65 >/sys/module/prd32/parameters/chunk_kib")
    uapi("ring.longer_than_a_chunk")

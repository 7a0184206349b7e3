# SPDX-License-Identifier: Apache-2.0
"""/dev/prd32b0, the block device over half of the card's memory: with what busybox has, so that it runs everywhere."""

import pytest

from prd32ctl import KIB, MIB

DISK = "/dev/prd32b0"
SIZE = 32 * MIB  # half of the card's memory
QUEUE = "/sys/block/prd32b0/queue"


def setting(guest, name: str) -> int:
    """A number of the disk's queue."""
    return int(guest.run(["cat", f"{QUEUE}/{name}"]).text)


@pytest.mark.covering
@pytest.mark.technique("block-sg")
def test_bytes_go_to_the_card_and_come_back(card):
    """Written and read past the cache, in requests that are cut in different ways."""
    card.run(f"dd if=/dev/urandom of=/tmp/data bs=1M count={SIZE // MIB} 2>/dev/null")
    before = card.card.stats()["card"]
    card.run(f"dd if=/tmp/data of={DISK} bs=1M oflag=direct 2>/dev/null")
    card.run(f"dd if={DISK} of=/tmp/back bs=96k iflag=direct 2>/dev/null && cmp /tmp/data /tmp/back")
    after = card.card.stats()["card"]
    assert after["bytes_from_host"] - before["bytes_from_host"] == SIZE
    assert after["bytes_to_host"] - before["bytes_to_host"] == SIZE
    card.run("rm /tmp/data /tmp/back")


def test_limits_are_those_of_the_card(card, cell):
    """What is declared is what a PRD can take, so that a segment of the block layer is one descriptor."""
    assert card.run(["cat", "/sys/block/prd32b0/size"]).text == str(SIZE // 512)
    assert setting(card, "max_segment_size") == 64 * KIB
    assert setting(card, "max_segments") == 512
    assert setting(card, "logical_block_size") == 512
    assert setting(card, "physical_block_size") == 4 * KIB
    assert setting(card, "dma_alignment") == 3
    assert setting(card, "rotational") == 0
    assert card.run(["cat", f"{QUEUE}/write_cache"]).text == "write through"
    assert setting(card, "write_zeroes_max_bytes") == setting(card, "discard_max_hw_bytes") == 16 * MIB
    if cell.environment.copies:  # what is bounced is bounced segment by segment, and the pool is small
        assert 128 <= setting(card, "max_hw_sectors_kb") < 256
    else:
        assert setting(card, "max_hw_sectors_kb") == 32 * KIB

# SPDX-License-Identifier: Apache-2.0
"""The judge in a real guest: what it must see, and that it waits for nothing where nothing is wrong."""

import pytest

from techniques.lessons import Lessons, module
from testbed.judge import Judge

SOURCE_OF_LEAKS = {"bounce": "swiotlb-slots", "vtd": "card-mappings"}


@pytest.mark.environments("direct", "arm64")
def test_flood_cannot_hide_a_complaint(lab):
    """The ring buffer forgets the complaint, the console does not, and the loss itself is told."""
    with lab.fresh(cards=0) as station:
        judging = Judge(station.guest, [])
        station.guest.run("echo '<4>WARNING: inconsistent lock state' >/dev/kmsg; line=$(printf '%0900d' 0); "
                          "for n in $(seq 1800); do echo \"<7>$line\" >/dev/kmsg; done")
        verdict = "\n".join(judging.verdict())
    assert "messages of the kernel were lost" in verdict
    assert "inconsistent lock state" in verdict


@pytest.mark.environments(*SOURCE_OF_LEAKS)
def test_a_mapping_that_is_not_given_back_is_a_leak(lab, workshop, cell):
    with lab.fresh(driver=False) as station:
        lessons = Lessons(station.guest, module(workshop, cell))
        lessons("single")  # maps and unmaps: no leak
        judging = Judge(station.guest, station.guest.cards)
        assert judging.verdict() == []
        assert lessons("leak") == {"error": 0}
        assert any(SOURCE_OF_LEAKS[cell.environment.name] in problem for problem in judging.verdict())

# SPDX-License-Identifier: Apache-2.0
"""The debug kernel counts which lines of the driver ran, when the driver is built for it."""

import pytest

from driver.prd32ctl import roundtrip
from testbed import guestbuild
from testbed.guest import Guest

MODULE = "/tmp/prd32.ko"
MAGIC = b"adcg"  # of .gcda files, least significant byte first

pytestmark = [pytest.mark.kernels("debug"), pytest.mark.environments("direct")]


def _counts(card: Guest) -> bytes:
    return card.run("cat $(find /sys/kernel/debug/gcov -path '*/driver/core/hw.gcda')").stdout


def test_lines_of_the_driver_are_counted(card, workshop, cell):
    module = guestbuild.stripped(guestbuild.module(workshop.of(cell).kernel, guestbuild.DRIVER, "GCOV_PROFILE=y"))
    card.write_file(MODULE, module.read_bytes())
    card.run(f"rmmod prd32 && insmod {MODULE}")
    card.await_cards(driver=True)
    before = _counts(card)
    assert before.startswith(MAGIC), before
    roundtrip(card, 4096)
    assert _counts(card) != before, "a transfer was not counted"

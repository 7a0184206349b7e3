# SPDX-License-Identifier: Apache-2.0
"""The driver's pure part under KUnit, in the kernel that has it."""

import re
from pathlib import Path

import pytest

from testbed import guestbuild

SOURCE = Path(__file__).parent / "kunit"
CASES = 16  # at least: a suite that ran nothing has not passed


@pytest.mark.kernels("debug")
@pytest.mark.environments("direct")
def test_descriptor_tables(guest, workshop, cell):
    module = guestbuild.stripped(guestbuild.module(workshop.of(cell).kernel, SOURCE))
    guest.write_file("/tmp/prd32_kunit.ko", module.read_bytes())
    guest.run("insmod /tmp/prd32_kunit.ko")
    results = guest.run("cat /sys/kernel/debug/kunit/prd32_prd/results").text
    assert not re.search(r"^\s*not ok", results, re.M), results
    assert len(re.findall(r"^\s*ok", results, re.M)) >= CASES, results
    guest.run("rmmod prd32_kunit")

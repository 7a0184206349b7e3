# SPDX-License-Identifier: Apache-2.0
"""PCI Express errors: the port that the card is behind reports one, and the driver's handlers are called."""

import pytest

from prd32ctl import MIB, card_address, expect_usable, interrupts, wait_until

# On x86 the firmware's tables leave errors to the firmware.
pytestmark = [pytest.mark.environments("arm64"), pytest.mark.covering,
              pytest.mark.expect_kernel_log("PCIe Bus Error: severity=Uncorrectable")]


def inject(guest, error: str) -> None:
    """Has the root port report an uncorrectable error, by its name in QEMU."""
    said = guest.monitor.command("human-monitor-command", **{"command-line": f"pcie_aer_inject_error port0 {error}"})
    assert str(said).startswith("OK"), said


def expect_log(guest, *lines: str) -> None:
    """The kernel says each of them, in time."""
    for line in lines:
        wait_until(lambda text=line: text in guest.run("dmesg").text, f"the kernel log to say {line!r}")


def working(guest):
    """Somebody who moves bytes to and fro and compares them."""
    worker = guest.start(["prd32ctl", "roundtrip", "--size", str(8 * MIB), "--card-offset", "0", "--iterations", "12"])
    before = interrupts(guest)
    wait_until(lambda: interrupts(guest) > before, "the worker works")
    return worker


def test_an_error_that_leaves_the_slot_working(card):
    """Not fatal: nothing is reset, and nothing is lost."""
    worker = working(card)
    inject(card, "POISON_TLP")
    expect_log(card, f"prd32 {card_address(card)}: PCI error, the slot is working",
               f"prd32 {card_address(card)}: recovered from the PCI error")
    worker.wait(120).check()
    expect_usable(card)


def test_an_error_that_costs_a_slot_reset(card):
    """Fatal: the slot is frozen and reset, the card forgets everything, and what was running is done again."""
    worker = working(card)
    inject(card, "SDN")
    expect_log(card, f"prd32 {card_address(card)}: PCI error, the slot is frozen",
               f"prd32 {card_address(card)}: recovered from the PCI error")
    worker.wait(120).check()
    expect_usable(card)

# SPDX-License-Identifier: Apache-2.0
"""PCI Express errors: the port that the card is behind reports one, and the driver's handlers are called."""

import pytest

from prd32ctl import MIB, await_tables, call, card_address, expect_usable, wait_until

# On x86 the firmware's tables leave errors to the firmware.
pytestmark = [pytest.mark.environments("arm64"), pytest.mark.covering,
              pytest.mark.expect_kernel_log("PCIe Bus Error: severity=Uncorrect(ed|able)")]  # 6.1, and later

_TELL_NOBODY = ("6.1", "6.12", "debug")  # Linux before 6.18 keeps it to itself that a recovery failed


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
    await_tables(guest, 1, "the worker works")
    return worker


@pytest.mark.parametrize(("error", "slot"), [
    # Not fatal: nothing is reset.
    ("POISON_TLP", "working"),
    # Fatal: the slot is reset, and the card forgets everything.
    ("SDN", "frozen"),
])
def test_an_error_costs_nothing(card, error, slot):
    """What was running is gone on with, or done again."""
    worker = working(card)
    inject(card, error)
    expect_log(card, f"prd32 {card_address(card)}: PCI error, the slot is {slot}",
               f"prd32 {card_address(card)}: recovered from the PCI error")
    worker.wait(120).check()
    expect_usable(card)


def test_a_card_that_does_not_come_back(card, faults, cell):
    """The slot was reset, and the card is silent: who waits is told, nobody is kept, and a reset that helps does."""
    worker = working(card)
    faults.all_ones()
    inject(card, "SDN")
    expect_log(card, "the card did not come back", "device recovery failed")
    if cell.kernel not in _TELL_NOBODY:
        expect_log(card, "PCI error, the slot is lost")
    assert worker.wait(120).exit_code != 0
    assert call(card, "write", 4096)["errno"] == "ENODEV"
    faults.all_ones(False)
    card.run(f"echo 1 >/sys/bus/pci/devices/{card_address(card)}/reset")
    expect_usable(card)

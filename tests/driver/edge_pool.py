# SPDX-License-Identifier: Apache-2.0
"""Pools of coherent memory that the driver has."""

from prd32ctl import card_address
from testbed.guest import Guest


def pools(guest: Guest) -> str:
    """Their names and sizes, as the kernel tells them; it has no file when there are none."""
    return guest.run(f"cat /sys/bus/pci/devices/{card_address(guest)}/pools; true").text

# SPDX-License-Identifier: Apache-2.0
"""The card's second channel, idle while the driver needs only one: a test may let it read any bus address."""

import json

import regmap
from environments.dma_probe import card_addresses
from testbed.guest import Guest

_CHANNEL = 1


def tables(guest: Guest) -> list[int]:
    """The bus address of each channel's descriptor table, as last programmed."""
    return [int(channel["prdt"], 16) for channel in _channels(guest)]


def fetch_table(guest: Guest, address: int) -> None:
    """Lets the second channel fetch a descriptor table from this address, which must be a multiple of 64 KiB, and
    waits until it has ended. Bus address and direction of the channel are not what the driver left there afterwards."""
    registers = regmap.load()
    bar = next(bar.index for bar in registers.bars if bar.name == "IO")
    ports = f"/sys/bus/pci/devices/{card_addresses(guest)[0]}/resource{bar}"

    def write(name: str, value: int, size: int) -> None:
        octal = "".join(f"\\{byte:03o}" for byte in value.to_bytes(size, "little"))
        guest.run(f"printf '{octal}' | dd of={ports} bs={size} seek={registers.offset(name, _CHANNEL) // size} "
                  "conv=notrunc 2>/dev/null")

    write("BM_PRDT", address, 4)
    write("BM_COMMAND", 1, 1)  # START, host to card
    assert not _channels(guest)[_CHANNEL]["active"], "the reading of a table that is not there cannot take long"
    write("BM_COMMAND", 0, 1)
    write("BM_STATUS", 6, 1)  # ERROR and INTERRUPT are cleared by ones, if the driver's handler has not done so


def _channels(guest: Guest) -> list[dict]:
    words = ["prd32ctl", "ports", "--pci", card_addresses(guest)[0], "status", "--json"]
    return json.loads(guest.run(words).text)["channels"]

# SPDX-License-Identifier: Apache-2.0
"""What the kernel's DMA API does with the card, as the module in probe/ tells it."""

from pathlib import Path

import pytest

import regmap
from testbed import guestbuild
from testbed.environment import Cell
from testbed.guest import Guest
from testbed.workshop import Workshop

SOURCE = Path(__file__).parent / "probe"
_FOLDER = "/sys/kernel/debug/prd32_probe"
_PARAMETERS = "/sys/module/prd32_probe/parameters"

Values = dict[str, int | str]


class DmaProbe:
    """Loads the module in a guest that has the card and its driver; each call measures anew."""

    def __init__(self, guest: Guest, module: bytes) -> None:
        self.guest, self.card = guest, card_addresses(guest)[0]
        guest.write_file("/tmp/prd32_probe.ko", module)
        guest.run(f"insmod /tmp/prd32_probe.ko card={self.card}")

    def facts(self) -> Values:
        """Masks, limits, coherence, IOMMU."""
        return self._read("facts")

    def coherent(self, size: int = 65536) -> Values:
        """What dma_alloc_coherent() gives for `size` bytes; freed again. An empty dictionary when it gives nothing."""
        self.guest.run(f"echo {size} > {_PARAMETERS}/coherent_bytes")
        return self._read("coherent")

    def streaming(self, size: int = 4096) -> Values:
        """What dma_map_single() makes of `size` bytes of the kernel's; unmapped again. errno is 0 when it worked."""
        self.guest.run(f"echo {size} > {_PARAMETERS}/streaming_bytes")
        return self._read("streaming")

    def _read(self, name: str) -> Values:
        lines = self.guest.run(["cat", f"{_FOLDER}/{name}"], check=False).text.splitlines()
        return {key: _number(value) for key, value in (line.split("=", 1) for line in lines)}


def card_addresses(guest: Guest) -> list[str]:
    """The PCI addresses of the cards, in the bus's order, whether or not their driver is there."""
    pci = regmap.load().pci
    ids = f"{pci['vendor_id']:#06x}:{pci['device_id']:#06x}"
    return guest.run("cd /sys/bus/pci/devices; for d in *; do read v <$d/vendor; read i <$d/device; "
                     f"[ $v:$i = {ids} ] && echo $d; done; true").text.split()


def module(workshop: Workshop, cell: Cell) -> bytes:
    """The module, built for this cell's kernel."""
    return guestbuild.stripped(guestbuild.module(workshop.of(cell).kernel, SOURCE)).read_bytes()


@pytest.fixture
def dma_probe(card: Guest, workshop: Workshop, cell: Cell) -> DmaProbe:
    """The module in the guest of the test."""
    return DmaProbe(card, module(workshop, cell))


def _number(text: str) -> int | str:
    try:
        return int(text, 0)
    except ValueError:
        return text

# SPDX-License-Identifier: Apache-2.0
"""The client module (dmaclient/) of the card's dmaengine provider, in a guest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import guestbuild
from testbed.environment import Cell
from testbed.guest import Guest
from testbed.workshop import Workshop

IN_PROGRESS, COMPLETE, ERROR = 1, 0, 3  # enum dma_status
GOOD, WRITE_FAILED, ABORTED = 0, 2, 3  # enum dmaengine_tx_result
PIECE, PIECES = 2048, 16  # of a remote transfer

_SOURCE = Path(__file__).parent / "dmaclient"
_MODULE = "/tmp/prd32_dmaclient.ko"
_FOLDER = "/sys/kernel/debug/prd32_dmaclient"


class Client:
    """Each call has the module do one of its things."""

    def __init__(self, guest: Guest, module: bytes, parameters: str = "") -> None:
        self.guest = guest
        guest.write_file(_MODULE, module)
        guest.run(f"insmod {_MODULE} {parameters}")

    def lines(self, name: str) -> list[dict[str, int]]:
        """What it told, line by line."""
        said = self.guest.run(["cat", f"{_FOLDER}/{name}"])
        return [{key: int(value, 0) for key, _, value in (word.partition("=") for word in line.split())}
                for line in said.text.splitlines()]

    def __call__(self, name: str) -> dict[str, int]:
        return {key: value for line in self.lines(name) for key, value in line.items()}

    def do(self, *names: str) -> None:
        """Steps of the remote transfer that must succeed."""
        for name in names:
            assert self(name) == {"error": 0}, name


def module(workshop: Workshop, cell: Cell) -> bytes:
    """The module, built for this cell's kernel."""
    return guestbuild.stripped(guestbuild.module(workshop.of(cell).kernel, _SOURCE)).read_bytes()


@pytest.fixture
def client(card: Guest, workshop: Workshop, cell: Cell) -> Iterator[Client]:
    """The module, loaded; unloaded afterwards, so that what it left behind is a leak."""
    yield Client(card, module(workshop, cell))
    card.run("rmmod prd32_dmaclient")

# SPDX-License-Identifier: Apache-2.0
"""Fresh guests of one cell, one for each test."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import places
from testbed.card import CardProcess
from testbed.environment import Cell
from testbed.evidence import fresh_folder
from testbed.guest import Guest
from testbed.workshop import Workshop

CARD_MEMORY = "64M"


@dataclass(frozen=True)
class Station:
    """A fresh guest. `how`: "restored" from a snapshot or "booted"; `seconds`: what that took, cards and driver too."""

    guest: Guest
    folder: Path
    how: str
    seconds: float


class Lab:
    """Gives out fresh guests of a cell."""

    def __init__(self, workshop: Workshop, cell: Cell, folder: Path) -> None:
        self._workshop, self.cell, self._folder = workshop, cell, folder
        self._count = 0

    @contextmanager
    def fresh(self, *, cards: int | None = None, card_memory: str = CARD_MEMORY, memory: str = "",
              driver: bool = True) -> Iterator[Station]:
        """A guest that no test has touched, gone afterwards. `cards`: how many are plugged, by default as many as the
        environment has; `driver`: whether the driver is loaded and has found them."""
        began = time.monotonic()
        self._count += 1
        folder = fresh_folder(self._folder / str(self._count))
        count = self.cell.environment.cards if cards is None else cards
        with ExitStack() as stack:
            processes = [stack.enter_context(self._card(folder / f"card{number}" if number else folder, card_memory))
                         for number in range(count)]
            guest = stack.enter_context(self._boot(folder, memory, processes))
            if driver and processes:
                guest.load_driver()
            yield Station(guest, folder, "booted", time.monotonic() - began)

    def _card(self, folder: Path, memory: str) -> CardProcess:
        return CardProcess(places.device_program(), folder, memory_size=memory,
                           extra_args=self.cell.environment.card)

    def _boot(self, folder: Path, memory: str, cards: Sequence[CardProcess]) -> Guest:
        return Guest(self._workshop.guest(self.cell, memory=memory), folder, cards)

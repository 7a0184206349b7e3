# SPDX-License-Identifier: Apache-2.0
"""Fresh guests of one cell, one for each test: restored from a snapshot where QEMU can do that, else booted."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import places, snapshot
from testbed.card import CardProcess
from testbed.environment import Cell
from testbed.evidence import fresh_folder
from testbed.guest import Guest
from testbed.machine import GuestSpec
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
    """Gives out fresh guests of a cell. `patience`: see GuestSpec; for cards that a debugger stops.

    Use as a context manager: until its end, nobody removes the snapshots that it restores guests from.
    """

    def __init__(self, workshop: Workshop, cell: Cell, folder: Path, *, patience: float = 0.0) -> None:
        self._patience = patience
        self._workshop, self.cell, self._folder = workshop, cell, folder
        self._count = 0
        self._snapshots: dict[str, snapshot.Snapshot] = {}  # by RAM

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._snapshots.values():
            each.close()
        self._snapshots.clear()

    @property
    def latest(self) -> Path:
        """The folder of the last guest, also when it did not come up."""
        return self._folder / str(self._count)

    @contextmanager
    def fresh(self, *, cards: int | None = None, card_memory: str = CARD_MEMORY, memory: str = "",
              driver: bool = True) -> Iterator[Station]:
        """A guest that no test has touched, gone afterwards. `cards`: how many are plugged, by default as many as the
        environment has; `driver`: whether the driver is loaded and has found them. `seconds` leaves out the making of a
        snapshot, which happens once.
        """
        cold, spec = self.cell.environment.start == "cold", self._guest(memory)
        saved = None if cold else self._snapshot(spec)
        began = time.monotonic()
        self._count += 1
        folder = fresh_folder(self.latest)
        count = self.cell.environment.cards if cards is None else cards
        processes = [self._card(folder / f"card{number}" if number else folder, card_memory) for number in range(count)]
        with ExitStack() as stack:
            for process in processes:
                stack.callback(process.stop)
            # Ended before its cards are, so that they see it go.
            guest = Guest(spec, folder, processes if cold else ())
            stack.callback(guest.end)
            if cold:
                _boot(guest, driver)
            else:
                _restore(guest, saved, processes, driver)
            yield Station(guest, folder, "booted" if cold else "restored", time.monotonic() - began)

    def _guest(self, memory: str) -> GuestSpec:
        return self._workshop.guest(self.cell, memory=memory, patience=self._patience)

    def _snapshot(self, spec: GuestSpec) -> Path:
        known = self._snapshots.get(spec.ram)
        if known and not known.path.exists():  # the cache was deleted
            known.close()
            known = None
        if not known:
            known = self._snapshots[spec.ram] = snapshot.get(spec, self._folder / "snapshot")
        return known.path

    def _card(self, folder: Path, memory: str) -> CardProcess:
        return CardProcess(places.device_program(), folder, memory_size=memory,
                           extra_args=self.cell.environment.card)


def _boot(guest: Guest, driver: bool) -> None:
    for card in guest.cards:
        card.start()
    guest.boot()
    if driver:
        guest.load_driver()
    guest.await_cards(driver=driver)


def _restore(guest: Guest, saved: Path, cards: Sequence[CardProcess], driver: bool) -> None:
    guest.load(saved)
    for card in cards:  # while QEMU loads
        card.start()
    loaded = snapshot.has_driver(guest.spec)
    if loaded and not driver:
        guest.resume()
        guest.unload_driver()
        loaded = False
    else:
        guest.resume(cards[:1])
    for card in cards[len(guest.cards):]:
        guest.await_cards(driver=loaded)  # so that the driver numbers the cards in their order
        guest.plug(card)
    guest.await_cards(driver=loaded)
    if driver and not loaded:
        guest.load_driver()
        guest.await_cards(driver=True)

# SPDX-License-Identifier: Apache-2.0
"""Guests that tests share: booting one takes seconds, so one is kept for each size until a test spoils it."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from testbed import places
from testbed.card import CardProcess
from testbed.evidence import fresh_folder
from testbed.guest import Guest
from testbed.workshop import Workshop

_KEPT = 2  # guests alive at once: each takes its RAM and, while it works, a core


@dataclass
class Plugged:
    """A guest of the pool; `card` is None for one without."""

    guest: Guest
    card: CardProcess | None
    folder: Path

    @property
    def alive(self) -> bool:
        """Whether a test can use it."""
        return self.guest.alive and (self.card is None or self.card.poll() is None)

    def end(self) -> None:
        """Ends guest and card."""
        try:
            self.guest.end()
        finally:
            if self.card:
                self.card.stop()

    def ensure_driver(self) -> None:
        """Loads the driver if an earlier test left it unloaded."""
        if self.guest.run("test -e /sys/module/prd32", check=False).exit_code != 0:
            self.guest.load_driver()


class GuestPool:
    """Gives out guests by what they are made of. A context manager: all guests end with it."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self._workshop, self._folder = workshop, folder
        self._guests: dict[tuple[str, str | None], Plugged] = {}
        self._count = 0

    def __enter__(self) -> "GuestPool":
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as all_of_them:  # the others too when one of them fails
            for plugged in list(self._guests.values()):
                all_of_them.callback(self.discard, plugged)

    def get(self, memory: str, card_memory: str | None = None) -> Plugged:
        """A living guest of this RAM, with a card of this memory or without a card."""
        key = (memory, card_memory)
        plugged = self._guests.pop(key, None)
        if plugged and not plugged.alive:
            plugged.end()
            plugged = None
        while len(self._guests) >= _KEPT:
            self.discard(next(iter(self._guests.values())))  # the one that was used longest ago
        self._guests[key] = plugged = plugged or self._boot(memory, card_memory)
        return plugged

    def discard(self, plugged: Plugged) -> None:
        """Ends a guest; the next test of its kind gets a fresh one."""
        self._guests = {key: kept for key, kept in self._guests.items() if kept is not plugged}
        plugged.end()

    def _boot(self, memory: str, card_memory: str | None) -> Plugged:
        self._count += 1
        folder = fresh_folder(self._folder / str(self._count))
        card = CardProcess(places.DEVICE_PROGRAM, folder, memory_size=card_memory) if card_memory else None
        guest = Guest(self._workshop.guest(memory=memory), folder, card)
        try:
            if card:
                card.__enter__()
            guest.boot()
        except BaseException:
            Plugged(guest, card, folder).end()
            raise
        return Plugged(guest, card, folder)

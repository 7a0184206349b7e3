# SPDX-License-Identifier: Apache-2.0
"""The module of lessons (module/) in a guest whose card has no other driver."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import guestbuild
from testbed.agent import Result
from testbed.environment import Cell
from testbed.guest import Guest
from testbed.workshop import Workshop

SOURCE = Path(__file__).parent / "module"
_FOLDER = "/sys/kernel/debug/prd32_lessons"


class Lessons:
    """Runs lessons; each call is a new one."""

    def __init__(self, guest: Guest, module: bytes) -> None:
        self.guest = guest
        guest.write_file("/tmp/prd32_lessons.ko", module)
        guest.run("insmod /tmp/prd32_lessons.ko")

    def lines(self, name: str) -> list[dict[str, int]]:
        """What a lesson told, line by line."""
        said: Result = self.guest.run(["cat", f"{_FOLDER}/{name}"])
        return [{key: int(value, 0) for key, _, value in (word.partition("=") for word in line.split())}
                for line in said.text.splitlines()]

    def __call__(self, name: str) -> dict[str, int]:
        return {key: value for line in self.lines(name) for key, value in line.items()}


def module(workshop: Workshop, cell: Cell) -> bytes:
    """The module, built for this cell's kernel."""
    return guestbuild.stripped(guestbuild.module(workshop.of(cell).kernel, SOURCE)).read_bytes()


@pytest.fixture
def lessons(bare_card: Guest, workshop: Workshop, cell: Cell) -> Iterator[Lessons]:
    """The module of lessons, loaded; unloaded afterwards, so that what it left behind is a leak."""
    yield Lessons(bare_card, module(workshop, cell))
    bare_card.run("rmmod prd32_lessons")

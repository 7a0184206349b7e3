# SPDX-License-Identifier: Apache-2.0
"""What a driver may forget to give back: counted in the guest and at the card, before a test and after it.

Each count is read in one guest command with all others, so that a test costs two of them. What a kernel or a machine
does not count is told as such; a report must not take silence for health.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from testbed.card import CardProcess


@dataclass(frozen=True)
class Count:
    """One thing that is counted. `needs` says what a guest without this count lacks."""

    what: str
    needs: str


COUNTS = {
    "pinned-pages": Count("pages that were pinned and not unpinned", "/proc/vmstat has no nr_foll_pin_acquired"),
    "swiotlb-slots": Count("slots of the bounce buffer in use", "this guest has no bounce buffer"),
    "dma-mappings": Count("DMA mappings and coherent buffers of the card, as dma-debug knows them",
                          "this kernel has no dma-debug"),
    "dma-errors": Count("errors that dma-debug found", "this kernel has no dma-debug"),
    "card-mappings": Count("ranges of bus addresses that lead the card to guest memory", "the guest has no card"),
    "card-files": Count("open files of the card's program", "the guest has no card"),
}

# The counts of the guest, each with the file that has it. all_errors: dma-debug prints the first error alone otherwise.
# All but awk is the shell's own: to start a program costs a guest ten milliseconds.
COMMAND = r"""cd /sys/kernel/debug; [ -w dma-api/all_errors ] && echo 1 >dma-api/all_errors
for f in swiotlb/io_tlb_used dma-api/error_count /proc/sys/kernel/tainted
do [ -r $f ] && read n <$f && echo $f:$n; done
[ -r dma-api/dump ] && awk '{ n[$2]++ } END { print "dump:"; for (d in n) print "dump:" d " " n[d] }' dma-api/dump"""
PINS = ("^nr_foll_pin_", "/proc/vmstat")  # a pattern of lines and their file: to be printed, too

# Bits of /proc/sys/kernel/tainted that a driver must not cause (Documentation/admin-guide/tainted-kernels.rst).
_TAINTS = {4: "machine check", 5: "bad page", 7: "oops", 9: "warning", 14: "soft lockup"}
_ROOT_BUS = re.compile(r"0000:00:")  # the machine's own devices; cards are behind ports


@dataclass(frozen=True)
class Counts:
    """How things stand at one time. A name of COUNTS that is absent was not to be had."""

    values: dict[str, int] = field(default_factory=dict)
    tainted: int = 0

    @property
    def missing(self) -> dict[str, str]:
        """The names that were not to be had, with why."""
        return {name: count.needs for name, count in COUNTS.items() if name not in self.values}

    def growth_since(self, earlier: "Counts") -> dict[str, tuple[int, int]]:
        """What is more than it was: name to before and after. What appeared meanwhile counts from 0."""
        return {name: (earlier.values.get(name, 0), value) for name, value in self.values.items()
                if value > earlier.values.get(name, 0)}

    def taints_since(self, earlier: "Counts") -> list[str]:
        """What the kernel remembers of complaints, even if its log has lost them."""
        new = self.tainted & ~earlier.tainted
        return [what for bit, what in _TAINTS.items() if new >> bit & 1]


def counts(said: str, cards: Sequence[CardProcess]) -> Counts:
    """The counts from what COMMAND and the lines of PINS said in the guest, and of the cards that still run."""
    values, tainted = _of_guest(said)
    running = [card for card in cards if card.poll() is None]
    if running:
        mappings = [card.stats()["bridge"]["mappings"] for card in running]
        # QEMU maps the BARs of cards, too, and only while they decode addresses; those it gives no descriptor.
        values["card-mappings"] = sum(each["now"] - each["by_message"] for each in mappings)
        values["card-files"] = sum(len(os.listdir(f"/proc/{card.pid}/fd")) for card in running)
    return Counts(values, tainted)


def _of_guest(said: str) -> tuple[dict[str, int], int]:
    values, tainted = {}, 0
    for line in said.splitlines():
        place, _, text = line.partition(":")
        if line.startswith("nr_foll_pin_"):
            name, number = line.split()
            sign = 1 if name == "nr_foll_pin_acquired" else -1
            values["pinned-pages"] = values.get("pinned-pages", 0) + sign * int(number)
        elif place == "swiotlb/io_tlb_used":
            values["swiotlb-slots"] = int(text)
        elif place == "dma-api/error_count":
            values["dma-errors"] = int(text)
        elif place == "/proc/sys/kernel/tainted":
            tainted = int(text)
        elif place == "dump":
            device, _, number = text.rpartition(" ")
            values.setdefault("dma-mappings", 0)
            if device and not _ROOT_BUS.match(device):
                values["dma-mappings"] += int(number)
    return values, tainted


def told(name: str, before: int, after: int) -> str:
    """One leak as a sentence."""
    return f"a leak, {name}: {after - before} more than before the test ({before} before, {after} after): " \
           f"{COUNTS[name].what}"

# SPDX-License-Identifier: Apache-2.0
"""What is looked at after every test, whatever the test itself looked at."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from testbed import kernellog, leaks
from testbed.card import CardProcess
from testbed.errors import TestbedError
from testbed.guest import Guest
from testbed.kernellog import Reading
from testbed.leaks import Counts

_SETTLE_SECONDS = 3.0  # an IOMMU that flushes lazily gives back late, a channel that is stopped ends its transaction
_SETTLE_PAUSE = 0.05  # counts have no events: they are read again
_READINGS = 5  # of a log that is written to faster than it is read
_KMEMLEAK_SECONDS = 5  # kmemleak reports nothing that is younger (MSECS_MIN_AGE in mm/kmemleak.c)


@dataclass(frozen=True)
class Expected:
    """What a test provokes on purpose. Each must come, in any number but at least once, and nothing else may.

    `rules` of violations, patterns of reports in the `kernel_log`, names of `leaks` (testbed.leaks.COUNTS).
    """

    rules: tuple[str, ...] = ()
    kernel_log: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()


class Judge:
    """Remembers how things stood before a test and says afterwards what went wrong besides the test's own findings.

    The kernel log is judged from the guest's boot on, as a guest serves one test: a complaint while the driver loads
    counts. With `kmemleak`, on a kernel that has it, memory that nothing refers to any more is looked for, which takes
    seconds. Without a guest the cards alone are judged.
    """

    def __init__(self, guest: Guest | None, cards: Sequence[CardProcess], expected: Expected = Expected(),
                 kmemleak: bool = False) -> None:
        self._guest, self._cards, self._expected, self._kmemleak = guest, list(cards), expected, kmemleak
        self._violations = [len(card.violations()) for card in self._cards]
        self._asked = self._cards  # for what only their programs can tell
        self._before = self._counts()
        self.log: Reading | None = None  # the last reading of the guest's log

    @property
    def looked_at(self) -> list[str]:
        """Every check of this judge, and for what could not be checked the reason: for the report of a run."""
        if not self._guest:
            return []
        missing = self._before.missing
        silent = any(_active(card) is None for card in self._cards)
        lines = ["kernel log", "taints", "violations",
                 "busy channels: not counted, the card's statistics have no card.active" if silent else "busy channels"]
        return lines + [f"{name}: not counted, {missing[name]}" if name in missing else name for name in leaks.COUNTS]

    def verdict(self) -> list[str]:
        """What is wrong; an empty list when nothing is. The cards' violations are looked at last: what is waited for
        before may add some."""
        mute = self._dismiss_mute()
        busy, guest = _said(self._judge_busy), _said(self._judge_guest)
        return [*_said(self._judge_cards), *mute, *busy, *guest]

    def _dismiss_mute(self) -> list[str]:
        """A card that hangs is waited for once, and hides nothing of the others and of the guest."""
        problems = {card: _said(lambda card=card: _silence(card)) for card in self._cards}
        self._asked = [card for card in self._cards if not problems[card]]
        return [problem for found in problems.values() for problem in found]

    def _counts(self) -> Counts:
        if not self._guest:
            return Counts()
        script = "{}\nsed -n '/{}/p' {}".format(leaks.COMMAND, *leaks.PINS)
        return leaks.counts(self._guest.run(script, check=False).text, self._asked)

    def _judge_cards(self) -> list[str]:
        problems, new = [], []
        for card, before in zip(self._cards, self._violations, strict=True):
            code = card.poll()
            if code is not None and (code != 0 or self._guest):  # without a guest, a test may end its card in order
                problems.append(f"the card ended with {code} during the test; see {card.log}:\n{card.log_tail()}")
            new += card.violations()[before:]
            if card in self._asked and (lost := _lost(card)):
                problems.append(f"the card could not write {lost} violations to {card.violations_file}: is the disk "
                                "full?")
        problems += [f"a violation that the test did not expect: {violation}" for violation in new
                     if violation["rule"] not in self._expected.rules]
        seen = {violation["rule"] for violation in new}
        return problems + [f"the card did not record the expected violation {rule}" for rule in self._expected.rules
                           if rule not in seen]

    def _judge_busy(self) -> list[str]:
        found = [_settled_busy(card) for card in self._asked if self._guest and card.poll() is None]
        return [f"the card is still busy after the test: channel {', '.join(map(str, busy))}" for busy in found if busy]

    def _judge_guest(self) -> list[str]:
        if not self._guest:
            return []
        if not self._guest.alive:
            return [f"the guest ended during the test\n{self._guest.last_words()}"]
        leaked = self._look_for_unreferenced() if self._kmemleak else []
        self.log, after = self._read()
        return [*leaked, *self._judge_log(self.log, after), *self._judge_leaks(after)]

    def _read(self) -> tuple[Reading, Counts]:
        """Log and counts in one command."""
        for _ in range(_READINGS):
            command, mark = kernellog.command(leaks.PINS)
            said = self._guest.run(f"{leaks.COMMAND}\n{command}", check=False).text + "\n"
            # Its own lines begin with a number, those of the counts do not.
            reading = kernellog.parse("".join(f"{line}\n" for line in said.splitlines() if line[:1].isdigit()), mark)
            if reading:
                return reading, leaks.counts(said, self._asked)
        raise TestbedError(f"the kernel log was overwritten faster than it could be read, {_READINGS} times")

    def _judge_log(self, log: Reading, after: Counts) -> list[str]:
        problems, found = [], kernellog.reports(log.records)
        if log.lost:
            problems.append(f"{log.lost} messages of the kernel were lost: they did not fit into its log, which starts "
                            f"with: {log.records[0]}")
            found += kernellog.of_console(self._console())
        bad, absent = kernellog.unexpected(found, self._expected.kernel_log)
        problems += [f"the kernel complained:\n{report.excerpt}" for report in bad]
        problems += [f"the kernel did not complain of {pattern!r} as expected; it said: "
                     f"{found[0].excerpt if found else 'nothing'}" for pattern in absent]
        if not found and (taints := after.taints_since(self._before)):
            problems.append(f"the kernel is tainted by a {', a '.join(taints)} that its log does not show")
        return problems

    def _console(self) -> str:
        return (self._guest.folder / "serial.log").read_text(errors="replace")

    def _judge_leaks(self, after: Counts) -> list[str]:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while (grown := after.growth_since(self._before)) and time.monotonic() < deadline:
            if set(grown) <= set(self._expected.leaks):
                break
            time.sleep(_SETTLE_PAUSE)
            after = self._counts()
        return [leaks.told(name, *values) for name, values in grown.items() if name not in self._expected.leaks] + \
               [f"the expected leak of {name} did not happen" for name in self._expected.leaks if name not in grown]

    def _look_for_unreferenced(self) -> list[str]:
        """kmemleak believes what it saw unreferenced twice, unchanged, and of a certain age."""
        said = self._guest.run(
            "cd /sys/kernel/debug && [ -w kmemleak ] || exit 9; echo scan >kmemleak && "
            f"sleep {_KMEMLEAK_SECONDS}.2 && echo scan >kmemleak && cat kmemleak", timeout=120, check=False)
        if said.exit_code == 9:
            return ["the test is marked kmemleak, and this kernel has none"]
        return [f"kmemleak found what nothing refers to any more:\n{said.check().text}"] if said.check().text else []


def _said(judging: Callable[[], list[str]]) -> list[str]:
    """What is wrong, or that it cannot be told."""
    try:
        return judging()
    except TestbedError as error:
        return [str(error)]


def _silence(card: CardProcess) -> list[str]:
    if card.poll() is None:
        card.stats()
    return []


def _lost(card: CardProcess) -> int:
    """Violations that the card saw and could not write; one that was killed leaves no statistics."""
    return card.stats()["violations_lost"] if card.poll() is None or card.stats_file.exists() else 0


def _settled_busy(card: CardProcess) -> list[int]:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while (busy := _active(card)) and time.monotonic() < deadline and card.poll() is None:
        time.sleep(_SETTLE_PAUSE)
    # One that was pulled out stays as it was in that moment, and matters to nobody.
    return [] if not busy or card.faults.state()["presence"] == "removed" else busy


def _active(card: CardProcess) -> list[int] | None:
    """The channels at work; None when the card does not say. A card of somebody else's may not."""
    return card.stats().get("card", {}).get("active")

# SPDX-License-Identifier: Apache-2.0
"""Faults on request: the client of a card's control socket (docs/faults.md has the protocol and every fault).

    stall = faults.add("stall", "dma-write", channel=0, survives="stop")
    ...                                  # start a transfer
    stall.wait_fired()
    stall.release()                      # or stall.clear(); at the test's end all rules go with the card
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from testbed.errors import DeadlinePassed, TestbedError
from testbed.jsonsocket import JsonSocket

SECONDS = 10.0  # how long a card may take for an answer, and a fault to come about, unless said otherwise
_EVENTS_KEPT = 10000


class FaultRefused(TestbedError):
    """The card did not take the request; the text says why."""


@dataclass(frozen=True)
class Event:
    """One thing that was done to the card. -1 stands for what does not apply.

    `event`: "fired"; "ended", of a stall or of all-ones; "written", of what came after an abort. `rule`: 0 for a
    command. `on`: the kind of transaction, empty for a command. `how`: what ended it.
    """

    seq: int
    sim_ns: int
    wall: str
    event: str
    rule: int
    fault: str
    on: str = ""
    channel: int = -1
    vector: int = -1
    prd_index: int = -1
    address: int = 0
    bytes: int = 0
    how: str = ""

    @classmethod
    def of(cls, line: dict) -> Event:
        """From a line of the socket or of injected.jsonl."""
        return cls(**{field.name: line[field.name] for field in fields(cls) if field.name in line})


class Rule:
    """A rule that the card has."""

    def __init__(self, faults: Faults, number: int, text: str) -> None:
        self._faults, self.number, self._text = faults, number, text

    def __repr__(self) -> str:
        return f"rule {self.number} ({self._text})"

    @property
    def matched(self) -> int:
        """How many transactions it was about."""
        return self._counts()["matched"]

    @property
    def fired(self) -> int:
        """How many of them it made go wrong."""
        return self._counts()["fired"]

    def wait_fired(self, times: int = 1, timeout: float = SECONDS) -> None:
        """Returns once it has fired so many times since it was added. Raises DeadlinePassed."""
        self._faults.wait(lambda: self.fired >= times, f"{self} to fire {times} times", timeout)

    def release(self) -> int:
        """Lets what it stalls go on; the rule stays. Returns how many transactions that were."""
        return self._faults.request("release", rule=self.number)["released"]

    def clear(self) -> None:
        """Takes the rule away; what it stalls goes on."""
        self._faults.request("clear", rule=self.number)

    def _counts(self) -> dict:
        for rule in self._faults.rules():
            if rule["rule"] == self.number:
                return rule
        raise FaultRefused(f"{self} was cleared")


class Faults:
    """A connection to a card's control socket. Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(SECONDS)
        try:
            connection.connect(str(path))
        except OSError as error:
            connection.close()
            raise TestbedError(f"no control socket at {path}: {error}") from None
        self._json = JsonSocket(connection, "the card's control socket")
        self._requests = 0
        self._subscribed = False
        self._events: deque[Event] = deque(maxlen=_EVENTS_KEPT)

    def close(self) -> None:
        """Ends the connection. Rules and stalls stay."""
        self._json.close()

    def request(self, command: str, **arguments: object) -> dict:
        """Sends a request and returns the answer. Raises FaultRefused, PeerGone and DeadlinePassed."""
        self._requests += 1
        self._json.send({"id": self._requests, "command": command, **arguments})
        end = time.monotonic() + SECONDS
        while True:
            answer = self._json.receive(end)
            if "event" in answer:
                self._events.append(Event.of(answer))
            elif answer["id"] in (self._requests, None):
                break
        if not answer["ok"]:
            raise FaultRefused(f"{command}: {answer['error']}")
        return answer

    # ---- rules

    def add(self, fault: str, on: str | Sequence[str], **keys: object) -> Rule:
        """Adds a rule; the keys are those of docs/faults.md, as in `channel=0, after=2, for_ms=500`. Without `count`
        it fires once, with count=0 each time."""
        on = on if isinstance(on, str) else list(on)
        number = self.request("add", rule={"fault": fault, "on": on, **keys})["rule"]
        return Rule(self, number, f"{fault} of {on}")

    def rules(self) -> list[dict]:
        """All rules, each with its keys, its number as `rule`, and the counts `matched` and `fired`."""
        return self.request("rules")["rules"]

    def clear(self) -> None:
        """Takes all rules away; what they stall goes on."""
        self.request("clear")

    def release(self) -> int:
        """Lets all that stalls go on; the rules stay. Returns how many transactions that were."""
        return self.request("release")["released"]

    # ---- at once

    def interrupt(self, vector: int) -> None:
        """Makes one interrupt of the vector, whether or not there is a cause."""
        self.request("interrupt", vector=vector)

    def all_ones(self, on: bool = True) -> None:
        """The card no longer answers: registers read all ones, nothing is written, no DMA, no interrupt. Or is back."""
        self.request("all-ones", on=on)

    def remove(self) -> None:
        """As all_ones, and its configuration space is gone, too; there is no way back."""
        self.request("remove")

    # ---- looking and waiting

    def state(self) -> dict:
        """The card as it is: `presence`, `active` channels, `stalls`, and what it counted."""
        return self.request("state")

    def subscribe(self) -> None:
        """From now on events are kept for wait_event()."""
        if not self._subscribed:
            self.request("subscribe")
            self._subscribed = True

    def wait_event(self, event: str, timeout: float = SECONDS, **wanted: object) -> Event:
        """The oldest kept event of this kind whose fields have these values, or the next one. After subscribe().
        Raises DeadlinePassed."""
        assert self._subscribed, "subscribe() comes first: what happened before is not told"

        def fits(candidate: Event) -> bool:
            return candidate.event == event and all(getattr(candidate, name) == value
                                                    for name, value in wanted.items())

        for found in self._events:
            if fits(found):
                self._events.remove(found)
                return found
        end = time.monotonic() + timeout
        while True:
            line = self._json.receive(end)
            if "event" in line:
                found = Event.of(line)
                if fits(found):
                    return found
                self._events.append(found)

    def wait_stalled(self, channel: int | None = None, timeout: float = SECONDS) -> dict:
        """The first stall that there is, of the channel if one is given. Raises DeadlinePassed."""
        found: list[dict] = []

        def look() -> bool:
            found[:] = [stall for stall in self.state()["stalls"] if channel in (None, stall["channel"])]
            return bool(found)

        self.wait(look, "a stall", timeout)
        return found[0]

    def wait(self, reached: Callable[[], bool], what: str, timeout: float = SECONDS) -> None:
        """Returns once the condition holds; it is looked at after each event. Raises DeadlinePassed."""
        self.subscribe()
        end = time.monotonic() + timeout
        while not reached():
            try:
                line = self._json.receive(end)
                if "event" in line:
                    self._events.append(Event.of(line))
            except DeadlinePassed:
                raise DeadlinePassed(f"waited {timeout:g} s for {what}; the card: {self.state()}") from None

# SPDX-License-Identifier: Apache-2.0
"""What a run of tests left in its JUnit file, and what it comes to."""

import statistics
import xml.etree.ElementTree as xml
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

EVIDENCE = "evidence"  # the property of a failed test that names its folder


@dataclass(frozen=True)
class Case:
    """One test. `outcome`: passed, failed or skipped; `properties`: what the test or its fixtures recorded; `reason`:
    the first line of why it failed, empty when it did not or nobody said."""

    name: str
    outcome: str
    seconds: float
    properties: dict[str, str]
    reason: str = ""


@dataclass(frozen=True)
class Tally:
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @staticmethod
    def of(cases: Iterable[Case]) -> "Tally":
        """Counts them."""
        outcomes = [case.outcome for case in cases]
        return Tally(*(outcomes.count(outcome) for outcome in ("passed", "failed", "skipped")))

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def read(path: Path) -> list[Case]:
    """The cases of a JUnit file (pytest's or CTest's); none when there is no file or half of one."""
    try:
        root = xml.parse(path)
    except (OSError, xml.ParseError):
        return []
    cases: dict[str, Case] = {}
    for element in root.iter("testcase"):
        case = _case(element)
        # pytest writes a test that failed and whose judgement afterwards failed, too, as two.
        before = cases.get(case.name, case)
        outcome = "failed" if "failed" in (before.outcome, case.outcome) else case.outcome
        cases[case.name] = Case(case.name, outcome, max(before.seconds, case.seconds),
                                {**before.properties, **case.properties}, before.reason or case.reason)
    return list(cases.values())


def _case(element: xml.Element) -> Case:
    wrong = [*element.iter("failure"), *element.iter("error")]
    if wrong or element.get("status") == "fail":
        outcome = "failed"
    elif element.find("skipped") is not None or element.get("status") in ("notrun", "disabled"):
        outcome = "skipped"
    else:
        outcome = "passed"
    properties = {each.get("name", ""): each.get("value", "") for each in element.iter("property")}
    name = f"{element.get('classname')}.{element.get('name')}"
    reason = next((line.strip() for each in wrong for line in each.get("message", "").splitlines() if line.strip()), "")
    return Case(name, outcome, float(element.get("time") or 0), properties, reason)


def starts(cases: Iterable[Case]) -> str:
    """How the guests came to be, for people: "restored 0.6 s" (the median), "booted 5.1 s", or both."""
    seconds: dict[str, list[float]] = {}
    for case in cases:
        if "start" in case.properties:
            seconds.setdefault(case.properties["start"], []).append(float(case.properties["start_seconds"]))
    return ", ".join(f"{how} {statistics.median(each):.2f} s" for how, each in sorted(seconds.items()))

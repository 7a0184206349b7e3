# SPDX-License-Identifier: Apache-2.0
"""Figures of a benchmark, and the table of them. A suite measures them; what they mean they say themselves."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

_COLUMNS = "{:<34}{:>10} {:<17}{:>10}{:>8}  {:<15} {}"


@dataclass(frozen=True)
class Figure:
    """What was measured. `reference`: the same work done by `against`, measured in turn with `value`, in its unit;
    `ratio`: value / reference; `goal`: what the value or the ratio should come to; `met`: whether it does. None: there
    is none."""

    suite: str
    name: str
    value: float
    unit: str
    against: str | None = None
    reference: float | None = None
    ratio: float | None = None
    goal: str | None = None
    met: bool | None = None

    @staticmethod
    def of(line: str) -> "Figure":
        """From a line of JSON, as the measuring programs print it."""
        return Figure(**json.loads(line))


def as_json(figures: Iterable[Figure]) -> str:
    """For machines: a list of objects."""
    return json.dumps([asdict(figure) for figure in figures], indent=2) + "\n"


def table(figures: Sequence[Figure]) -> str:
    """For people; its last line says how many goals there are, and how many were met."""
    lines = [_COLUMNS.format("figure", "value", "unit", "reference", "ratio", "goal", "").rstrip()]
    for figure in figures:
        lines.append(_COLUMNS.format(figure.name, _shown(figure.value), figure.unit, _shown(figure.reference),
                                     _shown(figure.ratio), figure.goal or "", _MARKS[figure.met]).rstrip())
    references = dict.fromkeys((figure.name.partition("/")[0], figure.against) for figure in figures if figure.against)
    lines += ["", *(f"reference of {group}: {against}" for group, against in references)]
    judged = [figure for figure in figures if figure.met is not None]
    missed = [figure.name for figure in judged if not figure.met]
    lines.append(f"{len(judged) - len(missed)} of {len(judged)} goals met"
                 f"{': missed ' + ', '.join(missed) if missed else ''}")
    return "\n".join(lines)


_MARKS = {None: "", True: "met", False: "MISSED"}


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.0f}" if abs(number) >= 1000 else f"{number:.3g}"

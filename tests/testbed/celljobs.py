# SPDX-License-Identifier: Apache-2.0
"""The runs of pytest that cells need: one process for each cell, over the tests that are run in guests."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from testbed import durations, kernels, levels, places
from testbed.command import tail
from testbed.environment import Cell
from testbed.errors import TestbedError
from testbed.jobs import Done, Job
from testbed.options import Subject
from testbed.workshop import Workshop

# Which tests: every one that is for the cell, all but the long ones, the few that matter in each, these and those that
# show a technique, and these and those that would not be run with this kernel otherwise.
ALL, USUAL, COVERING = "all", "not thorough", "covering"
SHOWING, REST = "covering or technique", "covering or technique or nowhere_else"
SETTINGS = ("-o", f"cache_dir={places.BUILD / 'pytest-cache'}")  # nothing of pytest's between the sources
_COUNT_SECONDS = 120


def pytest_words(subject: Subject) -> tuple[str, ...]:
    """How pytest is started: with the ladder of fixtures, wherever the tests are."""
    # Tests of another tree do not see this tree's settings.
    strange = ("--timeout=300", "--timeout-method=signal", "-ra") if subject.tests else ()
    return (sys.executable, "-m", "pytest", "-p", "testbed.fixtures", *SETTINGS, *strange)


def folders(subject: Subject) -> tuple[str, ...]:
    """Where the guest tests are."""
    if subject.tests:
        return (str(subject.tests),)
    return tuple(folder for folder in levels.FOLDERS["driver"] if (places.TOP / folder).is_dir())


def saved(workshop: Workshop) -> dict[str, str]:
    """Hands the workshop over to the processes that get these variables."""
    path = places.OUTPUT / "workshop.pickle"
    workshop.save(path)
    return {"PRD32_WORKSHOP": str(path)}


def job(cell: Cell, which: str, variables: dict[str, str], subject: Subject, extra: Sequence[str]) -> Job:
    """The run of one cell, of the tests `which` says. `extra` words go to pytest as they are."""
    reports = places.REPORTS / "cells"
    xml = reports / f"{cell.file_name}.xml"
    chosen = () if which == ALL else ("-m", which)
    argv = (*pytest_words(subject), f"--junit-xml={xml}", "--durations=10", "--cell", cell.name, *chosen,
            *levels.pytest_words(["driver"], folders(subject), extra))
    return Job(cell.name, argv, xml, reports / f"{cell.file_name}.log", {**variables, **subject.variables()},
               may_be_empty=bool(extra) or which != ALL)


def expected(jobs: Sequence[Job], which: dict[str, str], counts: dict[str, dict[str, int]]) -> list[Job]:
    """The same jobs, with how long each is thought to take. `which`: tests, by cell; `counts`: as `count`
    has them."""
    known = durations.known()

    def seconds(name: str) -> float:
        guess = durations.guess(counts[name][which[name]], name.endswith(f"/{kernels.DEBUG}"))
        return known.get(_key(name, which[name]), guess)

    return [replace(each, expected=seconds(each.name)) for each in jobs]


def is_known(cell: str, which: str) -> bool:
    """Whether it was seen how long these tests take in this cell."""
    return _key(cell, which) in durations.known()


def remember(dones: Sequence[Done], which: dict[str, str]) -> None:
    """Keeps how long complete runs took, for the next estimate."""
    durations.remember({_key(done.job.name, which[done.job.name]): done.seconds for done in dones
                        if done.ended and done.status in (0, 1)})


def count(subject: Subject, cells: Sequence[Cell]) -> dict[str, dict[str, int]]:
    """How many tests there are for each cell, without running any: {cell: {ALL: 40, COVERING: 5, ...}}."""
    with tempfile.TemporaryDirectory(prefix="prd32-count-") as folder:
        answer = Path(folder) / "counts.json"
        answer.write_text(json.dumps({cell.name: None for cell in cells}))
        argv = [*pytest_words(subject), "-p", "testbed.cellcount", f"--cell-counts={answer}", "--collect-only", "-q",
                *folders(subject)]
        done = subprocess.run(argv, cwd=places.TOP, capture_output=True, text=True, check=False,
                              timeout=_COUNT_SECONDS, stdin=subprocess.DEVNULL)
        counts = json.loads(answer.read_text())
    if not all(counts.values()):
        raise TestbedError(f"pytest cannot collect the tests:\n{tail(done.stdout + done.stderr)}")
    return counts


def _key(cell: str, which: str) -> str:
    return f"{cell} {which}"

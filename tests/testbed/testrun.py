# SPDX-License-Identifier: Apache-2.0
"""`./testbed test`: every level of tests; of the cells, a subset that covers each environment and kernel once."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from testbed import cardbuild, celljobs, environment, levels, options, places, workshop
from testbed.celljobs import ALL, COVERING, USUAL
from testbed.environment import Cell
from testbed.evidence import fresh_folder
from testbed.filelock import alone
from testbed.jobs import Done, Job, Runner, side_by_side
from testbed.options import Subject
from testbed.report import Report

_EXAMPLES = """  ./testbed test                                        all levels, before a commit
  ./testbed test --level model --level protocol         quick: no guest
  ./testbed test --level driver --env vtd               every guest test, in this environment alone
  ./testbed test --level driver --env direct --env bounce -- -k roundtrip
  ./testbed test --module ~/mycard/driver --tests ~/mycard/tests --env highmem

the driver level, unless --env, --kernel or --tests is given, is every test in direct/6.12 but the long ones (marked
`thorough`), and in every other environment and kernel what proves it and the tests marked `covering`; with --kernel or
--tests and no --env it is every test in direct; ./testbed matrix runs every test in each environment"""
# Folders whose tests run programs for minutes, and about how many seconds: each is a run of its own, begun early.
_LONG = {"tests/source": 200, "tests/harness": 200}


def add(commands) -> None:
    """The command's place on the command line."""
    parser = options.command(commands, "test", _command, "build everything and run the tests", _EXAMPLES,
                             json_help="print the summary as JSON on standard output")
    parser.add_argument("--level", action="append", choices=levels.LEVELS,
                        help="only this level; may be given more than once. source: format, linters, generated files; "
                        "model: the card alone; protocol: the device program over its socket; driver: in guests")
    options.add_cells(parser)
    options.add_jobs(parser)
    options.add_subject(parser, tests=True)
    parser.add_argument("pytest", nargs="*", metavar="-- PYTEST_ARGUMENT", default=[],
                        help="passed to pytest, for example: -- -k roundtrip -x")


def _command(given: argparse.Namespace) -> int:
    subject = Subject.of(given)
    # Somebody else's driver or tests have nothing to do with this tree's style and model.
    chosen = given.level or (["driver"] if subject.module or subject.tests else levels.LEVELS)
    chosen = levels.narrowed(chosen, given.pytest)
    plan = cells(given) if "driver" in chosen else {}
    workshop.install("run", "build", "test", allowed=not given.no_install)
    with alone(places.OUTPUT):
        report = _run([level for level in levels.LEVELS if level in chosen and level != "driver"], plan, subject, given)
    print(report.as_json() if given.json else report.text())
    return report.status


def cells(given: argparse.Namespace) -> dict[Cell, str]:
    """The cells to run in, and which tests in each."""
    if given.env or given.kernel or given.tests:
        return dict.fromkeys(options.cells(given), ALL)
    default = environment.cell(environment.DEFAULT)
    others = [environment.cell(name) for name in environment.everything()]
    others += [Cell(default.environment, kernel) for kernel in default.environment.kernels]
    # Who names tests means them, be they long or not.
    return {default: ALL if given.pytest else USUAL} | {cell: COVERING for cell in others if cell != default}


def _run(host: Sequence[str], plan: dict[Cell, str], subject: Subject, given: argparse.Namespace) -> Report:
    began = time.monotonic()
    fresh_folder(places.REPORTS / "cells")
    fresh_folder(places.FAILURES)
    # The source level looks at what is built for the usual guest, too.
    needed = list(plan) or ([environment.cell(environment.DEFAULT)] if "source" in host else [])
    targets = () if host else ("prd32-device",)
    ready = workshop.prepare(needed, *targets, module=subject.module, tools=subject.own) if needed else None
    variables = celljobs.saved(ready) if ready else {}
    if not ready:
        workshop.build_card()
    jobs = [*_host_jobs(host, variables, subject, given.pytest)]
    runs = [celljobs.job(cell, which, variables, subject, given.pytest) for cell, which in plan.items()]
    names = {cell.name: which for cell, which in plan.items()}
    counts = celljobs.count(subject, list(plan)) if len(runs) > 1 else {}
    if counts:
        runs = celljobs.expected(runs, names, counts)
    problems = {cell.name: ready.problem(cell) for cell in plan if ready and ready.problem(cell)}
    jobs += [job for job in runs if job.name not in problems]
    # One run alone speaks for itself; several would talk at the same time, so that each has a log.
    live = (2 if given.json else 1) if len(jobs) == 1 else None
    runner = Runner(given.jobs or side_by_side(), live)
    dones = runner.run(jobs)
    dones += [Done(job, ended=True, why_not=problems[job.name]) for job in runs if job.name in problems]
    if len(plan) > 1 and not given.pytest and subject.own:
        celljobs.remember([done for done in dones if done.job.name in names], names)
    left = sum(counts[name][ALL] - counts[name][USUAL] for name, which in names.items() if which == USUAL)
    return Report(dones, time.monotonic() - began, runner.interrupted, left)


def _host_jobs(host: Sequence[str], variables: dict[str, str], subject: Subject, extra: Sequence[str]) -> list[Job]:
    """Unit tests, CTest, and pytest for all levels that need no cell of their own: as one run, which speaks for itself,
    when the further arguments choose among the tests; else as several, so that nobody waits for the longest alone."""
    jobs = []
    if "model" in host and not extra:
        xml = places.REPORTS / "ctest.xml"
        jobs.append(Job("programs of the model", cardbuild.ctest(xml), xml, xml.with_suffix(".log"), expected=30))
        for name, program in cardbuild.unit_tests().items():
            xml = places.REPORTS / f"unit-{name}.xml"
            jobs.append(Job(f"unit tests, {name}", cardbuild.whole(program, xml), xml, xml.with_suffix(".log"),
                            expected=2))
    folders = [folder for level in host for folder in levels.FOLDERS[level]]
    long = [] if extra else [folder for folder in folders if folder in _LONG]
    for some in [*([folder] for folder in long), [folder for folder in folders if folder not in long]]:
        if some:
            words = levels.pytest_words(host, some, extra)
            jobs.append(_host_job(some, words, {**variables, **subject.variables()}, bool(extra)))
    return jobs


def _host_job(folders: Sequence[str], words: Sequence[str], variables: dict[str, str], may_be_empty: bool) -> Job:
    """One run of pytest over these folders. Its files are called as the first of them is."""
    names = [Path(folder).name for folder in folders]
    xml = places.REPORTS / f"pytest-{names[0]}.xml"
    argv = (sys.executable, "-m", "pytest", *celljobs.SETTINGS, f"--junit-xml={xml}", "--durations=10", *words)
    return Job(", ".join(names), argv, xml, xml.with_suffix(".log"), variables,
               expected=sum(_LONG.get(folder, 10) for folder in folders), may_be_empty=may_be_empty)

# SPDX-License-Identifier: Apache-2.0
"""`./testbed matrix`: every test in every cell, that is, environment and kernel."""

import argparse
import json
import sys
import time
from dataclasses import asdict, replace

from testbed import celljobs, coverage, durations, environment, levels, options, places, resume, workshop
from testbed.environment import Cell
from testbed.errors import TestbedError
from testbed.evidence import fresh_folder
from testbed.filelock import alone
from testbed.jobs import Done, Job, Runner, side_by_side
from testbed.options import Subject
from testbed.report import Report

_EXAMPLES = """  ./testbed matrix --list                             what there is, and why
  ./testbed matrix                                    all cells; says beforehand how long that takes
  ./testbed matrix --whole                            every test wherever its outcome could differ: hours
  ./testbed matrix --resume                           the cells that have not passed yet in this very tree
  ./testbed matrix --techniques                       what docs/coverage-of-techniques.md is written from, no more
  ./testbed matrix --env vtd --env highmem            two environments, with all of their kernels
  ./testbed matrix --kernel debug -j 1                all environments that the debug kernel is run in
  ./testbed matrix --env bounce -- -k roundtrip -x    what follows -- goes to pytest
  ./testbed matrix --module ~/mycard/driver --tests ~/mycard/tests"""


def add(commands) -> None:
    """The command's place on the command line."""
    parser = options.command(commands, "matrix", _command, "run the tests in every environment and with every kernel",
                             _EXAMPLES, json_help="print the result, or with --list the environments, as JSON")
    parser.add_argument("--list", action="store_true", help="say what environments there are, and run nothing")
    for option, what in (("--env", "environment"), ("--kernel", "kernel")):
        parser.add_argument(option, action="append", metavar="NAME",
                            help=f"only this {what}; may be given more than once")
    parser.add_argument("--resume", action="store_true",
                        help="take over the results of cells that passed before, if no file of the project but "
                        "documents has changed since; so a long run may be interrupted; with this tree's own driver, "
                        "tests and card only")
    parser.add_argument("--whole", action="store_true",
                        help="every test in every cell that its outcome could differ in; else, where an environment "
                        "meets a kernel that is not its usual one, only tests that show a technique and those marked "
                        "`covering`, and with the debug kernel each of the others in one cell "
                        "(guest-image/environments.toml says in which cells all tests run)")
    parser.add_argument("--techniques", action="store_true",
                        help="only the tests that show a technique: in a fraction of the time all that "
                        "docs/coverage-of-techniques.md is written from")
    options.add_jobs(parser)
    options.add_subject(parser, tests=True)
    parser.add_argument("pytest", nargs="*", metavar="-- PYTEST_ARGUMENT", default=[], help="passed to pytest")


def _command(given: argparse.Namespace) -> int:
    if given.list:
        print(_listed_as_json() if given.json else _listed())
        return 0
    subject, cells = Subject.of(given), chosen(given.env, given.kernel)
    if given.resume and not subject.own:
        raise TestbedError("--resume knows results of this tree's own driver, tests and card only; leave it away")
    levels.narrowed(["driver"], given.pytest)
    workshop.install("run", "build", "test", allowed=not given.no_install)
    with alone(places.OUTPUT):
        report = _run(cells, subject, given)
    print(report.as_json() if given.json else report.text())
    return report.status


def chosen(names: list[str] | None, kernels: list[str] | None) -> list[Cell]:
    """The cells of the matrix that are of these environments and these kernels, all of them where none is named.

    A cell that is asked for by name but is not in the matrix (vtd-lazy with 6.1) runs as well.
    """
    asked = [environment.cell(name, kernel) for name in names or [] for kernel in kernels or [None]]
    if names and (kernels or any("/" in name for name in names)):
        return list(dict.fromkeys(asked))
    for kernel in kernels or []:
        environment.cell(environment.DEFAULT, kernel)  # refuses what is no kernel
    wanted = {cell.environment.name for cell in asked}
    return [cell for cell in environment.matrix() if (not wanted or cell.environment.name in wanted)
            and (not kernels or cell.kernel in kernels)]


def _run(cells: list[Cell], subject: Subject, given: argparse.Namespace) -> Report:
    limit = given.jobs or side_by_side()
    counts = celljobs.count(subject, cells)
    if subject.tests and not given.env:  # some environments are only for tests that name them
        cells = [cell for cell in cells if counts[cell.name][celljobs.ALL]]
    which = {cell.name: _which(cell, subject, given) for cell in cells}
    some = [*(["-m", "technique"] if given.techniques else []), *given.pytest]
    jobs = [celljobs.job(cell, which[cell.name], {}, subject, some) for cell in cells]
    plan = celljobs.expected(jobs, which, counts)
    kept = {job: done for job in plan if given.resume and subject.own and (done := resume.earlier(job))}
    if not given.resume:
        fresh_folder(places.REPORTS / "cells")
    fresh_folder(places.FAILURES)
    left = [job for job in plan if job not in kept]
    _announce(left, which, counts, limit, bool(some))
    told = None
    if subject.own:
        resume.tree()  # as it is when the run begins
        told = resume.remember
    runner, began = Runner(limit, told=told), time.monotonic()
    ran = _run_jobs(runner, left, {cell.name: cell for cell in cells}, subject)
    whole = [kept.get(job) or ran[job.name] for job in plan]
    report = Report(whole, time.monotonic() - began, runner.interrupted)
    if not given.pytest and subject.own:
        if not given.techniques:
            celljobs.remember(whole, which)
        if not runner.interrupted and cells == environment.matrix() and Subject.inherited().own:
            coverage.write({done.job.name: done.job.junit for done in whole})
    return report


def _run_jobs(runner: Runner, jobs: list[Job], cells: dict[str, Cell], subject: Subject) -> dict[str, Done]:
    """What became of each of these, by name. What cannot be prepared for one cell stops no other."""
    if not jobs:
        return {}
    ready = workshop.prepare([cells[job.name] for job in jobs], "prd32-device", module=subject.module,
                             tools=subject.own)
    problems = {job.name: ready.problem(cells[job.name]) for job in jobs}
    variables = celljobs.saved(ready)
    dones = runner.run([replace(job, variables={**job.variables, **variables}) for job in jobs
                        if not problems[job.name]])
    return {done.job.name: done for done in dones} | {
        job.name: Done(job, ended=True, why_not=problems[job.name]) for job in jobs if problems[job.name]}


def _which(cell: Cell, subject: Subject, given: argparse.Namespace) -> str:
    """Which tests run in a cell. What depends on the kernel shows in `direct`, with each of them, and what depends on
    the environment with its usual kernel; where both are others, what shows a technique is run again. With the debug
    kernel a test takes four times as long: each is run once, on two processors if it can."""
    if cell.whole or given.whole or not subject.own:
        return celljobs.ALL
    return celljobs.REST if cell.rest else celljobs.SHOWING


def _announce(plan: list[Job], which: dict[str, str], counts: dict[str, dict[str, int]], limit: int,
              some: bool) -> None:
    tests = sum(counts[job.name][which[job.name]] for job in plan)
    first = len(plan) - sum(celljobs.is_known(job.name, which[job.name]) for job in plan)
    how = f"; {first} of the cells never ran here, so that is a guess" if first else ""
    estimate = durations.shown(durations.together([job.expected for job in plan], limit))
    if not plan:
        print("Every cell has passed in this very tree; nothing is run.", file=sys.stderr)
        return
    about = "at most" if some else "about"
    print(f"{len(plan)} cells, {about} {tests} tests, {limit} cells side by side: {about} {estimate}{how}. "
          "Ctrl-C ends it and reports what ran.", file=sys.stderr, flush=True)


def _listed() -> str:
    lines = []
    for name, each in environment.everything().items():
        lines += [f"{name:<20} {', '.join(each.kernels)}", f"    {each.why}", f"    proves: {', '.join(each.proves)}"]
    cells = environment.matrix()
    return "\n".join([*lines, "", f"{len(environment.everything())} environments, {len(cells)} cells. The first kernel "
                                  "of each is its usual one; --env NAME --kernel NAME may name others, unless the "
                                  "kernel lacks what the environment needs (arm64 has no debug kernel)."])


def _listed_as_json() -> str:
    return json.dumps([asdict(each) for each in environment.everything().values()], indent=2)

# SPDX-License-Identifier: Apache-2.0
"""`./testbed bench`: how fast things are, next to what they could be at best on this machine at this time."""

import argparse
import re
from pathlib import Path

from testbed import benchdriver, benchfigures, benchmodel, options
from testbed.errors import TestbedError

# What measures a suite: given the command line, it returns the figures.
_SUITES = {"model": benchmodel.measure, "driver": benchdriver.measure}

_EXAMPLES = """  ./testbed bench model
  ./testbed bench model --filter '^data/' --repetitions 9 --json figures.json
  ./testbed bench model --quick                         only to see that everything can be measured
  ./testbed bench driver --json figures.json            in a guest, next to QEMU's own devices

docs/benchmarks.md says what the figures are, and what their goals are for; leave the machine alone meanwhile"""
_STATUSES = """exit status: 0 everything was measured, 1 something could not be measured, or with --strict a goal was
missed, 2 wrong usage, 3 packages are missing and were not installed, 130 interrupted"""


def add(commands) -> None:
    """The command's place on the command line."""
    parser = options.command(commands, "bench", _command,
                             "measure how fast card and driver are, next to what else there is", _EXAMPLES,
                             statuses=_STATUSES)
    parser.add_argument("suite", choices=_SUITES, metavar="SUITE", help=f"what to measure: {', '.join(_SUITES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well, a list of objects")
    parser.add_argument("--filter", type=_expression, default="", metavar="RE",
                        help="only figures whose name has a match of this regular expression")
    parser.add_argument("--repetitions", type=options.count, default=5, metavar="N",
                        help="how often each figure is measured; the median counts (default: %(default)d)")
    parser.add_argument("--quick", action="store_true", help="measure each figure for a moment only, which says little")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a goal is missed")


def _command(given: argparse.Namespace) -> int:
    figures = _SUITES[given.suite](given)
    if given.json:
        try:
            given.json.write_text(benchfigures.as_json(figures))
        except OSError as error:
            raise TestbedError(f"--json {given.json}: {error.strerror}") from None
    print(benchfigures.table(figures))
    missed = any(figure.met is False for figure in figures)
    return 1 if given.strict and missed else 0


def _expression(word: str) -> str:
    try:
        re.compile(word)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"\"{word}\" is no regular expression: {error}") from None
    return word

# SPDX-License-Identifier: Apache-2.0
"""The command line of `./testbed`."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict

from testbed import demo, doctor, shell, testrun, workshop
from testbed.errors import MissingPackages, TestbedError

_EPILOG = """exit status: 0 all is well, 1 something failed (the text says what), 2 wrong usage,
3 packages are missing and were not installed, 130 interrupted"""


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that guests and cards are ended on the way out
    try:
        return options.run(options)
    except MissingPackages as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 3
    except TestbedError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("testbed: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="testbed",
        description="Boots a real Linux guest on stock QEMU with the prd32 card, which is a SystemC model, "
        "and proves card and driver together.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add(commands, "demo", _demo, "build everything, boot a guest, move data through the card and verify it",
         json_help="print the outcome as JSON on standard output")
    test = _add(commands, "test", _test, "build everything and run the tests",
                json_help="print the summary as JSON on standard output")
    test.add_argument("--level", action="append", choices=testrun.LEVELS,
                      help="only this level; may be given more than once. source: format, linters, generated files; "
                      "model: the card alone; protocol: the device program over its socket; driver: in a guest")
    test.add_argument("pytest", nargs="*", metavar="-- PYTEST_ARGUMENT", default=[],
                      help="passed to pytest, for example: -- -k roundtrip -x")
    _add(commands, "shell", _shell, "an interactive guest with the card and the driver (Ctrl-A X leaves)")
    doctor = commands.add_parser("doctor", help="what this host has and lacks, and what would be done about it",
                                 description=_sentence("what this host has and lacks, and what would be done about it"))
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(run=_doctor)
    return parser


def _add(commands, name: str, run, summary: str, json_help: str = "") -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=_sentence(summary), epilog=_EPILOG,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-install", action="store_true",
                        help="install no Debian packages: say which are missing and why, and stop")
    if json_help:
        parser.add_argument("--json", action="store_true", help=json_help)
    parser.set_defaults(run=run)
    return parser


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:] + "."


def _demo(options: argparse.Namespace) -> int:
    workshop.install("run", "build", allowed=not options.no_install)
    outcome = demo.run(workshop.prepare("prd32-device"))
    print(outcome.as_json() if options.json else demo.table(outcome))
    return 0


def _test(options: argparse.Namespace) -> int:
    levels = options.level or testrun.LEVELS
    workshop.install("run", "build", "test", allowed=not options.no_install)
    if "driver" in levels or "source" in levels:
        ready = workshop.prepare()
    else:
        ready = None
        workshop.build_card()
    summary = testrun.run([level for level in testrun.LEVELS if level in levels], ready, options.pytest)
    if options.json:
        print(summary.as_json())
    else:
        print(summary.table())
    return 0 if summary.good else 1


def _shell(options: argparse.Namespace) -> int:
    workshop.install("run", "build", allowed=not options.no_install)
    return shell.run(workshop.prepare("prd32-device"))


def _doctor(options: argparse.Namespace) -> int:
    findings = doctor.examine()
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        print(doctor.table(findings))
    return 1 if any(finding.state == "missing" for finding in findings) else 0

# SPDX-License-Identifier: Apache-2.0
"""The command line of `./testbed`: one file for each command says what it takes and does."""

import argparse
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from testbed import bench, demo, doctor, lockcommand, matrix, options, runcommand, shell, testrun
from testbed.errors import MissingPackages, TestbedError

_COMMANDS = (demo, testrun, matrix, runcommand, shell, bench, doctor, lockcommand)


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    given = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        status = given.run(given)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # who read it has seen enough: ./testbed matrix --list | head
        if not _is_read_by_nobody(sys.stdout.fileno()):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except MissingPackages as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 3
    except TestbedError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as why:
        print("testbed: interrupted", file=sys.stderr, flush=True)
        status = 143 if isinstance(why, _Terminated) else 130
        if threading.active_count() > 1:  # they wait for locks or compilers, and do it anew next time
            sys.stdout.flush()
            _end_children()
            os._exit(status)
        return status


def _end_children() -> None:
    """Compilers and the like: a signal that was not typed at a terminal came to this process alone."""
    for listed in Path("/proc/self/task").glob("*/children"):
        for child in listed.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGTERM)


class _Terminated(KeyboardInterrupt):
    """SIGTERM, so that guests and cards are ended on the way out."""


def _terminated(*_: object) -> None:
    raise _Terminated


def _is_read_by_nobody(pipe: int) -> bool:
    poll = select.poll()
    poll.register(pipe, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="testbed",
        description="Boots a real Linux guest on stock QEMU with the prd32 card, which is a SystemC model, "
        "and proves card and driver together.",
        epilog=options.EXIT_STATUSES, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for each in _COMMANDS:
        each.add(commands)
    return parser

# SPDX-License-Identifier: Apache-2.0
"""`./testbed run`: one command in a fresh guest that has the card and the driver."""

import argparse
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from testbed import options, places, stages, workshop
from testbed.errors import DeadlinePassed, TestbedError
from testbed.evidence import fresh_folder
from testbed.guest import Guest
from testbed.jsonsocket import PeerGone
from testbed.judge import Judge
from testbed.lab import Lab
from testbed.options import Subject

_EXAMPLES = """  ./testbed run -- uname -a
  ./testbed run --env vtd -- prd32ctl roundtrip --size 1048576
  ./testbed run --env highmem --kernel debug -- 'prd32ctl info; dmesg | tail'
  ./testbed run --put hello --put data.bin:/tmp/data -- ./hello /tmp/data
  ./testbed run --module ~/mycard/driver -- ls -l /dev

COMMAND runs in /root, as root, without standard input; one word that has spaces is a line for the shell"""
BAD, LATE, UNABLE = 123, 124, 125
_STATUSES = f"""exit status: that of COMMAND, or 128+N when signal N ended it; {BAD} when COMMAND ended with 0 but
the card recorded a violation, the kernel complained or something leaked; {LATE} when COMMAND took longer than
--timeout; {UNABLE} when it could not be run at all; 2 wrong usage, 130 interrupted, 143 terminated"""
_LAST_WORDS_SECONDS = 10.0  # for the rest of the output of a command that was ended
_HOME, _OUTPUT = "/root", "/run/prd32-run"  # in the guest


class _Late(TestbedError):
    """COMMAND, and nothing before it, took longer than --timeout."""


def add(commands) -> None:
    """The command's place on the command line."""
    parser = options.command(commands, "run", _command, "run one command in a fresh guest with the card and the driver",
                             _EXAMPLES, statuses=_STATUSES)
    options.add_cell(parser)
    options.add_subject(parser, tests=False)
    parser.add_argument("--timeout", type=_seconds, default=600.0, metavar="S",
                        help="how long COMMAND may take, seconds (default: %(default)g)")
    parser.add_argument("--put", type=_put, action="append", default=[], metavar="FILE[:PATH]",
                        help="copy FILE to PATH, which is absolute, in the guest first (default: /root and FILE's own "
                        "name)")
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="program and arguments, after --")


def _command(given: argparse.Namespace) -> int:
    try:
        return _run(given)
    except _Late as error:
        print(f"testbed: {error}", file=sys.stderr)
        return LATE
    except TestbedError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return UNABLE


def _run(given: argparse.Namespace) -> int:
    subject, cell = Subject.of(given), options.cell(given)
    os.environ.update(subject.variables())
    stages.only_slow()
    workshop.install("run", "build", allowed=not given.no_install)
    ready = workshop.prepare([cell], "prd32-device", module=subject.module)
    folder = fresh_folder(places.OUTPUT / "run" / str(os.getpid()))
    keep = True
    try:
        with Lab(ready, cell, folder) as lab, lab.fresh() as station:
            guest = station.guest
            for source, target in given.put:
                guest.write_file(target, source.read_bytes())
                guest.run(["chmod", f"{source.stat().st_mode & 0o777:o}", target])
            judge = Judge(guest, guest.cards)
            status = follow(guest, given.words, given.timeout)
            problems = judge.verdict()
        for problem in problems:
            print(f"testbed: {problem}", file=sys.stderr)
        if problems:
            print(f"testbed: logs of guest and card: {places.shown(folder)}", file=sys.stderr)
        keep = bool(problems)
        return status or (BAD if problems else 0)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def follow(guest: Guest, words: list[str], timeout: float) -> int:
    """Runs a command in the guest, its output to ours as it comes. Returns what a shell would for its end."""
    line = words if len(words) > 1 or " " not in words[0] else ["/bin/sh", "-c", words[0]]
    guest.run(f"mkdir -p {_OUTPUT} && : >{_OUTPUT}/out && : >{_OUTPUT}/err")
    script = f'cd {_HOME} && exec "$@" >{_OUTPUT}/out 2>{_OUTPUT}/err </dev/null'
    # The guest agent's own capture of output ends at 16 MiB, and comes only when the command has ended.
    files = [(guest.agent.open_file(f"{_OUTPUT}/{name}"), to)
             for name, to in (("out", sys.stdout.buffer), ("err", sys.stderr.buffer))]

    def pass_on() -> bool:
        """One part of each, so that a command that writes without end has a deadline; whether there was any."""
        parts = [(guest.agent.read_part(handle), to) for handle, to in files]
        for part, to in parts:
            to.write(part)
            to.flush()
        return any(part for part, _ in parts)

    process = guest.start(["/bin/sh", "-c", script, "sh", *line])
    try:
        result = process.wait(timeout, meanwhile=pass_on)
    except DeadlinePassed:
        _until(time.monotonic() + _LAST_WORDS_SECONDS, pass_on)
        raise _Late(f"{shlex.join(words)} was still running after {timeout:g} s") from None
    except PeerGone:
        raise TestbedError(f"the guest ended while it ran {shlex.join(words)}\n{guest.last_words()}") from None
    # What it left running may write on.
    _until(time.monotonic() + timeout, pass_on)
    return result.exit_code if result.exit_code >= 0 else 128 - result.exit_code


def _until(end: float, pass_on: Callable[[], bool]) -> None:
    while pass_on() and time.monotonic() < end:
        pass


def _put(word: str) -> tuple[Path, str]:
    name, colon, target = word.rpartition(":")
    source, target = (Path(name), target) if colon and target.startswith("/") else (Path(word), "")
    if not source.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {source}; a PATH in the guest begins with /")
    return source, target or f"{_HOME}/{source.name}"


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError("a time in seconds, more than 0, is wanted")
    return seconds

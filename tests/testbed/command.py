# SPDX-License-Identifier: Apache-2.0
"""Running other programs: always under a deadline, always with their output kept for the error's text."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.errors import DeadlinePassed, TestbedError

_TAIL_LINES = 25


def tied(argv: Sequence[str]) -> list[str]:
    """`argv` as a child that is killed when the thread that starts it ends, however it ends: nothing stays behind, even
    when this process has no chance to clean up."""
    return ["setpriv", "--pdeathsig", "KILL", *argv]


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of an output, indented, for an error's text."""
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-lines:])


def run(argv: Sequence[str | Path], *, what: str, deadline: float, cwd: Path | None = None,
        env: Mapping[str, str] | None = None, log: Path | None = None) -> str:
    """Runs `argv` and returns its standard output and error together.

    `what` names the step in errors, `deadline` is in seconds, `log` receives the output whatever the outcome.
    Raises TestbedError when the program is missing or ends with another status than 0, DeadlinePassed when it is slow.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(words, cwd=cwd, env=env, timeout=deadline, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              check=False)
    except FileNotFoundError as error:
        raise TestbedError(f"{what}: cannot run {error.filename}: no such program or folder") from None
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        raise DeadlinePassed(f"{what}: not done after {deadline:.0f} s: {shlex.join(words)}\n{tail(output)}") from None
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"$ {shlex.join(words)}\n{done.stdout}")
    if done.returncode != 0:
        raise TestbedError(f"{what} failed with exit status {done.returncode}: {shlex.join(words)}\n"
                           f"{tail(done.stdout)}")
    return done.stdout

# SPDX-License-Identifier: Apache-2.0
"""Cells that passed need not run again in this very tree: a matrix of an hour may be run in parts."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import cache

from testbed import command, junit, places
from testbed.errors import TestbedError
from testbed.jobs import Done, Job


_OF_PLACES = ("PRD32_OUTPUT", "PRD32_WORKSHOP")  # variables that only say where something is


@dataclass(frozen=True)
class _Mark:
    """What stands beside the JUnit file of a cell that ran to its end: the tree, its command, what the user's variables
    changed, and how long it took."""

    tree: str
    argv: tuple[str, ...]
    variables: tuple[str, ...]
    seconds: float


def remember(done: Done) -> None:
    """Marks a cell as run, if it ran to its end and nothing failed."""
    if done.ended and done.status == 0 and not done.problem and tree() == _tree_now():
        _file(done.job).write_text(json.dumps(asdict(_Mark(tree(), done.job.argv, _variables(), done.seconds))))


def earlier(job: Job) -> Done | None:
    """What became of this job when it passed in this very tree, or None when it never did."""
    try:
        found = json.loads(_file(job).read_text())
        mark = _Mark(found["tree"], tuple(found["argv"]), tuple(found["variables"]), float(found["seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    cases = junit.read(job.junit)
    if (mark.tree, mark.argv, mark.variables) != (tree(), job.argv, _variables()) or not cases:
        return None
    return Done(job, 0, mark.seconds, True, "", cases)


def _variables() -> tuple[str, ...]:
    """Another QEMU, accelerator or card than usual gives other results."""
    return tuple(sorted(f"{name}={value}" for name, value in os.environ.items()
                        if name.startswith("PRD32_") and name not in _OF_PLACES))


@cache
def tree() -> str:
    """A digest of every file of the project, committed or not, without documents, which no guest sees: as it was when
    this was called first, at the beginning of a run. TestbedError outside of a git checkout."""
    return _tree_now()


def _tree_now() -> str:
    names = command.run(["git", "-C", places.TOP, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                        what="asking git for the project's files", deadline=60)
    total = hashlib.sha256()
    for name in sorted(set(names.split("\0")) - {""}):
        path = places.TOP / name
        if path.suffix != ".md" and path.is_file():
            total.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    if total.digest() == hashlib.sha256().digest():
        raise TestbedError(f"git knows no files in {places.TOP}")
    return total.hexdigest()


def _file(job: Job):
    return job.junit.with_suffix(".passed")

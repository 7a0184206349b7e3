# SPDX-License-Identifier: Apache-2.0
"""The benchmark's suite `model`: the card alone, measured by prd32-model-bench (tests/bench/)."""

import argparse
import subprocess
import tempfile

from testbed import cardbuild, command, places, workshop
from testbed.benchfigures import Figure
from testbed.errors import TestbedError
from testbed.stages import Stage, stage

_TARGET = "prd32-model-bench"
_PROGRAM = places.CMAKE_BUILD / "tests" / "bench" / _TARGET
_LIST_SECONDS = 60


def measure(given: argparse.Namespace) -> list[Figure]:
    """Builds the program and measures what --filter names."""
    workshop.install("run", "build", allowed=not given.no_install)
    with stage("building what measures the model") as now:
        cardbuild.build(now, _TARGET)
    words = ["--filter", given.filter]
    names = command.run([_PROGRAM, "--list", *words], what="listing the figures", deadline=_LIST_SECONDS).splitlines()
    words += ["--repetitions", str(given.repetitions), *(["--quick"] if given.quick else [])]
    with stage("measuring the model") as now:
        return _measured([str(_PROGRAM), *words], names, now)


def _measured(argv: list[str], names: list[str], now: Stage) -> list[Figure]:
    figures = []
    with tempfile.TemporaryFile("w+") as complaints, \
            subprocess.Popen(command.tied(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
                             text=True) as process:
        now.update(f"1 of {len(names)}: {names[0]}")
        for line in process.stdout:  # ends with the program, which measures each figure for a bounded time
            figures.append(Figure.of(line))
            if len(figures) < len(names):
                now.update(f"{len(figures) + 1} of {len(names)}: {names[len(figures)]}")
        status = process.wait()
        complaints.seek(0)
        said = complaints.read()
    if status != 0:
        raise TestbedError(f"{_TARGET} failed with exit status {status}:\n{command.tail(said)}")
    return figures

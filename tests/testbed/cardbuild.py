# SPDX-License-Identifier: Apache-2.0
"""Builds the card and its device program with CMake, in build/default, and runs their unit tests."""

import re
import shutil
import subprocess
from pathlib import Path

from testbed import command, places
from testbed.errors import TestbedError
from testbed.filelock import locked
from testbed.stages import Stage

_PRESET = "default"
_BUILD_LOG = places.REPORTS / "build-card.log"


def build(stage: Stage, *targets: str) -> None:
    """Configures if need be and builds these targets, or everything when none is named."""
    with locked(places.BUILD / "cmake.lock"):
        _build(stage, *targets)


def _build(stage: Stage, *targets: str) -> None:
    if not _is_configured():
        shutil.rmtree(places.CMAKE_BUILD, ignore_errors=True)
        stage.update("configuring")
        command.run(["cmake", "--preset", _PRESET], what="configuring the build", deadline=120, cwd=places.TOP,
                    log=places.REPORTS / "configure.log")
    _BUILD_LOG.parent.mkdir(parents=True, exist_ok=True)
    # Beside the debug kernel, which takes longer and of which a part runs on one core alone, it takes what is left.
    argv = ["nice", "cmake", "--build", "--preset", _PRESET, *(f"--target={target}" for target in targets)]
    with _BUILD_LOG.open("w") as log, subprocess.Popen(argv, cwd=places.TOP, stdin=subprocess.DEVNULL, text=True,
                                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:  # ends with the build; the compiler, unlike a guest, is trusted to end
            log.write(line)
            if step := re.match(r"\[(\d+)/(\d+)]", line):
                stage.update(f"compiling {step.group(1)} of {step.group(2)}")
    if process.returncode != 0:
        raise TestbedError(f"the build failed; all of it is in {places.shown(_BUILD_LOG)}, which ends:\n"
                           f"{command.tail(_BUILD_LOG.read_text())}")


def _is_configured() -> bool:
    """For this tree: what was copied with one builds the sources of the other."""
    try:
        known = (places.CMAKE_BUILD / "CMakeCache.txt").read_text()
    except OSError:
        return False
    return f"CMAKE_HOME_DIRECTORY:INTERNAL={places.TOP}\n" in known and (places.CMAKE_BUILD / "build.ninja").exists()


def unit_tests(junit: Path) -> tuple[str, ...]:
    """The command that runs the unit tests and leaves JUnit XML at `junit`."""
    return ("ctest", "--preset", _PRESET, "--output-junit", str(junit), "--no-tests=error", "--timeout", "120")

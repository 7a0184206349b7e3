# SPDX-License-Identifier: Apache-2.0
"""Builds the card and its device program with CMake, in build/default, and runs their unit tests."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from testbed import command, heap, places
from testbed.errors import TestbedError
from testbed.filelock import locked
from testbed.stages import Stage

_PRESET = "default"
_UNIT = "unit."  # how the names of GoogleTest's tests begin in CTest
_UNIT_SECONDS = 120
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
    with _BUILD_LOG.open("w") as log, subprocess.Popen(argv, cwd=places.TOP, env=heap.mapped(os.environ), text=True,
                                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                       stderr=subprocess.STDOUT) as process:
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


def ctest(junit: Path) -> tuple[str, ...]:
    """The command that runs what CTest knows besides `unit_tests`, and leaves JUnit XML at `junit`."""
    return ("ctest", "--preset", _PRESET, "--exclude-regex", f"^{re.escape(_UNIT)}", "--output-junit", str(junit),
            "--no-tests=error", "--timeout", "120")


def unit_tests() -> dict[str, Path]:
    """The programs of GoogleTest, by the names that CTest knows them by. They are run whole: CTest starts a process for
    each of their tests, which takes half a minute where that is dear; all of them together need two seconds.
    TestbedError when there are none."""
    listed = command.run(["ctest", "--preset", _PRESET, "--show-only=json-v1"], what="listing the unit tests",
                         deadline=60, cwd=places.TOP)
    found = {}
    for test in json.loads(listed)["tests"]:
        if test["name"].startswith(_UNIT):
            found[test["name"].split(".")[1]] = Path(test["command"][0])
    if not found:
        raise TestbedError(f"CTest knows no test whose name begins with {_UNIT}")
    return found


def whole(program: Path, junit: Path) -> tuple[str, ...]:
    """The command that runs all tests of one of these and leaves JUnit XML at `junit`."""
    return ("timeout", "--verbose", "--kill-after=5", str(_UNIT_SECONDS), str(program), f"--gtest_output=xml:{junit}")

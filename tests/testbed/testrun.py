# SPDX-License-Identifier: Apache-2.0
"""`./testbed test`: every level of tests, one summary, JUnit XML under build/reports."""

import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from testbed import cardbuild, places
from testbed.workshop import Workshop

PYTEST_FOLDERS = {"source": ("tests/source", "tests/harness"), "model": ("tests/model",),
                  "protocol": ("tests/protocol",), "driver": ("tests/driver",)}
LEVELS = tuple(PYTEST_FOLDERS)
_PYTEST_SECONDS = 3000


def level_of(test: Path) -> str:
    """The level that a test's file belongs to."""
    folder = "/".join(test.relative_to(places.TOP).parts[:2])
    return next(level for level, folders in PYTEST_FOLDERS.items() if folder in folders)


@dataclass
class Summary:
    """What a run of the tests came to. `failures` holds test names, `folders` where a failed test left its evidence."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    junit: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether something ran and nothing failed."""
        return self.failed == 0 and self.passed > 0

    def as_json(self) -> str:
        """All of it, for machines."""
        return json.dumps({**asdict(self), "good": self.good}, indent=2)

    def add(self, junit: Path, status: int) -> None:
        """Counts the cases of a JUnit file; a runner that failed without a failed case counts as one."""
        self.junit.append(places.shown(junit))
        before = self.failed
        if junit.exists():
            for case in xml.parse(junit).iter("testcase"):
                self._count(case)
        if status != 0 and self.failed == before:
            self.failed += 1
            self.failures.append(f"{junit.stem}: ended with status {status} before its tests did")

    def _count(self, case: xml.Element) -> None:
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            self.failed += 1
            self.failures.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            self.skipped += 1
        else:
            self.passed += 1

    def table(self) -> str:
        """The summary for people; its last line is the one that tools read."""
        lines = [""]
        lines += [f"FAILED {name}" for name in self.failures]
        lines += [f"  evidence and how to repeat it: {folder}" for folder in self.folders]
        lines += [f"JUnit XML: {', '.join(self.junit)}", f"Time: {self.seconds:.0f} s",
                  f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"]
        return "\n".join(lines)


def run(levels: Sequence[str], workshop: Workshop | None, extra: Sequence[str]) -> Summary:
    """Runs these levels. `workshop` is needed for the driver level; `extra` words go to pytest as they are."""
    began, summary = time.monotonic(), Summary()
    shutil.rmtree(places.FAILURES, ignore_errors=True)
    places.REPORTS.mkdir(parents=True, exist_ok=True)
    if "model" in levels and not extra:
        junit = _absent(places.REPORTS / "ctest.xml")
        summary.add(junit, cardbuild.unit_tests(junit))
    folders = [folder for level in levels for folder in PYTEST_FOLDERS[level]]
    junit = _absent(places.REPORTS / "pytest.xml")
    summary.add(junit, _pytest(folders, junit, workshop, extra))
    summary.seconds = time.monotonic() - began
    summary.folders = [places.shown(path) for path in sorted(places.FAILURES.glob("*"))]
    return summary


def _absent(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


def _pytest(folders: list[str], junit: Path, workshop: Workshop | None, extra: Sequence[str]) -> int:
    env = dict(os.environ)
    if workshop:
        env["PRD32_WORKSHOP"] = workshop.as_json()
    argv = [sys.executable, "-m", "pytest", f"--junit-xml={junit}", *extra, *folders]
    return subprocess.run(argv, cwd=places.TOP, env=env, check=False, timeout=_PYTEST_SECONDS,
                          stdin=subprocess.DEVNULL).returncode

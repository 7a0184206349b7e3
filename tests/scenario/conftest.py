# SPDX-License-Identifier: Apache-2.0
"""Tests of prd32-scenario: what it makes of a file, by its exit status, its words and its report."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed import places

PROGRAM = Path(os.environ.get("PRD32_SCENARIO") or places.CMAKE_BUILD / "hw-model" / "scenario" / "prd32-scenario")
EXAMPLES = places.TOP / "hw-model" / "scenario" / "examples"
SECONDS = 60

# What most scenarios here have in common: a table of one descriptor at 16 MiB, and its 4096 bytes at 32 MiB.
HEAD = """
[[memory]]
name = "table"
at = 0x0100_0000
size = "64 KiB"
prds = [{ base = "@data", bytes = 4096, eot = true }]
[[memory]]
name = "data"
at = 0x0200_0000
size = "64 KiB"
[play]
deadline = "1 ms"
steps = [
"""
START = ['{ write = "BM_PRDT", value = "@table" }', '{ write = "BM_COMMAND", value = "START|TO_HOST" }']
TRANSFER = [*START, '{ run = "idle" }']


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def run(*words: str | Path) -> Result:
    """Runs the program to its end."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False, timeout=SECONDS,
                          stdin=subprocess.DEVNULL)
    return Result(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Played:
    """A scenario that was played: its file, what the program said, and the report of its one run."""
    file: Path
    result: Result
    report: dict[str, Any]

    def failed(self) -> list[dict[str, Any]]:
        return [step for step in self.report["steps"] if step["verdict"] != "ok"]

    def line_of(self, words: str) -> int:
        """The line of the file that has these words."""
        return next(number for number, line in enumerate(self.file.read_text().splitlines(), 1) if words in line)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Makes a scenario of these steps, with these lines before its memory."""
    def make(steps: list[str], card: str = "", head: str = HEAD, name: str = "scenario.toml") -> Path:
        file = tmp_path / name
        file.write_text(f"{card}{head}{''.join(f'  {step},{chr(10)}' for step in steps)}]\n")
        return file
    return make


@pytest.fixture
def play(write: Callable[..., Path], tmp_path: Path) -> Callable[..., Played]:
    """Makes a scenario and plays it; a mistake in it fails the test."""
    def make(steps: list[str], card: str = "", head: str = HEAD) -> Played:
        file = write(steps, card, head)
        report = tmp_path / "report.json"
        result = run("--json", report, file)
        assert result.code in (0, 1), result.err
        (only,) = json.loads(report.read_text())["runs"]
        assert only["ok"] == (result.code == 0)
        return Played(file, result, only)
    return make

# SPDX-License-Identifier: Apache-2.0
"""Marks of tests: a name that is wrong is an error, and a test is run again as it was run."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import celljobs, environment, levels, places, testrun
from testbed.options import Subject
from testbed.report import Report

TEST = """import pytest

@pytest.mark.{mark}({name!r})
def test_nothing(cell):
    pass
"""


# Some tests are for one environment, some for those in which their outcome could differ, most for all.
SOME = """import pytest

@pytest.mark.environments("direct")
def test_in_direct(cell):
    pass

@pytest.mark.environments("direct", "smp")
def test_in_two(cell):
    pass

def test_in_all(cell):
    pass
"""


def _collected(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess:
    (folder / "test_mine.py").write_text(text)
    words = [sys.executable, "-m", "pytest", "-p", "testbed.fixtures", "-p", "no:cacheprovider", "--collect-only", "-q"]
    return subprocess.run([*words, *options, folder], capture_output=True, text=True, check=False, timeout=60,
                          cwd=folder,
                          env={**os.environ, "PYTHONPATH": f"{places.TOP / 'tests'}:{places.TOP / 'hw-model'}"})


@pytest.mark.parametrize("mark, wrong, right", [("environments", "drect", "direct"), ("kernels", "debg", "debug"),
                                                ("kernels", "6.13", "6.1")])
def test_wrong_name_in_a_mark(tmp_path, mark, wrong, right):
    done = _collected(tmp_path, TEST.format(mark=mark, name=wrong))
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"test_mine.py::test_nothing: the mark {mark} names {wrong!r}" in done.stderr
    assert f"(did you mean {right!r}?)" in done.stderr
    assert _collected(tmp_path, TEST.format(mark=mark, name=right)).returncode != pytest.ExitCode.USAGE_ERROR


def test_long_tests_are_left_to_the_matrix_unless_they_are_named(tmp_path):
    """And what must run in every environment is none of them."""
    text = SOME.replace("def test_in_two", "@pytest.mark.thorough\ndef test_in_two")
    done = _collected(tmp_path, text, "--cell=direct/6.12", "-m", celljobs.USUAL)
    left = ["test_mine.py::test_in_direct", "test_mine.py::test_in_all"]
    assert [line for line in done.stdout.splitlines() if "::" in line] == left
    given = argparse.Namespace(env=None, kernel=None, tests=None, pytest=[])
    plan = testrun.cells(given)
    assert [cell.name for cell, which in plan.items() if which != celljobs.COVERING] == ["direct/6.12"]
    assert plan[environment.cell("direct")] == celljobs.USUAL
    given.pytest = ["-k", "in_two"]
    assert testrun.cells(given)[environment.cell("direct")] == celljobs.ALL
    counts = celljobs.count(Subject(), list(plan))
    every, usual = (counts["direct/6.12"][which] for which in (celljobs.ALL, celljobs.USUAL))
    assert 0 < every - usual <= every // 10, "a tenth of them at most"
    report = Report(left=7)
    assert "7 long tests, those marked `thorough`" in report.text()
    assert json.loads(report.as_json())["left_to_matrix"] == 7


def test_the_matrix_runs_each_test_once_with_the_debug_kernel(tmp_path):
    assert environment.cell("smp", "debug").whole and environment.cell("direct", "debug").rest
    done = _collected(tmp_path, SOME, "--cell=direct/debug", "-m", celljobs.REST)
    assert [line for line in done.stdout.splitlines() if "::" in line] == ["test_mine.py::test_in_direct"]


@pytest.mark.parametrize("words, run", [
    (["-x", "tests/driver/test_a.py::test_b"], ("-x", "tests/driver/test_a.py::test_b")),
    (["--ignore=tests/driver/test_a.py"], ("--ignore=tests/driver/test_a.py", "a folder")),
    (["--deselect=tests/driver/test_a.py::test_b", "-x"], ("--deselect=tests/driver/test_a.py::test_b", "-x",
                                                           "a folder"))])
def test_files_are_chosen_by_their_names_alone(words, run):
    """Not by an option of pytest's that names one."""
    assert levels.pytest_words(["driver"], ["a folder"], words) == run


def test_further_words_are_said_again():
    words = levels.again(places.TOP / "tests/driver/test_a.py", "test_b", environment.cell("direct"), "--kmemleak")
    assert words.endswith("-- --kmemleak tests/driver/test_a.py::test_b")

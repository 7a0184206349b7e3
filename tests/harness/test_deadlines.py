# SPDX-License-Identifier: Apache-2.0
"""A test that hangs fails, and the others run; when even its end hangs, the run ends and says where."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import places

HANGS = """import time

import pytest
from testbed import fixtures

fixtures._GRACE_SECONDS = 0.5


@pytest.fixture
def ending():
    yield
    if {end_hangs}:
        time.sleep(600)


def test_that_hangs(ending):
    time.sleep(600)


def test_that_passes():
    pass
"""


def _run(folder: Path, end_hangs: bool) -> subprocess.CompletedProcess:
    (folder / "test_mine.py").write_text(HANGS.format(end_hangs=end_hangs))
    words = [sys.executable, "-m", "pytest", "-p", "testbed.fixtures", "-p", "no:cacheprovider", "--timeout=0.5",
             "--timeout-method=signal", "-q"]
    return subprocess.run([*words, folder], capture_output=True, text=True, check=False, timeout=60, cwd=folder,
                          env={**os.environ, "PYTHONPATH": f"{places.TOP / 'tests'}:{places.TOP / 'hw-model'}"})


def test_late_test_fails_alone(tmp_path):
    done = _run(tmp_path, end_hangs=False)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 passed" in done.stdout and "Timeout >0.5s" in done.stdout


def test_hanging_end_ends_the_run(tmp_path):
    done = _run(tmp_path, end_hangs=True)
    assert done.returncode == 1 and "1 passed" not in done.stdout
    assert "most recent call first" in done.stderr and "in ending" in done.stderr

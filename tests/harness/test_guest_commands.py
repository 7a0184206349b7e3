# SPDX-License-Identifier: Apache-2.0
"""The commands that boot guests, as their user meets them: exit statuses, output, interrupts, two at a time."""

import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from testbed import environment, places, runcommand

_TESTBED = places.TOP / "testbed"
pytestmark = pytest.mark.timeout(700)
_SECONDS = 600  # where other work keeps the machine busy; else a few


def _testbed(output: Path, *words: str, **env: str) -> subprocess.CompletedProcess:
    """Runs a command that leaves its reports in a folder of its own, beside the run that this test belongs to."""
    return subprocess.run([_TESTBED, *words], capture_output=True, text=True, check=False, timeout=_SECONDS,
                          stdin=subprocess.DEVNULL, env={**os.environ, "PRD32_OUTPUT": str(output), **env})


@pytest.mark.parametrize("command", [("test", "--level", "driver"), ("shell",), ("matrix",)])
def test_wrong_environment_suggests_the_right_one(tmp_path, command):
    done = _testbed(tmp_path, *command, "--env", "vdt")
    assert done.returncode == 1
    assert "there is no environment 'vdt' (did you mean 'vtd'?)" in done.stderr and "Traceback" not in done.stderr


def test_wrong_kernel_and_folder(tmp_path):
    done = _testbed(tmp_path, "matrix", "--kernel", "6.13")
    assert done.returncode == 1 and "(did you mean '6.1'?); there are 6.1, 6.12" in done.stderr
    done = _testbed(tmp_path, "test", "--module", "/no/such/driver")
    assert done.returncode == 1 and "--module /no/such/driver: there is no such folder" in done.stderr


def test_matrix_lists_every_environment(tmp_path):
    listed = _testbed(tmp_path, "matrix", "--list")
    assert listed.returncode == 0
    for name, found in environment.everything().items():
        assert f"\n{name} " in f"\n{listed.stdout}" and found.why in listed.stdout
    machine = json.loads(_testbed(tmp_path, "matrix", "--list", "--json").stdout)
    assert [each["name"] for each in machine] == list(environment.everything())
    assert all(each["kernels"] and each["proves"] and each["why"] for each in machine)


def test_run_is_the_command(tmp_path):
    """Its output and its exit status, and a file that was put there."""
    script = tmp_path / "say"
    script.write_text("#!/bin/sh\necho out; echo err >&2; test -e /dev/prd32-0 || exit 9; exit $1\n")
    script.chmod(0o755)
    done = _testbed(tmp_path, "run", "--put", str(script), "--put", f"{script}:/tmp/also", "--",
                    "./say 0 && /tmp/also 7")
    assert (done.returncode, done.stdout) == (7, "out\nout\n")
    assert done.stderr.endswith("err\nerr\n")


def test_run_ends_what_takes_too_long(tmp_path):
    done = _testbed(tmp_path, "run", "--timeout", "1", "--", "echo before; sleep 1000")
    assert (done.returncode, done.stdout) == (runcommand.LATE, "before\n")
    assert "still running after 1 s" in done.stderr


def test_run_tells_what_the_card_saw(tmp_path):
    done = _testbed(tmp_path, "run", "--", "prd32ctl", "ports", "refuse", "--json")
    assert done.returncode == runcommand.BAD and json.loads(done.stdout)
    assert "prdt-align-64k" in done.stderr
    folder = next(line.split()[-1] for line in done.stderr.splitlines() if "logs of guest and card" in line)
    assert list((places.TOP / folder).rglob("violations.jsonl"))


def test_run_that_cannot(tmp_path):
    done = _testbed(tmp_path, "run", "--env", "nowhere", "--", "true")
    assert done.returncode == runcommand.UNABLE and "there is no environment 'nowhere'" in done.stderr
    done = _testbed(tmp_path, "run", "--", "poweroff -f")
    assert done.returncode == runcommand.UNABLE and "the guest ended while it ran" in done.stderr


def test_second_run_in_one_place_is_refused(tmp_path):
    with (tmp_path / "run.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("4711")
        file.flush()
        done = _testbed(tmp_path, "test", "--level", "driver", "--env", "direct")
    assert done.returncode == 1
    assert "another run of tests (process 4711)" in done.stderr and "PRD32_OUTPUT=" in done.stderr


def test_matrix_for_machines(tmp_path):
    done = _testbed(tmp_path, "matrix", "--env", "direct", "--kernel", "6.12", "--json", "--", "-k", "only_root_may")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["passed"], found["failed"]) == (1, 0) and found["good"]
    assert [run["name"] for run in found["runs"]] == ["direct/6.12"]
    assert (tmp_path / "reports" / "cells" / "direct-6.12.xml").exists()
    assert "1 cells" in done.stderr and "at most" in done.stderr


def test_interrupted_matrix_tells_what_ran(tmp_path):
    """Ctrl-C while a guest runs: it ends, nothing more is started, the table has all cells."""
    # A shell without job control starts what is in its background with SIGINT ignored, and that is inherited.
    argv = ["env", "--default-signal=INT", _TESTBED, "matrix", "--env", "direct/6.12", "--env", "msi", "-j", "1"]
    with subprocess.Popen(argv, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          process_group=0, env={**os.environ, "PRD32_OUTPUT": str(tmp_path)}) as process:
        end = time.monotonic() + _SECONDS
        while not (guests := list((tmp_path / "guests").glob("*/*/command"))):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)  # files have no events in Python's library
        process.send_signal(signal.SIGINT)
        said, log = process.communicate(timeout=_SECONDS)
    assert process.returncode == 130, log
    assert "direct/6.12" in said and "msi/6.12" in said and "Interrupted" in said
    assert "Traceback" not in log
    folder = str(guests[0].parents[2])
    for commands in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert folder not in commands.read_text(), "a guest was left running"
        except OSError:
            pass  # it ended meanwhile

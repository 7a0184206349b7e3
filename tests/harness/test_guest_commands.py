# SPDX-License-Identifier: Apache-2.0
"""The commands that boot guests, as their user meets them: exit statuses, output, interrupts, two at a time."""

import fcntl
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed import environment, places, runcommand

_TESTBED = places.TOP / "testbed"
pytestmark = pytest.mark.timeout(700)
_SECONDS = 600  # where other work keeps the machine busy; else a few
# Environments that others' scripts name.
_KNOWN_NAMES = ("direct", "highmem", "bounce", "nobounce", "vtd", "vtd-lazy", "amd-iommu", "virtio-iommu", "arm64",
                "arm64-virtio-iommu", "noncoherent", "reserved", "cma", "message", "intx", "msi", "smp", "two-cards")


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
    assert set(_KNOWN_NAMES) <= set(environment.everything()), "scripts of others use these names"
    machine = json.loads(_testbed(tmp_path, "matrix", "--list", "--json").stdout)
    assert [each["name"] for each in machine] == list(environment.everything())
    assert all(each["kernels"] and each["proves"] and each["why"] for each in machine)
    assert set(machine[0]["kernels"]) == {"6.1", "6.12", "7.2", "debug"}


def test_who_reads_the_list_may_stop_early(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([_TESTBED, "matrix", "--list"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=_SECONDS)
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_another_card(tmp_path):
    """A device program of the user's own is started in place of ours."""
    program = tmp_path / "card"
    program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/started\nexec {places.DEVICE_PROGRAM} "$@"\n')
    program.chmod(0o755)
    done = _testbed(tmp_path, "run", "--card", str(program), "--", "test -e /dev/prd32-0")
    assert done.returncode == 0, done.stderr
    assert "--socket" in (tmp_path / "started").read_text()
    program.chmod(0o644)
    done = _testbed(tmp_path, "run", "--card", str(program), "--", "true")
    assert done.returncode == runcommand.UNABLE and f"--card {program}: there is no such program" in done.stderr


def test_module_with_parameters_that_depends_on_others(tmp_path):
    """What the kernel has as a module of its own comes along, and is loaded first."""
    shutil.copytree(places.TOP / "docs" / "example" / "mailbox", tmp_path / "mailbox")
    with (tmp_path / "mailbox" / "mailbox.c").open("a") as file:
        file.write("""
#include <linux/crc7.h>
static unsigned int answer;
module_param(answer, uint, 0444);
u8 mailbox_crc(const u8 *bytes, size_t length);
u8 mailbox_crc(const u8 *bytes, size_t length)
{
\treturn crc7_be(0, bytes, length);
}
""")
    words = ("run", "--module", str(tmp_path / "mailbox"), "--parameters", "answer=42", "--")
    done = _testbed(tmp_path, *words, "cat /sys/module/mailbox/parameters/answer; ls /sys/module/mailbox/holders "
                    "/sys/module/crc7/holders")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "42" and "mailbox" in done.stdout.splitlines()[1:]


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


def test_run_ends_what_writes_without_end(tmp_path):
    done = _testbed(tmp_path, "run", "--timeout", "2", "--", "while :; do echo more; done")
    assert done.returncode == runcommand.LATE
    assert done.stdout.startswith("more\nmore\n") and "still running after 2 s" in done.stderr


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


class _Listener:
    """What a descriptor said so far; a word of it is waited for under a deadline."""

    def __init__(self, fd: int) -> None:
        self._fd, self.said = fd, ""

    def await_words(self, pattern: str) -> re.Match:
        """The first match in what was not matched yet."""
        end = time.monotonic() + _SECONDS
        while not (found := re.search(pattern, self.said)):
            left = end - time.monotonic()
            assert left > 0 and select.select([self._fd], [], [], left)[0], f"no {pattern!r} in: {self.said}"
            part = os.read(self._fd, 4096)
            assert part, f"it ended without {pattern!r}: {self.said}"
            self.said += part.decode(errors="replace")
        self.said = self.said[found.end():]
        return found


@contextmanager
def _in_terminal(output: Path, *words: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """Runs a command whose input and output are a terminal of its own; the other end of it, to type and read at."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen([_TESTBED, *words], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
                              start_new_session=True, env={**os.environ, "PRD32_OUTPUT": str(output)}) as process:
            os.close(theirs)
            try:
                yield process, ours
            finally:
                process.terminate()  # of one that has ended, nothing
    finally:
        os.close(ours)


def _monitor_says(path: str, command: str, pattern: str) -> None:
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(path)
        listener = _Listener(monitor.fileno())
        listener.await_words(r"\(qemu\) ")
        monitor.sendall(f"{command}\n".encode())
        listener.await_words(pattern)


def test_shell_with_debugger_and_monitor(tmp_path):
    """As its user meets it: the lines to copy to other terminals work, and exit ends all of it."""
    with _in_terminal(tmp_path, "shell", "--gdb", "--monitor") as (process, terminal):
        told, guest = _Listener(process.stderr.fileno()), _Listener(terminal)
        gdb = shlex.split(told.await_words(r"In another terminal: (gdb\S* -x \S+)")[1])
        monitor = told.await_words(r"UNIX-CONNECT:(\S+)")[1]
        guest.await_words("# ")
        os.write(terminal, b"echo $((6 * 7)) $(ls /dev/prd32-*)\n")
        guest.await_words("42 /dev/prd32-0")
        _monitor_says(monitor, "info status", "VM status: running")
        done = subprocess.run([*gdb, "-batch", "-ex", "info symbol prd32_hw_start", "-ex", "detach"], text=True,
                              capture_output=True, check=False, timeout=_SECONDS, cwd=places.TOP,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == 0 and "prd32_hw_start in section .text" in done.stdout, done
        os.write(terminal, b"exit\n")
        assert process.wait(_SECONDS) == 0, process.stderr.read()
    assert not _runs_with(str(Path(monitor).parent)), "QEMU was left running"
    assert not Path(monitor).parent.exists()


def _runs_with(word: str) -> bool:
    """Whether a process has this in its command line."""
    for commands in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in commands.read_text():
                return True
        except OSError:
            pass  # it ended meanwhile
    return False


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
    assert not _runs_with(str(guests[0].parents[2])), "a guest was left running"

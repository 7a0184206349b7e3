# SPDX-License-Identifier: Apache-2.0
"""The command line as its user meets it: help, mistakes, machine-readable answers, exit statuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import places

COMMANDS = ("demo", "test", "matrix", "run", "shell", "doctor", "lock")


def _testbed(*words: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run([places.TOP / "testbed", *words], capture_output=True, text=True, check=False, timeout=250,
                          stdin=subprocess.DEVNULL, env={**os.environ, **env})


@pytest.mark.parametrize("words", [("--help",), *((command, "--help") for command in COMMANDS)])
def test_help(words):
    done = _testbed(*words)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: testbed") and "exit status" in done.stdout
    assert words == ("--help",) or f"examples:\n  ./testbed {words[0]}" in done.stdout


@pytest.mark.parametrize("words", [(), ("dance",), ("demo", "--fast"), ("test", "--level", "cellar"),
                                   ("run",), ("run", "--put", "/no/file", "--", "true"), ("test", "-j", "0"),
                                   ("test", "-j", "x"), ("run", "--timeout", "-1", "--", "true"),
                                   ("run", "--timeout", "x", "--", "true"), ("bench", "model", "--repetitions", "0")])
def test_wrong_usage(words):
    done = _testbed(*words)
    assert done.returncode == 2
    assert "usage: testbed" in done.stderr and done.stdout == ""
    assert "invalid _" not in done.stderr, "argparse names a function of ours"


def test_doctor_for_machines():
    done = _testbed("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert {"host", "packages", "QEMU", "accelerator", "cache", "disk", "memory"} <= set(findings)
    assert all(finding["state"] in ("ok", "note", "missing") for finding in findings.values())
    assert done.returncode == any(finding["state"] == "missing" for finding in findings.values())


def test_doctor_finds_what_is_wrong():
    done = _testbed("doctor", "--json", PRD32_QEMU="/bin/true")
    qemu = next(finding for finding in json.loads(done.stdout) if finding["name"] == "QEMU")
    assert qemu["state"] == "missing" and "says no version" in qemu["found"] and qemu["advice"]
    assert done.returncode == 1


def test_unusable_qemu_is_a_clear_error():
    done = _testbed("demo", "--no-install", PRD32_QEMU="/no/such/qemu")
    assert done.returncode == 1 and done.stdout == ""
    assert "PRD32_QEMU names /no/such/qemu, which cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_resume_knows_only_this_tree(tmp_path):
    done = _testbed("matrix", "--resume", "--module", str(tmp_path))
    assert done.returncode == 1 and "--resume knows results of this tree's own" in done.stderr


def test_missing_packages_are_said_and_not_installed(tmp_path):
    (tmp_path / "packages.txt").write_text("run no-such-package-prd32 to be missing\n")
    script = tmp_path / "install-packages"
    script.write_bytes((places.TOP / "ci" / "install-packages").read_bytes())
    done = subprocess.run(["sh", script, "--no-install", "run"], capture_output=True, text=True, check=False,
                          timeout=60)
    assert done.returncode == 3
    assert "no-such-package-prd32    to be missing" in done.stderr and "apt-get install" in done.stderr


def test_demo_for_machines():
    done = _testbed("demo", "--no-install", "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert [violation["rule"] for violation in outcome["violations"]] == ["prdt-align-64k"]
    copied = sum(copy["bytes"] for copy in outcome["copies"])
    assert outcome["card"]["card"]["bytes_from_host"] == copied > 64 << 20
    assert outcome["card"]["card"]["bytes_to_host"] >= copied  # the kernel looks for partitions on the card besides


def test_failed_test_leaves_a_folder(tmp_path):
    """A test that fails on purpose, in a run of its own: the summary's folder has what is needed to understand it."""
    test = tmp_path / "test_fails_on_purpose.py"
    test.write_text("def test_fails(card):\n    card.run(['prd32ctl', 'info'])\n    assert False, 'on purpose'\n")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "testbed.fixtures", "-p", "no:cacheprovider",
                           test], cwd=places.TOP, capture_output=True, text=True, check=False, timeout=200,
                          env={**os.environ, "PRD32_OUTPUT": str(tmp_path / "output"),
                               "PYTHONPATH": f"{places.TOP / 'tests'}:{places.TOP / 'hw-model'}"})
    assert done.returncode == 1, done.stdout
    folder = Path(next(line.split()[-1] for line in done.stdout.splitlines() if line.startswith("evidence: ")))
    kept = {path.name for path in folder.iterdir()}
    assert {"serial.log", "kernel.log", "card.log", "command", "reason", "reproduce"} <= kept
    assert "on purpose" in (folder / "reason").read_text()
    assert "./testbed test --level driver --env direct --kernel 6.12 -- " in (folder / "reproduce").read_text()

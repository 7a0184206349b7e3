# SPDX-License-Identifier: Apache-2.0
"""A failure leaves a folder that tells all, and a script that makes it happen again."""

import json
import os
import subprocess
import sys

import pytest

from testbed import evidence, places
from testbed.errors import DeadlinePassed, TestbedError

FAILING = '''
def test_that_fails(card):
    print("the test's own words")
    assert card.run("echo WARNING: provoked on purpose >/dev/kmsg; echo 1").text == "2"


def test_that_passes(card):
    assert card.run("echo 1").text == "1"
'''
WANTED = {"serial.log", "kernel.log", "command", "qemu.log", "card.log", "card-stats.json", "reason", "environment",
          "interrupts", "reproduce"}


def test_failure_keeps_its_evidence(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "FAILURES", tmp_path / "failures")
    folder = evidence.fresh_folder(tmp_path / "run")
    (folder / "serial.log").write_text("the console\n")
    (folder / "initramfs.cpio").write_text("can be built again\n")
    (folder / "card1").mkdir()
    (folder / "card1" / "card.log").write_text("the second card's log\n")
    with pytest.raises(TestbedError, match="it broke\nLogs and how to repeat it: .*failures/name"):
        with evidence.kept_on_failure("name", folder, ["./testbed demo"]):
            raise TestbedError("it broke")
    kept = {str(path.relative_to(tmp_path / "failures/name")) for path in (tmp_path / "failures/name").rglob("*")}
    assert kept == {"serial.log", "card1", "card1/card.log", "reason", "reproduce"}
    assert "\n./testbed demo\n" in (tmp_path / "failures" / "name" / "reproduce").read_text()


def test_guest_that_does_not_answer_is_asked_once(tmp_path):
    """And neither it nor a card that hangs keeps back what is known."""
    class Mute:
        spec, cards, alive, asked = None, (), True, 0

        def poll(self) -> None:
            """It runs."""

        def stats(self) -> dict:
            raise TestbedError("it wrote no statistics")

        def run(self, *_words: str, check: bool) -> None:
            self.asked += 1
            raise DeadlinePassed("the guest agent did not answer in time")

    guest = Mute()
    guest.cards = (guest,)
    gathered = evidence.Evidence(tmp_path, [])
    gathered.guest, gathered._environment = guest, lambda _guest: [("cell", "a cell")]
    gathered.gather()
    assert guest.asked == 1
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "environment": "cell: a cell\n", "kernel.log": "not to be had: the guest agent did not answer in time\n"}


@pytest.mark.timeout(900)
def test_reproduce_reproduces(tmp_path):
    """A test outside of this tree fails in a guest; its script, started elsewhere, runs it alone and fails likewise."""
    tests = tmp_path / "their tests"
    tests.mkdir()
    (tests / "test_mine.py").write_text(FAILING)
    variables = {**os.environ, "PRD32_OUTPUT": str(tmp_path / "first")}
    variables.pop("PRD32_WORKSHOP", None)
    first = _run([places.TOP / "testbed", "test", "--no-install", "--tests", tests, "--env", "direct", "--json"],
                 variables)
    assert first["status"] == 1, first
    assert (first["failed"], first["passed"]) == (1, 1), first
    [folder] = (tmp_path / "first" / "failures").iterdir()
    assert WANTED <= {path.name for path in folder.iterdir()}
    reason = (folder / "reason").read_text()
    assert "the kernel complained:" in reason and "assert '1' == '2'" in reason and "the test's own words" in reason
    assert "cell: direct/" in (folder / "environment").read_text()

    variables["REPRODUCE"] = str(tmp_path / "again")
    again = subprocess.run([folder / "reproduce"], cwd=tmp_path, env=variables, capture_output=True, text=True,
                           check=False, timeout=400, stdin=subprocess.DEVNULL)
    assert again.returncode == 1, again.stdout + again.stderr
    [second] = (tmp_path / "again" / "failures").iterdir()
    assert second.name == folder.name, "the same test in the same cell, and no other"
    assert "assert '1' == '2'" in (second / "reason").read_text()
    assert "0 passed, 1 failed" in again.stdout


def _run(words: list, variables: dict[str, str]) -> dict:
    done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False, timeout=400,
                          stdin=subprocess.DEVNULL)
    try:
        return {"status": done.returncode, **json.loads(done.stdout)}
    except ValueError:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise

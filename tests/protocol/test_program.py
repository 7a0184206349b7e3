# SPDX-License-Identifier: Apache-2.0
"""The program towards whoever started it: its files, its log, its exit code."""

import json
import os
import socket
import subprocess
from pathlib import Path

from protocol.guest_memory import finish, start
from protocol.vfio_user import SECONDS, Client
from testbed.card import CardProcess


def bad_starts(path: Path, count: int) -> None:
    """Each a violation: nothing is mapped, and bus mastering is off."""
    with Client(path) as client:
        for _ in range(count):
            start(client, 0, to_host=True)
            finish(client)


def test_log_and_ready_pipe_that_nobody_reads(device, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    path = tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        process = subprocess.Popen([device.binary, "--socket-fd", str(listener.fileno()), "--ready-fd", str(writing)],
                                   stderr=writing, stdin=subprocess.DEVNULL, pass_fds=[listener.fileno(), writing])
    os.close(writing)
    try:
        bad_starts(path, 3)
    finally:
        process.terminate()
        assert process.wait(SECONDS) == 0


def test_full_disk(device, tmp_path):
    """Violations that cannot be written are said to be lost, and the card goes on."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "violations.jsonl").symlink_to("/dev/full")
    (folder / "card-stats.json.part").symlink_to("/dev/full")
    with CardProcess(device.binary, folder) as card:
        bad_starts(card.socket, 3)
        card.stop()
        assert card.poll() == 0
    log = (folder / "card.log").read_text()
    assert "cannot write violations to" in log and "No space left" in log
    assert "cannot write" in log and "card-stats.json: No space left" in log
    assert not card.stats_file.exists() and not (folder / "card-stats.json.part").is_symlink()


def test_lost_violations_are_counted(device, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "violations.jsonl").symlink_to("/dev/full")
    with CardProcess(device.binary, folder) as card:
        bad_starts(card.socket, 3)
        stats = card.stats()
    assert stats["violations"] == 6
    assert stats["violations_lost"] == 6


def test_statistics_before_any_client(device):
    assert device.stats()["bridge"]["messages"] == {}
    assert json.loads(device.stats_file.read_text())["violations_lost"] == 0

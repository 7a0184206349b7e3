# SPDX-License-Identifier: Apache-2.0
"""The program towards whoever started it: its files, its log, its exit code."""

import json
import os
import resource
import socket
import subprocess
from pathlib import Path

import pytest

from protocol.guest_memory import finish, start
from protocol.vfio_user import SECONDS, Client
from testbed.card import CardError, CardProcess


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


@pytest.mark.parametrize("limit", [0, 100])
def test_disk_that_is_full_for_a_while(device, tmp_path, limit):
    """What was lost is at most a torn line and the lines until there was room again. A limit for the size of files
    stands for the disk, as it also cuts a line in two."""
    with CardProcess(device.binary, tmp_path / "other", log_level="off") as card:
        resource.prlimit(card.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        bad_starts(card.socket, 2)
        resource.prlimit(card.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        bad_starts(card.socket, 2)
        text = card.violations_file.read_text().splitlines()
        assert [json.loads(line)["seq"] for line in text[1:]] == [4, 5, 6, 7]
        assert len(text[0]) == limit
        assert card.stats()["violations_lost"] == 4
        with pytest.raises(CardError, match="violations.jsonl:1"):
            card.violations()

# SPDX-License-Identifier: Apache-2.0
"""What the testbed does when the other side is slow, dead or never came up. No guest is needed for it."""

import json
import socket
from pathlib import Path

import pytest

from testbed import agent as agents, places, qmp as monitors
from testbed.agent import Agent
from testbed.card import CardError, CardProcess
from testbed.errors import DeadlinePassed
from testbed.guestpool import GuestPool, Plugged
from testbed.judge import Judge
from testbed.qmp import Qmp


@pytest.mark.parametrize("module, talker", [(monitors, Qmp), (agents, Agent)])
def test_late_reply_is_not_taken_for_the_next_one(monkeypatch, module, talker):
    ours, theirs = socket.socketpair()
    talk = talker(ours)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_REPLY_SECONDS", 0)
        with pytest.raises(DeadlinePassed):
            talk.command("first")
    asked = json.loads(theirs.recv(4096))
    for number, reply in ((asked["id"], "late"), (asked["id"] + 1, "right")):
        theirs.sendall(json.dumps({"return": reply, "id": number}).encode() + b"\n")
    assert talk.command("second") == "right"
    talk.close()
    theirs.close()


class Dead:
    """A card, or a guest, that ended by itself."""

    alive = False
    log = Path("card.log")

    def __init__(self, code: int) -> None:
        self.code, self.ended = code, False

    def poll(self) -> int:
        return self.code

    def log_tail(self) -> str:
        return "its last words"

    def violations(self) -> list:
        return []

    def end(self) -> None:
        self.ended = True
        raise DeadlinePassed("it did not end")

    stop = end


def test_card_that_died_is_a_failure():
    assert "-11" in Judge(None, Dead(-11)).verdict()[0]
    assert Judge(None, Dead(0)).verdict() == []


def test_all_guests_end_whatever_one_of_them_does():
    everyone = [Dead(0) for _ in range(4)]
    pool = GuestPool(None, Path())
    pool._guests = {("1", None): Plugged(*everyone[:2], Path()), ("2", None): Plugged(*everyone[2:], Path())}
    with pytest.raises(DeadlinePassed), pool:
        pass
    assert all(each.ended for each in everyone)


def test_card_that_does_not_start_leaves_nothing(tmp_path):
    deep = tmp_path / ("long" * 25)
    with pytest.raises(CardError, match="before it was ready"):
        (card := CardProcess(Path("/bin/false"), deep)).start()
    card.stop()
    assert not card.socket.parent.exists()
    with pytest.raises(FileNotFoundError):
        (card := CardProcess(places.TOP / "no such program", deep)).start()
    assert not card.socket.parent.exists()

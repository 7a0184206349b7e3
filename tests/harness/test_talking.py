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


def test_card_that_does_not_start_leaves_nothing(tmp_path):
    deep = tmp_path / ("long" * 25)
    with pytest.raises(CardError, match="before it was ready"):
        (card := CardProcess(Path("/bin/false"), deep)).start()
    card.stop()
    assert not card.socket.parent.exists()
    with pytest.raises(CardError, match="no such program"):
        (card := CardProcess(places.TOP / "no such program", deep)).start()
    assert not card.socket.parent.exists()

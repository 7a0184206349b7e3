# SPDX-License-Identifier: Apache-2.0
"""QEMU's machine protocol: commands, and the events that tell what happens to the guest."""

import socket
import time
from collections import deque

from testbed.errors import TestbedError
from testbed.jsonsocket import JsonSocket

_REPLY_SECONDS = 30.0
_EVENTS_KEPT = 1000


class Qmp:
    """A monitor connection. Events that arrive meanwhile are kept until somebody waits for them."""

    def __init__(self, connection: socket.socket) -> None:
        self._json = JsonSocket(connection, "QEMU's monitor")
        self._events: deque[dict] = deque(maxlen=_EVENTS_KEPT)

    def negotiate(self) -> None:
        """Enters command mode; to be called once, after QEMU was started."""
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments: object) -> object:
        """Runs a command and returns its result. Argument names have _ where QMP has -. Raises TestbedError."""
        return self.reply(self.post(name, **arguments), name)

    def post(self, name: str, **arguments: object) -> int:
        """Sends a command without waiting for it; QEMU runs commands in order. `reply` takes what is returned."""
        return self._json.request(name, {key.replace("_", "-"): value for key, value in arguments.items()})

    def reply(self, number: int, name: str) -> object:
        """The result of a command that was posted. Raises TestbedError."""
        end = time.monotonic() + _REPLY_SECONDS
        while True:
            message = self._json.receive(end)
            if "event" in message:
                self._events.append(message)
            elif "QMP" in message:
                continue  # the greeting
            elif message.get("id", number) != number:
                continue  # too late: whoever asked has given up
            elif "error" in message:
                raise TestbedError(f"QEMU refused {name}: {message['error']['desc']}")
            elif "return" in message:
                return message["return"]

    def wait_event(self, name: str, deadline: float, **data: object) -> dict:
        """The next event of this name whose data has these values; waits at most `deadline` seconds."""
        def wanted(event: dict) -> bool:
            return event["event"] == name and all(event["data"].get(key) == value for key, value in data.items())

        for event in self._events:
            if wanted(event):
                self._events.remove(event)
                return event
        end = time.monotonic() + deadline
        while True:
            message = self._json.receive(end)
            if "event" not in message:
                continue
            if wanted(message):
                return message
            self._events.append(message)

    def close(self) -> None:
        """Closes the connection; QEMU goes on."""
        self._json.close()

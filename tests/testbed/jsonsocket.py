# SPDX-License-Identifier: Apache-2.0
"""One JSON object a line over a socket: what QEMU's monitor (QMP) and the guest agent both speak."""

import json
import socket
import time

from testbed.errors import DeadlinePassed, TestbedError

_CHUNK = 1 << 16


class PeerGone(TestbedError):
    """The other end closed the connection: QEMU ended."""


class JsonSocket:
    """Sends and receives JSON objects; every receive has a deadline."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self._connection, self._name = connection, name
        self._buffer = bytearray()
        self._requests = 0

    def request(self, name: str, arguments: dict) -> int:
        """Sends a command and returns its id, which the reply has too."""
        self._requests += 1
        self.send({"execute": name, "arguments": arguments, "id": self._requests})
        return self._requests

    def send(self, message: dict) -> None:
        """Sends one object. Raises PeerGone when nobody is there."""
        self.send_bytes(json.dumps(message).encode() + b"\n")

    def send_bytes(self, data: bytes) -> None:
        """Sends bytes as they are, for what has to stand before an object."""
        self._connection.settimeout(30)
        try:
            self._connection.sendall(data)
        except TimeoutError:
            raise DeadlinePassed(f"{self._name} takes nothing any more") from None
        except (BrokenPipeError, ConnectionError):
            raise PeerGone(f"{self._name}: the connection is closed") from None

    def receive(self, end: float) -> dict:
        """The next object. `end` is a time.monotonic() instant; DeadlinePassed when it passes first."""
        while True:
            line, found, rest = self._buffer.partition(b"\n")
            if found:
                self._buffer = rest
                if line.strip():
                    return json.loads(line)
                continue
            left = end - time.monotonic()
            if left <= 0:
                raise DeadlinePassed(f"{self._name} did not answer in time")
            self._connection.settimeout(left)
            try:
                data = self._connection.recv(_CHUNK)
            except TimeoutError:
                continue
            except ConnectionError:
                data = b""
            if not data:
                raise PeerGone(f"{self._name}: the connection was closed")
            # The agent marks the start of a fresh conversation with 0xff, which is no JSON.
            self._buffer += data.replace(b"\xff", b"")

    def close(self) -> None:
        """Closes the connection; the object is of no use afterwards."""
        self._connection.close()

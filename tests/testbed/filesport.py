# SPDX-License-Identifier: Apache-2.0
"""A way for files into the guest beside its agent: a port that carries bytes as they are. The agent takes them as text
within JSON, which an emulated processor parses at a few megabytes a second."""

import shlex
import socket
import threading
import time

from testbed.agent import Agent, GuestProcess
from testbed.errors import DeadlinePassed, TestbedError

NAME = "org.prd32.files"
WORTH_IT = 1 << 15  # bytes; fewer are with the agent sooner
_SECONDS = 120.0
_LOOK_SECONDS = 0.5  # between two looks at whether the guest still reads

# The port has no stable device name; its own is in sysfs.
_TAKE = """for port in /sys/class/virtio-ports/*; do
    read name <$port/name && [ "$name" = {name} ] &&
        exec dd if=/dev/${{port##*/}} of={path} bs={size} count=1 iflag=fullblock
done
echo "no port {name}" >&2; exit 1"""


class FilesPort:
    """The host's end of the port. One file at a time goes through it."""

    def __init__(self, connection: socket.socket, agent: Agent) -> None:
        self._connection, self._agent = connection, agent
        self._lock = threading.Lock()
        self._stuck = False  # what the guest did not read of one file would be taken for the next

    def write_file(self, path: str, data: bytes) -> None:
        """Writes a file in the guest. TestbedError when it is not whole."""
        with self._lock:
            if self._stuck or not data:
                self._agent.write_file(path, data)
                return
            self._stuck = True
            taker = self._agent.start(_TAKE.format(name=NAME, path=shlex.quote(path), size=len(data)))
            left = self._send(data, taker)
            taken = taker.wait(_SECONDS)
            if left or taken.exit_code != 0:
                raise TestbedError(f"the guest did not take the {len(data)} bytes of {path}: is its memory full?\n"
                                   f"{taken.stderr.decode(errors='replace')}".rstrip())
            self._stuck = False

    def _send(self, data: bytes, taker: GuestProcess) -> int:
        """Returns how many bytes the guest ended without reading."""
        rest, end = memoryview(data), time.monotonic() + _SECONDS
        self._connection.settimeout(_LOOK_SECONDS)
        while rest:
            try:
                rest = rest[self._connection.send(rest):]
            except TimeoutError:
                if taker.poll():
                    break
                if time.monotonic() > end:
                    taker.kill()
                    raise DeadlinePassed(f"the guest took no more of a file for {_SECONDS:.0f} s") from None
        return len(rest)

    def close(self) -> None:
        """Closes it."""
        self._connection.close()

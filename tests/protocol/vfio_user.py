# SPDX-License-Identifier: Apache-2.0
"""A small vfio-user client that sends what it is told to, right or wrong."""

from __future__ import annotations

import array
import errno
import json
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 10.0  # every wait's deadline

VERSION, DMA_MAP, DMA_UNMAP, DEVICE_GET_INFO, DEVICE_GET_REGION_INFO, DEVICE_GET_REGION_IO_FDS = range(1, 7)
DEVICE_GET_IRQ_INFO, DEVICE_SET_IRQS, REGION_READ, REGION_WRITE, DMA_READ, DMA_WRITE, DEVICE_RESET = range(7, 14)
DIRTY_PAGES, REGION_WRITE_MULTI, DEVICE_FEATURE, MIG_DATA_READ, MIG_DATA_WRITE = range(14, 19)

TYPE, COMMAND, REPLY = 0xF, 0x0, 0x1
NO_REPLY = 0x10
ERROR = 0x20

MAP_READ, MAP_WRITE = 1, 2
UNMAP_ALL = 2

CONFIG_REGION, ROM_REGION, VGA_REGION, REGIONS = 7, 6, 8, 9
INTX, MSI, MSIX, ERR, REQ, IRQS = range(6)
DATA_NONE, DATA_BOOL, DATA_EVENTFD, ACTION_MASK, ACTION_UNMASK, ACTION_TRIGGER = (1 << bit for bit in range(6))

HEADER = struct.Struct("=HHIII")
REGION_INFO = struct.Struct("=IIIIQQ")  # argsz, flags, index, offset of capabilities, size, offset in the file
_CONTROL = socket.CMSG_SPACE(16 * array.array("i").itemsize)
CAPABILITIES = {"max_msg_fds": 16, "max_data_xfer_size": 1048576, "max_dma_maps": 65535, "pgsizes": 4096,
                "write_multiple": True}


class Refused(Exception):
    """An error reply."""

    def __init__(self, command: int, number: int) -> None:
        super().__init__(f"command {command}: {errno.errorcode.get(number, number)}")
        self.errno = number


class Disconnected(Exception):
    """The server closed the connection."""


@dataclass
class Message:
    """One that the server sent: a reply, or a request of its own."""

    id: int
    command: int
    size: int
    flags: int
    error: int
    payload: bytes = field(repr=False)


class Client:
    """One connection. Commands return the reply's payload or raise Refused."""

    def __init__(self, path: Path, *, negotiate: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(SECONDS)
        self.socket.connect(str(path))
        self._id = 0
        self._held: bytes | None = None
        self.passed: list[int] = []  # descriptors that came from the server and that nobody has taken yet
        self.on_request: Callable[[Message], None] | None = None  # for what the server asks of the client
        if negotiate:
            self.version()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        while self.passed:
            os.close(self.passed.pop())
        self.socket.close()

    # ---- messages

    def send(self, command: int, payload: bytes = b"", *, fds: Sequence[int] = (), flags: int = 0,
             size: int | None = None) -> int:
        """Sends one message and returns its id. `size` overrides what the header says."""
        self._id = (self._id + 1) & 0xFFFF
        header = HEADER.pack(self._id, command, HEADER.size + len(payload) if size is None else size, flags, 0)
        self.send_raw(header + payload, fds)
        return self._id

    def send_raw(self, data: bytes, fds: Sequence[int] = ()) -> None:
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self.socket.sendmsg([data], control)
        if sent < len(data):
            self.socket.sendall(data[sent:])

    @contextmanager
    def pipelined(self) -> Iterator[None]:
        """Region writes and resets inside ask for no reply and leave all at once: the server finds the next one before
        it lets simulated time pass."""
        self._held = b""
        try:
            yield
            self.send_raw(self._held)
        finally:
            self._held = None

    def _hold(self, command: int, payload: bytes = b"") -> bool:
        if self._held is None:
            return False
        self._held += HEADER.pack(0, command, HEADER.size + len(payload), NO_REPLY, 0) + payload
        return True

    def receive_any(self) -> Message:
        fields = HEADER.unpack(self._exactly(HEADER.size))
        return Message(*fields, payload=self._exactly(fields[2] - HEADER.size))

    def receive(self) -> Message:
        """The next reply. Requests of the server that come before it go to `on_request`."""
        while (message := self.receive_any()).flags & TYPE == COMMAND:
            self._serve(message)
        return message

    def serve_one(self) -> None:
        """Waits for a request of the server and gives it to `on_request`. A reply must not come first."""
        message = self.receive_any()
        assert message.flags & TYPE == COMMAND
        self._serve(message)

    def _serve(self, message: Message) -> None:
        assert self.on_request, f"the server asked for what nobody expected: {message}"
        self.on_request(message)

    def reply(self, request: Message, payload: bytes = b"", *, error: int = 0, command: int | None = None) -> None:
        """Answers a request of the server. `command`: another one than the request's."""
        flags = REPLY | (ERROR if error else 0)
        self.send_raw(HEADER.pack(request.id, request.command if command is None else command,
                                  HEADER.size + len(payload), flags, error) + payload)

    def _exactly(self, count: int) -> bytes:
        data = bytearray(count)
        room = memoryview(data)
        while room:
            try:
                got, control, _, _ = self.socket.recvmsg_into([room], _CONTROL)
            except ConnectionResetError:
                got, control = 0, []
            for _, _, data_of in control:
                self.passed += array.array("i", data_of)
            if not got:
                raise Disconnected
            room = room[got:]
        return bytes(data)

    def call(self, command: int, payload: bytes = b"", *, fds: Sequence[int] = ()) -> bytes:
        sent = self.send(command, payload, fds=fds)
        reply = self.receive()
        assert (reply.id, reply.command) == (sent, command)
        assert reply.flags & TYPE == REPLY
        if reply.flags & ERROR:
            assert reply.payload == b""
            raise Refused(command, reply.error)
        assert reply.error == 0
        return reply.payload

    def wait_disconnect(self) -> None:
        """Returns once the server has closed the connection; what it still sends is dropped."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass

    # ---- commands

    def version(self, capabilities: dict | None = None, *, major: int = 0, minor: int = 0,
                data: bytes | None = None) -> dict:
        if data is None:
            text = {"capabilities": CAPABILITIES if capabilities is None else capabilities}
            data = json.dumps(text).encode() + b"\0"
        reply = self.call(VERSION, struct.pack("=HH", major, minor) + data)
        assert struct.unpack_from("=HH", reply) == (0, 0)
        return json.loads(reply[4:-1]) if len(reply) > 4 else {}

    def dma_map(self, address: int, size: int, fd: int | None, *, offset: int = 0,
                flags: int = MAP_READ | MAP_WRITE) -> None:
        payload = struct.pack("=IIQQQ", 32, flags, offset, address, size)
        assert self.call(DMA_MAP, payload, fds=[] if fd is None else [fd]) == b""

    def dma_unmap(self, address: int, size: int, *, flags: int = 0) -> None:
        payload = struct.pack("=IIQQ", 24, flags, address, size)
        assert self.call(DMA_UNMAP, payload) == payload

    def device_info(self) -> tuple[int, int, int, int]:
        return struct.unpack("=IIII", self.call(DEVICE_GET_INFO, struct.pack("=IIII", 16, 0, 0, 0)))

    def region_info(self, index: int, *, argsz: int = 32) -> tuple[int, int, int, int, int, int]:
        return REGION_INFO.unpack(self.region_info_bytes(index, argsz))

    def region_info_bytes(self, index: int, argsz: int) -> bytes:
        """The whole reply, with capabilities; a descriptor that comes with it is in `passed`."""
        return self.call(DEVICE_GET_REGION_INFO, REGION_INFO.pack(argsz, 0, index, 0, 0, 0))

    def irq_info(self, index: int, *, argsz: int = 16) -> tuple[int, int, int, int]:
        return struct.unpack("=IIII", self.call(DEVICE_GET_IRQ_INFO, struct.pack("=IIII", argsz, 0, index, 0)))

    def set_irqs(self, index: int, flags: int, start: int = 0, count: int = 0, *, data: bytes = b"",
                 fds: Sequence[int] = ()) -> None:
        payload = struct.pack("=IIIII", 20 + len(data), flags, index, start, count) + data
        assert self.call(DEVICE_SET_IRQS, payload, fds=fds) == b""

    def set_trigger(self, index: int, fds: Sequence[int], start: int = 0) -> None:
        self.set_irqs(index, DATA_EVENTFD | ACTION_TRIGGER, start, len(fds), fds=fds)

    def reset(self) -> None:
        if not self._hold(DEVICE_RESET):
            assert self.call(DEVICE_RESET) == b""

    def region_read(self, region: int, offset: int, count: int) -> bytes:
        payload = struct.pack("=QII", offset, region, count)
        reply = self.call(REGION_READ, payload)
        assert reply[:16] == payload and len(reply) == 16 + count
        return reply[16:]

    def region_write(self, region: int, offset: int, data: bytes) -> None:
        head = struct.pack("=QII", offset, region, len(data))
        if not self._hold(REGION_WRITE, head + data):
            assert self.call(REGION_WRITE, head + data) == head

    # ---- numbers instead of bytes

    def read(self, region: int, offset: int, size: int = 4) -> int:
        return int.from_bytes(self.region_read(region, offset, size), "little")

    def write(self, region: int, offset: int, value: int, size: int = 4) -> None:
        self.region_write(region, offset, value.to_bytes(size, "little"))

    def config_read(self, offset: int, size: int) -> int:
        return self.read(CONFIG_REGION, offset, size)

    def config_write(self, offset: int, value: int, size: int) -> None:
        self.write(CONFIG_REGION, offset, value, size)

    def capability(self, wanted: int) -> int:
        """Where a PCI capability is; AssertionError when the function has none such."""
        at = self.config_read(0x34, 1)
        for _ in range(48):
            if at == 0:
                break
            if self.config_read(at, 1) == wanted:
                return at
            at = self.config_read(at + 1, 1)
        raise AssertionError(f"no PCI capability {wanted:#x}")


def memfd(size: int, *, sealed: bool = False) -> int:
    """A file of client memory. Sealed files cannot shrink, as QEMU makes them."""
    import fcntl
    fd = os.memfd_create("prd32-test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    if sealed:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return fd

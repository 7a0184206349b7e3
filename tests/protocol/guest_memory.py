# SPDX-License-Identifier: Apache-2.0
"""Client memory with PRD tables in it, and the registers that set a transfer going. All numbers are the map's."""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Callable, Sequence

import regmap
from protocol.vfio_user import DMA_WRITE, MAP_READ, MAP_WRITE, SECONDS, Client, Message, memfd

MAP = regmap.load()
MMIO = MAP.bar("MMIO").index
IO = MAP.bar("IO").index
MEMORY = MAP.bar("MEMORY").index
BASE = 16 << 20
SIZE = 1 << 20

DMA = struct.Struct("=QQ")  # heads DMA_READ, DMA_WRITE and their replies: address, bytes

PCI_COMMAND, PCI_STATUS = 0x04, 0x06
COMMAND_MEMORY, COMMAND_MASTER, COMMAND_INTX_DISABLE = 0x2, 0x4, 0x400


def mask(register: str, field: str) -> int:
    """A field's bits within its register."""
    return MAP.register(register).field(field).mask


def error_code(name: str) -> int:
    return next(value.value for value in MAP.enum("ERR").values if value.name == name)


def read_register(client: Client, name: str, channel: int = 0) -> int:
    return client.read(MMIO, MAP.offset(name, channel), MAP.register(name).bytes)


def write_register(client: Client, name: str, value: int, channel: int = 0) -> None:
    client.write(MMIO, MAP.offset(name, channel), value, MAP.register(name).bytes)


def bus_master(client: Client, on: bool = True) -> None:
    client.config_write(PCI_COMMAND, COMMAND_MEMORY | (COMMAND_MASTER if on else 0), 2)


def prd(base: int, count: int, *, last: bool) -> bytes:
    """One descriptor; a count of 64 KiB is encoded as 0."""
    def put(field: str, value: int) -> int:
        return value << MAP.descriptor.field(field).lsb
    value = put("BASE", base) | put("COUNT", count & 0xFFFF) | put("EOT", int(last))
    return value.to_bytes(MAP.descriptor.size, "little")


def table(regions: Sequence[tuple[int, int]]) -> bytes:
    return b"".join(prd(base, count, last=index == len(regions) - 1) for index, (base, count) in enumerate(regions))


def start(client: Client, prdt: int, *, to_host: bool, channel: int = 0, card_addr: int = 0, length: int = 0) -> None:
    """Sets a transfer going; its table is at the bus address `prdt`. What the last one left in BM_STATUS is cleared."""
    write_register(client, "BM_STATUS", mask("BM_STATUS", "ERROR") | mask("BM_STATUS", "INTERRUPT"), channel)
    write_register(client, "BM_PRDT", prdt, channel)
    write_register(client, "CARD_ADDR", card_addr, channel)
    write_register(client, "LENGTH", length, channel)
    direction = mask("BM_COMMAND", "TO_HOST") if to_host else 0
    write_register(client, "BM_COMMAND", direction | mask("BM_COMMAND", "START"), channel)


def finish(client: Client, channel: int = 0) -> int:
    """Waits for the transfer's end and returns BM_STATUS."""
    deadline = time.monotonic() + SECONDS
    while (status := read_register(client, "BM_STATUS", channel)) & mask("BM_STATUS", "ACTIVE"):
        assert time.monotonic() < deadline, "the transfer does not end"
    return status


def transfer(client: Client, prdt: int, *, to_host: bool, channel: int = 0, card_addr: int = 0) -> None:
    """A transfer that must succeed."""
    start(client, prdt, to_host=to_host, channel=channel, card_addr=card_addr)
    assert finish(client, channel) == mask("BM_STATUS", "INTERRUPT"), error(client, channel)


def error(client: Client, channel: int = 0) -> tuple[int, int, int]:
    """Code, descriptor and address of the error that ended the last transfer."""
    return (read_register(client, "ERROR", channel), read_register(client, "ERROR_INDEX", channel),
            read_register(client, "ERROR_ADDR", channel))


class GuestMemory:
    """SIZE bytes at bus address BASE. The first 64 KiB are for a table, the rest is for data.

    The card reaches them through the file; or, where it was given none, it asks, and is answered from here as soon as
    the client receives anything. While `hold` accepts a request (address, bytes), it is not answered but kept in
    `held`."""

    data = BASE + 0x10000

    def __init__(self, client: Client, *, mapped: bool = True, sealed: bool = True, shared: bool = True) -> None:
        self.client = client
        self.fd = memfd(SIZE, sealed=sealed)
        self.bytes = mmap.mmap(self.fd, SIZE)
        self.hold: Callable[[int, int], bool] = lambda _address, _count: False
        self.held: list[Message] = []
        self.asked: list[tuple[int, int, int]] = []  # command, address and bytes of each request
        self._windows: list[tuple[int, int, int]] = []
        client.on_request = self._serve
        if mapped:
            self.map(BASE, SIZE, shared=shared)
        bus_master(client)

    def map(self, address: int, size: int, *, offset: int = 0, shared: bool = True, flags: int = MAP_READ | MAP_WRITE
            ) -> None:
        """Shows a part of the file at a bus address, with its descriptor or without."""
        self._windows.append((address, size, offset))
        self.client.dma_map(address, size, self.fd if shared else None, offset=offset if shared else 0, flags=flags)

    def wait_held(self, count: int = 1) -> None:
        """Returns once the server waits for so many answers."""
        while len(self.held) < count:
            self.client.serve_one()

    def _serve(self, request: Message) -> None:
        address, count = DMA.unpack_from(request.payload)
        self.asked.append((request.command, address, count))
        if self.hold(address, count):
            self.held.append(request)
        else:
            self.answer(request)

    def answer(self, request: Message) -> None:
        """Does what the request asks for and says so."""
        address, count = DMA.unpack_from(request.payload)
        done, read = 0, b""
        while done < count:
            start, size, offset = self._window(address + done)
            at = offset + address + done - start
            step = min(count - done, start + size - address - done)
            if request.command == DMA_WRITE:
                self.bytes[at:at + step] = request.payload[DMA.size + done:DMA.size + done + step]
            else:
                read += self.bytes[at:at + step]
            done += step
        self.client.reply(request, request.payload[:DMA.size] + read)

    def _window(self, address: int) -> tuple[int, int, int]:
        found = [window for window in self._windows if window[0] <= address < window[0] + window[1]]
        assert found, f"the server asked for {address:#x}, which was not mapped"
        return found[-1]

    def __enter__(self) -> GuestMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes.close()
        os.close(self.fd)

    def put(self, address: int, content: bytes) -> None:
        self.bytes[address - BASE:address - BASE + len(content)] = content

    def get(self, address: int, size: int) -> bytes:
        return self.bytes[address - BASE:address - BASE + size]

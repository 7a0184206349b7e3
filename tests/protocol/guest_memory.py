# SPDX-License-Identifier: Apache-2.0
"""Client memory with PRD tables in it, and the registers that set a transfer going. All numbers are the map's."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Sequence

import regmap
from protocol.vfio_user import SECONDS, Client, memfd

MAP = regmap.load()
MMIO = MAP.bar("MMIO").index
IO = MAP.bar("IO").index
BASE = 16 << 20
SIZE = 1 << 20

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
    """SIZE bytes at bus address BASE. The first 64 KiB are for a table, the rest is for data."""

    data = BASE + 0x10000

    def __init__(self, client: Client, *, mapped: bool = True, sealed: bool = True) -> None:
        self.fd = memfd(SIZE, sealed=sealed)
        self.bytes = mmap.mmap(self.fd, SIZE)
        if mapped:
            client.dma_map(BASE, SIZE, self.fd)
        bus_master(client)

    def __enter__(self) -> GuestMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes.close()
        os.close(self.fd)

    def put(self, address: int, content: bytes) -> None:
        self.bytes[address - BASE:address - BASE + len(content)] = content

    def get(self, address: int, size: int) -> bytes:
        return self.bytes[address - BASE:address - BASE + size]

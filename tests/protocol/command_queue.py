# SPDX-License-Identifier: Apache-2.0
"""A channel's command queue in client memory, and its driver. All numbers are the map's."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.guest_memory import BASE, MAP, GuestMemory, finish, read_register, table, write_register
from protocol.vfio_user import Client

STRUCTURE = next(structure for structure in MAP.structures if structure.name == "COMMAND")
WORDS = {word.name: word for word in STRUCTURE.words}
HALF = STRUCTURE.size // 2  # the client writes the first half of a command, the card the second
QUEUE = BASE + 0x8000  # the commands lie behind the first table


def flag(name: str, value: int = 1) -> int:
    return value << WORDS["FLAGS"].field(name).lsb


class CommandQueue:
    """2 to the power of `log2` commands."""

    def __init__(self, client: Client, memory: GuestMemory, *, channel: int = 0, log2: int = 4, coalesce: int = 0
                 ) -> None:
        self.client, self.memory, self.channel = client, memory, channel
        self.base = QUEUE + channel * 0x4000
        self.count, self.size = 0, 1 << log2
        memory.put(self.base, bytes(self.size * STRUCTURE.size))
        write_register(client, "QUEUE_BASE", self.base, channel)
        write_register(client, "QUEUE_SIZE", log2, channel)
        write_register(client, "QUEUE_COALESCE", coalesce, channel)

    def place(self, number: int) -> int:
        """The bus address of a command."""
        return self.base + number % self.size * STRUCTURE.size

    def put(self, prdt: int, *, to_host: bool, card_addr: int = 0, length: int = 0) -> int:
        """Puts a command in, without a doorbell, and returns its number."""
        number, self.count = self.count, self.count + 1
        words = {"PRDT": prdt, "CARD_ADDR": card_addr, "LENGTH": length, "FLAGS": flag("TO_HOST", int(to_host))}
        self.memory.put(self.place(number), b"".join(
            words[word.name].to_bytes(4, "little") for word in STRUCTURE.words if word.offset < HALF))
        return number

    def ring(self) -> None:
        write_register(self.client, "QUEUE_TAIL", self.count, self.channel)

    def finish(self) -> int:
        """Waits until none is left and returns BM_STATUS."""
        return finish(self.client, self.channel)

    def run(self) -> int:
        self.ring()
        return self.finish()

    def head(self) -> int:
        return read_register(self.client, "QUEUE_HEAD", self.channel)

    def halted(self) -> bool:
        return bool(read_register(self.client, "QUEUE_STATE", self.channel))

    def status(self, number: int) -> dict[str, int]:
        """The fields of a command's status, by name."""
        raw = self.memory.get(self.place(number), STRUCTURE.size)
        fields = {}
        for word in STRUCTURE.words:
            value = int.from_bytes(raw[word.offset:word.offset + 4], "little")
            if word.offset >= HALF:
                fields |= {f"{word.name}.{field.name}": (value & field.mask) >> field.lsb
                           for field in word.fields if field.name}
        return fields


def status_of(number: int, *, moved: int, code: int = 0, index: int = 0, detail: int = 0) -> dict[str, int]:
    """What `CommandQueue.status` finds."""
    return {"RESULT.CODE": code, "RESULT.INDEX": index, "MOVED.BYTES": moved, "DETAIL.VALUE": detail,
            "NUMBER.COUNT": number + 1}


def put_tables(memory: GuestMemory, contents: Sequence[bytes]) -> list[tuple[int, int]]:
    """For each an own table, of one region that holds it. Returns (address of the table, address of the region)."""
    made = []
    for index, content in enumerate(contents):
        prdt, data = BASE + 0x20000 + index * 0x20000, BASE + 0x30000 + index * 0x20000
        memory.put(prdt, table([(data, len(content))]))
        memory.put(data, content)
        made.append((prdt, data))
    return made

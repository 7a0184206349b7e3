# SPDX-License-Identifier: Apache-2.0
"""The parts of a register map, as plain immutable values."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

# What [pci] must give, and the width of each in bits, as configuration space has it.
PCI_WIDTHS = {"vendor_id": 16, "device_id": 16, "subsystem_vendor_id": 16, "subsystem_id": 16, "revision_id": 8,
              "class_code": 24}


@dataclass(frozen=True)
class Field:
    """Bits msb..lsb of a register or descriptor; name is "" for a register's reserved bits."""
    name: str
    msb: int
    lsb: int
    access: str
    reset: int
    enum: str
    doc: str

    @property
    def width(self) -> int:
        return self.msb - self.lsb + 1

    @property
    def mask(self) -> int:
        return ((1 << self.width) - 1) << self.lsb


@dataclass(frozen=True)
class Register:
    """A register; offset is counted in bytes from its block's base, width in bits."""
    name: str
    offset: int
    width: int
    doc: str
    fields: tuple[Field, ...]

    @property
    def bytes(self) -> int:
        return self.width // 8

    @property
    def reset(self) -> int:
        return sum(field.reset << field.lsb for field in self.fields)

    def mask(self, *access: str) -> int:
        """The bits whose access is one of those given."""
        return sum(field.mask for field in self.fields if field.access in access)

    def field(self, name: str) -> Field:
        """The field of that name; KeyError when there is none."""
        return _by_name(self.fields, name)


@dataclass(frozen=True)
class Block:
    """Registers that stand together; count instances of them, stride bytes apart. A single block has stride 0."""
    name: str
    base: int
    stride: int
    count: int
    doc: str
    registers: tuple[Register, ...]

    @property
    def instanced(self) -> bool:
        return self.stride != 0


@dataclass(frozen=True)
class Bar:
    """window is where the BAR starts in the card's address space; None where it shows card memory instead."""
    name: str
    index: int
    kind: str
    size: int
    window: int | None
    doc: str

    @property
    def indexes(self) -> tuple[int, ...]:
        """The base address registers that the BAR takes."""
        return (self.index, self.index + 1) if self.kind == "memory64" else (self.index,)


@dataclass(frozen=True)
class Msix:
    bar: int
    size: int
    table_offset: int
    pba_offset: int


@dataclass(frozen=True)
class Vector:
    name: str
    index: int
    doc: str


@dataclass(frozen=True)
class Limit:
    name: str
    value: int
    doc: str


@dataclass(frozen=True)
class EnumValue:
    """rule and address are "" where the code stands for no broken rule.

    silicon and ignore say what the card does when the rule is switched to that; "" where it cannot be.
    """
    name: str
    value: int
    rule: str
    address: str
    doc: str
    silicon: str
    ignore: str

    @property
    def modes(self) -> tuple[str, ...]:
        """What the rule can be switched to."""
        return (*(("error",) if self.rule else ()), *(("silicon",) if self.silicon else ()),
                *(("ignore", "off") if self.ignore else ()))


@dataclass(frozen=True)
class Enum:
    name: str
    doc: str
    values: tuple[EnumValue, ...]


@dataclass(frozen=True)
class Profile:
    """A card's limits as powers of two, the extensions that it has, and what its rules are switched to.

    rules has those that are not switched to "error", by the names of their codes.
    """
    name: str
    doc: str
    granule_log2: int
    prdt_align_log2: int
    entries_log2: int
    extensions: tuple[str, ...]
    rules: dict[str, str]

    def mode(self, code: str) -> str:
        return self.rules.get(code, "error")


@dataclass(frozen=True)
class Descriptor:
    name: str
    size: int
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """The field of that name; KeyError when there is none."""
        return _by_name(self.fields, name)


@dataclass(frozen=True)
class Structure:
    """Little-endian words in host memory; their offsets count bytes from its start, and there are no gaps."""
    name: str
    size: int
    doc: str
    words: tuple[Register, ...]


@dataclass(frozen=True)
class Card:
    name: str
    summary: str
    version_major: int
    version_minor: int
    address_space: int


@dataclass(frozen=True)
class Regmap:
    """The whole map, validated."""
    card: Card
    pci: dict[str, int]
    bars: tuple[Bar, ...]
    msix: Msix
    vectors: tuple[Vector, ...]
    limits: dict[str, Limit]
    descriptor: Descriptor
    structures: tuple[Structure, ...]
    blocks: tuple[Block, ...]
    enums: tuple[Enum, ...]
    profiles: tuple[Profile, ...]

    def block_of(self, register: str) -> Block:
        """The block that holds the register of that name; KeyError when there is none."""
        for block in self.blocks:
            if any(reg.name == register for reg in block.registers):
                return block
        raise KeyError(register)

    def register(self, name: str) -> Register:
        """The register of that name; KeyError when there is none."""
        return _by_name(self.block_of(name).registers, name)

    def offset(self, name: str, instance: int = 0) -> int:
        """Byte offset of a register's instance in the card's address space; KeyError or IndexError when absent."""
        block = self.block_of(name)
        if not 0 <= instance < block.count:
            raise IndexError(f"{name} has no instance {instance}")
        return block.base + instance * block.stride + self.register(name).offset

    def instances(self) -> Iterator[tuple[Register, int, int]]:
        """Every register of every instance as (register, instance, offset), in the order of the file."""
        for block in self.blocks:
            for instance in range(block.count):
                for reg in block.registers:
                    yield reg, instance, block.base + instance * block.stride + reg.offset

    def bar(self, name: str) -> Bar:
        """The BAR of that name; KeyError when there is none."""
        return _by_name(self.bars, name)

    def enum(self, name: str) -> Enum:
        """The enum of that name; KeyError when there is none."""
        return _by_name(self.enums, name)


def _by_name(items: Iterable[Any], name: str) -> Any:
    for item in items:
        if item.name == name:
            return item
    raise KeyError(name)

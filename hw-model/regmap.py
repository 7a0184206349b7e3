# SPDX-License-Identifier: Apache-2.0
"""Loads registers.toml, the contract of the card, and refuses whatever is incomplete or contradicts itself.

A mistake that passes here becomes a wrong model, a wrong driver and a wrong data sheet at once, so nothing is guessed
and nothing is ignored: an unknown key is an error, and every bit of every register must be declared.
"""
from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import regmap_rules
from regmap_types import (PCI_WIDTHS, Bar, Block, Card, Descriptor, Enum, EnumValue, Field, Limit, Msix, Profile,
                          Register, Regmap, Structure, Vector)

DEFAULT_PATH = Path(__file__).resolve().parent / "registers.toml"
ACCESS_KINDS = ("rw", "ro", "w1c", "trigger", "reserved")
WIDTHS = (8, 16, 32)
WORD = 32  # bits of a structure's word
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
LOWER_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PROFILE = re.compile(r"[a-z][a-z0-9]*")
RULE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class RegmapError(ValueError):
    """The register map is wrong. The text says where (file, line, path of names) and what."""


class _Place:
    """Where in the file we are: the names on the way down, and the line on which the last of them stands."""

    def __init__(self, file: str, text: str, names: tuple[str, ...] = (), position: int = 0) -> None:
        self._file, self._text, self._names, self._position = file, text, names, position

    def into(self, name: str, *patterns: str) -> _Place:
        """The place below this one that name stands for; its line is the first match of a pattern after this one."""
        for pattern in patterns or (rf'name = "{re.escape(name)}"',):
            found = re.compile(pattern, re.MULTILINE).search(self._text, self._position)
            if found:
                return _Place(self._file, self._text, (*self._names, name), found.start())
        return _Place(self._file, self._text, (*self._names, name), self._position)

    def error(self, what: str) -> RegmapError:
        line = self._text.count("\n", 0, self._position) + 1
        return RegmapError(f"{self._file}:{line}: {' / '.join(self._names) or 'map'}: {what}")


class _Reader:
    """Takes typed values out of one TOML table, and refuses the table when keys are missing or left over."""

    def __init__(self, table: Any, place: _Place) -> None:
        if not isinstance(table, Mapping):
            raise place.error("expected a table")
        self._left = dict(table)
        self.place = place

    def number(self, key: str, limit: int = 1 << 32, default: int | None = None) -> int:
        """A number 0 <= value < limit."""
        value = self._left.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.place.error(f"{key} must be given, as a number")
        if not 0 <= value < limit:
            raise self.place.error(f"{key} = {value:#x} is outside 0..{limit - 1:#x}")
        return value

    def text(self, key: str, pattern: re.Pattern[str] | None = None, default: str | None = None) -> str:
        value = self._left.pop(key, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.place.error(f"{key} must be given, as a text")
        if value and pattern and not pattern.fullmatch(value):
            raise self.place.error(f"{key} = \"{value}\" does not have the form {pattern.pattern}")
        return value

    def tables(self, key: str) -> list[Any]:
        value = self._left.pop(key, None)
        if not isinstance(value, list) or not value:
            raise self.place.error(f"{key} must be given, as a list that is not empty")
        return value

    def table(self, key: str) -> Any:
        if key not in self._left:
            raise self.place.error(f"[{key}] is missing")
        return self._left.pop(key)

    def has(self, key: str) -> bool:
        return key in self._left

    def done(self) -> None:
        if self._left:
            raise self.place.error(f"unknown key {', '.join(sorted(self._left))}")


def _named(table: Any, place: _Place, pattern: re.Pattern[str] = NAME) -> tuple[str, _Reader]:
    """A table's name, and a reader of the rest that speaks of it by that name."""
    reader = _Reader(table, place)
    name = reader.text("name", pattern)
    reader.place = place.into(name)
    return name, reader


def _bits(reader: _Reader, width: int) -> tuple[int, int]:
    text = reader.text("bits", re.compile(r"\d+(:\d+)?"))
    msb, _, lsb = text.partition(":")
    high, low = int(msb), int(lsb or msb)
    if high < low or high >= width:
        raise reader.place.error(f"bits {text} do not fit {width} bits as high:low")
    return high, low


def _refuse_gaps(fields: Iterable[Field], width: int, place: _Place) -> None:
    """Every bit belongs to exactly one field, and no two fields share a name."""
    declared = 0
    names: set[str] = set()
    for field in fields:
        if declared & field.mask:
            raise place.error(f"bits {field.msb}:{field.lsb} overlap another field")
        declared |= field.mask
        if field.name and field.name in names:
            raise place.error(f"field {field.name} is declared twice")
        names.add(field.name)
    missing = [str(bit) for bit in range(width) if not declared >> bit & 1]
    if missing:
        raise place.error(f"bits {', '.join(missing)} are not declared")


def _field(table: Any, width: int, place: _Place, enums: Mapping[str, Enum]) -> Field:
    reader = _Reader(table, place)
    bits = str(table.get("bits", "?"))
    name = reader.text("name", NAME, default="")
    reader.place = place.into(name or f"bits {bits}", rf'bits = "{re.escape(bits)}"')
    high, low = _bits(reader, width)
    access = reader.text("access")
    if access not in ACCESS_KINDS:
        raise reader.place.error(f"access \"{access}\" is none of {', '.join(ACCESS_KINDS)}")
    if access == "reserved":
        if name or reader.has("reset"):
            raise reader.place.error("reserved bits have no name and no reset value; they read 0")
        reader.done()
        return Field("", high, low, access, 0, "", "")
    if not name:
        raise reader.place.error("name must be given, as a text")
    reset = reader.number("reset")
    if access == "trigger" and reset:
        raise reader.place.error("a trigger reads 0, so its reset value is 0")
    if reset >= 1 << (high - low + 1):
        raise reader.place.error(f"reset {reset:#x} does not fit {high - low + 1} bits")
    enum = reader.text("enum", NAME, default="")
    if enum:
        if enum not in enums:
            raise reader.place.error(f"enum {enum} is not defined")
        if max(value.value for value in enums[enum].values) >= 1 << (high - low + 1):
            raise reader.place.error(f"a value of enum {enum} does not fit {high - low + 1} bits")
        if reset not in (value.value for value in enums[enum].values):
            raise reader.place.error(f"reset {reset:#x} is no value of enum {enum}")
    field = Field(name, high, low, access, reset, enum, reader.text("doc"))
    reader.done()
    return field


def _register(table: Any, place: _Place, enums: Mapping[str, Enum]) -> Register:
    name, reader = _named(table, place)
    width = reader.number("width")
    if width not in WIDTHS:
        raise reader.place.error(f"width {width} is none of {WIDTHS}")
    offset = reader.number("offset")
    if offset % (width // 8):
        raise reader.place.error(f"offset {offset:#x} is not a multiple of the register's {width // 8} bytes")
    doc = reader.text("doc")
    fields = tuple(_field(field, width, reader.place, enums) for field in reader.tables("fields"))
    reader.done()
    _refuse_gaps(fields, width, reader.place)
    return Register(name, offset, width, doc, fields)


def _block(table: Any, place: _Place, limits: Mapping[str, Limit], enums: Mapping[str, Enum]) -> Block:
    name, reader = _named(table, place, LOWER_NAME)
    base = reader.number("base")
    stride, count = 0, 1
    if reader.has("stride") or reader.has("instances"):
        stride = reader.number("stride")
        limit = reader.text("instances", NAME)
        if limit not in limits:
            raise reader.place.error(f"instances = \"{limit}\" is no entry of [limits]")
        count = limits[limit].value
    doc = reader.text("doc")
    registers = tuple(_register(reg, reader.place, enums) for reg in reader.tables("register"))
    reader.done()
    if stride and max(reg.offset + reg.bytes for reg in registers) > stride:
        raise reader.place.error(f"the registers overlap the next instance, {stride:#x} bytes further")
    return Block(name, base, stride, count, doc, registers)


def _enum(table: Any, place: _Place) -> Enum:
    name, reader = _named(table, place)
    values = []
    for entry in reader.tables("values"):
        value_name, value = _named(entry, reader.place)
        values.append(EnumValue(value_name, value.number("value"), value.text("rule", RULE, default=""),
                                value.text("address", default=""), value.text("doc"),
                                value.text("silicon", default=""), value.text("ignore", default="")))
        value.done()
        if bool(values[-1].rule) != bool(values[-1].address):
            raise value.place.error("rule and address go together: a broken rule has an address at fault")
        if (values[-1].silicon or values[-1].ignore) and not values[-1].rule:
            raise value.place.error("silicon and ignore belong to a rule")
    enum = Enum(name, reader.text("doc"), tuple(values))
    reader.done()
    regmap_rules.refuse_twice((v.name for v in values), "value", reader.place)
    regmap_rules.refuse_twice((v.value for v in values), "number", reader.place)
    return enum


def _limit(name: str, table: Any, place: _Place) -> Limit:
    reader = _Reader(table, place.into(name, rf"^{re.escape(name)} ="))
    if not NAME.fullmatch(name):
        raise reader.place.error(f"the name does not have the form {NAME.pattern}")
    limit = Limit(name, reader.number("value"), reader.text("doc"))
    reader.done()
    return limit


def _descriptor(table: Any, place: _Place) -> Descriptor:
    name, reader = _named(table, place.into("descriptor", r"^\[descriptor\]"))
    size = reader.number("size")
    fields = []
    for entry in reader.tables("fields"):
        field_name, field = _named(entry, reader.place)
        high, low = _bits(field, size * 8)
        fields.append(Field(field_name, high, low, "rw", 0, "", field.text("doc")))
        field.done()
    reader.done()
    _refuse_gaps(fields, size * 8, reader.place)
    return Descriptor(name, size, tuple(fields))


def _word_field(table: Any, place: _Place) -> Field:
    reader = _Reader(table, place)
    bits = str(table.get("bits", "?"))
    name = reader.text("name", NAME, default="")
    reader.place = place.into(name or f"bits {bits}", rf'bits = "{re.escape(bits)}"')
    high, low = _bits(reader, WORD)
    field = Field(name, high, low, "rw" if name else "reserved", 0, "", reader.text("doc") if name else "")
    reader.done()
    return field


def _structure(table: Any, place: _Place) -> Structure:
    name, reader = _named(table, place)
    size = reader.number("size")
    doc = reader.text("doc")
    words: list[Register] = []
    for entry in reader.tables("words"):
        word_name, word = _named(entry, reader.place)
        if word.number("offset") != len(words) * WORD // 8:
            raise word.place.error(f"offset is not {len(words) * WORD // 8:#x}, right behind the last word")
        fields = tuple(_word_field(field, word.place) for field in word.tables("fields"))
        _refuse_gaps(fields, WORD, word.place)
        words.append(Register(word_name, len(words) * WORD // 8, WORD, word.text("doc"), fields))
        word.done()
    reader.done()
    regmap_rules.refuse_twice((word.name for word in words), "word", reader.place)
    if size != len(words) * WORD // 8:
        raise reader.place.error(f"size {size} is not that of its {len(words)} words")
    return Structure(name, size, doc, tuple(words))


def _card(table: Any, place: _Place) -> Card:
    name, reader = _named(table, place.into("card", r"^\[card\]"), LOWER_NAME)
    card = Card(name, reader.text("summary"), reader.number("version_major", 1 << 16),
                reader.number("version_minor", 1 << 16), reader.number("address_space"))
    reader.done()
    return card


def _pci(table: Any, place: _Place) -> dict[str, int]:
    reader = _Reader(table, place.into("pci", r"^\[pci\]"))
    pci = {key: reader.number(key, 1 << width) for key, width in PCI_WIDTHS.items()}
    reader.done()
    return pci


def _bar(table: Any, place: _Place) -> Bar:
    name, reader = _named(table, place)
    kind = reader.text("kind")
    bar = Bar(name, reader.number("index", 5 if kind == "memory64" else 6), kind, reader.number("size"),
              None if kind == "memory64" else reader.number("window"), reader.text("doc"))
    reader.done()
    return bar


def _vector(table: Any, place: _Place) -> Vector:
    name, reader = _named(table, place)
    vector = Vector(name, reader.number("index", 2048), reader.text("doc"))
    reader.done()
    return vector


def _profile(table: Any, place: _Place) -> Profile:
    name, reader = _named(table, place, PROFILE)
    profile = Profile(name, reader.text("doc"), reader.number("granule_log2", 13), reader.number("prdt_align_log2", 32),
                      reader.number("entries_log2", 17), tuple(reader.table("extensions")),
                      dict(reader.table("rules")))
    reader.done()
    return profile


def _msix(table: Any, place: _Place) -> Msix:
    reader = _Reader(table, place.into("msix", r"^\[msix\]"))
    msix = Msix(reader.number("bar", 6), reader.number("size"), reader.number("table_offset"),
                reader.number("pba_offset"))
    reader.done()
    return msix


def parse(text: str, file: str = "registers.toml") -> Regmap:
    """The map that the text describes; RegmapError when it is wrong. file is what errors call the text's origin."""
    place = _Place(file, text)
    try:
        top = _Reader(tomllib.loads(text), place)
    except tomllib.TOMLDecodeError as error:
        raise RegmapError(f"{file}: {error}") from None
    limits_table = top.table("limits")
    limits_place = place.into("limits", r"^\[limits\]")
    limits = {name: _limit(name, entry, limits_place) for name, entry in limits_table.items()}
    enums = tuple(_enum(entry, place.into("enum", r"^\[\[enum\]\]")) for entry in top.tables("enum"))
    by_name = {enum.name: enum for enum in enums}
    result = Regmap(
        card=_card(top.table("card"), place), pci=_pci(top.table("pci"), place),
        bars=tuple(_bar(entry, place.into("bar", r"^\[\[bar\]\]")) for entry in top.tables("bar")),
        msix=_msix(top.table("msix"), place),
        vectors=tuple(_vector(entry, place.into("vector", r"^\[\[vector\]\]")) for entry in top.tables("vector")),
        limits=limits, descriptor=_descriptor(top.table("descriptor"), place),
        structures=tuple(_structure(entry, place.into("structure", r"^\[\[structure\]\]"))
                         for entry in top.tables("structure")),
        blocks=tuple(_block(entry, place.into("block", r"^\[\[block\]\]"), limits, by_name)
                     for entry in top.tables("block")),
        enums=enums,
        profiles=tuple(_profile(entry, place.into("profile", r"^\[\[profile\]\]")) for entry in top.tables("profile")))
    top.done()
    regmap_rules.check(result, place)
    return result


def load(path: Path = DEFAULT_PATH) -> Regmap:
    """The map in the file at path; RegmapError when it is wrong, OSError when it cannot be read."""
    return parse(path.read_text(encoding="utf-8"), path.name)

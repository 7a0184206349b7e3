# SPDX-License-Identifier: Apache-2.0
"""Writes the register map as a C++ header: named constants, and the table that drives the register file."""
from __future__ import annotations

import textwrap

from regmap_rules import EXTENSIONS
from regmap_types import Block, Register, Regmap, Structure

WIDTH = 116


def _camel(name: str) -> str:
    """PRDT_MAX_ENTRIES -> PrdtMaxEntries"""
    return "".join(word.capitalize() for word in name.split("_"))


def _doc(text: str, indent: str = "") -> list[str]:
    text = text[:1].upper() + text[1:]
    return [f"{indent}/// {line}" for line in textwrap.wrap(text, WIDTH - len(indent) - 4)]


def _constant(kind: str, name: str, value: str, doc: str = "", indent: str = "") -> list[str]:
    return [*(_doc(doc, indent) if doc else []), f"{indent}inline constexpr {kind} k{name} = {value};"]


def _register(block: Block, reg: Register) -> list[str]:
    lines = _doc(f"{reg.name}, {reg.width} bits. {reg.doc}")
    lines += [f"struct {_camel(reg.name)} {{", f"  static constexpr std::string_view kName = \"{reg.name}\";",
              f"  static constexpr std::uint32_t kOffset = {block.base + reg.offset:#04x};"]
    if block.instanced:
        lines += ["  /// Byte offset of the register of instance n in the card's address space.",
                  f"  static constexpr std::uint32_t at(unsigned n) {{ return kOffset + n * {block.stride:#04x}; }}"]
    for field in reg.fields:
        if field.name:
            lines += _doc(f"{field.access}: {field.doc}", "  ")
            lines.append(f"  static constexpr std::uint32_t k{_camel(field.name)} = {field.mask:#010x};")
    return [*lines, "};", ""]


def _table(regmap: Regmap) -> list[str]:
    rows = []
    for reg, instance, offset in sorted(regmap.instances(), key=lambda entry: entry[2]):
        number = instance if regmap.block_of(reg.name).instanced else -1
        masks = ", ".join(f"{reg.mask(access):#010x}" for access in ("rw", "ro", "w1c", "trigger"))
        rows.append(f"    Register{{\"{reg.name}\", {number}, {offset:#04x}, {reg.bytes}, {masks}, "
                    f"{reg.reset:#010x}}},")
    return [*_doc("A register of one instance: which of its bits are read-write, read-only, write-1-to-clear and "
                  "triggers (the others are reserved), and its value after reset."),
            "struct Register {", "  std::string_view name;", "  int instance;          ///< -1: there is only one",
            "  std::uint32_t offset;  ///< in the card's address space, bytes",
            "  unsigned bytes;        ///< 1, 2 or 4", "  std::uint32_t rw;", "  std::uint32_t ro;",
            "  std::uint32_t w1c;", "  std::uint32_t trigger;", "  std::uint32_t reset;", "};", "",
            "/// Every register, in the order of offsets.",
            f"inline constexpr std::array<Register, {len(rows)}> kTable{{{{", *rows, "}};", ""]


def _names(regmap: Regmap) -> list[str]:
    """What a register's value is made of, for programs that are told of fields and codes by name."""
    fields = [f"    Field{{\"{reg.name}\", \"{field.name}\", {field.mask:#010x}, \"{field.enum}\"}},"
              for block in regmap.blocks for reg in block.registers for field in reg.fields if field.name]
    codes = [f"    Code{{\"{enum.name}\", \"{value.name}\", {value.value}}},"
             for enum in regmap.enums for value in enum.values]
    return ["/// A field of a register, in every instance of it.",
            "struct Field {", "  std::string_view reg;", "  std::string_view name;",
            "  std::uint32_t mask;      ///< its bits in the register's value",
            "  std::string_view codes;  ///< which codes it holds; \"\" when it holds a number", "};", "",
            "/// Every field that has a name, lowest bits first.",
            f"inline constexpr std::array<Field, {len(fields)}> kFields{{{{", *fields, "}};", "",
            "/// A code by its name.", "struct Code {", "  std::string_view codes;", "  std::string_view name;",
            "  std::uint32_t value;", "};", "",
            f"inline constexpr std::array<Code, {len(codes)}> kCodes{{{{", *codes, "}};", ""]


def _codes(regmap: Regmap) -> list[str]:
    lines = []
    for enum in regmap.enums:
        kind = _camel(enum.name)
        lines += [*_doc(enum.doc), f"enum class {kind} : std::uint8_t {{"]
        for value in enum.values:
            lines += [*_doc(value.doc, "  "), f"  k{_camel(value.name)} = {value.value},"]
        lines += ["};", ""]
    return lines


def _rules(regmap: Regmap) -> list[str]:
    """What the rules can be switched to, and what the profiles switch them to; both tables by the codes' numbers."""
    values = sorted(regmap.enum("ERR").values, key=lambda value: value.value)
    if [value.value for value in values] != list(range(len(values))):
        raise ValueError("the codes of enum ERR must count from 0")
    rows = [f"    Rule{{\"{value.rule}\", {str(bool(value.silicon)).lower()}, {str(bool(value.ignore)).lower()}}},"
            for value in values]
    lines = ["/// What a rule can be switched to; docs/registers.md says what the card then does.",
             "enum class Mode : std::uint8_t { kError, kSilicon, kIgnore, kOff };", "",
             "struct Rule {", "  std::string_view name;  ///< in the violation log; \"\" where the code is no rule's",
             "  bool silicon;           ///< can be switched to Mode::kSilicon",
             "  bool ignore;            ///< can be switched to Mode::kIgnore and Mode::kOff", "};", "",
             "/// Every rule, by the number of its code.",
             f"inline constexpr std::array<Rule, {len(rows)}> kRules{{{{", *rows, "}};", "",
             *_doc("The rule that a code says is broken, as the violation log names it; \"\" when none."),
             "constexpr std::string_view rule_of(Err code) {",
             "  const auto number = static_cast<std::size_t>(code);",
             "  return number < kRules.size() ? kRules[number].name : std::string_view();", "}", "",
             "/// What a card is switched to as a whole.", "struct Profile {", "  std::string_view name;",
             "  unsigned granule_log2;     ///< PRD bases and counts are multiples of 2 to this power, bytes",
             "  unsigned prdt_align_log2;  ///< a PRDT's address is a multiple of 2 to this power, bytes",
             "  unsigned entries_log2;     ///< a PRDT has at most 2 to this power entries"]
    lines += [f"  bool {name.lower()};" for name in EXTENSIONS]
    lines += ["  std::array<Mode, kRules.size()> modes;  ///< by the number of the code", "};", "",
              "/// The profiles that the card knows by name; the first is the default.",
              f"inline constexpr std::array<Profile, {len(regmap.profiles)}> kProfiles{{{{"]
    for profile in regmap.profiles:
        has = ", ".join(str(name in profile.extensions).lower() for name in EXTENSIONS)
        modes = ", ".join(f"Mode::k{profile.mode(value.name).capitalize()}" for value in values)
        lines.append(f"    Profile{{\"{profile.name}\", {profile.granule_log2}, {profile.prdt_align_log2}, "
                     f"{profile.entries_log2}, {has},")
        lines += textwrap.wrap(f"{{{{{modes}}}}}}},", WIDTH, initial_indent=" " * 12, subsequent_indent=" " * 14)
    return [*lines, "}};", ""]


def _card(regmap: Regmap) -> list[str]:
    lines = ["namespace limits {"]
    for limit in regmap.limits.values():
        lines += _constant("std::uint64_t", _camel(limit.name), f"{limit.value:#x}", limit.doc)
    lines += ["}  // namespace limits", "", "namespace pci {"]
    for key, value in regmap.pci.items():
        lines += _constant("std::uint32_t", _camel(key), f"{value:#x}")
    lines += ["", "enum class BarKind : std::uint8_t { kMemory32, kMemory64, kIo };", "",
              "/// A window onto the card's address space; of kind kMemory64, prefetchable, onto card memory.",
              "struct Bar {", "  std::string_view name;", "  unsigned index;        ///< kMemory64: and the next",
              "  BarKind kind;", "  std::uint64_t size;    ///< bytes, a power of two; of the default configuration",
              "  std::uint32_t window;  ///< offset of its first byte in the card's address space, or card memory",
              "};", "",
              f"inline constexpr std::array<Bar, {len(regmap.bars)}> kBars{{{{"]
    for bar in regmap.bars:
        lines.append(f"    Bar{{\"{bar.name}\", {bar.index}, BarKind::k{_camel(bar.kind.upper())}, {bar.size:#x}, "
                     f"{bar.window or 0:#x}}},")
    lines += ["}};", ""]
    msix = regmap.msix
    for name, value in (("Bar", msix.bar), ("Size", msix.size), ("TableOffset", msix.table_offset),
                        ("PbaOffset", msix.pba_offset)):
        lines += _constant("std::uint32_t", f"Msix{name}", f"{value:#x}")
    lines += ["}  // namespace pci", "", "namespace vectors {"]
    for vector in regmap.vectors:
        lines += _constant("unsigned", _camel(vector.name), str(vector.index), vector.doc)
    lines += _constant("unsigned", "Count", str(len(regmap.vectors)))
    names = ", ".join(f"\"{vector.name}\"" for vector in sorted(regmap.vectors, key=lambda vector: vector.index))
    lines.append(f"inline constexpr std::array<std::string_view, kCount> kNames{{{{{names}}}}};")
    return [*lines, "}  // namespace vectors", ""]


def _descriptor(regmap: Regmap) -> list[str]:
    descriptor = regmap.descriptor
    lines = ["/// The descriptor as one little-endian number: masks of its fields.",
             f"namespace {descriptor.name.lower()} {{",
             *_constant("std::size_t", "Bytes", str(descriptor.size))]
    for field in descriptor.fields:
        lines += _constant("std::uint64_t", _camel(field.name), f"{field.mask:#018x}", field.doc)
    return [*lines, f"}}  // namespace {descriptor.name.lower()}", ""]


def _structure(structure: Structure) -> list[str]:
    lines = [*_doc(f"{structure.doc} Offsets of its words, bytes, and masks of their fields."),
             f"namespace {structure.name.lower()} {{", *_constant("std::size_t", "Bytes", str(structure.size))]
    for word in structure.words:
        lines += _constant("std::size_t", _camel(word.name), f"{word.offset:#x}", word.doc)
        for field in word.fields:
            if field.name and field.width < word.width:
                mask = f"{field.mask:#010x}"
                lines += _constant("std::uint32_t", _camel(f"{word.name}_{field.name}"), mask, field.doc)
    return [*lines, f"}}  // namespace {structure.name.lower()}", ""]


def emit(regmap: Regmap) -> str:
    """The text of include/prd32/registers.hpp."""
    lines = ["// SPDX-License-Identifier: Apache-2.0",
             "// Written by hw-model/generate.py from hw-model/registers.toml: edit that file, not this one.",
             "// clang-format off", "#pragma once", "", "#include <array>", "#include <bit>", "#include <cstddef>",
             "#include <cstdint>", "#include <string_view>", "", "namespace prd32 {", "", *_card(regmap),
             *_descriptor(regmap), *(line for structure in regmap.structures for line in _structure(structure)),
             "namespace regs {", "",
             "/// The value of a field in a register's value; mask is one of the field masks below.",
             "template <typename T>",
             "constexpr T field_get(T mask, T value) { return (value & mask) >> std::countr_zero(mask); }", "",
             "/// A field's value moved to the field's place; mask is one of the field masks below.",
             "template <typename T>",
             "constexpr T field_put(T mask, T value) { return (value << std::countr_zero(mask)) & mask; }", "",
             "/// Registers and windows of the BARs lie below this offset, bytes.",
             f"inline constexpr std::uint32_t kAddressSpace = {regmap.card.address_space:#x};", ""]
    for block in regmap.blocks:
        lines += [*(f"// {line}" for line in textwrap.wrap(f"---- {block.name}: {block.doc}", WIDTH - 3)), ""]
        for reg in block.registers:
            if any(field.name for field in reg.fields):
                lines += _register(block, reg)
    lines += _codes(regmap) + _rules(regmap) + _table(regmap) + _names(regmap)
    lines += ["}  // namespace regs", "}  // namespace prd32"]
    return "\n".join(lines) + "\n"

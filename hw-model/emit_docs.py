# SPDX-License-Identifier: Apache-2.0
"""Writes the register map as the tables of the data sheet, in Markdown."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from regmap_types import Block, Register, Regmap


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in row)} |" for row in rows]
    return [*lines, ""]


def _range(msb: int, lsb: int) -> str:
    return str(lsb) if msb == lsb else f"{msb}:{lsb}"


def _offset(block: Block, reg: Register) -> str:
    offset = f"`{block.base + reg.offset:#04x}`"
    return f"{offset} + n * `{block.stride:#04x}`" if block.instanced else offset


def _register(block: Block, reg: Register) -> list[str]:
    lines = [f"### {reg.name}", "",
             f"Offset {_offset(block, reg)}, {reg.width} bits, reset `{reg.reset:#x}`. {reg.doc}", ""]
    rows = [(_range(field.msb, field.lsb), field.name or "-", field.access,
             f"`{field.reset:#x}`" if field.name else "`0x0`",
             (field.doc + (f" (see [{field.enum}](#codes-{field.enum.lower()}))" if field.enum else "")) or "reads 0")
            for field in sorted(reg.fields, key=lambda entry: -entry.msb)]
    return lines + _table(("bits", "field", "access", "reset", "meaning"), rows)


def _function(regmap: Regmap) -> list[str]:
    lines = ["## The PCI function", ""]
    lines += _table(("what", "value"), ((key.replace("_", " "), f"`{value:#x}`") for key, value in regmap.pci.items()))
    lines += _table(("BAR", "name", "kind", "size", "shows from", "what"),
                    [*((bar.index, bar.name, bar.kind, f"`{bar.size:#x}`",
                        "card memory" if bar.window is None else f"`{bar.window:#x}`", bar.doc) for bar in regmap.bars),
                     (regmap.msix.bar, "MSI-X", "memory32", f"`{regmap.msix.size:#x}`", "-",
                      f"table at `{regmap.msix.table_offset:#x}`, pending bits at `{regmap.msix.pba_offset:#x}`")])
    lines += _table(("vector", "name", "raised when"),
                    ((vector.index, vector.name, vector.doc) for vector in regmap.vectors))
    lines += ["## Limits", ""]
    return lines + _table(("limit", "value", "meaning"), ((limit.name, f"`{limit.value:#x}`", limit.doc)
                                                          for limit in regmap.limits.values()))


def _rules(regmap: Regmap) -> list[str]:
    lines = ["## Rules", "", "Each broken rule is recorded in the violation log under its name, and latched in BREACH. "
             "Switched to `error` it ends the transfer, or keeps it from beginning. What the card does otherwise:", ""]
    return lines + _table(("code", "rule", "address at fault", "`silicon`", "`ignore` and `off`"),
                          ((value.value, f"`{value.rule}`", value.address, value.silicon or "not possible",
                            value.ignore or "not possible")
                           for value in regmap.enum("ERR").values if value.rule))


def _profiles(regmap: Regmap) -> list[str]:
    profiles = regmap.profiles
    lines = ["## Profiles", "", *(f"- **{profile.name}**: {profile.doc}" for profile in profiles), ""]
    rows: list[Sequence[object]] = [
        ("unit of base and count, bytes", *(1 << profile.granule_log2 for profile in profiles)),
        ("alignment of the PRDT, bytes", *(1 << profile.prdt_align_log2 for profile in profiles)),
        ("descriptors in a table", *(1 << profile.entries_log2 for profile in profiles)),
        ("extensions", *(", ".join(profile.extensions) or "none" for profile in profiles))]
    rows += [(f"`{value.rule}`", *(profile.mode(value.name) for profile in profiles))
             for value in regmap.enum("ERR").values if value.rule]
    return lines + _table(("", *(profile.name for profile in profiles)), rows)


def emit(regmap: Regmap) -> str:
    """The text of docs/registers.md."""
    lines = ["<!-- SPDX-License-Identifier: Apache-2.0 -->",
             "<!-- Written by hw-model/generate.py from hw-model/registers.toml: edit that file, not this one. -->",
             f"# {regmap.card.name}: registers", "",
             f"{regmap.card.name} is a {regmap.card.summary}, register interface version "
             f"{regmap.card.version_major}.{regmap.card.version_minor}. Offsets count bytes from the start of the MMIO "
             f"BAR; what no register claims there is reserved: it reads 0 and ignores writes.", "",
             "Access: **rw** software reads and writes; **ro** writes are ignored; **w1c** writing 1 clears, writing 0 "
             "keeps; **trigger** writing 1 does something, reads 0; **reserved** reads 0, writes are "
             "ignored.", "", *_function(regmap),
             f"## The descriptor ({regmap.descriptor.name})", "",
             f"{regmap.descriptor.size} bytes in host memory, little endian.", ""]
    lines += _table(("bits", "field", "meaning"), ((_range(field.msb, field.lsb), field.name, field.doc)
                                                   for field in regmap.descriptor.fields))
    for structure in regmap.structures:
        lines += [f"## Structure {structure.name}", "", f"{structure.size} bytes in host memory, little endian. "
                  f"{structure.doc}", ""]
        lines += _table(("offset", "word", "bits", "field", "meaning"),
                        ((f"`{word.offset:#04x}`", word.name, _range(field.msb, field.lsb), field.name or "-",
                          field.doc or "0") for word in structure.words for field in word.fields))
    for block in regmap.blocks:
        count = f" {block.count} instances, n = 0..{block.count - 1}." if block.instanced else ""
        lines += [f"## Block {block.name}", "", f"{block.doc}{count}", ""]
        lines += _table(("offset", "register", "bits", "what"),
                        ((_offset(block, reg), reg.name, reg.width, reg.doc) for reg in block.registers))
        for reg in block.registers:
            if any(field.name for field in reg.fields):
                lines += _register(block, reg)
    for enum in regmap.enums:
        lines += [f"## Codes {enum.name}", "", enum.doc, ""]
        lines += _table(("code", "name", "meaning"), ((value.value, value.name, value.doc) for value in enum.values))
    return "\n".join([*lines, *_rules(regmap), *_profiles(regmap)]).rstrip() + "\n"

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
                    [*((bar.index, bar.name, bar.kind, f"`{bar.size:#x}`", f"`{bar.window:#x}`", bar.doc)
                       for bar in regmap.bars),
                     (regmap.msix.bar, "MSI-X", "memory32", f"`{regmap.msix.size:#x}`", "-",
                      f"table at `{regmap.msix.table_offset:#x}`, pending bits at `{regmap.msix.pba_offset:#x}`")])
    lines += _table(("vector", "name", "raised when"),
                    ((vector.index, vector.name, vector.doc) for vector in regmap.vectors))
    lines += ["## Limits", ""]
    return lines + _table(("limit", "value", "meaning"), ((limit.name, f"`{limit.value:#x}`", limit.doc)
                                                          for limit in regmap.limits.values()))


def emit(regmap: Regmap) -> str:
    """The text of docs/registers.md."""
    lines = ["<!-- SPDX-License-Identifier: Apache-2.0 -->",
             "<!-- Written by hw-model/generate.py from hw-model/registers.toml: edit that file, not this one. -->",
             f"# {regmap.card.name}: registers", "",
             f"{regmap.card.name} is a {regmap.card.summary}, register interface version "
             f"{regmap.card.version_major}.{regmap.card.version_minor}. Offsets count bytes from the start of the MMIO "
             f"BAR; what no register claims there is reserved: it reads 0 and ignores writes.", "",
             "Access: **rw** software reads and writes; **ro** writes are ignored; **w1c** writing 1 clears, writing 0 "
             "keeps; **reserved** reads 0, writes are ignored.", "", *_function(regmap),
             f"## The descriptor ({regmap.descriptor.name})", "",
             f"{regmap.descriptor.size} bytes in host memory, little endian.", ""]
    lines += _table(("bits", "field", "meaning"), ((_range(field.msb, field.lsb), field.name, field.doc)
                                                   for field in regmap.descriptor.fields))
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
        lines += _table(("code", "name", "rule in the violation log", "ERROR_ADDR holds", "meaning"),
                        ((value.value, value.name, f"`{value.rule}`" if value.rule else "-", value.address or "-",
                          value.doc) for value in enum.values))
    lines += ["## Warnings", "", "The card ignores the access, and records it in the violation log.", ""]
    lines += _table(("rule in the violation log", "when"), ((f"`{warning.rule}`", warning.doc)
                                                            for warning in regmap.warnings))
    return "\n".join(lines).rstrip() + "\n"

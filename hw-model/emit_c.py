# SPDX-License-Identifier: Apache-2.0
"""Writes the register map as a header for Linux kernel C, in the style that checkpatch --strict asks for."""
from __future__ import annotations

import textwrap

from regmap_types import PCI_WIDTHS, Block, Descriptor, Field, Register, Regmap, Structure

TAB = 8
VALUE_COLUMN = 40
COMMENT_WIDTH = 96
MEMBER_WIDTHS = (8, 16, 32, 64)


def _define(name: str, value: str) -> str:
    """One #define, its value on a tab stop in the common column where the name leaves room for that."""
    start = f"#define {name}"
    tabs = max(1, (VALUE_COLUMN - len(start) + TAB - 1) // TAB)
    return start + "\t" * tabs + value


def _comment(text: str) -> list[str]:
    if len(text) <= COMMENT_WIDTH - 6:
        return [f"/* {text} */"]
    return ["/*", *(f" * {line}" for line in textwrap.wrap(text, COMMENT_WIDTH - 3)), " */"]


def _bits(msb: int, lsb: int) -> str:
    return f"BIT({lsb})" if msb == lsb else f"GENMASK({msb}, {lsb})"


def _register(block: Block, reg: Register) -> list[str]:
    lines = ["", *_comment(f"{reg.name}, {reg.width} bits: {reg.doc}")]
    offset = block.base + reg.offset
    if block.instanced:
        lines.append(_define(f"PRD32_{reg.name}(ch)", f"({offset:#04x} + (ch) * {block.stride:#04x})"))
    else:
        lines.append(_define(f"PRD32_{reg.name}", f"{offset:#04x}"))
    for field in reg.fields:
        if field.name:
            lines += _comment(f"{field.name}, {field.access}: {field.doc}")
            lines.append(_define(f"PRD32_{reg.name}_{field.name}", _bits(field.msb, field.lsb)))
    return lines


def _members(descriptor: Descriptor) -> tuple[list[tuple[str, Field]], int, list[Field]]:
    """Splits the descriptor into whole members and the fields that share the one called flags.

    Returns the members with their C type, the lowest bit of flags, and the fields in flags.
    """
    members, flags = [], []
    for field in sorted(descriptor.fields, key=lambda entry: entry.lsb):
        if field.width in MEMBER_WIDTHS and field.lsb % field.width == 0:
            members.append((f"__le{field.width}" if field.width > 8 else "u8", field))
        else:
            flags.append(field)
    start = min(field.lsb for field in flags)
    if start != max(field.msb for _, field in members) + 1 or descriptor.size * 8 - start != 16:
        raise ValueError("the descriptor must be whole members followed by 16 bits of flags")
    return members, start, flags


def _descriptor(descriptor: Descriptor) -> list[str]:
    members, start, flags = _members(descriptor)
    name = descriptor.name.lower()
    lines = ["", "/**", f" * struct prd32_{name} - a descriptor, as the card reads it from host memory"]
    lines += [f" * @{field.name.lower()}: {field.doc}" for _, field in members]
    lines += [" * @flags: PRD32_PRD_EOT, PRD32_PRD_MARK, both, or 0", " */", f"struct prd32_{name} {{"]
    lines += [f"\t{kind} {field.name.lower()};" for kind, field in members]
    lines += ["\t__le16 flags;", "};", "", "/* Bits of prd32_prd.flags, in the processor's order */"]
    for field in flags:
        lines += _comment(f"{field.name}: {field.doc}")
        lines.append(_define(f"PRD32_{descriptor.name}_{field.name}", _bits(field.msb - start, field.lsb - start)))
    lines.append(_define(f"PRD32_{descriptor.name}_SIZE", str(descriptor.size)))
    return lines


def _structure(structure: Structure) -> list[str]:
    name = structure.name.lower()
    title = textwrap.wrap(f"struct prd32_{name} - {structure.doc}", COMMENT_WIDTH)
    lines = ["", "/**", *(f" * {line}" for line in title)]
    lines += [f" * @{word.name.lower()}: {word.doc}" for word in structure.words]
    lines += [" */", f"struct prd32_{name} {{", *(f"\t__le32 {word.name.lower()};" for word in structure.words)]
    lines += ["};", "", f"/* Bits of prd32_{name}, in the processor's order */"]
    for word in structure.words:
        for field in word.fields:
            if field.name and field.width < word.width:
                lines += _comment(f"{field.name}: {field.doc}")
                lines.append(_define(f"PRD32_{structure.name}_{word.name}_{field.name}", _bits(field.msb, field.lsb)))
    return lines


def _card(regmap: Regmap) -> list[str]:
    lines = ["", "/* The PCI function */"]
    lines += [_define(f"PRD32_PCI_{key.upper()}", f"{value:#0{2 + PCI_WIDTHS[key] // 4}x}")
              for key, value in regmap.pci.items()]
    for bar in regmap.bars:
        lines += ["", *_comment(f"BAR {bar.name}: {bar.doc}")]
        lines.append(_define(f"PRD32_BAR_{bar.name}", str(bar.index)))
        lines.append(_define(f"PRD32_BAR_{bar.name}_SIZE", f"{bar.size:#x}"))
    lines += ["", "/* Interrupt vectors */"]
    for vector in regmap.vectors:
        lines += _comment(f"{vector.name}: {vector.doc}")
        lines.append(_define(f"PRD32_VECTOR_{vector.name}", str(vector.index)))
    lines += [_define("PRD32_VECTORS", str(len(regmap.vectors))), "", "/* Limits */"]
    for limit in regmap.limits.values():
        lines += _comment(f"{limit.name}: {limit.doc}")
        lines.append(_define(f"PRD32_LIMIT_{limit.name}", f"{limit.value:#x}" if limit.value > 64 else
                             str(limit.value)))
    lines += ["", "/* The interface that this header describes */"]
    lines.append(_define("PRD32_ID_MAGIC_EXPECTED", f"{regmap.register('ID').reset:#x}"))
    lines.append(_define("PRD32_VERSION_MAJOR_EXPECTED", str(regmap.card.version_major)))
    lines.append(_define("PRD32_VERSION_MINOR_EXPECTED", str(regmap.card.version_minor)))
    return lines


def _enums(regmap: Regmap) -> list[str]:
    lines = []
    for enum in regmap.enums:
        lines += ["", *_comment(f"Codes {enum.name}: {enum.doc}")]
        for value in enum.values:
            lines += _comment(f"{value.name}: {value.doc}")
            lines.append(_define(f"PRD32_{enum.name}_{value.name}", str(value.value)))
        lower = enum.name.lower()
        lines += ["", "/**", f" * prd32_{lower}_name() - the name of a PRD32_{enum.name} code, for messages",
                  " * @code: the code, as the card reports it", " *",
                  " * Return: the name in the data sheet, or \"UNKNOWN\".", " */",
                  f"static inline const char *prd32_{lower}_name(u32 code)", "{", "\tswitch (code) {"]
        for value in enum.values:
            lines += [f"\tcase PRD32_{enum.name}_{value.name}:", f"\t\treturn \"{value.name}\";"]
        lines += ["\tdefault:", "\t\treturn \"UNKNOWN\";", "\t}", "}"]
    return lines


def emit(regmap: Regmap) -> str:
    """The text of driver/prd32_regs.h."""
    lines = ["/* SPDX-License-Identifier: GPL-2.0-only */", "/*",
             " * Registers, descriptors and limits of the prd32 DMA card.",
             " * Written by hw-model/generate.py from hw-model/registers.toml: edit that file, not this one.", " */",
             "#ifndef PRD32_REGS_H", "#define PRD32_REGS_H", "", "#include <linux/bits.h>", "#include <linux/types.h>"]
    lines += _card(regmap)
    for block in regmap.blocks:
        where = " Offsets count from the start of the MMIO BAR." if block is regmap.blocks[0] else ""
        lines += ["", *_comment(f"---- {block.name}: {block.doc}{where}")]
        for reg in block.registers:
            if any(field.name for field in reg.fields):
                lines += _register(block, reg)
    lines += _descriptor(regmap.descriptor)
    for structure in regmap.structures:
        lines += _structure(structure)
    lines += _enums(regmap)
    lines += ["", "#endif /* PRD32_REGS_H */"]
    return "\n".join(lines) + "\n"

# SPDX-License-Identifier: Apache-2.0
"""What must hold between the parts of a register map: nothing overlaps, and no two places contradict each other."""
from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from regmap_types import Regmap

# kind -> smallest and largest size that PCI lets it have
BAR_KINDS = {"memory32": (0x1000, 1 << 31), "memory64": (0x1000, 1 << 63), "io": (4, 256)}
MSIX_ENTRY_BYTES = 16
EXTENSIONS = ("CYCLIC", "WRITEBACK", "ENDPOINTS", "QUEUE")  # what a profile can have; each is a bit of CAPS


class Place(Protocol):
    """Where in the file a complaint belongs."""

    def into(self, name: str, *patterns: str) -> Place: ...

    def error(self, what: str) -> Exception: ...


def refuse_twice(items: Iterable[Hashable], what: str, place: Place) -> None:
    """Raises when an item occurs twice."""
    seen: set[Hashable] = set()
    for item in items:
        if item in seen:
            raise place.error(f"{what} {item} is given twice")
        seen.add(item)


def _power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _check_names(regmap: Regmap, place: Place) -> None:
    registers = [reg.name for block in regmap.blocks for reg in block.registers]
    refuse_twice((block.name for block in regmap.blocks), "block", place)
    refuse_twice(registers, "register", place)
    refuse_twice((enum.name for enum in regmap.enums), "enum", place)
    rules = [value.rule for enum in regmap.enums for value in enum.values if value.rule]
    refuse_twice(rules, "rule", place)
    refuse_twice((profile.name for profile in regmap.profiles), "profile", place)
    # The generated headers join the names with "_", so different names can meet there.
    emitted = list(registers)
    emitted += [f"{reg.name}_{field.name}" for block in regmap.blocks for reg in block.registers
                for field in reg.fields if field.name]
    emitted += [f"{enum.name}_{value.name}" for enum in regmap.enums for value in enum.values]
    refuse_twice(emitted, "generated name", place)


def _check_registers(regmap: Regmap, place: Place) -> None:
    owner: dict[int, str] = {}
    for reg, instance, offset in regmap.instances():
        here = place.into(reg.name)
        name = f"{reg.name}[{instance}]"
        if offset % reg.bytes:
            raise here.error(f"{name} at {offset:#x} is not aligned to its {reg.bytes} bytes")
        if offset + reg.bytes > regmap.card.address_space:
            raise here.error(f"{name} at {offset:#x} is outside the card's address space")
        for byte in range(offset, offset + reg.bytes):
            if byte in owner:
                raise here.error(f"{name} overlaps {owner[byte]} at {byte:#x}")
            owner[byte] = name


def _check_bars(regmap: Regmap, place: Place) -> None:
    refuse_twice((bar.name for bar in regmap.bars), "BAR", place)
    refuse_twice([index for bar in regmap.bars for index in bar.indexes] + [regmap.msix.bar], "BAR index", place)
    reached: set[int] = set()
    for bar in regmap.bars:
        here = place.into("bar", r"^\[\[bar\]\]").into(bar.name)
        if bar.kind not in BAR_KINDS:
            raise here.error(f"kind \"{bar.kind}\" is none of {', '.join(BAR_KINDS)}")
        smallest, largest = BAR_KINDS[bar.kind]
        if not _power_of_two(bar.size) or not smallest <= bar.size <= largest:
            raise here.error(f"size {bar.size:#x} is not a power of two in {smallest:#x}..{largest:#x}")
        if bar.window is None:
            if bar.size != regmap.limits["MEMORY_DEFAULT"].value:
                raise here.error("size must be limits.MEMORY_DEFAULT")
            continue
        if bar.window + bar.size > regmap.card.address_space:
            raise here.error(f"window {bar.window:#x}..{bar.window + bar.size - 1:#x} is outside the card's address "
                             f"space of {regmap.card.address_space:#x} bytes")
        reached.update(range(bar.window, bar.window + bar.size))
    for reg, instance, offset in regmap.instances():
        if not reached.issuperset(range(offset, offset + reg.bytes)):
            raise place.into(reg.name).error(f"{reg.name}[{instance}] at {offset:#x} is in no BAR's window")


def _check_vectors(regmap: Regmap, place: Place) -> None:
    refuse_twice((vector.name for vector in regmap.vectors), "vector", place)
    indexes = sorted(vector.index for vector in regmap.vectors)
    if indexes != list(range(len(indexes))):
        raise place.into("vector", r"^\[\[vector\]\]").error(
            f"indexes {indexes} have gaps or repeat; they must count from 0")
    msix = regmap.msix
    here = place.into("msix", r"^\[msix\]")
    if not _power_of_two(msix.size) or msix.size < 0x1000:
        raise here.error(f"size {msix.size:#x} is not a power of two of at least 0x1000")
    if msix.table_offset % 8 or msix.pba_offset % 8:
        raise here.error("table_offset and pba_offset must be multiples of 8")
    table = range(msix.table_offset, msix.table_offset + len(indexes) * MSIX_ENTRY_BYTES)
    pba = range(msix.pba_offset, msix.pba_offset + (len(indexes) + 63) // 64 * 8)
    if table.start < pba.stop and pba.start < table.stop:
        raise here.error("the table and the pending bits overlap")
    if max(table.stop, pba.stop) > msix.size:
        raise here.error(f"the table or the pending bits run past the BAR's {msix.size:#x} bytes")


def _check_limits(regmap: Regmap, place: Place) -> None:
    def limit(name: str) -> int:
        if name not in regmap.limits:
            raise place.into("limits", r"^\[limits\]").error(f"{name} is missing")
        return regmap.limits[name].value

    def require(holds: bool, name: str, what: str) -> None:
        if not holds:
            raise place.into("limits", r"^\[limits\]").into(name, rf"^{name} =").error(what)

    for name in ("PRDT_ALIGN", "PRDT_MAX_ENTRIES", "PRD_BOUNDARY"):
        require(_power_of_two(limit(name)), name, "must be a power of two")
    require(limit("CHANNELS") > 0, "CHANNELS", "must be at least 1")
    require(limit("MEMORY_MIN") <= limit("MEMORY_DEFAULT") <= limit("MEMORY_MAX"), "MEMORY_DEFAULT",
            "must lie between MEMORY_MIN and MEMORY_MAX")
    require(limit("PRD_MAX_BYTES") <= limit("PRD_BOUNDARY"), "PRD_MAX_BYTES", "must not exceed PRD_BOUNDARY")
    require(limit("PRDT_MAX_ENTRIES") * regmap.descriptor.size <= limit("PRDT_ALIGN"), "PRDT_MAX_ENTRIES",
            "a full table must fit between two PRDT_ALIGN boundaries")
    require(1 <= limit("ADDRESS_BITS") <= 32, "ADDRESS_BITS", "must be 1..32, the width of BM_PRDT")


def _check_descriptor(regmap: Regmap, place: Place) -> None:
    here = place.into("descriptor", r"^\[descriptor\]")
    for name in ("BASE", "COUNT", "RESERVED", "MARK", "EOT"):
        if name not in (field.name for field in regmap.descriptor.fields):
            raise here.error(f"field {name} is missing")
    if 1 << regmap.descriptor.field("COUNT").width != regmap.limits["PRD_MAX_BYTES"].value:
        raise here.error("COUNT 0 must mean PRD_MAX_BYTES, so its width must be that limit's power of two")
    if regmap.descriptor.field("BASE").width != regmap.limits["ADDRESS_BITS"].value:
        raise here.error("BASE must be ADDRESS_BITS wide")
    for name in ("MARK", "EOT"):
        if regmap.descriptor.field(name).width != 1:
            raise here.error(f"{name} must be one bit")


def _check_resets(regmap: Regmap, place: Place) -> None:
    """What a register tells of the card is what the card section and the limits say."""
    value: dict[str, Any] = {name: limit.value for name, limit in regmap.limits.items()}
    expected = {
        ("VERSION", "MAJOR"): ("card.version_major", regmap.card.version_major),
        ("VERSION", "MINOR"): ("card.version_minor", regmap.card.version_minor),
        ("CAPS", "CHANNELS"): ("limits.CHANNELS", value["CHANNELS"]),
        ("CAPS", "ENTRIES_LOG2"): ("log2 of limits.PRDT_MAX_ENTRIES", value["PRDT_MAX_ENTRIES"].bit_length() - 1),
        ("CAPS", "PRDT_ALIGN_LOG2"): ("log2 of limits.PRDT_ALIGN", value["PRDT_ALIGN"].bit_length() - 1),
        ("CAPS", "GRANULE_LOG2"): ("the first profile's granule_log2", regmap.profiles[0].granule_log2),
        **{("CAPS", name): ("the first profile's extensions", name in regmap.profiles[0].extensions)
           for name in EXTENSIONS},
        ("MEM_SIZE", "BYTES"): ("limits.MEMORY_DEFAULT", value["MEMORY_DEFAULT"]),
    }
    for (register, field), (source, wanted) in expected.items():
        try:
            found = regmap.register(register).field(field)
        except KeyError:
            raise place.error(f"{register}.{field} is missing; it must tell {source}") from None
        if found.reset != wanted:
            raise place.into(register).into(field).error(f"reset {found.reset:#x} contradicts {source} = {wanted:#x}")


def _check_causes(regmap: Regmap, place: Place) -> None:
    """One CHn and one ERRn cause a channel, next to each other, the same in IRQ_ENABLE; a vector for each."""
    channels = regmap.limits["CHANNELS"].value
    wanted = [f"CH{n}" for n in range(channels)] + [f"ERR{n}" for n in range(channels)]
    layouts = []
    for register in ("IRQ_CAUSE", "IRQ_ENABLE"):
        here = place.into(register)
        try:
            fields = {field.name: field for field in regmap.register(register).fields if field.name}
        except KeyError:
            raise place.error(f"{register} is missing") from None
        if sorted(fields) != sorted(wanted):
            raise here.error(f"must have exactly the fields {', '.join(wanted)}")
        for name in wanted:
            prefix, number = name.rstrip("0123456789"), int(name.lstrip("CHER"))
            if fields[name].width != 1 or fields[name].lsb != fields[f"{prefix}0"].lsb + number:
                raise here.into(name).error(f"must be one bit, {number} above {prefix}0")
        layouts.append({name: field.lsb for name, field in fields.items()})
    if layouts[0] != layouts[1]:
        raise place.into("IRQ_ENABLE").error("must have its bits where IRQ_CAUSE has them")
    if [vector.name for vector in regmap.vectors] != wanted[:channels] + ["ERROR"]:
        raise place.into("vector", r"^\[\[vector\]\]").error("must be CHn for each channel, then ERROR")


def _check_profiles(regmap: Regmap, place: Place) -> None:
    codes = {value.name: value for value in regmap.enum("ERR").values if value.rule}
    for number, profile in enumerate(regmap.profiles):
        here = place.into("profile", r"^\[\[profile\]\]").into(profile.name)
        if unknown := [name for name in profile.extensions if name not in EXTENSIONS]:
            raise here.error(f"extension {unknown[0]} is none of {', '.join(EXTENSIONS)}")
        for code, mode in profile.rules.items():
            if code not in codes:
                raise here.error(f"{code} is no code of enum ERR with a rule")
            if mode not in codes[code].modes:
                raise here.error(f"{code} = \"{mode}\" is none of {', '.join(codes[code].modes)}")
        for name, limit in (("prdt_align_log2", "PRDT_ALIGN"), ("entries_log2", "PRDT_MAX_ENTRIES")):
            if number == 0 and 1 << getattr(profile, name) != regmap.limits[limit].value:
                raise here.error(f"{name} contradicts limits.{limit}: the first profile is the default card")
        if 1 << profile.entries_log2 > regmap.limits["PRDT_LAST_RESORT"].value:
            raise here.error("entries_log2 allows more than limits.PRDT_LAST_RESORT")


def check(regmap: Regmap, place: Place) -> None:
    """Raises RegmapError on the first rule that the map breaks."""
    _check_limits(regmap, place)
    _check_names(regmap, place)
    _check_registers(regmap, place)
    _check_bars(regmap, place)
    _check_vectors(regmap, place)
    _check_descriptor(regmap, place)
    _check_resets(regmap, place)
    _check_causes(regmap, place)
    _check_profiles(regmap, place)

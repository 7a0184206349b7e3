# SPDX-License-Identifier: Apache-2.0
"""The register map's loader refuses every kind of mistake, and the generated files are what the map says."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import generate
import regmap

TEXT = regmap.DEFAULT_PATH.read_text(encoding="utf-8")
GENERATE = Path(generate.__file__)


def change(*edits: tuple[str, str]) -> str:
    """The real map with the first occurrence of each old text replaced."""
    text = TEXT
    for old, new in edits:
        assert old in text, f"the map no longer has {old!r}"
        text = text.replace(old, new, 1)
    return text


def cut(start: str, end: str) -> str:
    """The real map without what stands from start up to end."""
    first = TEXT.index(start)
    return TEXT[:first] + TEXT[TEXT.index(end, first):]


START = '{ name = "START", bits = "0", access = "rw", reset = 0'
LIMITS = "PRDT_ALIGN = { value = 0x10000"
BAR_IO = 'index = 4\nkind = "io"\nsize = 0x10\nwindow = 0x0'
BAR_MEMORY = 'index = 2\nkind = "memory64"\nsize = 0x4000000'
SCRATCH = 'name = "SCRATCH"\noffset = 0x18\nwidth = 32'
MOVED = 'name = "MOVED"\noffset = 0x0c'

BROKEN = {
    "not TOML": (change(("[card]", "[card")), "registers.toml"),
    "unknown key in a field": (change((START, START + ", colour = 1")), "START: unknown key colour"),
    "unknown key in a register": (change((SCRATCH, SCRATCH + "\ncolour = 1")), "SCRATCH: unknown key colour"),
    "unknown key in a block": (change(("base = 0x10\n", "base = 0x10\ncolour = 1\n")), "global: unknown key colour"),
    "unknown key in the card": (change(("version_minor = 2", "version_minor = 1\ncolour = 1")),
                                "prd32: unknown key colour"),
    "unknown key in pci": (change(("revision_id", "colour = 1\nrevision_id")), "pci: unknown key colour"),
    "unknown section": (TEXT + "\n[colour]\na = 1\n", "map: unknown key colour"),
    "section missing": (cut("[msix]", "[[vector]]"), r"\[msix\] is missing"),
    "access kind": (change((START, START.replace('"rw"', '"wo"'))), 'START: access "wo" is none of rw, ro'),
    "access missing": (change((START, START.replace('access = "rw", ', ""))), "START: access must be given"),
    "reset missing": (change((START, START.replace(", reset = 0", ""))), "START: reset must be given"),
    "reset too large": (change((START, START.replace("reset = 0", "reset = 2"))),
                        "START: reset 0x2 does not fit 1 bits"),
    "reset negative": (change((START, START.replace("reset = 0", "reset = -1"))), "START: reset = .* is outside"),
    "reset not a number": (change((START, START.replace("reset = 0", "reset = true"))), "START: reset must be given"),
    "reset on reserved bits": (change(('{ bits = "2:1", access = "reserved" }',
                                       '{ bits = "2:1", access = "reserved", reset = 1 }')),
                               "bits 2:1: reserved bits have no name and no reset"),
    "name on reserved bits": (change(('{ bits = "2:1", access = "reserved" }',
                                      '{ name = "X", bits = "2:1", access = "reserved" }')),
                              "X: reserved bits have no name"),
    "field without a name": (change((START, START.replace('name = "START", ', ""))), "bits 0: name must be given"),
    "doc missing": (change(('{ name = "VALUE", bits = "31:0", access = "rw", reset = 0, doc = "any value" }',
                            '{ name = "VALUE", bits = "31:0", access = "rw", reset = 0 }')),
                    "VALUE: doc must be given"),
    "bits undeclared": (change(('  { bits = "2:1", access = "reserved" },\n', "")),
                        "BM_COMMAND: bits 1, 2 are not declared"),
    "bits overlap": (change(('{ bits = "2:1", access', '{ bits = "3:1", access')), "BM_COMMAND: bits 3:3 overlap"),
    "bits past the width": (change(('{ bits = "7:4", access', '{ bits = "8:4", access')), "bits 8:4 do not fit 8 bits"),
    "bits reversed": (change(('{ bits = "7:4", access', '{ bits = "4:7", access')), "bits 4:7 do not fit"),
    "bits malformed": (change(('{ bits = "7:4", access', '{ bits = "7-4", access')), "does not have the form"),
    "field twice": (change(('name = "TO_HOST", bits = "3"', 'name = "START", bits = "3"')),
                    "BM_COMMAND: field START is declared twice"),
    "register twice": (change(('name = "SCRATCH"', 'name = "ID"')), "register ID is given twice"),
    "block twice": (change(('name = "global"', 'name = "bus_master"')), "block bus_master is given twice"),
    "names that meet": (change(('name = "ERROR_INDEX"', 'name = "ERROR_CODE"')), "generated name ERROR_CODE"),
    "width": (change((SCRATCH, SCRATCH.replace("32", "24"))), "SCRATCH: width 24 is none of"),
    "register unaligned": (change((SCRATCH, SCRATCH.replace("0x18", "0x1a"))),
                           "SCRATCH: offset 0x1a is not a multiple"),
    "block unaligned": (change(("base = 0x10\n", "base = 0x12\n")), r"ID\[0\] at 0x12 is not aligned"),
    "registers overlap": (change((MOVED, MOVED.replace("0x0c", "0x08"))), r"MOVED\[0\] overlaps RESIDUAL\[0\]"),
    "blocks overlap": (change(("base = 0x10\n", "base = 0x0c\n")), r"overlaps BM_PRDT\[1\] at 0xc"),
    "instances overlap": (change(("stride = 0x40", "stride = 0x10")),
                          "channel: the registers overlap the next instance"),
    "instances of nothing": (change(('instances = "CHANNELS"', 'instances = "PORTS"')), '"PORTS" is no entry of'),
    "stride without instances": (change(('stride = 0x08\ninstances = "CHANNELS"', "stride = 0x08")),
                                 "bus_master: instances must be given"),
    "register outside": (change(("base = 0x10\n", "base = 0x1000\n")), r"ID\[0\] at 0x1000 is outside"),
    "register in no BAR": (change(("size = 0x1000\nwindow = 0x0\ndoc", "size = 0x1000\nwindow = 0x1000\ndoc"),
                                  ("address_space = 0x1000", "address_space = 0x2000")), "is in no BAR's window"),
    "window outside": (change((BAR_IO, BAR_IO.replace("window = 0x0", "window = 0xff8"))),
                       r"IO: window 0xff8..0x1007 is outside"),
    "BAR size": (change((BAR_IO, BAR_IO.replace("0x10", "0x18"))), "IO: size 0x18 is not a power of two"),
    "I/O BAR too large": (change((BAR_IO, BAR_IO.replace("0x10", "0x200"))), "IO: size 0x200 is not"),
    "BAR kind": (change(('kind = "io"', 'kind = "port"')), 'IO: kind "port" is none of'),
    "BAR index": (change(("index = 4", "index = 6")), "IO: index = 0x6 is outside"),
    "BAR index twice": (change(("index = 4", "index = 0")), "BAR index 0 is given twice"),
    "BAR of MSI-X taken": (change(("bar = 1\n", "bar = 4\n")), "BAR index 4 is given twice"),
    "BAR of 64 bits as the last": (change((BAR_MEMORY, BAR_MEMORY.replace("index = 2", "index = 5"))),
                                   "MEMORY: index = 0x5 is outside"),
    "BAR in another's upper half": (change((BAR_MEMORY, BAR_MEMORY.replace("index = 2", "index = 3"))),
                                    "BAR index 4 is given twice"),
    "BAR of memory with a window": (change((BAR_MEMORY, BAR_MEMORY + "\nwindow = 0x0")), "MEMORY: unknown key window"),
    "BAR of another size than the memory": (change((BAR_MEMORY, BAR_MEMORY.replace("0x4000000", "0x2000000"))),
                                            "MEMORY: size must be limits.MEMORY_DEFAULT"),
    "BAR name twice": (change(('name = "IO"', 'name = "MMIO"')), "BAR MMIO is given twice"),
    "MSI-X table meets PBA": (change(("pba_offset = 0x800", "pba_offset = 0x28")),
                              "table and the pending bits overlap"),
    "MSI-X past its BAR": (change(("pba_offset = 0x800", "pba_offset = 0x1000")), "run past the BAR's"),
    "MSI-X unaligned": (change(("pba_offset = 0x800", "pba_offset = 0x804")), "multiples of 8"),
    "MSI-X BAR size": (change(("bar = 1\nsize = 0x1000", "bar = 1\nsize = 0x800")), "msix: size 0x800"),
    "vector gap": (change(('name = "ERROR"\nindex = 2', 'name = "ERROR"\nindex = 3')),
                   r"indexes \[0, 1, 3\] have gaps"),
    "vector twice": (change(('name = "CH1"', 'name = "CH0"')), "vector CH0 is given twice"),
    "vector of no channel": (change(('name = "CH1"', 'name = "CHX"')), "must be CHn for each channel"),
    "enum unknown": (change(('enum = "ERR"', 'enum = "WHY"')), "CODE: enum WHY is not defined"),
    "enum value too large": (change(('name = "LENGTH_LONG", value = 12', 'name = "LENGTH_LONG", value = 256')),
                             "CODE: a value of enum ERR does not fit 8 bits"),
    "reset no enum value": (change(('name = "NONE", value = 0', 'name = "NONE", value = 99')), "CODE: reset 0x0 is no"),
    "enum value name twice": (change(('name = "PRD_WRAP"', 'name = "PRD_CROSS"')),
                              "ERR: value PRD_CROSS is given twice"),
    "enum number twice": (change(('name = "PRD_WRAP", value = 6', 'name = "PRD_WRAP", value = 7')),
                          "ERR: number 7 is given twice"),
    "rule twice": (change(('rule = "prd-wrap-4g"', 'rule = "prd-cross-64k"')), "rule prd-cross-64k is given twice"),
    "rule without address": (change(('rule = "prd-wrap-4g", address = "the region"', 'rule = "prd-wrap-4g"')),
                             "PRD_WRAP: rule and address go together"),
    "rule malformed": (change(('rule = "prd-wrap-4g"', 'rule = "prd wrap"')), "does not have the form"),
    "trigger with a reset value": (change(('access = "trigger", reset = 0', 'access = "trigger", reset = 1')),
                                   "RESET: a trigger reads 0"),
    "silicon of no rule": (change(('doc = "no error" }', 'doc = "no error", silicon = "none" }')),
                           "NONE: silicon and ignore belong to a rule"),
    "profile twice": (change(('name = "seed"', 'name = "strict"')), "profile strict is given twice"),
    "profile's rule unknown": (change(('PRD_ZERO = "off", START', 'PRD_NIL = "off", START')), "strict: PRD_NIL is no"),
    "profile's mode unknown": (change(('PRD_ZERO = "off", START', 'PRD_ZERO = "maybe", START')),
                               'strict: PRD_ZERO = "maybe" is none of error, silicon'),
    "profile's mode impossible": (change(('PRDT_FETCH = "error"', 'PRDT_FETCH = "ignore"')),
                                  'sff8038i: PRDT_FETCH = "ignore" is none of error, silicon'),
    "profile's extension unknown": (change(("extensions = []", 'extensions = ["LASER"]')),
                                    "sff8038i: extension LASER is none of"),
    "profile contradicts the limits": (change(("entries_log2 = 12", "entries_log2 = 11")),
                                       "strict: entries_log2 contradicts limits.PRDT_MAX_ENTRIES"),
    "profile past the last resort": (change(("entries_log2 = 13", "entries_log2 = 16"),
                                            ("PRDT_LAST_RESORT = { value = 65536", "PRDT_LAST_RESORT = { value = 1")),
                                     "entries_log2 allows more than"),
    "profile contradicts CAPS": (change(('extensions = ["CYCLIC", ', "extensions = [")),
                                 "CYCLIC: reset 0x1 contradicts"),
    "name malformed": (change(('name = "SCRATCH"', 'name = "scratch"')), "does not have the form"),
    "limit name malformed": (change(("MEMORY_MIN =", "memory_min =")), "memory_min: the name does not have the form"),
    "limit missing": (change(("PRD_BOUNDARY =", "PRD_BORDER =")), "limits: PRD_BOUNDARY is missing"),
    "limit not a power": (change((LIMITS, LIMITS.replace("0x10000", "0x18000"))), "PRDT_ALIGN: must be a power of two"),
    "memory range": (change(("MEMORY_MIN = { value = 0x100000", "MEMORY_MIN = { value = 0x8000000")),
                     "MEMORY_DEFAULT: must lie between"),
    "table too large": (change((LIMITS, LIMITS.replace("0x10000", "0x4000"))),
                        "PRDT_MAX_ENTRIES: a full table must fit"),
    "PRD larger than its boundary": (change(("PRD_BOUNDARY = { value = 0x10000", "PRD_BOUNDARY = { value = 0x8000")),
                                     "PRD_MAX_BYTES: must not exceed"),
    "no channel": (change(("CHANNELS = { value = 2", "CHANNELS = { value = 0")), "CHANNELS: must be at least 1"),
    "descriptor gap": (change(('bits = "61:48"', 'bits = "61:49"')), "PRD: bits 48 are not declared"),
    "descriptor overlap": (change(('bits = "47:32"', 'bits = "47:31"')), "PRD: bits 47:31 overlap"),
    "descriptor field missing": (change(('{ name = "EOT"', '{ name = "LAST"')), "field EOT is missing"),
    "count contradicts": (change(("PRD_MAX_BYTES = { value = 0x10000", "PRD_MAX_BYTES = { value = 0x8000")),
                          "COUNT 0 must mean PRD_MAX_BYTES"),
    "address width": (change(("ADDRESS_BITS = { value = 32", "ADDRESS_BITS = { value = 31")),
                      "BASE must be ADDRESS_BITS"),
    "CAPS contradicts the channels": (change(('name = "CHANNELS", bits = "3:0", access = "ro", reset = 2',
                                              'name = "CHANNELS", bits = "3:0", access = "ro", reset = 3')),
                                      "CHANNELS: reset 0x3 contradicts limits.CHANNELS = 0x2"),
    "CAPS contradicts the entries": (change(("reset = 12", "reset = 11")), "ENTRIES_LOG2: reset 0xb contradicts"),
    "major version contradicts": (change(("version_major = 1", "version_major = 2")), "MAJOR: reset 0x1 contradicts"),
    "minor version contradicts": (change(("version_minor = 2", "version_minor = 3")), "MINOR: reset 0x2 contradicts"),
    "memory size contradicts": (change(("reset = 0x4000000", "reset = 0x2000000")),
                                "BYTES: reset 0x2000000 contradicts"),
    "cause missing": (change(('{ name = "ERR1", bits = "9"', '{ name = "BAD1", bits = "9"')),
                      "IRQ_CAUSE: must have exactly"),
    "cause out of place": (change(('{ name = "CH1", bits = "1"', '{ name = "CH1", bits = "2"'),
                                  ('{ bits = "7:2", access = "reserved" }', '{ bits = "7:3", access = "reserved" }, '
                                   '{ bits = "1", access = "reserved" }')), "CH1: must be one bit, 1 above CH0"),
    "PCI id too wide": (change(("device_id = 0x3270", "device_id = 0x13270")), "pci: device_id = 0x13270 is outside"),
    "PCI id missing": (change(("class_code = 0x088000", "")), "pci: class_code must be given"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_mistake_is_refused(name: str) -> None:
    text, message = BROKEN[name]
    with pytest.raises(regmap.RegmapError, match=message) as refused:
        regmap.parse(text)
    assert str(refused.value).startswith("registers.toml:")


def test_error_names_the_line() -> None:
    text = change((SCRATCH, SCRATCH.replace("32", "24")))
    line = text[:text.index('name = "SCRATCH"')].count("\n") + 1
    with pytest.raises(regmap.RegmapError, match=rf"^registers\.toml:{line}: block / global / SCRATCH: "):
        regmap.parse(text)


def test_lookup_by_name() -> None:
    loaded = regmap.load()
    assert loaded.offset("BM_STATUS", 1) == loaded.offset("BM_STATUS") + loaded.block_of("BM_STATUS").stride
    assert loaded.register("CAPS").field("CHANNELS").mask == 0xf
    with pytest.raises(KeyError):
        loaded.register("NOWHERE")
    with pytest.raises(IndexError):
        loaded.offset("BM_STATUS", loaded.limits["CHANNELS"].value)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, GENERATE, *map(str, arguments)], capture_output=True, text=True, timeout=30)


def test_committed_files_are_current() -> None:
    checked = run("--check")
    assert checked.returncode == 0, checked.stderr


def test_check_names_stale_files_and_the_cure(tmp_path: Path) -> None:
    missing = run("--check", "--root", tmp_path)
    assert missing.returncode == 1
    assert all(name in missing.stderr for name in generate.OUTPUTS)
    assert not list(tmp_path.iterdir()), "--check writes nothing"
    assert run("--root", tmp_path).returncode == 0
    assert run("--check", "--root", tmp_path).returncode == 0
    with open(tmp_path / "driver/prd32_regs.h", "a", encoding="utf-8") as header:
        header.write("/* by hand */\n")
    edited = run("--check", "--root", tmp_path)
    assert edited.returncode == 1
    assert edited.stderr == f"driver/prd32_regs.h is stale\nrun: {generate.MEND}\n"


def test_current_files_are_not_rewritten(tmp_path: Path) -> None:
    run("--root", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert run("--root", tmp_path).stdout == ""
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_wrong_map_ends_with_the_reason(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(change((START, START.replace('"rw"', '"wo"'))), encoding="utf-8")
    refused = run("--map", wrong, "--root", tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("generate.py: wrong.toml:")
    assert run("--map", tmp_path / "absent.toml").returncode == 1


@pytest.mark.parametrize("compiler, suffix, include", [("gcc", "c", None), ("g++", "cpp", "hw-model/include")])
def test_headers_compile_alone(tmp_path: Path, compiler: str, suffix: str, include: str | None) -> None:
    """The kernel header against user space's types: the real ones need a kernel, and the driver's build."""
    stubs = tmp_path / "linux"
    stubs.mkdir()
    (stubs / "bits.h").write_text("#define BIT(n) (1UL << (n))\n"
                                  "#define GENMASK(h, l) ((~0UL << (l)) & (~0UL >> (63 - (h))))\n")
    (stubs / "types.h").write_text("#include <stdint.h>\n"
                                   "typedef uint32_t u32; typedef uint32_t __le32; typedef uint16_t __le16;\n")
    source = tmp_path / f"alone.{suffix}"
    if include is None:
        source.write_text(f'#include "{generate.ROOT}/driver/prd32_regs.h"\n'
                          "_Static_assert(sizeof(struct prd32_prd) == PRD32_PRD_SIZE, \"\");\n"
                          "_Static_assert(PRD32_BM_STATUS(1) == PRD32_BM_STATUS(0) + 8, \"\");\n"
                          "_Static_assert(PRD32_PRD_EOT == 0x8000 && PRD32_PRD_MARK == 0x4000, \"\");\n"
                          "_Static_assert(PRD32_PRD_RESERVED == 0x3fff, \"\");\n"
                          "const char *name(void) { return prd32_err_name(PRD32_ERR_NONE); }\n")
        flags = ["-std=gnu11", f"-I{tmp_path}"]
    else:
        source.write_text('#include "prd32/registers.hpp"\n'
                          "static_assert(prd32::regs::BmStatus::at(1) == prd32::regs::BmStatus::at(0) + 8);\n"
                          'static_assert(prd32::regs::rule_of(prd32::regs::Err::kNone).empty());\n')
        flags = ["-std=c++20", f"-I{generate.ROOT}/{include}"]
    built = subprocess.run([compiler, *flags, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", source],
                           capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr

# SPDX-License-Identifier: Apache-2.0
"""A mistake in a file is refused before anything runs, with its line, and with what is allowed."""

import pytest

from scenario.conftest import HEAD, run

STEP = '{ write = "SCRATCH", value = 1 }'

# name: (a step with a mistake, what is said of it)
STEPS = {
    "no verb": ('{ wait = "idle" }', "a step must have one of write, read, run, check, put"),
    "not a table": ('"idle"', "steps must hold tables"),
    "unknown key": ('{ write = "SCRATCH", value = 1, values = 2 }', "unknown key values; allowed here: write, note"),
    "unknown register": ('{ read = "BM_STATE" }', "there is no register BM_STATE; there are BM_COMMAND, BM_RESERVED1"),
    "unknown field": ('{ read = "BM_STATUS", expect = "DONE" }', "BM_STATUS has no field DONE; it has ACTIVE, ERROR, "),
    "unknown code": ('{ write = "CONTROL", value = "ENDPOINT=DISK" }', "or one of MEMORY, PATTERN, CHECKSUM, LOOPBACK"),
    "field without value": ('{ write = "CONTROL", value = "ENDPOINT" }', "write ENDPOINT=VALUE"),
    "field too large": ('{ write = "BM_COMMAND", value = "START=2" }', 'START = "2": must be 0..1'),
    "mask with a value": ('{ read = "ERROR", expect = 0, mask = "CODE=1" }', "a mask names fields, without values"),
    "fields of a part": ('{ read = "BM_PRDT+1", expect = "ADDRESS=1" }', "where all of one register is accessed"),
    "no such channel": ('{ read = "LENGTH", channel = 2 }', "channel must be a number, 0..0x1"),
    "channel of one": ('{ read = "ID", channel = 0 }', "ID has no channel"),
    "beyond the register": ('{ read = "BM_PRDT+4" }', "at most +3 can follow its name"),
    "value too large": ('{ write = "BM_COMMAND", value = 256 }', "value must be a number, 0..0xff"),
    "value negative": ('{ write = "SCRATCH", value = -1 }', "value must be a number, 0..0xffffffff"),
    "value missing": ('{ write = "SCRATCH" }', "a write needs a value"),
    "split": ('{ write = "SCRATCH", value = 1, split = 3 }', "split must divide the 4 bytes"),
    "offset without bytes": ('{ read = 0x28 }', "an access by offset needs bytes, 1..8"),
    "refused is no flag": ('{ read = "ID", refused = 1 }', "refused must be true or false"),
    "run": ('{ run = "for ever" }', 'must be "idle", "line", "register", or a time, in ps, ns, us, ms, s'),
    "run too long": ('{ run = "2000000 s" }', "run must be at most 3600 s"),
    "time without unit": ('{ run = "idle", within = "5" }', 'within = "5": must be a number and one of ps, ns, us'),
    "time negative": ('{ run = "idle", within = "-5 us" }', "must be a number and one of"),
    "no time": ('{ run = "idle", within = "0 us" }', "within must be more than 0"),
    "unknown line": ('{ run = "line", line = "CH2" }', "line must be CH0, CH1 or ERROR"),
    "register missing": ('{ run = "register", expect = 1 }', "register is missing"),
    "too much to wait for": ('{ run = "register", register = "MOVED", bytes = 8, expect = 1 }', "at most 4 bytes"),
    "nothing to wait for": ('{ run = "register", register = "MOVED" }', "expect, at_least or at_most"),
    "unknown check": ('{ check = "disk" }', "must be host, card, lines, rises, breaches, elapsed or throughput"),
    "level": ('{ check = "lines", CH0 = "up" }', 'CH0 = "up": must be low or high'),
    "no line": ('{ check = "lines" }', "at least one line must be said: CH0, CH1 or ERROR"),
    "no rise": ('{ check = "rises" }', "at least one line must be said"),
    "no rules": ('{ check = "breaches" }', "rules must be a list"),
    "unknown rule": ('{ check = "breaches", rules = ["prdt-align"] }', 'there is no rule "prdt-align"'),
    "severity": ('{ check = "breaches", rules = [{ rule = "prdt-fetch", severity = "bad" }] }',
                 "must be error or warning"),
    "key of a breach": ('{ check = "breaches", rules = [{ rule = "prdt-fetch", index = 1 }] }', "unknown key index"),
    "no limit": ('{ check = "elapsed" }', "expect (with tolerance), at_least or at_most is missing"),
    "two limits": ('{ check = "elapsed", expect = "1 us", at_least = "1 us" }', "either expect"),
    "rate": ('{ check = "throughput", at_least = "1 Gb/s" }', "must be a number and one of B/s, kB/s, MB/s, GB/s"),
    "analytic": ('{ check = "throughput", expect = "analytic" }', "the card's timing is nominal"),
    "no bytes": ('{ check = "host", at = "@data" }', "hex, text, file, words, prds, fill or pattern"),
    "bytes twice": ('{ put = "host", at = "@data", hex = "00", text = "a" }', "hex and text: only one of"),
    "half a byte": ('{ put = "host", at = "@data", hex = "001" }', "two digits for each byte; there are 3"),
    "no hex": ('{ put = "host", at = "@data", hex = "0x00" }', '"0x", which is no byte'),
    "no file": ('{ put = "card", at = 0, file = "nowhere.bin" }', "nowhere.bin: No such file"),
    "no size": ('{ put = "card", at = 0, fill = 1 }', "fill needs a size"),
    "size of text": ('{ put = "card", at = 0, text = "a", size = 2 }', "size goes with fill and pattern"),
    "seed of text": ('{ put = "card", at = 0, text = "a", seed = 2 }', "seed goes with pattern"),
    "unknown pattern": ('{ put = "card", at = 0, pattern = "prbs7", size = 1 }', "must be prbs31 or counter"),
    "unit of a size": ('{ put = "card", at = 0, fill = 0, size = "1 KB" }', "must be a number and one of B, KiB, MiB"),
    "part of a byte": ('{ put = "card", at = 0, fill = 0, size = "0.3 KiB" }', "size must be whole bytes"),
    "word": ('{ put = "card", at = 0, words = [0x1_0000_0000] }', "a word must be a number, 0..0xffffffff"),
    "unknown region": ('{ put = "host", at = "@dada", hex = "00" }', "where NAME is data or table"),
    "behind a region": ('{ put = "host", at = "@data+0xffff", hex = "0000" }', "are not all in one region of memory"),
    "behind card memory": ('{ check = "card", at = "64 MiB", hex = "00" }', "are not all in card memory"),
    "no address": ('{ put = "host", hex = "00" }', "at is missing"),
    "offset of a region": ('{ put = "host", at = "@data+x", hex = "00" }', "what follows + must be a number"),
    "no base": ('{ put = "host", at = "@table", prds = [{ bytes = 1 }] }', "base is missing"),
    "base too large": ('{ put = "host", at = "@table", prds = [{ base = 0x1_0000_0000, bytes = 1 }] }',
                       "base must be a number, 0..0xffffffff"),
    "bytes and count": ('{ put = "host", at = "@table", prds = [{ base = 0, bytes = 1, count = 1 }] }',
                        "either bytes, 1..0x10000, or count"),
    "a descriptor of nothing": ('{ put = "host", at = "@table", prds = [{ base = 0, bytes = 0 }] }', "either bytes"),
    "descriptors run over": ('{ put = "card", at = 0, prds = [{ base = 0xffff_0000, bytes = "64 KiB", repeat = 2 }] }',
                             "descriptor 1 of the 2 would have a base beyond 32 bits"),
    "region to unmap": ('{ unmap = "dada" }', 'there is no region "dada"; there are table or data'),
    "rights": ('{ map = "data", rights = "x" }', "must be rw, r or w"),
    "reset": ('{ reset = "channel" }', "must be card"),
}

# name: (what stands in the place of the line with these words, the words, what is said)
LINES = {
    "not TOML": ("[play", "[play]", "Error while parsing table header"),
    "unknown top key": ("color = 1\n[play]", "[play]", "unknown key color; allowed here: name, at, size"),
    "unknown table": ("[plays]", "[play]", "unknown key plays; allowed here: title, card, host, memory, play"),
    "deadline": ('deadline = "0 s"', "deadline", "deadline must be more than 0"),
    "no region's name": ('name = "my data"', '"data"', "needs a name without spaces"),
    "region twice": ('name = "table"', '"data"', "there is a region table already"),
    "overlap": ("at = 0x0100_ffff", "at = 0x02", "data overlaps table, which is 0x1000000..0x100ffff"),
    "bus address": ("at = 0x100_0000_0001", "at = 0x02", "at must be a number, 0..0x10000000000"),
}


def refused(file, number: int | None, words: str) -> None:
    result = run(file)
    assert result.code == 2
    place = f"{file}:{number}: " if number else f"{file}: "
    assert result.err.startswith(f"prd32-scenario: {place}"), result.err
    assert words in result.err
    assert result.out == "", "nothing may have run"


@pytest.mark.parametrize("name", STEPS)
def test_step(write, name):
    step, words = STEPS[name]
    file = write([STEP, step, STEP])
    refused(file, HEAD.count("\n") + 2, words)


@pytest.mark.parametrize("name", LINES)
def test_line(write, name):
    new, old, words = LINES[name]
    file = write([STEP])
    lines = file.read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if old in line and "prds" not in line)
    lines[number] = new
    file.write_text("\n".join(lines) + "\n")
    refused(file, number + 1, words)


@pytest.mark.parametrize("card, words", [
    ('[card]\nprofile = "sff8038"', '"sff8038" is neither a profile (strict, sff8038i, seed) nor a file'),
    ('[card]\nmemory = "3 KiB"', "card memory of 3072 bytes: must be 1048576..1073741824"),
    ('[card]\ntiming = "gen=6"', "gen=6: must be 1..5"),
    ('[card]\ntiming = ["nominal", "fast"]', '"fast" is not one of gen, lanes'),
    ("[card]\ntiming = []", "timing names none"),
    ("[card]\ntiming = 3", 'timing must be "nominal", a link'),
    ('[card]\nrules = { prdt-algn = "off" }', "there is no rule prdt-algn"),
    ('[card]\nrules = { prdt-fetch = "ignore" }', "prdt-fetch cannot be switched to ignore"),
    ('[card]\nrules = { prdt-fetch = "on" }', 'must be "error", "silicon", "ignore" or "off"'),
    ("[card]\nspeed = 1", "unknown key speed; allowed here: profile, rules, memory, timing, quantum"),
    ("[host]\ndirect = 1", "direct must be true or false"),
    ('[host]\ndirect = true\nlatency = "1 us"', "direct access has no latency"),
    ("[host]\nlatency = 5", "latency must be text in quotes"),
    ("#\ncard = 1", "card must be a table: [card]"),
    ("#\ntitle = 1", "title must be text in quotes"),
])
def test_card_and_host(write, card, words):
    refused(write([STEP], card=card), card.count("\n") + 1, words)


def test_profile_file_with_a_mistake(write, tmp_path):
    (tmp_path / "mine.toml").write_text('based_on = "strict"\nentries_log2 = 99\n')
    refused(write([STEP], card='[card]\nprofile = "mine.toml"'), 2, "mine.toml:2: ")


@pytest.mark.parametrize("text, words", [
    ('[[memory]]\nname = "a"\nat = 0\n', "a needs at, its bus address, and size"),
    ('[[memory]]\nname = "a"\nat = 0\nsize = 2\ntext = "abc"\n', "a has 2 bytes, and its contents 3"),
    ('[[memory]]\nname = "a"\nat = 0\nsize = "2 GiB"\n', "size must be whole bytes, at most 1 GiB"),
    ('[[memory]]\nname = "a"\nat = 0\nsize = 1\nrights = "x"\n', "must be rw, r, w or none"),
    ("memory = 1\n", "memory must be a list of tables"),
    ("[play]\nsteps = []\n", "[play] must have steps, at least one"),
    ("", "[play] must have steps, at least one"),
])
def test_file(tmp_path, text, words):
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    result = run(file)
    assert result.code == 2 and words in result.err and f"{file}:" in result.err


def test_memory_that_is_too_much_together(tmp_path):
    file = tmp_path / "scenario.toml"
    file.write_text('[[memory]]\nname = "a"\nat = 0\nsize = 1\n[[memory]]\nname = "b"\nat = 1\nsize = "1 GiB"\n')
    refused(file, 8, "all memory together is more than 1 GiB")


def test_no_such_file(tmp_path):
    refused(tmp_path / "nothing.toml", None, "there is no such file")

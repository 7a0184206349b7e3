# SPDX-License-Identifier: Apache-2.0
"""The card, the host's memory, and what is put there."""

import pytest

from scenario.conftest import HEAD, START, TRANSFER, run

FAILS = '{ read = "ERROR", expect = "CODE=%s" }'
LOOKED_AT = '{ check = "breaches", rules = ["%s"] }'
OK = '{ read = "BM_STATUS", expect = "INTERRUPT" }'


def head(rights: str = "rw", extra: str = "") -> str:
    """The usual memory, with these rights to the data."""
    return HEAD.replace('size = "64 KiB"\n[play]', f'size = "64 KiB"\nrights = "{rights}"\n{extra}[play]')


@pytest.mark.parametrize("rights, to_host, code, rule", [
    ("rw", True, "NONE", None), ("rw", False, "NONE", None), ("w", True, "NONE", None), ("r", False, "NONE", None),
    ("r", True, "DATA_WRITE", "data-write"), ("w", False, "DATA_READ", "data-read"),
    ("none", True, "DATA_WRITE", "data-write"), ("none", False, "DATA_READ", "data-read")])
@pytest.mark.parametrize("direct", ["true", "false"])
def test_rights(play, rights, to_host, code, rule, direct):
    played = play([START[0], f'{{ write = "BM_COMMAND", value = "START|TO_HOST={int(to_host)}" }}', '{ run = "idle" }',
                   FAILS % code, *([LOOKED_AT % rule] if rule else [])], head=head(rights),
                  card=f"[host]\ndirect = {direct}\n")
    assert played.result.code == 0, played.result.out


@pytest.mark.parametrize("direct", ["true", "false"])
def test_memory_that_is_taken_away_and_given_back(play, direct):
    played = play([*TRANSFER, OK, '{ write = "BM_STATUS", value = "INTERRUPT" }', '{ unmap = "data" }',
                   *TRANSFER, FAILS % "DATA_WRITE", LOOKED_AT % "data-write", '{ map = "data", rights = "r" }',
                   *TRANSFER, FAILS % "DATA_WRITE", LOOKED_AT % "data-write", '{ map = "data" }', *TRANSFER,
                   FAILS % "NONE", '{ check = "host", at = "@data", fill = 0, size = 4096 }'],
                  card=f"[host]\ndirect = {direct}\n")
    assert played.result.code == 0, played.result.out


def test_region_of_a_descriptor_in_two_regions_of_memory(play):
    behind = '[[memory]]\nname = "behind"\nat = 0x0201_0000\nsize = 4096\n'
    played = play(['{ put = "card", at = 0, pattern = "counter", size = 4096 }',
                   '{ put = "host", at = "@table", prds = [{ base = "@data+0xf800", bytes = 4096, eot = true }] }',
                   *TRANSFER, FAILS % "NONE", LOOKED_AT % "prd-cross-64k",
                   '{ check = "host", at = "@data+0xf800", pattern = "counter", size = 2048 }',
                   '{ check = "host", at = "@behind", pattern = "counter", seed = 512, size = 2048 }',
                   '{ check = "host", at = "@behind+0x800", fill = 0, size = 2048 }'],
                  head=head(extra=behind), card='[card]\nrules = { prd-cross-64k = "ignore" }\n')
    assert played.result.code == 0, played.result.out


def test_latency_is_that_of_each_transaction(play):
    """Two of them: the fetch and the write."""
    played = play([*TRANSFER, '{ check = "elapsed", expect = "6396 ns" }'], card='[host]\nlatency = "1 us"\n')
    assert played.result.code == 0, played.result.out


@pytest.mark.parametrize("contents, hex_bytes", [
    ('hex = "00_01 fe"', "0001fe"), ('text = "ä"', "c3a4"), ("words = [1, 0xfffefdfc]", "01000000fcfdfeff"),
    ("fill = 0x5a, size = 3", "5a5a5a"), ('pattern = "counter", seed = 0xffff_ffff, size = 6', "ffffffff0000"),
    ('pattern = "prbs31", size = 4', "0000000e"), ('file = "bytes.bin"', "070809"),
    ("prds = [{ base = 0x1234_5678, bytes = 0x1_0000 }]", "7856341200000000"),
    ("prds = [{ base = 1, count = 2, reserved = 1, mark = true, eot = true }]", "01000000020001c0"),
    ('prds = [{ base = "@data+0x10", bytes = "1 KiB", step = 0, repeat = 2, eot = true }]',
     "1000000200040000" "1000000200040080"),
    ("prds = [{ base = 0, bytes = 16, repeat = 2 }]", "0000000010000000" "1000000010000000")])
@pytest.mark.parametrize("memory, at", [("host", '"@data"'), ("card", '"1 MiB"')])
def test_contents(play, tmp_path, contents, hex_bytes, memory, at):
    (tmp_path / "bytes.bin").write_bytes(b"\7\10\11")
    played = play([f'{{ put = "{memory}", at = {at}, {contents} }}',
                   f'{{ check = "{memory}", at = {at}, hex = "{hex_bytes} 00" }}',
                   f'{{ check = "{memory}", at = {at}, {contents} }}'])
    assert played.result.code == 0, played.result.out


def test_profile_in_a_file_next_to_the_scenario(play, tmp_path):
    (tmp_path / "mine.toml").write_text('based_on = "seed"\nprdt_align_log2 = 8\n')
    played = play(['{ put = "host", at = "@table+0x100", prds = [{ base = "@data", bytes = 1, eot = true }] }',
                   '{ write = "BM_PRDT", value = "@table+0x100" }', START[1], '{ run = "idle" }', OK],
                  card='[card]\nprofile = "mine.toml"\nmemory = "1 MiB"\n')
    assert played.result.code == 0, played.result.out


def test_two_timings_are_two_runs(write):
    file = write([*TRANSFER, '{ check = "elapsed", expect = "4396 ns" }'],
                 card='[card]\ntiming = ["nominal", "gen=1,lanes=1"]\n')
    result = run(file)
    assert result.code == 1 and "1 of 2 runs ok" in result.out
    assert "timing gen=1,lanes=1" in result.out

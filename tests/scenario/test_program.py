# SPDX-License-Identifier: Apache-2.0
"""The command line, the report, and the other files that the program writes."""

import json

import pytest

import regmap
from scenario.conftest import START, TRANSFER, run

BREACHES = ['{ write = "BM_PRDT", value = 1 }', START[1], '{ run = "idle" }',
            '{ check = "breaches", rules = ["prdt-align-64k"] }']


def test_each_scenario_has_a_card_of_its_own(write, tmp_path):
    first = write(['{ write = "SCRATCH", value = 5 }'], name="first.toml")
    second = write(['{ read = "SCRATCH", expect = 5 }'], name="second.toml")
    result = run("--json", tmp_path / "report.json", first, second, first)
    assert result.code == 1 and "2 of 3 runs ok" in result.out
    report = json.loads((tmp_path / "report.json").read_text())
    assert [run["file"] for run in report["runs"]] == [str(file) for file in (first, second, first)]
    assert [run["ok"] for run in report["runs"]] == [True, False, True] and report["ok"] is False


def test_mistake_in_the_second_file(write):
    """Then the first is not run either."""
    result = run(write(TRANSFER, name="first.toml"), write(["{}"], name="second.toml"))
    assert result.code == 2 and "second.toml" in result.err and result.out == ""


def test_report(write, tmp_path):
    file = write([*TRANSFER, *BREACHES], card='title = "a title"\n[card]\nprofile = "seed"\n')
    assert run("--json", tmp_path / "report.json", file).code == 0
    report = json.loads((tmp_path / "report.json").read_text())
    (only,) = report["runs"]
    assert report["ok"] and report["program"].startswith("prd32-scenario ")
    assert (only["title"], only["profile"], only["timing"]) == ("a title", "seed", "nominal")
    first = file.read_text().splitlines().index(f"  {TRANSFER[0]},") + 1
    assert [step["line"] for step in only["steps"][:3]] == [first, first + 1, first + 2]
    assert [(breach["rule"], breach["address"]) for breach in only["breaches"]] == [("prdt-align-64k", 1)]
    assert only["statistics"]["tables"] == 1 and only["statistics"]["errors"] == 1
    assert only["simulated_ns"] == pytest.approx(4396 + 200)


@pytest.mark.parametrize("count", [1, 2])
def test_violations(write, tmp_path, count):
    """One line each, of this run alone."""
    log = tmp_path / "violations.jsonl"
    log.write_text("of another run\n")
    assert run("--violations", log, *[write(BREACHES)] * count).code == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["rule"] for line in lines] == ["prdt-align-64k"] * count
    assert lines[0]["sim_ns"] == 200


@pytest.mark.parametrize("option", ["--json", "--violations"])
def test_file_that_cannot_be_written(write, tmp_path, option):
    result = run(option, tmp_path / "no" / "such.file", write(TRANSFER))
    assert result.code == 2 and "No such file" in result.err and result.out == ""


def test_list_of_registers():
    result = run("--list-registers")
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines()]
    loaded = regmap.load(regmap.DEFAULT_PATH)
    for reg, instance, offset in loaded.instances():
        row = next(row for row in rows if row[0] == f"{offset:#06x}")
        assert row[1] == str(reg.bytes) and row[3].rstrip(",") == reg.name
        assert row[4:] == (["channel", str(instance)] if loaded.block_of(reg.name).instanced else [])
        for field in reg.fields:
            assert not field.name or [f"{field.mask:#010x}", field.name] in [row[:1] + [row[1].rstrip(":")]
                                                                             for row in rows if len(row) > 1]
    for enum in loaded.enums:
        for value in enum.values:
            assert [enum.name, str(value.value), value.name] in rows


def test_verbose(write):
    out = run("--verbose", write([*TRANSFER, *BREACHES])).out
    assert "200 ns          the card reads 4096 bytes at 0x1000000" in out
    assert "4.396 us          the card writes 4096 bytes at 0x2000000" in out
    assert "breach of prdt-align-64k, error, channel 0: " in out


@pytest.mark.parametrize("words, code", [(["--help"], 0), (["--version"], 0), ([], 2), (["--colour"], 2)])
def test_command_line(words, code):
    result = run(*words)
    assert result.code == code
    assert ("--wave" in result.out) == (words == ["--help"])

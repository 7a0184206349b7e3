# SPDX-License-Identifier: Apache-2.0
"""The examples pass, link timing is what the data sheet says, and the documents show what the program says."""

import json
import re

import pytest

from scenario.conftest import EXAMPLES, run
from testbed import places

FILES = sorted(EXAMPLES.glob("*.toml"))
PAGE = places.TOP / "docs" / "scenarios.md"
# docs/datasheet.md, section 10: bytes per second of a lane; what a TLP carries besides its payload; and the usual link
LANE = {1: 250e6, 2: 500e6, 3: 984.6e6, 4: 1969.2e6, 5: 3938.5e6}
OVERHEAD, MPS, MRRS, RCB, LATENCY, READS = 20, 256, 512, 64, 500e-9, 32


def test_all_examples_in_one_command():
    result = run(*FILES)
    assert result.code == 0, result.out + result.err
    assert len(FILES) > 10


def formula(generation: int, lanes: int) -> tuple[float, float]:
    """Bytes per second to the host, and from the host."""
    rate = LANE[generation] * lanes
    completions = rate * RCB / (RCB + OVERHEAD)
    return (rate * MPS / (MPS + OVERHEAD),
            min(completions, READS * MRRS / (LATENCY + OVERHEAD / rate + MRRS / completions)))


def test_links_are_as_fast_as_the_data_sheet_says(tmp_path):
    report = tmp_path / "report.json"
    assert run("--json", report, EXAMPLES / "link-throughput.toml").code == 0
    seen = set()
    for played in json.loads(report.read_text())["runs"]:
        link = tuple(map(int, re.findall(r"\d+", played["timing"])))
        seen.add(link)
        started = [step["at_ns"] for step in played["steps"] if step["step"].startswith("start the stopwatch")]
        ended = [step["at_ns"] for step in played["steps"] if step["step"].startswith("run until")]
        size = played["statistics"]["bytes_to_host"]
        assert size == played["statistics"]["bytes_from_host"] == 16 << 20
        rates = [size / (end - start) * 1e9 for start, end in zip(started, ended, strict=True)]
        assert rates == pytest.approx(formula(*link), rel=0.02), link
    assert seen == {(generation, lanes) for generation in LANE for lanes in (1, 2, 4, 8, 16)}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_worked_example_is_played_as_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good, wrong = blocks("toml")[:2]
    (tmp_path / "first.toml").write_text(good)
    old, new = (line.strip() for line in wrong.splitlines())
    assert good.count(old) == 1
    shown = blocks("text")
    result = run("first.toml")
    assert (result.code, result.out) == (0, shown[0].partition("\n")[2])
    (tmp_path / "first.toml").write_text(good.replace(old, new))
    result = run("first.toml")
    assert (result.code, result.out) == (1, shown[1].partition("\n")[2])


def test_every_example_is_on_the_page():
    text = PAGE.read_text()
    assert [file.name for file in FILES if f"`{file.name}`" not in text] == []

# SPDX-License-Identifier: Apache-2.0
"""--wave: a VCD file that a waveform viewer can open, in which a transfer shows."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from scenario.conftest import EXAMPLES, START, TRANSFER, run

# enum ChannelState of the model; README.md of the program has them, too
IDLE, STARTING, QUEUED, FETCHING, WAITING, MOVING, ENDING = range(7)


@dataclass
class Vcd:
    """Changes of each signal, by its path: (time in picoseconds, value), the value in the beginning first."""
    picoseconds: int
    widths: dict[str, int]
    changes: dict[str, list[tuple[int, int]]]


def parse(file: Path) -> Vcd:
    """As strict as IEEE 1364 is with what the file has: every $ section closed, identifiers declared, values that fit,
    times that grow."""
    text = file.read_text()
    head, end, body = text.partition("$enddefinitions")
    assert end
    unit = re.search(r"\$timescale\s+(\d+)\s*(ps|ns)\s+\$end", head)
    assert unit, "a viewer needs the timescale"
    path, names, widths = [], {}, {}
    for kind, words in re.findall(r"\$(scope|upscope|var)\b(.*?)\$end", head, re.DOTALL):
        if kind == "scope":
            path.append(words.split()[1])
        elif kind == "upscope":
            path.pop()
        else:
            _, width, code, name = words.split()[:4]
            assert code not in names
            names[code] = ".".join([*path, name])
            widths[names[code]] = int(width)
    assert not path, "scopes that nobody closed"
    changes: dict[str, list[tuple[int, int]]] = {name: [] for name in widths}
    now = 0
    body = re.sub(r"\$comment.*?\$end", "", body.partition("$end")[2], flags=re.DOTALL)
    for line in filter(None, map(str.strip, body.splitlines())):
        if line.startswith("#"):
            assert int(line[1:]) > now, "time must grow"
            now = int(line[1:])
        elif line not in ("$dumpvars", "$end"):
            value, code = line[1:].split() if line[0] == "b" else (line[0], line[1:])
            assert len(value) <= widths[names[code]]
            changes[names[code]].append((now, int(value, 2)))
    return Vcd(int(unit[1]) * {"ps": 1, "ns": 1000}[unit[2]], widths, changes)


def signal(vcd: Vcd, name: str) -> list[tuple[int, int]]:
    (found,) = (changes for path, changes in vcd.changes.items() if path.endswith(f".{name}"))
    return found


@pytest.fixture
def transfer(tmp_path) -> Vcd:
    """The example that is made to be looked at."""
    file = tmp_path / "transfer.vcd"
    result = run("--wave", file, EXAMPLES / "waveform.toml")
    assert (result.code, result.err) == (0, "")
    return parse(file)


def test_states_of_a_transfer(transfer):
    states = signal(transfer, "card.channel_0.state")
    assert [state for _, state in states] == [IDLE, STARTING, FETCHING, MOVING, ENDING, IDLE]
    assert [time for time, _ in states][:3] == [0, 1_000_000, 1_200_000], "START came at 1 us, and takes 200 ns"
    assert [state for _, state in signal(transfer, "card.channel_1.state")] == [IDLE]


def test_registers_and_lines(transfer):
    assert transfer.picoseconds == 1
    end = signal(transfer, "card.channel_0.state")[-1][0]
    assert signal(transfer, "BM_COMMAND_0") == [(0, 0), (1_000_000, 1), (end, 0)]
    assert signal(transfer, "BM_STATUS_0") == [(0, 0), (1_000_000, 1), (end, 4), (end + 1_000_000, 0)]
    assert signal(transfer, "irq_0") == [(0, 0), (end, 1), (end + 1_000_000, 0)]
    assert [value for _, value in signal(transfer, "MOVED_0")] == [0, 4096, 8192]
    widths = {path.rpartition(".")[2]: width for path, width in transfer.widths.items()}
    assert (widths["irq_0"], widths["BM_STATUS_0"], widths["MOVED_0"]) == (1, 8, 32)


def test_what_changes_last_is_there(tmp_path, write):
    file = tmp_path / "last.vcd"
    assert run("--wave", file, write([*TRANSFER, '{ write = "SCRATCH", value = 5 }'])).code == 0
    assert signal(parse(file), "SCRATCH")[-1][1] == 5


@pytest.mark.parametrize("channel, state, setup", [
    (0, WAITING, ['{ write = "CONTROL", value = "ENDPOINT=PATTERN" }', '{ write = "PATTERN_RATE", value = 1000 }']),
    (1, QUEUED, ['{ write = "BM_PRDT", channel = 1, value = "@table" }'])], ids=["waiting", "queued"])
def test_channel_that_has_to_wait(tmp_path, write, channel, state, setup):
    """For what its endpoint makes, or for the other channel's descriptor."""
    file = tmp_path / "wait.vcd"
    other = ['{ write = "BM_COMMAND", channel = 1, value = "START" }'] if state == QUEUED else []
    assert run("--wave", file, write([*setup, *START, *other, '{ run = "idle", within = "10 ms" }'])).code == 0
    assert state in [seen for _, seen in signal(parse(file), f"card.channel_{channel}.state")]


@pytest.mark.parametrize("name, why", [("card.fst", "does not end in .vcd"), ("no/such/card.vcd", "No such file")])
def test_file_that_cannot_be(tmp_path, write, name, why):
    result = run("--wave", tmp_path / name, write(TRANSFER))
    assert result.code == 2 and why in result.err and result.out == ""


def test_more_than_one_run(tmp_path, write):
    file = write(TRANSFER)
    for files in ([file, file], [EXAMPLES / "link-throughput.toml"]):
        result = run("--wave", tmp_path / "card.vcd", *files)
        assert result.code == 2 and "run them one by one" in result.err


def test_quantum(tmp_path, write):
    file = write(TRANSFER, card='[card]\nquantum = "1 us"\n')
    result = run("--wave", tmp_path / "card.vcd", file)
    assert result.code == 2 and f"{file}: --wave needs a quantum of 0" in result.err

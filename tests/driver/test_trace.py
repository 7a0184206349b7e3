# SPDX-License-Identifier: Apache-2.0
"""The driver's tracepoints, recorded and told by trace-cmd, which knows of them what their format files say."""

import re

import pytest

import where
from blockdisk import DISK
from prd32ctl import DEVICE, KIB, PARAMETERS, sleep_at_once

pytestmark = pytest.mark.environments(*where.USER)
_LINE = re.compile(r"prd32_(\w+): +(.*)$", re.MULTILINE)


def _events(tools, command: str, check: bool = True) -> list[tuple[str, dict[str, str], str]]:
    """What trace-cmd tells of a command: for each event its name, its numbers by name, and all of its text."""
    tools.run(f"trace-cmd record -q -e prd32 -o /tmp/trace.dat sh -c {command!r}", check=check)
    text = tools.run("trace-cmd report -i /tmp/trace.dat 2>&1").text
    assert "FAILED TO PARSE" not in text and "[ERROR]" not in text, text
    events = [(name, dict(re.findall(r"(\w+)=(\S+)", rest)), rest) for name, rest in _LINE.findall(text)]
    assert events, text
    return events


def test_way_of_a_request(tools):
    """One event for each step, in their order, with what was asked for and what was done."""
    sleep_at_once(tools)
    events = _events(tools, f"dd if=/dev/zero of={DEVICE} bs=8k count=1 seek=2 conv=notrunc 2>/dev/null")
    numbers = {name: found for name, found, _ in events}
    # With one message for all channels, each of them is looked at.
    names = [name for name, found, _ in events if found.get("ch", "") in ("", numbers["submit"]["ch"])]
    assert names == ["map", "submit", "doorbell", "interrupt", "complete", "unmap"]
    assert int(numbers["map"]["mapped"]) >= 1 and numbers["map"]["sgt"] == numbers["unmap"]["sgt"]
    assert numbers["submit"]["req"] == numbers["doorbell"]["req"] == numbers["complete"]["req"]
    assert int(numbers["doorbell"]["prds"]) >= 1
    done = numbers["complete"]
    assert (int(done["card_addr"], 16), int(done["length"]), int(done["moved"]), int(done["error"])) == \
        (16 * KIB, 8 * KIB, 8 * KIB, 0)
    assert all("from-host" in rest for name, _, rest in events if name != "interrupt")
    assert done["endpoint"] == "MEMORY"


@pytest.mark.thorough
def test_disk(tools):
    """Requests of the disk, in the other direction; some end while their end is looked for."""
    tools.run(f"echo 1000 >{PARAMETERS}/spin_us")
    events = _events(tools, f"for n in 1 2 3 4 5 6 7 8 9; do dd if={DISK} of=/dev/null bs=4k count=1 iflag=direct "
                     "2>/dev/null; done")
    names = [name for name, _, _ in events]
    assert names.count("map") == names.count("doorbell") == names.count("complete") == names.count("unmap") >= 9
    assert all("to-host" in rest for name, _, rest in events if name != "interrupt")


@pytest.mark.expect_violations("data-read")
def test_error(tools, faults):
    """What the card says of it, in its own words."""
    faults.add("abort", "dma-read")
    events = _events(tools, f"dd if=/dev/zero of={DEVICE} bs=8k count=1 conv=notrunc 2>/dev/null", check=False)
    [(_, numbers, text)] = [event for event in events if event[0] == "error"]
    assert "DATA_READ" in text and int(numbers["descriptor"]) == 0 and int(numbers["moved"]) == 0
    [done] = [found for name, found, _ in events if name == "complete"]
    assert int(done["error"]) == -5


@pytest.mark.thorough
def test_timeout(tools, faults):
    """The card says nothing of it; the driver does."""
    tools.run(f"echo 300 >{PARAMETERS}/timeout_ms")
    faults.add("stall", "dma-read", channel=0)
    events = _events(tools, f"dd if=/dev/zero of={DEVICE} bs=8k count=1 conv=notrunc 2>/dev/null", check=False)
    [numbers] = [found for name, found, _ in events if name == "timeout"]
    assert (int(numbers["ch"]), int(numbers["moved"])) == (0, 0)
    assert not [name for name, _, _ in events if name == "error"]
    [done] = [found for name, found, _ in events if name == "complete"]
    assert int(done["error"]) == -110

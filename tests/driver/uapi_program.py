# SPDX-License-Identifier: Apache-2.0
"""prd32-uapi-test of programs/, in the guest: cases that call the driver as it is, and say KTAP."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from environments.dma_probe import card_addresses
from testbed import buildroot, debroot, guestbuild, places
from testbed.environment import Cell
from testbed.filelock import locked
from testbed.guest import Guest

SOURCES = Path(__file__).parent / "programs"
_UAPI = places.TOP / "driver" / "uapi"
_PROGRAM = "prd32-uapi-test"
_PLACE = f"/tmp/{_PROGRAM}"
_ROOTS = {"x86_64": ("build", ""), "aarch64": ("cross-arm64", "aarch64-linux-gnu-")}
_LINE = re.compile(r"(ok|not ok) \d+ (\S+)(.*)")


class UapiProgram:
    """The program in a guest."""

    def __init__(self, guest: Guest, program: Path) -> None:
        self.guest = guest
        guest.write_file(_PLACE, program.read_bytes())
        guest.run(["chmod", "755", _PLACE])

    def __call__(self, *cases: str, timeout: float = 120) -> None:
        """Runs cases, or all of a group. Each must pass; what they say is the error's text else."""
        done = self.guest.run([_PLACE, "--pci", card_addresses(self.guest)[0], *cases], timeout=timeout, check=False)
        lines = [match for line in done.text.splitlines() if (match := _LINE.fullmatch(line))]
        plan = re.search(r"^1\.\.(\d+)$", done.text, re.MULTILINE)
        assert plan, f"no plan: {done.text}{done.stderr.decode(errors='replace')}"
        bad = [match for match in lines if match[1] != "ok" or match[3]]
        assert not bad and len(lines) == int(plan[1]) and done.exit_code == 0, done.text


def build(arch: str) -> Path:
    """The program for guests of this architecture, statically linked; rebuilt when it, or what it includes, changed."""
    name, tools = _ROOTS[arch]
    root = debroot.get(name, lambda _text: None)
    target = guestbuild.OUTPUT / arch / _PROGRAM
    record = target.with_suffix(".built")
    wanted = json.dumps([root.key, guestbuild.digest(SOURCES, _UAPI)])
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_suffix(".lock")):
        if not (target.exists() and record.exists() and record.read_text() == wanted):
            record.unlink(missing_ok=True)
            with buildroot.scratch(root, _PROGRAM) as folder:
                shutil.copytree(SOURCES, folder / "programs", ignore=shutil.ignore_patterns("out"))
                shutil.copytree(_UAPI, folder / "uapi")
                buildroot.run(root, folder, ["make", "-C", "programs", "-j", str(os.cpu_count()), f"CXX={tools}g++",
                                             "LDFLAGS=-static -s", "UAPI=../uapi"],
                              what=f"building {_PROGRAM} for {arch}", deadline=600,
                              log=places.REPORTS / f"build-{_PROGRAM}-{arch}.log")
                shutil.copy2(folder / "programs" / "out" / _PROGRAM, target)
            record.write_text(wanted)
    return target


@pytest.fixture
def uapi(card: Guest, cell: Cell) -> UapiProgram:
    """The program, in a guest with the card and its driver."""
    return UapiProgram(card, build(cell.environment.arch))

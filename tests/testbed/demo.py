# SPDX-License-Identifier: Apache-2.0
"""`./testbed demo`: the main job on real data, then a mistake that the card must refuse."""

import argparse
import hashlib
import json
import os
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import environment, evidence, image, options, places, workshop as workshops
from testbed.card import CardProcess
from testbed.errors import TestbedError
from testbed.guest import Guest
from testbed.stages import stage
from testbed.workshop import Workshop

_FILE_BYTES = 64 << 20
_DATA_IN_GUEST = "data/64MiB.bin"
_EXPECTED_RULE = "prdt-align-64k"
_STEP_SECONDS = 120


@dataclass(frozen=True)
class Copy:
    """One file's way to the card and back. Seconds are guest time inside write() and read()."""

    file: str
    bytes: int
    sha256: str
    pieces: int  # runs of physically contiguous pages that the reading buffer consists of
    write_seconds: float
    read_seconds: float


@dataclass(frozen=True)
class Outcome:
    """What the demo measured. Seconds are guest time; violations are the card's records, all of them."""

    qemu: str
    accelerator: str
    kernel: str
    copies: list[Copy]
    refusal: dict
    violations: list[dict]
    card: dict
    guest_seconds: float

    @property
    def throughput(self) -> float:
        """Bytes moved for each second inside write() and read()."""
        seconds = sum(copy.write_seconds + copy.read_seconds for copy in self.copies)
        return sum(2 * copy.bytes for copy in self.copies) / seconds

    def as_json(self) -> str:
        """All of it, for machines."""
        return json.dumps({**asdict(self), "throughput_bytes_per_second": self.throughput}, indent=2)


def add(commands) -> None:
    """The command's place on the command line."""
    options.command(commands, "demo", _command,
                    "build everything, boot a guest, move data through the card and verify it",
                    "  ./testbed demo\n  ./testbed demo --json", json_help="print the outcome as JSON")


def _command(given: argparse.Namespace) -> int:
    workshops.install("run", "build", allowed=not given.no_install)
    outcome = run(workshops.prepare([environment.cell(environment.DEFAULT)], "prd32-device"))
    print(outcome.as_json() if given.json else table(outcome))
    return 0


def run(workshop: Workshop) -> Outcome:
    """Boots a guest with the card and runs the demo. Raises TestbedError, naming a folder, when anything is wrong."""
    folder = evidence.fresh_folder(places.OUTPUT / "demo" / str(os.getpid()))
    data = folder / "64MiB.bin"
    data.write_bytes(os.urandom(_FILE_BYTES))
    cell = environment.cell(environment.DEFAULT)
    initramfs = image.with_files(workshop.of(cell).initramfs, {_DATA_IN_GUEST: data}, folder / "initramfs.cpio")
    spec = workshop.guest(cell, initramfs=initramfs, memory="768M")
    files = {"/boot/vmlinuz": spec.kernel.packed, f"/{_DATA_IN_GUEST}": data}
    with evidence.kept_on_failure("demo", folder, commands=["./testbed demo"]) as keep:
        with CardProcess(places.DEVICE_PROGRAM, folder) as card:
            with ExitStack() as stack:
                with stage("boot the guest") as now:
                    keep.guest = guest = stack.enter_context(Guest(spec, folder, [card]))
                    now.note(f"{guest.run(['uname', '-r']).text} in {guest.uptime():.1f} s of guest time")
                stack.callback(keep.gather)
                outcome = _main_job(guest, card, files)
        outcome = Outcome(**{**outcome, "card": card.stats(), "violations": card.violations()})
        _judge(outcome)
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _main_job(guest: Guest, card: CardProcess, files: dict[str, Path]) -> dict:
    with stage("load the driver") as now:
        guest.load_driver()
        now.note(guest.run("ls /dev/prd32-0").text)
    copies = []
    for name, original in files.items():
        with stage(f"{name} to the card and back") as now:
            copies.append(_copy(guest, name, original))
            now.note(f"{copies[-1].bytes} bytes, SHA-256 equal")
    with stage("a misaligned PRDT, byte by byte") as now:
        refusal = json.loads(guest.run(["prd32ctl", "ports", "refuse", "--json"], timeout=_STEP_SECONDS).text)
        now.note(f"refused: {refusal['error']}")
    return {"qemu": guest.spec.qemu.version, "accelerator": guest.spec.accelerator.name,
            "kernel": guest.run(["uname", "-r"]).text, "copies": copies, "refusal": refusal, "card": {},
            "violations": card.violations(), "guest_seconds": guest.uptime()}


def _copy(guest: Guest, name: str, original: Path) -> Copy:
    """write() the file to the card, read() it back, and compare with the file as this machine has it."""
    size = original.stat().st_size
    back = "/tmp/back"
    put = json.loads(guest.run(["prd32ctl", "put", name, "--json"], timeout=_STEP_SECONDS).text)
    get = json.loads(guest.run(["prd32ctl", "get", back, "--size", str(size), "--json"], timeout=_STEP_SECONDS).text)
    digest = guest.run(["sha256sum", back], timeout=_STEP_SECONDS).text.split()[0]
    guest.run(["rm", back])
    with original.open("rb") as file:
        wanted = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != wanted:
        raise TestbedError(f"{name} came back from the card changed: SHA-256 {digest}, it was {wanted}")
    return Copy(name, size, digest, get["pieces"], put["seconds"], get["seconds"])


def _judge(outcome: Outcome) -> None:
    rules = [violation["rule"] for violation in outcome.violations]
    if rules != [_EXPECTED_RULE]:
        raise TestbedError(f"the card recorded the violations {rules}, expected was one {_EXPECTED_RULE}")


def table(outcome: Outcome) -> str:
    """The outcome for people."""
    moved = sum(2 * copy.bytes for copy in outcome.copies)
    rows = [("bytes to the card and back", f"{moved:,}"),
            ("PRDs", f"{outcome.card['card']['prds']:,}"),
            ("PRD tables", f"{outcome.card['card']['tables']:,}"),
            ("interrupts", f"{sum(outcome.card['bridge']['interrupts'].values()):,}"),
            ("violations", f"{len(outcome.violations)} (the one that was provoked)"),
            ("guest time", f"{outcome.guest_seconds:.1f} s"),
            ("throughput of read() and write()", f"{outcome.throughput / 1e6:.0f} MB/s")]
    lines = ["", "The card refused the misaligned PRDT and reported:", f"  {json.dumps(outcome.violations[0])}", ""]
    lines += [f"  {name:<36}{value:>28}" for name, value in rows]
    lines += ["", f"Linux {outcome.kernel} on QEMU {outcome.qemu} ({outcome.accelerator}): "
              "both files came back as they were. Next: ./testbed shell, ./testbed test"]
    return "\n".join(lines)

# SPDX-License-Identifier: Apache-2.0
"""QEMU's device tree of a machine, edited: a text of guest-image/device-trees is added, and dtc compiles both."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from testbed import command, places
from testbed.filelock import locked
from testbed.qemu import Qemu

_EDITS = places.TOP / "guest-image" / "device-trees"
_SECONDS = 30.0
# Each -machine has random seeds otherwise, and no two trees were the same.
_DUMP = "dtb-randomness=off,dumpdtb="


def names() -> list[str]:
    """The edits that there are."""
    return sorted(path.stem for path in _EDITS.glob("*.dts"))


def edited(name: str, qemu: Qemu, machine: str, words: Sequence[str]) -> Path:
    """The device tree of this machine with the edit of this name, for QEMU's -dtb. QEMU itself adds memory, command
    line and initramfs to it when it starts a guest.

    `machine` is what -machine is given, `words` the other arguments that decide on the tree. The same inputs give the
    same file. Raises TestbedError when QEMU or dtc does not take them.
    """
    edit = (_EDITS / f"{name}.dts").read_text()
    key = hashlib.sha256(json.dumps([edit, qemu.argv, qemu.version, machine, *words]).encode()).hexdigest()[:16]
    folder = places.OUTPUT / "guest" / "device-trees"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{key}.dtb"
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            _make(target, edit, qemu, machine, words)
    return target


def _make(target: Path, edit: str, qemu: Qemu, machine: str, words: Sequence[str]) -> None:
    own, source, part = (target.with_suffix(suffix) for suffix in (".own", ".dts", ".part"))
    command.run([*qemu.argv, "-machine", f"{machine},{_DUMP}{own}", *words], what="QEMU's device tree",
                deadline=_SECONDS, env=qemu.environment())
    text = command.run(["dtc", "--quiet", "--in-format", "dtb", "--out-format", "dts", own],
                       what="reading QEMU's device tree", deadline=_SECONDS)
    source.write_text(text + edit)
    command.run(["dtc", "--quiet", "--in-format", "dts", "--out-format", "dtb", "--out", part, source],
                what=f"adding {target.stem} to QEMU's device tree", deadline=_SECONDS)
    part.rename(target)

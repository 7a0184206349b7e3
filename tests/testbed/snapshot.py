# SPDX-License-Identifier: Apache-2.0
"""Guests that were booted once and saved: every test restores one of these files instead of booting.

A file's name says its cell, its RAM, what it was made from (a hash) and what it holds (another). It is made again when
it is absent or damaged, and may be deleted when no run uses it.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from testbed import places
from testbed.errors import TestbedError
from testbed.evidence import fresh_folder
from testbed.filelock import held, locked, unlink_unheld
from testbed.guest import Guest
from testbed.machine import GuestSpec, arguments
from testbed.ram import extents
from testbed.stages import stage

_FORMAT = 3  # raise it when the same inputs give another guest
_KEPT = 2  # of each cell and RAM: this tree's, and another's
_BLOCK = 1 << 16


def has_driver(spec: GuestSpec) -> bool:
    """Whether the driver is loaded in the snapshot, so that it takes a card at once. Not where something has to be set
    up for each card before its driver comes."""
    return not spec.environment.iommu_type


class Snapshot:
    """A file on the shelf that stays there until this is closed: QEMU opens it by name, for guest after guest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = held(path)

    def close(self) -> None:
        """Whoever makes others of its cell and RAM may remove the file now."""
        self._file.close()


def get(spec: GuestSpec, folder: Path, shelf: Path | None = None) -> Snapshot:
    """The snapshot of this guest, whole; booted in `folder` and saved first when there is none. `shelf`: where they are
    kept, by default in the cache. The caller closes it."""
    shelf = shelf or places.cache() / "snapshots"
    stem = f"{spec.cell_name.replace('/', '-')}-{spec.ram}"
    wanted = f"{stem}-{key(spec)}"
    with locked(shelf / f"{stem}.lock"):
        path = _found(shelf, wanted)
        if path:
            os.utime(path)
        else:
            path = _added(spec, folder, shelf / f"{stem}.part", wanted)
        taken = Snapshot(path)  # before the lock goes: from then on others remove what nobody holds
        for old in sorted(shelf.glob(f"{stem}-*.snapshot"), key=lambda each: each.stat().st_mtime)[:-_KEPT]:
            unlink_unheld(old)
    return taken


def _found(shelf: Path, wanted: str) -> Path | None:
    """The one that is there. Damaged ones go, but for those that somebody restores guests from regardless."""
    for path in shelf.glob(f"{wanted}-*.snapshot"):
        if path.stem == f"{wanted}-{digest(path)}":
            return path
        unlink_unheld(path)
    return None


def _added(spec: GuestSpec, folder: Path, part: Path, wanted: str) -> Path:
    try:
        with stage(f"snapshot of {spec.cell_name} with {spec.ram}"):
            _make(spec, folder, part)
        return part.rename(part.with_name(f"{wanted}-{digest(part)}.snapshot"))
    finally:
        part.unlink(missing_ok=True)


def key(spec: GuestSpec) -> str:
    """A hash of everything that the snapshot is made from."""
    contents = {str(spec.kernel.image): spec.kernel.key,
                str(spec.initramfs): hashlib.sha256(spec.initramfs.read_bytes()).hexdigest()}
    inputs = [_FORMAT, spec.qemu.version, [_state(word) for word in spec.qemu.argv], spec.qemu.env,
              spec.accelerator.name, "" if spec.accelerator.name == "tcg" else _processor(), spec.driver, spec.needs,
              spec.parameters, spec.environment.iommu_type,
              [contents.get(word) or _content(word) for word in arguments(spec)]]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


def digest(path: Path) -> str:
    """A hash of what the file holds. Blocks of zeros, most of guest RAM, are holes and are not read."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        total.update(str(size).encode())
        for offset, block in _blocks(file, size):
            if block.count(0) != len(block):
                total.update(offset.to_bytes(8, "little") + block)
    return total.hexdigest()[:16]


def _blocks(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    for data, hole in extents(file.fileno(), size):
        for at in range(data // _BLOCK * _BLOCK, hole, _BLOCK):
            yield at, os.pread(file.fileno(), _BLOCK, at)


def _make(spec: GuestSpec, folder: Path, path: Path) -> None:
    with Guest(spec, fresh_folder(folder)) as guest:
        if has_driver(spec):
            guest.load_driver()
        try:
            guest.save(path)
        except TestbedError as error:
            raise TestbedError(f"a guest of {spec.cell_name} cannot be saved: {error}\nWhere QEMU cannot, the "
                               'environment says start = "cold" in guest-image/environments.toml') from None


def _content(word: str) -> str:
    """A word of the guest's arguments; of a device tree, which lies in the run's own folder, what it holds."""
    return hashlib.sha256(Path(word).read_bytes()).hexdigest() if word.endswith(".dtb") else word


def _state(word: str) -> list[object]:
    """A word of QEMU's command and, when it names a file, which version of that file."""
    path = Path(word)
    return [word, *([path.stat().st_size, path.stat().st_mtime_ns] if path.is_file() else [])]


def _processor() -> list[str]:
    """This machine's processor: with KVM, the guest has what it has."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))})

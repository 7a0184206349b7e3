# SPDX-License-Identifier: Apache-2.0
"""Root file systems unpacked from Debian's packages, into the cache, without root rights (guest-image/roots.toml).

guest-image/roots.lock says which packages exactly; apt downloads them and dpkg-deb unpacks them. Nothing is configured
and no maintainer script runs: what is unpacked is libraries, programs and headers, which need none. A root that extends
others shares their files through hard links: nobody writes into an unpacked file.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from testbed import command, debarchive, places, rootlock
from testbed.debarchive import Package
from testbed.errors import TestbedError
from testbed.filelock import locked

_FORMAT = 2  # of an unpacked root; raise it when what this file does to one changes
_MERGED = ("bin", "lib", "lib64", "sbin")  # links into usr/, as Debian has had them since 12
_MANIFEST = "manifest.json"  # written last: a root that has it is complete
_NOT_SHARED = (_MANIFEST, "scratch", "tmp", "dev", "proc", "sys")  # what running in a root leaves there


@dataclass(frozen=True)
class Root:
    """An unpacked root: where it is, and a key that changes whenever any package in it does."""

    name: str
    path: Path
    key: str


def path_of(name: str) -> Path:
    """Where the root of this name is, or will be once it is made."""
    return places.cache() / "roots" / f"{name}-{_key(name)[:12]}"


def complete(name: str) -> bool:
    """Whether the cache has the root of this name."""
    return (path_of(name) / _MANIFEST).exists()


def get(name: str, progress: Callable[[str], None]) -> Root:
    """The root of this name, made first if the cache lacks it. `progress` is told how far that is."""
    path = path_of(name)
    if not complete(name):
        bases = [get(base, progress) for base in rootlock.root(name).extends]
        with locked(path.with_name(f"{path.name}.lock")):
            if not complete(name):
                _make(path, rootlock.root(name), bases, progress)
    return Root(name, path, _key(name))


def _key(name: str) -> str:
    """Follows from the locked packages alone."""
    root = rootlock.root(name)
    inputs = [_FORMAT, [_key(base) for base in root.extends], [package.sha256 for package in root.packages]]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


def _make(path: Path, lock: rootlock.RootLock, bases: list[Root], progress: Callable[[str], None]) -> None:
    part = path.with_name(f"{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        tree = part / "root"
        for link in _MERGED:
            (tree / "usr" / link).mkdir(parents=True)
            (tree / link).symlink_to(f"usr/{link}")
        for base in bases:
            progress(f"sharing the files of {base.name}")
            _share(base.path, tree)
        (part / "debs").mkdir()
        debarchive.download(part / "debs", lock.packages, lock.date, progress)
        _unpack(part / "debs", lock.packages, tree, progress)
        manifest = {"extends": {base.name: base.key for base in bases},
                    "packages": {package.path: package.sha256 for package in lock.packages}}
        (tree / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        shutil.rmtree(path, ignore_errors=True)
        tree.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _share(source: Path, target: Path) -> None:
    """Links every file of `source` into `target`. What is there already came from a root that both extend."""
    for folder, names, files in os.walk(source):
        here = Path(folder)
        if here == source:
            names[:] = [name for name in names if name not in _NOT_SHARED]
            files = [name for name in files if name not in _NOT_SHARED]
        there = target / here.relative_to(source)
        there.mkdir(exist_ok=True)
        for name in [*files, *(name for name in names if (here / name).is_symlink())]:
            if not os.path.lexists(there / name):
                os.link(here / name, there / name, follow_symlinks=False)


def _unpack(folder: Path, packages: tuple[Package, ...], tree: Path, progress: Callable[[str], None]) -> None:
    def one(package: Package) -> None:
        deb = folder / package.file
        with deb.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != package.sha256:
            raise TestbedError(f"{package.file} has the SHA-256 {digest}, locked is {package.sha256}")
        # Not dpkg-deb --extract: older packages have a folder lib, which would replace the link to usr/lib.
        command.run(["/bin/sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x -p --keep-directory-symlink -C "$1"',
                     deb, tree], what=f"unpacking {package.file}", deadline=300)
        deb.unlink()

    largest_first = sorted(packages, key=lambda package: -package.size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, _ in enumerate(pool.map(one, largest_first), 1):
            progress(f"unpacking, {number} of {len(packages)} packages")

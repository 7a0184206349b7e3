# SPDX-License-Identifier: Apache-2.0
"""The guest's initramfs: a base from Debian's packages (cached), and a small overlay with what this tree builds.

Both are cpio archives that the kernel unpacks one after the other. The same inputs give the same bytes: entries are
sorted, owned by root, dated 1970, and numbered from nothing but their order.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from testbed import command, guestbuild, places
from testbed.debroot import Root
from testbed.errors import TestbedError
from testbed.filelock import locked

_SOURCES = places.TOP / "guest-image"
_FORMAT = 1  # of the base; raise it when what this file puts there changes
_FOLDERS = ("dev", "proc", "sys", "run", "tmp", "root", "etc", "boot", "opt/prd32", "usr/bin", "usr/sbin",
            "usr/lib/x86_64-linux-gnu", "usr/lib64")
_DRIVER_FOLDER = "opt/prd32"


def base(guest: Root, kernel: Path) -> Path:
    """The part that changes only with Debian's packages and guest-image/: busybox, guest agent, kernel image."""
    key = hashlib.sha256(f"{_FORMAT}\0{guest.key}\0{kernel.name}\0{guestbuild.digest(_SOURCES)}".encode()).hexdigest()
    target = places.cache() / "images" / f"base-{key[:16]}.cpio"
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            _pack(target, lambda tree: _fill_base(tree, guest, kernel))
    return target


def overlay(module: Path, programs: list[Path], target: Path) -> Path:
    """The part that changes with this tree: the driver and the guest's programs. Written to `target`."""
    def fill(tree: Path) -> None:
        for folder in (_DRIVER_FOLDER, "usr/bin"):
            (tree / folder).mkdir(parents=True)
        shutil.copy(module, tree / _DRIVER_FOLDER / module.name)
        for program in programs:
            shutil.copy(program, tree / "usr" / "bin" / program.name)
            (tree / "usr" / "bin" / program.name).chmod(0o755)

    _pack(target, fill)
    return target


def with_files(initramfs: Path, files: dict[str, Path], target: Path) -> Path:
    """An initramfs with further files in it: name in the guest, without the leading /, to file here."""
    def fill(tree: Path) -> None:
        for name, source in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, tree / name)

    extra = target.with_suffix(".extra.cpio")
    _pack(extra, fill)
    try:
        return joined([initramfs, extra], target)
    finally:
        extra.unlink()


def joined(parts: list[Path], target: Path) -> Path:
    """The initramfs that QEMU takes as one file: the parts one after the other."""
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, out, 1 << 20)
    return target


def _fill_base(tree: Path, guest: Root, kernel: Path) -> None:
    for folder in _FOLDERS:
        (tree / folder).mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        (tree / link).symlink_to(f"usr/{link}")
    busybox = guest.path / "usr" / "bin" / "busybox"
    shutil.copy(busybox, tree / "usr" / "bin" / "busybox")
    for applet in command.run([busybox, "--list-full"], what="listing busybox's applets", deadline=30).split():
        link = tree / "usr" / applet.removeprefix("usr/")
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to("/usr/bin/busybox")
    _copy_program(guest, tree, "usr/sbin/qemu-ga")
    shutil.copy(kernel, tree / "boot" / "vmlinuz")
    shutil.copy(_SOURCES / "init", tree / "init")
    (tree / "init").chmod(0o755)
    shutil.copy(_SOURCES / "inittab", tree / "etc" / "inittab")
    shutil.copy(_SOURCES / "profile", tree / "etc" / "profile")
    (tree / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tree / "etc" / "group").write_text("root:x:0:\n")


def _copy_program(root: Root, tree: Path, name: str) -> None:
    """Copies a program and every shared library that its loader says it needs."""
    loader = root.path / "usr" / "lib64" / "ld-linux-x86-64.so.2"
    libraries = root.path / "usr" / "lib" / "x86_64-linux-gnu"
    listing = command.run([loader, "--library-path", libraries, "--list", root.path / name],
                          what=f"listing the libraries of {name}", deadline=30)
    if "not found" in listing:
        raise TestbedError(f"the guest root lacks a library of {name}:\n{command.tail(listing)}")
    shutil.copy(loader, tree / "usr" / "lib64" / loader.name)
    for line in listing.splitlines():
        path = Path(line.split("=>")[-1].split("(")[0].strip())
        if path.is_relative_to(libraries):
            shutil.copy(path, tree / "usr" / "lib" / "x86_64-linux-gnu" / path.name)
    shutil.copy(root.path / name, tree / name)


def _pack(target: Path, fill: Callable[[Path], None]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="prd32-image-") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        fill(tree)
        names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
        for name in [".", *names]:
            path = tree / name
            if not path.is_symlink():  # permissions must not depend on this user's umask
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        for name in [*reversed(names), "."]:
            os.utime(tree / name, (0, 0), follow_symlinks=False)
        part = target.with_suffix(".part")
        with part.open("wb") as out:
            done = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "--reproducible", "-R", "0:0"], cwd=tree,
                                  input="\n".join(names) + "\n", stdout=out,
                                  stderr=subprocess.PIPE, check=False, timeout=120, encoding="utf-8")
        if done.returncode != 0:
            part.unlink()
            raise TestbedError(f"cpio could not pack the initramfs: {done.stderr.strip()}")
        part.rename(target)

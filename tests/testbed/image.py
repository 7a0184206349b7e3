# SPDX-License-Identifier: Apache-2.0
"""The guest's initramfs: a base from Debian's packages (cached), and a small overlay with what this tree builds.

Both are cpio archives that the kernel unpacks one after the other. The same inputs give the same bytes: entries are
sorted, owned by root, dated 1970, and numbered from nothing but their order.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed import command, debroot, elf, guestbuild, kernelmodules, places
from testbed.debroot import Root
from testbed.errors import TestbedError
from testbed.filelock import locked
from testbed.kernels import Kernel

_SOURCES = places.TOP / "guest-image"
_FILES = {"init": "init", "inittab": "etc/inittab", "profile": "etc/profile"}  # of this folder -> in the guest
_FORMAT = 3  # of the base; raise it when what this file puts there changes
_FOLDERS = ("dev", "proc", "sys", "run", "tmp", "root", "etc", "boot", "opt/prd32", "usr/bin", "usr/sbin", "usr/lib64")
_DRIVER_FOLDER = "opt/prd32"
_ROOTS = {"x86_64": "guest", "aarch64": "guest-arm64"}


def initramfs(kernel: Kernel, module: Path, programs: list[Path], guest_modules: Sequence[str] = ()) -> Path:
    """The initramfs for a kernel, with a driver, programs, and those of Debian's kernel modules that are named.

    `module` is what guestbuild.module returned (the guest gets it stripped) or any other .ko. `guest_modules` come with
    what they depend on; the guest's init loads those that its kernel command line names in prd32.modules=A,B.
    """
    base_ = base(kernel, guest_modules)
    names = json.dumps([str(module), [str(program) for program in programs], sorted(guest_modules)])
    target = guestbuild.folder_of(kernel) / f"initramfs-{hashlib.sha256(names.encode()).hexdigest()[:8]}.cpio"
    stripped = guestbuild.stripped(module)
    with locked(target.with_suffix(".lock")):
        part = overlay(stripped if stripped.exists() else module, programs, target.with_suffix(".overlay"))
        whole = joined([base_, part], target.with_suffix(".whole"))
        part.unlink()
        whole.rename(target)  # a guest that boots now keeps the file that it has opened
    return target


def base(kernel: Kernel, guest_modules: Sequence[str] = ()) -> Path:
    """The part that changes only with Debian's packages and guest-image/: busybox, guest agent, kernel and modules."""
    guest = debroot.get(_ROOTS[kernel.arch], lambda _text: None)
    sources = [hashlib.sha256((_SOURCES / name).read_bytes()).hexdigest() for name in _FILES]
    inputs = json.dumps([_FORMAT, guest.key, kernel.key, kernel.release, sources, sorted(guest_modules)])
    key = hashlib.sha256(inputs.encode()).hexdigest()
    target = places.cache() / "images" / f"base-{key[:16]}.cpio"
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            _pack(target, lambda tree: _fill_base(tree, guest, kernel, guest_modules))
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


def _fill_base(tree: Path, guest: Root, kernel: Kernel, guest_modules: Sequence[str]) -> None:
    for folder in _FOLDERS:
        (tree / folder).mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        (tree / link).symlink_to(f"usr/{link}")
    shutil.copy(guest.path / "usr" / "bin" / "busybox", tree / "usr" / "bin" / "busybox")
    for applet in _applets():
        link = tree / "usr" / applet.removeprefix("usr/")
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to("/usr/bin/busybox")
    _copy_program(guest, tree, "usr/sbin/qemu-ga")
    kernelmodules.copy(kernel, guest_modules, tree / "usr" / "lib" / "modules" / kernel.release)
    shutil.copy(kernel.packed, tree / "boot" / "vmlinuz")
    for source, name in _FILES.items():
        shutil.copy(_SOURCES / source, tree / name)
    (tree / "init").chmod(0o755)
    (tree / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tree / "etc" / "group").write_text("root:x:0:\n")


def _applets() -> list[str]:
    """What busybox can do. A foreign one cannot be asked; Debian builds them alike, so this machine's own is."""
    busybox = debroot.get(_ROOTS["x86_64"], lambda _text: None).path / "usr" / "bin" / "busybox"
    return command.run([busybox, "--list-full"], what="listing busybox's applets", deadline=30).split()


def _copy_program(root: Root, tree: Path, name: str) -> None:
    """Copies a program, its loader, and every shared library that it and they need."""
    shutil.copy(root.path / name, tree / name)
    for path in elf.closure(root.path, root.path / name):
        target = tree / path.relative_to(root.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


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

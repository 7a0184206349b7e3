# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel modules for the guest: those that are asked for and what they depend on, as busybox's modprobe wants.

depmod has not run on the unpacked package, and is not needed: every module says itself what it depends on.
"""

import lzma
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from testbed.errors import TestbedError
from testbed.kernels import Kernel

ALWAYS = "prd32.load"  # in the guest's module folder: what init loads at every boot, one name a line
# What the guest agent's port needs; built into some kernels, modules of others.
_FOR_THE_AGENT = ("virtio_pci", "virtio_console")
_SUFFIXES = (".ko", ".ko.xz", ".ko.zst")
_DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")  # the strings of section .modinfo end with a zero each


def has(kernel: Kernel, name: str) -> bool:
    """Whether the kernel has a module of this name, to load or built in. Linux 6.1 of amd64 has no virtio_iommu."""
    return kernel.modules is None or _plain(name) in _built_in(kernel.modules) | _available(kernel.modules).keys()


def depends(module: Path) -> list[str]:
    """The names of the modules that a module, not compressed, says it depends on."""
    found = _DEPENDS.search(module.read_bytes())
    return [_plain(name) for name in found.group(1).decode().split(",") if name] if found else []


def copy(kernel: Kernel, names: Sequence[str], target: Path) -> None:
    """Fills the guest's /lib/modules/<release> with the modules of these names, decompressed. Built in ones are fine.

    Raises TestbedError when the kernel has no such module.
    """
    target.mkdir(parents=True)
    if kernel.modules is None:  # modprobe shall succeed all the same
        (target / "modules.dep").touch()
        (target / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in sorted(names)))
        (target / ALWAYS).touch()
        return
    available = _available(kernel.modules)
    built_in = _built_in(kernel.modules)
    always = [name for name in _FOR_THE_AGENT if name not in built_in]
    needs: dict[str, list[str]] = {}
    wanted = [*always, *map(_plain, names)]
    while wanted:
        name = wanted.pop()
        if name in built_in or name in needs:
            continue
        if name not in available:
            raise TestbedError(f"Linux {kernel.release} has no module {name}; those that it has are below "
                               f"{kernel.modules}; what can only be built in need not be named")
        (target / f"{name}.ko").write_bytes(_read(available[name]))
        needs[name] = depends(target / f"{name}.ko")
        wanted += needs[name]
    (target / "modules.dep").write_text("".join(_line(name, needs) for name in sorted(needs)))
    shutil.copy(kernel.modules / "modules.builtin", target / "modules.builtin")
    (target / ALWAYS).write_text("".join(f"{name}\n" for name in always))


def _line(name: str, needs: dict[str, list[str]]) -> str:
    """A line of modules.dep: all that must be loaded before, the nearest first."""
    order: list[str] = []

    def visit(each: str) -> None:
        for other in needs.get(each, ()):
            visit(other)
            if other in needs and other not in order:
                order.insert(0, other)

    visit(name)
    return f"{name}.ko: {' '.join(f'{each}.ko' for each in order)}".rstrip() + "\n"


@cache  # an unpacked kernel stays as it is, and to look through its thousands of files takes a while
def _available(folder: Path) -> dict[str, Path]:
    files = sorted(path for path in folder.rglob("*.ko*") if path.name.endswith(_SUFFIXES))
    return {_plain(path.name.split(".ko")[0]): path for path in files}


@cache
def _built_in(folder: Path) -> set[str]:
    lines = (folder / "modules.builtin").read_text().split()
    return {_plain(Path(line).name.removesuffix(".ko")) for line in lines}


def _plain(name: str) -> str:
    return name.replace("-", "_")  # the kernel and modprobe take both


def _read(path: Path) -> bytes:
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "--decompress", "--stdout", path], capture_output=True, check=True,
                              timeout=60).stdout
    return path.read_bytes()

# SPDX-License-Identifier: Apache-2.0
"""Finds a QEMU that has the vfio-user client: the one asked for, this machine's own, or Debian's, unpacked."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from testbed import debroot, heap
from testbed.errors import TestbedError

MINIMUM = (10, 1)  # the first release with -device vfio-user-pci
OVERRIDE = "PRD32_QEMU"  # environment variable: the QEMU to use for x86_64
OVERRIDES = {"x86_64": OVERRIDE, "aarch64": "PRD32_QEMU_AARCH64"}
_ROOTS = {"x86_64": "qemu", "aarch64": "qemu-arm64"}


@dataclass(frozen=True)
class Qemu:
    """A QEMU that can attach the card. `argv` starts it; `env` is added to its environment."""

    argv: tuple[str, ...]
    version: str
    origin: str  # for people: where it comes from
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The environment to start it with."""
        return {**heap.kept(heap.tuned(os.environ)), **self.env}


def find(progress: Callable[[str], None], arch: str = "x86_64") -> Qemu:
    """A QEMU for guests of this architecture; fetches one into the cache when this machine has none that will do.

    TestbedError when none works.
    """
    variable = OVERRIDES[arch]
    asked = os.environ.get(variable)
    if asked:
        qemu, why = inspect((asked,), f"{variable}={asked}")
        if not qemu:
            raise TestbedError(f"{variable} names {asked}, which cannot be used: {why}")
        return qemu
    own, _ = system(arch)
    if own:
        return own
    root = debroot.get(_ROOTS[arch], progress)
    qemu, why = unpacked(root, arch)
    if not qemu:
        raise TestbedError(f"the QEMU in the cache cannot be used: {why}; delete {root.path} and try again")
    return qemu


def system(arch: str = "x86_64") -> tuple[Qemu | None, str]:
    """This machine's own QEMU, or None and why not."""
    name = f"qemu-system-{arch}"
    program = shutil.which(name)
    if not program:
        return None, f"no {name} in PATH"
    return inspect((program,), program)


def unpacked(root: debroot.Root, arch: str = "x86_64") -> tuple[Qemu | None, str]:
    """The QEMU of an unpacked root, run through that root's own loader and libraries, or None and why not."""
    usr = root.path / "usr"
    libraries = usr / "lib" / "x86_64-linux-gnu"
    words = (usr / "lib64" / "ld-linux-x86-64.so.2", "--library-path", libraries,
             usr / "bin" / f"qemu-system-{arch}", "-L", usr / "share" / "qemu", "-L", usr / "share" / "seabios")
    argv = tuple(map(str, words))
    return inspect(argv, f"Debian's package in {root.path}", {"QEMU_MODULE_DIR": str(libraries / "qemu")})


def inspect(argv: tuple[str, ...], origin: str, env: dict[str, str] | None = None) -> tuple[Qemu | None, str]:
    """Asks a QEMU for its version and devices. Returns it when it will do, else None and the reason."""
    env = env or {}
    try:
        version_text = _ask(argv, ["--version"], env)
        found = re.search(r"version (\d+)\.(\d+)(\.\d+)?", version_text)
        if not found:
            return None, f"it says no version: {version_text[:100]!r}"
        version = found.group(0).removeprefix("version ")
        if (int(found.group(1)), int(found.group(2))) < MINIMUM:
            return None, f"version {version} is older than {MINIMUM[0]}.{MINIMUM[1]}, which brought vfio-user-pci"
        if '"vfio-user-pci"' not in _ask(argv, ["-device", "help"], env):
            return None, f"version {version} was built without vfio-user-pci"
    except (OSError, subprocess.SubprocessError) as error:
        return None, str(error)
    return Qemu(argv, version, origin, env), ""


def _ask(argv: tuple[str, ...], words: list[str], env: dict[str, str]) -> str:
    done = subprocess.run([*argv, *words], env={**os.environ, **env}, capture_output=True, text=True, timeout=30,
                          check=True)
    return done.stdout + done.stderr

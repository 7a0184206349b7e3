# SPDX-License-Identifier: Apache-2.0
"""The kernels that guests run, by name: Debian's, each from a root of its own (guest-image/roots.toml), and `debug`."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed import debroot, kernelimage
from testbed.errors import TestbedError

DEBUG = "debug"  # built here, of Debian's sources
NAMES = ("6.1", "6.12", "7.2", DEBUG)
DEFAULT = "6.12"

# The root that brings each of Debian's kernels, its modules, its headers and the compilers for it.
_ROOTS = {
    ("6.1", "x86_64"): "kernel-6.1",
    ("6.12", "x86_64"): "build",
    ("7.2", "x86_64"): "kernel-7.2",
    ("6.1", "aarch64"): "kernel-6.1-arm64",
    ("6.12", "aarch64"): "kernel-6.12-arm64",
    ("7.2", "aarch64"): "kernel-7.2-arm64",
}
_FLAVOURS = {"x86_64": "-amd64", "aarch64": "-arm64"}  # how the names of Debian's kernels end


@dataclass(frozen=True)
class Kernel:
    """All that is known of one kernel; every path exists."""

    name: str  # one of NAMES
    arch: str  # x86_64 or aarch64
    release: str  # what `uname -r` says in the guest
    packed: Path  # as shipped; the guest has it as /boot/vmlinuz
    image: Path  # what QEMU starts: an ELF file for PVH on x86_64, an Image on aarch64
    modules: Path | None  # .../lib/modules/<release> of the package; None when everything is built in
    build_root: str  # the root in which modules for it are compiled
    headers: Path  # KDIR, as seen from inside that root
    symbols: Path | None  # vmlinux with debug information; None when there is none
    key: str  # changes whenever anything of it does


def get(name: str, arch: str, progress: Callable[[str], None]) -> Kernel:
    """The kernel of this name for this architecture, fetched (or built) first when the cache lacks it."""
    if name == DEBUG and arch == "x86_64":
        from testbed import debugkernel  # only who asks for it needs what builds it
        return debugkernel.get(progress)
    if (name, arch) not in _ROOTS:
        known = ", ".join(f"{version} on {machine}" for version, machine in [*_ROOTS, (DEBUG, "x86_64")])
        raise TestbedError(f"there is no kernel {name} for {arch}; there are: {known}")
    return _of_debian(name, arch, debroot.get(_ROOTS[name, arch], progress))


def present(name: str, arch: str) -> bool:
    """Whether the cache has it, so that `get` neither fetches nor builds."""
    if name == DEBUG:
        from testbed import debugkernel
        return debugkernel.complete()
    return (name, arch) in _ROOTS and debroot.complete(_ROOTS[name, arch])


def root_of(name: str, arch: str) -> str:
    """The name of the root that brings this kernel of Debian's."""
    return _ROOTS[name, arch]


def _of_debian(name: str, arch: str, root: debroot.Root) -> Kernel:
    release = _release(root, name, arch)
    modules = root.path / "usr" / "lib" / "modules" / release
    places_of_image = (root.path / "boot" / f"vmlinuz-{release}", modules / "vmlinuz")  # the second since 7
    packed = next((path for path in places_of_image if path.exists()), None)
    if not packed:
        raise TestbedError(f"{root.path} has no image of the kernel {release}; delete that folder and try again")
    key = hashlib.sha256(json.dumps([root.key, release, arch]).encode()).hexdigest()[:16]
    return Kernel(name, arch, release, packed, kernelimage.startable(packed), modules, root.name,
                  Path(f"/usr/src/linux-headers-{release}"), None, key)


def _release(root: debroot.Root, name: str, arch: str) -> str:
    """The one release in the root that is of this version; roots that extend others hold several."""
    releases = sorted(path.name for path in (root.path / "usr" / "lib" / "modules").iterdir()
                      if re.match(re.escape(name) + r"\.", path.name) and path.name.endswith(_FLAVOURS[arch]))
    if len(releases) != 1:
        raise TestbedError(f"{root.path} holds {len(releases)} kernels {name}, not one; delete it and try again")
    return releases[0]

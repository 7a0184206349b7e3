# SPDX-License-Identifier: Apache-2.0
"""Programs that some tests run in the guest and that would bloat its initramfs: a disk that is plugged in for them.

The disk is an ext4 image, made once from Debian's packages (the roots `tools`) by their own mke2fs. The guest reads
of it what is used. A guest that nobody plugs it into has nothing of it but the port and two kernel modules.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from testbed import command, debroot, elf, places
from testbed.debroot import Root
from testbed.filelock import locked
from testbed.guest import Guest
from testbed.machine import TOOLS_PORT

PROGRAMS = ("usr/bin/fio", "usr/sbin/blkdiscard", "usr/sbin/dmsetup", "usr/sbin/e2fsck", "usr/sbin/mkfs.ext4",
            "usr/bin/trace-cmd", "usr/sbin/kexec")
# For the initramfs, with what they depend on; ext4 asks for crc32c by a name that only udev's database could resolve.
MODULES = ("virtio_blk", "ext4", "crc32c_generic", "dm_mod", "dm_flakey")

_FORMAT = 1  # of the image; raise it when the same packages give another one
_ROOTS = {"x86_64": "tools", "aarch64": "tools-arm64"}
_UUID = "70726433-3220-746f-6f6c-730000000000"  # any will do, as long as it is always the same
_SPARE = 1.1  # the image's size, as a multiple of that of its files
_FOR_FOLDERS = 4 << 20  # bytes, in addition
_PLUG_SECONDS = 120.0

# In /usr/sbin, because that comes before busybox; libraries that the guest has already stay its own.
_MOUNT = """modprobe -a {modules}
until [ -b /dev/vda ]; do sleep 0.02; done
mkdir /tools && mount -t ext4 -o ro /dev/vda /tools && ln -sf /tools/bin/* /usr/sbin || exit
for folder in /usr/lib/*-linux-gnu; do ln -s /tools/lib/* "$folder" 2>/dev/null; done
test -x /usr/sbin/fio"""


def image(arch: str, progress: Callable[[str], None]) -> Path:
    """The disk for guests of this architecture, made first when the cache lacks it."""
    root = debroot.get(_ROOTS[arch], progress)
    key = hashlib.sha256(json.dumps([_FORMAT, root.key, PROGRAMS]).encode()).hexdigest()[:16]
    target = places.cache() / "images" / f"tools-{key}.ext4"
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            progress("packing the disk")
            _pack(root, debroot.get(_ROOTS["x86_64"], progress), target)
    return target


def plug(guest: Guest, disk: Path) -> None:
    """Plugs the disk into a running guest: PROGRAMS are in its PATH then, in place of busybox's."""
    file = {"driver": "file", "filename": str(disk), "read-only": True}
    guest.monitor.command("blockdev-add", driver="raw", node_name="tools", read_only=True, file=file)
    guest.monitor.command("device_add", driver="virtio-blk-pci", id="tools", bus=TOOLS_PORT, drive="tools")
    guest.run(_MOUNT.format(modules=" ".join(MODULES[:3])), timeout=_PLUG_SECONDS)


def _pack(root: Root, maker: Root, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="prd32-tools-") as folder:
        tree = Path(folder) / "tree"
        for name in ("bin", "lib"):
            (tree / name).mkdir(parents=True)
        for program in PROGRAMS:
            shutil.copy(root.path / program, tree / "bin" / Path(program).name)
            for library in elf.closure(root.path, root.path / program):
                shutil.copy(library, tree / "lib" / library.name)
        for path in tree.rglob("*"):
            path.chmod(0o755)
        size = sum(path.stat().st_size for path in tree.rglob("*"))
        part = target.with_suffix(".part")
        with part.open("wb") as file:
            file.truncate(int(size * _SPARE) + _FOR_FOLDERS)
        usr = maker.path / "usr"
        # The same files give the same image: names in order, no time, no random numbers.
        command.run([usr / "lib64" / "ld-linux-x86-64.so.2", "--library-path", usr / "lib" / "x86_64-linux-gnu",
                     usr / "sbin" / "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-O", "^has_journal",
                     "-U", _UUID, "-E", f"hash_seed={_UUID},root_owner=0:0", "-d", tree, part],
                    what="making the disk of tools", deadline=120,
                    env={**os.environ, "SOURCE_DATE_EPOCH": "1", "MKE2FS_CONFIG": "/dev/null"})
        part.rename(target)

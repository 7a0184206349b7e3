# SPDX-License-Identifier: Apache-2.0
"""Runs compilers inside an unpacked root: a mount namespace for root, a user namespace for everybody else."""

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

from testbed import command, heap
from testbed.debroot import Root
from testbed.errors import TestbedError
from testbed.filelock import locked

# Names that Debian's maintainer scripts would have linked; none has run here.
_ALTERNATIVES = {"usr/bin/awk": "gawk", "usr/bin/cc": "gcc", "usr/bin/c++": "g++"}
_SCRATCH = "scratch"
_CHROOT = "/usr/sbin/chroot"  # not in the PATH of an ordinary user
# Compilers want /dev/null, objtool wants /proc/self; glibc learns from /sys how large huge pages are.
_KERNEL_FOLDERS = ("dev", "proc", "sys")
# Ways to mount those for the compilers alone: as root, else in a user namespace.
_UNSHARE = (("unshare", "--mount", "--"), ("unshare", "--user", "--map-root-user", "--mount", "--"))
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@contextmanager
def scratch(root: Root, name: str) -> Iterator[Path]:
    """A folder of this name inside the root, gone afterwards; sources are copied in and results copied out.

    The name is all that a build sees of its place, so that what compilers write into their output is the same each
    time. One user of a name at a time: others wait.
    """
    folder = root.path / _SCRATCH / name
    with locked(folder.with_suffix(".lock")):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def run(root: Root, folder: Path, argv: Sequence[str], *, what: str, deadline: float, log: Path | None = None,
        env: Mapping[str, str] | None = None) -> str:
    """Runs `argv` inside the root with `folder` (one from `scratch`) as working directory; returns its output."""
    return command.run(command_line(root, folder, argv, env), what=what, deadline=deadline, log=log)


def command_line(root: Root, folder: Path, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
    """What `run` runs, for a caller that follows the program while it runs."""
    _prepare(root.path)
    inside = "/" + str(folder.relative_to(root.path))
    return [*_enter(root.path), "/usr/bin/env", "-i", f"PATH={_PATH}", "LC_ALL=C.UTF-8", "HOME=/tmp",
            *(f"{name}={value}" for name, value in heap.mapped(env or {}, partial(_shown_inside, root.path)).items()),
            "/bin/sh", "-c", 'cd "$0" && exec "$@"', inside, *argv]


def _shown_inside(root: Path, library: str) -> str:
    """The place inside the root of a copy of this library."""
    copy = root / _SCRATCH / Path(library).name
    if not copy.exists():
        part = copy.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        shutil.copyfile(library, part)
        part.rename(copy)
    return f"/{copy.relative_to(root)}"


def _prepare(path: Path) -> None:
    for name, target in _ALTERNATIVES.items():
        link = path / name
        if not link.exists() and not link.is_symlink():
            link.symlink_to(target)
    for folder in ("tmp", *_KERNEL_FOLDERS):
        (path / folder).mkdir(exist_ok=True)


def _enter(path: Path) -> list[str]:
    """The command that enters the root."""
    for unshare in _UNSHARE:
        if _works(unshare):
            mounts = " && ".join(f'mount --rbind /{folder} "$0/{folder}"' for folder in _KERNEL_FOLDERS)
            return [*unshare, "/bin/sh", "-c", f'{mounts} && exec {_CHROOT} "$0" "$@"', str(path)]
    if os.getuid() != 0:
        raise TestbedError("this user may enter no root file system: neither with a user namespace (`unshare --user "
                           "--map-root-user --mount true` says why) nor as root; ./testbed doctor says more")
    _stand_in(path)
    return [_CHROOT, str(path)]


def _stand_in(path: Path) -> None:
    """Plain files for what compilers want of the kernel: for root where nothing can be mounted for one process alone,
    as in a container without that right, or in a chroot."""
    null, maps = path / "dev" / "null", path / "proc" / "self" / "maps"
    if not null.exists():
        try:
            os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
            null.chmod(0o666)
        except PermissionError:
            raise TestbedError("this container allows neither mounts, nor user namespaces, nor device nodes; one of "
                               "them is needed to run compilers in their own root file system") from None
    # Linux 7.2's objtool asks where its stack is, in order to recognise an overflow: somewhere else, so never.
    maps.parent.mkdir(exist_ok=True)
    maps.write_text("7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0 [stack]\n")


@lru_cache
def _works(unshare: tuple[str, ...]) -> bool:
    try:
        return subprocess.run([*unshare, "true"], capture_output=True, timeout=30, check=False).returncode == 0
    except FileNotFoundError:
        raise TestbedError("unshare is missing (Debian's package util-linux)") from None

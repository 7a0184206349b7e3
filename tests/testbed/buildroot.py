# SPDX-License-Identifier: Apache-2.0
"""Runs compilers inside the unpacked build root: chroot for root, a user namespace for everybody else."""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from testbed import command
from testbed.debroot import Root
from testbed.errors import TestbedError
from testbed.filelock import locked

# Names that Debian's maintainer scripts would have linked; none has run here.
_ALTERNATIVES = {"usr/bin/awk": "gawk", "usr/bin/cc": "gcc", "usr/bin/c++": "g++"}
_SCRATCH = "scratch"
_CHROOT = "/usr/sbin/chroot"  # not in the PATH of an ordinary user
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
            *(f"{name}={value}" for name, value in (env or {}).items()),
            "/bin/sh", "-c", 'cd "$0" && exec "$@"', inside, *argv]


def _prepare(path: Path) -> None:
    for name, target in _ALTERNATIVES.items():
        link = path / name
        if not link.exists() and not link.is_symlink():
            link.symlink_to(target)
    for folder in ("tmp", "dev"):
        (path / folder).mkdir(exist_ok=True)


def _enter(path: Path) -> list[str]:
    """The command that enters the root. Compilers want /dev/null; a device node does, where one may be made."""
    if os.getuid() == 0:
        null = path / "dev" / "null"
        try:
            if not null.exists():
                os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
                null.chmod(0o666)
            return [_CHROOT, str(path)]
        except PermissionError:
            pass  # a container without CAP_MKNOD: do as an ordinary user does
    if not shutil.which("unshare"):
        raise TestbedError("unshare is missing (Debian's package util-linux)")
    return ["unshare", "--user", "--map-root-user", "--mount", "--", "/bin/sh", "-c",
            f'mount --rbind /dev "$0/dev" && exec {_CHROOT} "$0" "$@"', str(path)]

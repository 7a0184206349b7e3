# SPDX-License-Identifier: Apache-2.0
"""Parts of the kernel's source, taken out of Debian's source package once."""

import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from testbed import debroot, places
from testbed.errors import TestbedError
from testbed.filelock import locked


def file(name: str) -> Path:
    """A file by its place in the kernel's tree, as in drivers/dma/dmatest.c."""
    return _part(name, only_one=True)


def folder(name: str) -> Path:
    """A folder with all that is in it, as in scripts."""
    return _part(name, only_one=False)


def _part(name: str, *, only_one: bool) -> Path:
    source = debroot.get("source", lambda _text: None)
    target = places.cache() / "kernel-source" / source.key / name
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            scratch = target.parent / f"{target.name}.part"
            shutil.rmtree(scratch, ignore_errors=True)
            for path, data in _members(source.path, name):
                path = scratch / path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                if only_one:
                    break
            if not scratch.exists():
                raise TestbedError(f"Debian's kernel source has no {name}")
            (scratch / name).rename(target)
            shutil.rmtree(scratch)
    return target


def _members(root: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """The files that are `name` or below it, by their place in the kernel's tree; read as a stream, so who has enough
    stops it there."""
    archive = next((root / "usr" / "src").glob("linux-source-*.tar.xz"))
    with tarfile.open(archive, "r|xz") as tar:
        for member in tar:
            path = member.name.partition("/")[2]
            if member.isfile() and (path == name or path.startswith(f"{name}/")):
                yield path, tar.extractfile(member).read()

# SPDX-License-Identifier: Apache-2.0
"""Single files of the kernel's source, taken out of Debian's source package once."""

import tarfile
from pathlib import Path

from testbed import debroot, places
from testbed.errors import TestbedError
from testbed.filelock import locked


def file(name: str) -> Path:
    """A file by its place in the kernel's tree, as in drivers/dma/dmatest.c."""
    source = debroot.get("source", lambda _text: None)
    target = places.cache() / "kernel-source" / source.key / name
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            part = target.with_suffix(".part")
            part.write_bytes(_read(source.path, name))
            part.rename(target)
    return target


def _read(root: Path, name: str) -> bytes:
    archive = next((root / "usr" / "src").glob("linux-source-*.tar.xz"))
    with tarfile.open(archive, "r|xz") as tar:  # a stream: reading stops where the file is
        for member in tar:
            if member.name.partition("/")[2] == name:
                return tar.extractfile(member).read()
    raise TestbedError(f"{archive.name} has no {name}")

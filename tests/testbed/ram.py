# SPDX-License-Identifier: Apache-2.0
"""A guest's RAM: a file without a name (a memfd) that QEMU and the cards map, filled and saved here.

QEMU would read the RAM of a saved guest page by page to where it has mapped it, at a page fault each: 30,000, which
take half a second where the machine is a virtual one without nested paging, and 20 ms elsewhere. A copy from file to
file has none, and what the guest never touches needs none.
"""

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from testbed.errors import TestbedError
from testbed.hugepages import HugePages

_UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}
_BLOCK = 1 << 16
_MOST_PREPARED = 1 << 30


def size_of(text: str) -> int:
    """Bytes of a size as QEMU takes them: "512M". TestbedError for one without a unit, of which QEMU's options make
    bytes here and MiB there, and for anything else."""
    found = re.fullmatch(r"([1-9][0-9]*)([KMGT])", text, re.IGNORECASE)
    if not found:
        raise TestbedError(f"RAM of {text!r}: a whole number and one of K, M, G and T is wanted, as in 512M")
    return int(found[1]) << _UNITS[found[2].upper()]


class Ram:
    """RAM of so many bytes, all zero. QEMU gets the descriptor `fd` and opens `path`. The memory is there until this is
    closed and those who map it have ended."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.fd = os.memfd_create("guest-ram", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, size)
        # Of a size that cannot change, so that a card may copy from it without a guard, as with QEMU's own memfd.
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)

    @property
    def path(self) -> str:
        """Its name for a process that was started with `fd`."""
        return f"/proc/self/fd/{self.fd}"

    def prepare(self) -> None:
        """Makes it ready for a guest that boots and touches much of it, if it is no more than guests mostly have."""
        if self.size <= _MOST_PREPARED:
            with HugePages(self.fd, self.size) as pages:
                pages.cover(0, self.size)

    def fill(self, path: Path) -> None:
        """Takes what `save` wrote at the beginning of this file."""
        with path.open("rb") as file, HugePages(self.fd, self.size) as pages:
            for at, end in extents(file.fileno(), self.size):
                pages.cover(at, end)
                os.lseek(self.fd, at, os.SEEK_SET)
                while at < end:
                    copied = os.sendfile(self.fd, file.fileno(), at, end - at)
                    if not copied:
                        raise TestbedError(f"{path} ends at {at} bytes of a guest's RAM; delete it and try again")
                    at += copied

    def save(self, path: Path) -> None:
        """Writes it to the beginning of a file, and leaves alone what follows there. Zeros are not written."""
        with path.open("r+b") as file:
            for first, end in extents(self.fd, self.size):
                for at in range(first, end, _BLOCK):
                    block = os.pread(self.fd, min(_BLOCK, end - at), at)
                    if block.count(0) != len(block):
                        os.pwrite(file.fileno(), block, at)

    def close(self) -> None:
        """Lets go of it. Safe to call twice."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def extents(fd: int, end: int) -> Iterator[tuple[int, int]]:
    """Where a file has data, up to `end`: from and to, in bytes. What lies between is a hole, and reads as zeros."""
    at = 0
    while at < end:
        try:
            data = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        at = os.lseek(fd, data, os.SEEK_HOLE)
        if data < end:
            yield data, min(at, end)

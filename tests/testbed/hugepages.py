# SPDX-License-Identifier: Apache-2.0
"""Memory files of huge pages: whoever maps one has a page fault for each 2 MiB, and not for each 4 KiB.

A machine's settings mostly give files of memory no huge pages. What is asked for by MADV_COLLAPSE they do not forbid.
"""

import ctypes
import mmap
from pathlib import Path

_SIZE = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
# <linux/mman.h>, the latter since Linux 6.1; Python has no names for them.
_MADV_POPULATE_READ, _MADV_COLLAPSE = 22, 25
_LARGEST = 32 << 20
_MOST_REFUSALS = 3  # then memory is in pieces, and to ask on would only take time
_PROT_NONE, _MAP_FIXED, _FAILED = 0, 0x10, ctypes.c_void_p(-1).value
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def page_size() -> int:
    """Bytes of a huge page; 0 where the kernel has none, or such as a guest would mostly waste: 512 MiB on arm64 with
    pages of 64 KiB."""
    size = int(_SIZE.read_text()) if _SIZE.exists() else 0
    return size if size <= _LARGEST else 0


class HugePages:
    """A memory file of `size` bytes, to be of huge pages where that is asked for. Use as a context manager. Where the
    kernel has none, or none are left, nothing changes."""

    def __init__(self, fd: int, size: int) -> None:
        self._page = page_size()
        self._size = size // self._page * self._page if self._page else 0
        self._next = 0  # before this, all that was asked for is made
        self._refusals = 0
        self._start = self._reserved = None
        if not self._size:
            return
        # Only where the address is as aligned as the place in the file.
        self._room = self._size + self._page
        self._reserved = _map(None, self._room, _PROT_NONE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1)
        if self._reserved is not None:
            aligned = -(-self._reserved // self._page) * self._page
            self._start = _map(aligned, self._size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | _MAP_FIXED, fd)

    def __enter__(self) -> "HugePages":
        return self

    def __exit__(self, *_: object) -> None:
        if self._reserved is not None:
            _libc.munmap(self._reserved, self._room)
        self._start = self._reserved = None

    def cover(self, first: int, end: int) -> None:
        """Makes the huge pages for bytes from `first` up to `end`; best before these are written, but what is there
        stays. What lies before the end of an earlier call is taken to be done."""
        first = max(self._next, first // self._page * self._page) if self._start else 0
        while self._start and self._refusals < _MOST_REFUSALS and first < min(end, self._size):
            # Of nothing it makes none; one small page is little to copy.
            if (_libc.madvise(self._start + first, mmap.PAGESIZE, _MADV_POPULATE_READ) != 0 or
                    _libc.madvise(self._start + first, self._page, _MADV_COLLAPSE) != 0):
                self._refusals += 1
            first = self._next = first + self._page


def _map(address: int | None, size: int, protection: int, flags: int, fd: int) -> int | None:
    found = _libc.mmap(address, size, protection, flags, fd, 0)
    return None if found == _FAILED else found

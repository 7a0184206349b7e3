# SPDX-License-Identifier: Apache-2.0
"""A guest's RAM is saved to the beginning of a file, and filled from it, without the zeros."""

import os
from collections.abc import Iterator

import pytest

from testbed.errors import TestbedError
from testbed.ram import Ram, extents, size_of

PAGE = 4096
SIZE = 1 << 24
BEHIND = b"the state of the machine"


@pytest.fixture
def ram() -> Iterator[Ram]:
    """16 MiB of it, with something at both ends, in the middle, and written zeros."""
    memory = Ram(SIZE)
    for at, data in ((0, b"first"), (SIZE // 2 - 3, b"middle"), (SIZE - 4, b"last"), (3 * SIZE // 4, bytes(1 << 20))):
        os.pwrite(memory.fd, data, at)
    yield memory
    memory.close()


@pytest.fixture
def saved(ram, tmp_path):
    """The file it was saved to, which has something behind it already."""
    path = tmp_path / "snapshot"
    with path.open("wb") as file:
        file.seek(SIZE)
        file.write(BEHIND)
    ram.save(path)
    return path


def test_saved_and_filled_is_the_same(ram, saved):
    other = Ram(SIZE)
    try:
        other.fill(saved)
        assert os.pread(other.fd, SIZE, 0) == os.pread(ram.fd, SIZE, 0)
        assert os.fstat(other.fd).st_size == SIZE, "what is behind RAM is no RAM"
    finally:
        other.close()


def test_what_is_behind_it_stays(saved):
    data = saved.read_bytes()
    assert data.startswith(b"first") and data[SIZE:] == BEHIND


def test_zeros_take_no_room(ram, saved):
    assert os.stat(saved).st_blocks * 512 < 1 << 20
    other = Ram(SIZE)
    try:
        other.fill(saved)
        zeros = range(3 * SIZE // 4, (3 * SIZE // 4) + (1 << 20))
        assert not [at for at, end in extents(other.fd, SIZE) if at < zeros.stop and end > zeros.start]
        assert os.fstat(ram.fd).st_blocks * 512 > 1 << 20, "no zeros were written, so nothing was shown"
    finally:
        other.close()


def test_its_size_cannot_change(ram):
    """Else the card's program copies with a guard, and twice."""
    for size in (SIZE - PAGE, SIZE + PAGE):
        with pytest.raises(PermissionError):
            os.ftruncate(ram.fd, size)


def test_short_file_is_told(tmp_path, monkeypatch):
    """A file that somebody shortens meanwhile is no reason to go on for ever."""
    path = tmp_path / "snapshot"
    path.write_bytes(b"x" * PAGE)
    monkeypatch.setattr("testbed.ram.extents", lambda _fd, end: [(0, end)])
    other = Ram(SIZE)
    try:
        with pytest.raises(TestbedError, match="ends at 4096 bytes"):
            other.fill(path)
    finally:
        other.close()


def test_extents_of_holes_alone(tmp_path):
    with (tmp_path / "empty").open("w+b") as file:
        assert not list(extents(file.fileno(), SIZE))
        file.truncate(SIZE)
        assert not list(extents(file.fileno(), SIZE))


def test_closing_twice_closes_nothing_else():
    memory = Ram(PAGE)
    number = memory.fd
    memory.close()
    another = os.memfd_create("another")
    assert another == number, "the number was not free again, so nothing is shown"
    memory.close()
    os.close(another)


@pytest.mark.parametrize("text, size", [("512M", 512 << 20), ("1536m", 1536 << 20), ("4G", 4 << 30), ("1T", 1 << 40),
                                        ("2048K", 2 << 20)])
def test_sizes_as_qemu_takes_them(text, size):
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "512", "M", "0M", "-1G", "1.5G", "512MB", "512 M", "512M,share=off"])
def test_other_sizes_are_refused(text):
    with pytest.raises(TestbedError, match="a whole number and one of K, M, G and T"):
        size_of(text)

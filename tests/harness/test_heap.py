# SPDX-License-Identifier: Apache-2.0
"""Guests' programs have heaps of huge pages, and guests RAM of them; what their user has told glibc stays."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from testbed import buildroot, debroot, heap, hugepages
from testbed.hugepages import HugePages

SIZE = 8 << 20
TRIM = """
import ctypes
data = [bytearray(1 << 15) for _ in range(64)]
keep = bytearray(1 << 15)
del data
assert ctypes.CDLL(None).malloc_trim(0) == 0, "memory was given back"
"""


MAPS = """
import mmap, re, sys
def huge(mapping):
    mapping[::4096] = b"x" * (len(mapping) // 4096)
    return sum(map(int, re.findall(r"AnonHugePages: *(\\d+)", open("/proc/self/smaps").read())))
print(huge(mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE)))
with open(sys.argv[1], "r+b") as file:
    before = file.read()
    mapping = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE)
    assert mapping[:] == before, "not what is in the file"
    print(huge(mapping))
    file.seek(0)
    assert file.read() == before, "the file was written into"
    shared = mmap.mmap(file.fileno(), 0)
    shared[0] ^= 1
    file.seek(0)
    assert file.read(1)[0] == before[0] ^ 1, "the file was not written into"
"""


@pytest.fixture
def file():
    """A memory file of 8 MiB in which nothing is."""
    fd = os.memfd_create("test")
    os.ftruncate(fd, SIZE)
    yield fd
    os.close(fd)


def huge_page() -> int:
    """Bytes of one. Where there is none to be had, the test is skipped."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if hugepages.page_size() != 2 << 20 or tuple(map(int, release.groups())) < (6, 1):
        pytest.skip(f"not a kernel that makes pages of 2 MiB on request: {os.uname().release}")
    return hugepages.page_size()


def mapped(pid: int, name: str) -> dict[str, int]:
    """How much of its files of this name a process has mapped, in KiB, by the words of /proc/PID/smaps."""
    total, wanted = Counter(), False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word, value = line.split()[0], line.split()[1]
        if not word.endswith(":"):
            wanted = name in line
        elif wanted and value.isdigit():
            total[word.removesuffix(":")] += int(value)
    return total


def allocated(fd: int) -> int:
    return os.fstat(fd).st_blocks * 512


def test_what_the_user_says_stays():
    ours = heap.tuned({"A": "b"})
    assert ours["A"] == "b" and ours["GLIBC_TUNABLES"].startswith("glibc.malloc.hugetlb=1:")
    mine = "glibc.malloc.check=3:glibc.malloc.hugetlb=0"  # of two words for one thing the later counts
    assert heap.tuned({"GLIBC_TUNABLES": mine})["GLIBC_TUNABLES"] == f"{ours['GLIBC_TUNABLES']}:{mine}"
    assert heap.kept({"LD_PRELOAD": "libmine.so"})["LD_PRELOAD"].startswith("libmine.so:/")


def test_the_heap_keeps_what_it_has():
    def said(environment: dict[str, str]) -> str:
        done = subprocess.run([sys.executable, "-c", TRIM], env=environment, capture_output=True, text=True, timeout=60,
                              check=False)
        return done.stderr
    assert said(heap.kept(heap.tuned(os.environ))) == ""
    assert "memory was given back" in said(heap.tuned(os.environ)), "glibc does not, so nothing was shown"


def test_what_compilers_map(tmp_path):
    """Memory and the file that is their own copy are of huge pages; what is in it is right, and the file stays."""
    huge_page()
    size = 64 << 20
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * (size // 256))

    def kib(environment: dict[str, str]) -> list[int]:
        return list(map(int, subprocess.run([sys.executable, "-c", MAPS, path], env=environment, capture_output=True,
                                            text=True, timeout=60, check=True).stdout.split()))
    without = kib({**os.environ, "LD_PRELOAD": ""})
    for _ in range(3):  # memory that is in pieces has no huge pages to give for a moment
        memory, both = kib(heap.mapped(os.environ))
        if memory - without[0] > size // 2048 and both - memory > size // 2048:
            return
    pytest.fail(f"KiB of huge pages: {memory} once memory is mapped, {both} with the file; {without} with nothing done")


def test_what_compilers_map_in_a_root():
    """They see the library, and how large huge pages are."""
    root = debroot.get("build", lambda _text: None)
    with buildroot.scratch(root, "heap") as folder:
        said = buildroot.run(root, folder, ["/bin/sh", "-c", "cat /proc/self/maps /sys/kernel/mm/transparent_hugepage/"
                                            "hpage_pmd_size"], what="sh", deadline=60)
    assert re.search(r" /\S+/hugemaps-\w+\.so$", said, re.M), said
    assert said.splitlines()[-1] == str(huge_page())


@pytest.mark.parametrize("name", ["with space", "with:colon"])
def test_a_name_that_cannot_be_preloaded(monkeypatch, tmp_path, name):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
    heap._library.cache_clear()
    assert heap.kept({"A": "b"}) == {"A": "b"}
    heap._library.cache_clear()


def test_without_a_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    heap._library.cache_clear()
    assert heap.kept({"A": "b"}) == {"A": "b"}
    heap._library.cache_clear()


def test_huge_pages_where_something_is_to_be(file):
    """One for each that bytes lie in; those in between stay holes."""
    page = huge_page()
    with HugePages(file, SIZE) as pages:
        pages.cover(100, 200)
        assert allocated(file) == page
        pages.cover(300, page + 1)
        pages.cover(page + 1, page + 2)
        assert allocated(file) == 2 * page
        pages.cover(3 * page, SIZE)
        assert allocated(file) == 3 * page
    assert os.pread(file, SIZE, 0) == bytes(SIZE)


def test_what_is_there_stays(file):
    os.pwrite(file, b"first", 0)
    os.pwrite(file, b"last", SIZE - 4)
    with HugePages(file, SIZE) as pages:
        pages.cover(0, SIZE)
    assert os.pread(file, SIZE, 0) == b"first" + bytes(SIZE - 9) + b"last"


@pytest.mark.parametrize("size", [None, 512 << 20])
def test_without_fitting_huge_pages_nothing_changes(file, monkeypatch, tmp_path, size):
    monkeypatch.setattr(hugepages, "_SIZE", tmp_path / "size")
    if size:
        hugepages._SIZE.write_text(f"{size}\n")
    assert hugepages.page_size() == 0
    with HugePages(file, SIZE) as pages:
        pages.cover(0, SIZE)
    assert allocated(file) == 0


def test_a_file_that_is_smaller_than_one(file):
    with HugePages(file, 4096) as pages:
        pages.cover(0, 4096)
    assert allocated(file) == 0


@pytest.mark.environments("direct")
def test_guest_and_card_see_ram_by_huge_pages(lab):
    """Not by 4 KiB each, nor QEMU's heap, of which it would give back what it is about to need."""
    huge_page()
    for _ in range(3):  # memory that is in pieces has no huge pages to give for a moment
        with lab.fresh() as station:
            guest = station.guest
            guest.run("head -c 65536 /dev/urandom >/tmp/a && prd32ctl put /tmp/a")
            small = [f"RAM of process {pid}: {ram}" for pid in (guest.pid, guest.card.pid)
                     if (ram := mapped(pid, "guest-ram"))["Rss"] - ram["ShmemPmdMapped"] > ram["Rss"] // 4]
            heap_of_qemu = mapped(guest.pid, "[heap]")
            if heap_of_qemu["AnonHugePages"] <= heap_of_qemu["Rss"] // 2:
                small.append(f"QEMU's heap: {heap_of_qemu}")
        if not small:
            return
    pytest.fail("\n".join(small))

# SPDX-License-Identifier: Apache-2.0
"""Heaps of huge pages that stay. QEMU and the card's program start anew for each test, a compiler for each object, and
a third of what they took was page faults where these are dear, as in a virtual machine without nested paging."""

import hashlib
import re
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from testbed import places
from testbed.filelock import locked

_UNTRIMMED, _HUGEMAPS = "untrimmed", "hugemaps"  # libraries, each of one source beside this file
_COMPILE_SECONDS = 60
# A heap that grows by a huge page at a time, as with hugetlb alone, gets none: the kernel gives those that lie in it
# whole. Memory that is asked for and never touched costs nothing.
_TUNABLES = ("glibc.malloc.hugetlb=1", f"glibc.malloc.top_pad={64 << 20}", f"glibc.malloc.mmap_threshold={32 << 20}",
             "glibc.malloc.arena_max=1")


def tuned(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which glibc's heap is of huge pages. Where the kernel has none to give, nothing changes; what
    else the user has told glibc stays."""
    return {**environment, "GLIBC_TUNABLES": _joined(*_TUNABLES, environment.get("GLIBC_TUNABLES", ""))}


def kept(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which glibc gives nothing of the heap back, either. For programs that ask it to."""
    return _loading(environment, _library(_UNTRIMMED))


def mapped(environment: Mapping[str, str], seen_as: Callable[[str], str] = str) -> dict[str, str]:
    """An environment in which what GCC maps is of huge pages, too. For compilers; `seen_as` tells, from the library's
    place, the place where they see it."""
    library = _library(_HUGEMAPS)
    return _loading(tuned(environment), seen_as(library) if library else "")


def _loading(environment: Mapping[str, str], library: str) -> dict[str, str]:
    loaded = _joined(environment.get("LD_PRELOAD", ""), library)
    return {**environment, **({"LD_PRELOAD": loaded} if loaded else {})}


def _joined(*words: str) -> str:
    return ":".join(word for word in words if word)


@cache
def _library(name: str) -> str:
    """The place of a library, compiled once; "" where it cannot be, which costs time and nothing else."""
    source = Path(__file__).with_name(f"{name}.cpp")
    made = places.cache() / "heap" / f"{name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}.so"
    if re.search(r"[\s:]", str(made)):  # which LD_PRELOAD takes for the end of a name
        return ""
    try:
        with locked(made.with_suffix(".lock")):
            return str(made) if made.exists() or _compile(source, made) else ""
    except OSError:  # of the cache
        return ""


def _compile(source: Path, library: Path) -> bool:
    part = library.with_suffix(".part")
    try:
        subprocess.run(["c++", "-std=c++20", "-O2", "-fno-exceptions", "-shared", "-fPIC", "-nostdlib", "-o", part,
                        source], check=True, capture_output=True, timeout=_COMPILE_SECONDS)
        part.rename(library)
        return True
    except (OSError, subprocess.SubprocessError):
        return False

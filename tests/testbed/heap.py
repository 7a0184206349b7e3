# SPDX-License-Identifier: Apache-2.0
"""Heaps of huge pages that stay: QEMU and the card's program start anew for each test, and a third of what that took
was page faults where these are dear, as in a virtual machine without nested paging."""

import hashlib
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from testbed import places
from testbed.filelock import locked

_SOURCE = Path(__file__).with_name("untrimmed.cpp")
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
    loaded = _joined(environment.get("LD_PRELOAD", ""), _untrimmed())
    return {**environment, **({"LD_PRELOAD": loaded} if loaded else {})}


def _joined(*words: str) -> str:
    return ":".join(word for word in words if word)


@cache
def _untrimmed() -> str:
    """The library that sees to it, compiled once; "" where it cannot be, which costs time and nothing else."""
    made = places.cache() / "heap" / f"untrimmed-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]}.so"
    if re.search(r"[\s:]", str(made)):  # which LD_PRELOAD takes for the end of a name
        return ""
    try:
        with locked(made.with_suffix(".lock")):
            return str(made) if made.exists() or _compile(made) else ""
    except OSError:  # of the cache
        return ""


def _compile(library: Path) -> bool:
    part = library.with_suffix(".part")
    try:
        subprocess.run(["c++", "-std=c++20", "-O2", "-shared", "-fPIC", "-nostdlib", "-o", part, _SOURCE], check=True,
                       capture_output=True, timeout=_COMPILE_SECONDS)
        part.rename(library)
        return True
    except (OSError, subprocess.SubprocessError):
        return False

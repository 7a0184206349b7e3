# SPDX-License-Identifier: Apache-2.0
"""Judges a guest's kernel log: what a driver must never make the kernel say."""

import re

# What the kernel prints when something is broken, whatever the test looked at.
_BAD = re.compile(
    r"WARNING: |\bBUG: |kernel BUG at|Oops\b|general protection fault|KASAN|UBSAN|KFENCE|kmemleak|DMA-API: |"
    r"possible (recursive |circular )?locking|INFO: task .* blocked|rcu: INFO: .*stall|I/O page fault|DMAR: \[|"
    r"swiotlb buffer is full|Kernel panic|unable to handle|refcount_t: |list_(add|del) corruption|"
    r"sleeping function called"
)
_CONTEXT = 20  # lines behind the first bad one


def complaints(log: str) -> str:
    """An excerpt that starts at the first bad line, or an empty string when the log is good."""
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if _BAD.search(line):
            return "\n".join(lines[number:number + _CONTEXT])
    return ""


def since(log: str, earlier: str) -> str:
    """The part of `log` that `earlier`, an older reading of the same guest, did not have."""
    if log.startswith(earlier):
        return log[len(earlier):]
    return log  # the ring buffer wrapped: judge all of what is left

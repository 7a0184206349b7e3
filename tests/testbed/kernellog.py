# SPDX-License-Identifier: Apache-2.0
"""Judges a guest's kernel log: what a driver must never make the kernel say, each report whole.

The words are those of Linux 6.1, 6.12 and 7.2. The log is read from /dev/kmsg, whose records are numbered, so that a
test which floods the log cannot hide a complaint: the missing numbers are one.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What the kernel says when something is broken, by who says it. What is not listed and still prints a stack is found
# by its "Call Trace".
COMPLAINTS = {
    "warning": r"^-+\[ cut here \]-+$|\bWARNING: ",  # lockdep's and RCU's reports are such lines, too
    "bug": r"\bBUG:? |kernel BUG at|\[ BUG: |Bug detected!",  # slub says "BUG kmalloc-64 (Not tainted): ..."
    "oops": r"\bOops\b|general protection fault|Internal error: |[Uu]nable to handle|Kernel panic|SError Interrupt|"
            r"Corrupted page table|stack corrupted|kernel stack overflow|Insufficient stack space",
    "sanitizer": r"\b(KASAN|KFENCE|KCSAN|UBSAN|KMSAN): ",
    "lockdep": r"INFO: trying to register non-static key|lockdep is turned off|turning off the locking correctness",
    "leak": r"kmemleak: (?!Kernel memory leak detector|Automatic memory scanning)",
    "dma-api": r"DMA-API: (?!preallocated |debugging enabled|dma_debug_entry pool grown|.* driver filter)",
    "debug-objects": r"ODEBUG: (?!selftest passed)",
    "lockup": r"INFO: task .* blocked for more than|soft lockup|hard LOCKUP|workqueue lockup|"
              r"INFO: \S+ (self-)?detected .*stall|blocking \S+ stall",
    "iommu": r"DMAR: \[|DMAR: .*handling fault status|DMAR: VT-d detected|DMAR: ERROR|Event logged \[|"
             r"(page|domain|mapping|unknown|reserved) fault from EP|arm-smmu\S* .*(\bevent\b|\bfault\b)",
    "swiotlb": r"swiotlb buffer is full|swiotlb addr .* overflow|DMA addr .* overflow",
    "memory": r"page allocation failure|invoked oom-killer|Out of memory|pagealloc: |corrupt(ed|ion)\b|refcount_t: |"
              r"Redzone|Poison overwritten|SLUB: Unable to",
    "interrupt": r"irq (event )?\d+: (nobody cared|bogus)|Disabling IRQ|No irq handler for|Flags mismatch irq",
    "pci": r"PCIe Bus Error: severity=",
    "stack": r"^Call [Tt]race:",
}
_COMPLAINT = re.compile("|".join(f"(?:{pattern})" for pattern in COMPLAINTS.values()))
_MARK = "testbed reads "
_MOST_LINES = 250  # of one report in an excerpt; the longest that lockdep writes has about 150
_BURST_MICROSECONDS = 300_000  # a report is written without a pause; emulated processors need milliseconds for a line

_CUT_HERE = re.compile(r"^-+\[ cut here \]-+$")
_RULE = re.compile(r"^={20,}$")
_END_OF_TRACE = re.compile(r"^---\[ end trace")
_FENCED = re.compile(r"BUG: K[A-Z]+: ")  # KASAN, KFENCE, KCSAN: they close with a second rule
# Lines that are a report's own when they follow its first line without a pause. What is between them is so, too.
_OWN = re.compile(
    r"^ ?\[?<?\??/?[\w.>\]]* ?\S+\+0x[0-9a-f]+/0x|^ *</?[A-Z]+>$|Call [Tt]race:|^---\[ |"
    r"^(RIP|RSP|RAX|RDX|RBP|R08|R11|R14|FS|CS|CR2|DR0|DR3|PKRU|Code|ORIG_RAX|pc|lr|sp|pstate|x\d+ ?): ?|"
    r"^CPU: |^Hardware name|^Modules linked in|^FIX |"
    r"Mapped at:|^(hard|soft)irqs last|^irq event stamp|held by|locks held|^ #\d+:|^handlers:$|^\[<|stack backtrace:|"
    r"^note: |end Kernel panic|^Object |^Slab |^(Redzone|Padding|Bytes b4)|fault reason|^Kernel Offset|^Modules linked")


@dataclass(frozen=True)
class Record:
    """One message: its kernel log level (0 emergency .. 7 debug), number, time since boot and text."""

    level: int
    number: int
    microseconds: int
    text: str

    def __str__(self) -> str:
        return f"[{self.microseconds // 1_000_000:5}.{self.microseconds % 1_000_000:06}] {self.text}"


@dataclass(frozen=True)
class Reading:
    """The log at one time. `lost` says how many of the messages since boot are not in it."""

    records: tuple[Record, ...]
    lost: int

    @property
    def text(self) -> str:
        """The log as dmesg prints it."""
        return "".join(f"{record}\n" for record in self.records)


def command(also: tuple[str, str] | None = None) -> tuple[str, str]:
    """A shell command that prints the guest's log up to now, and the mark that its last line has. `also`: the lines of
    another file that match a pattern, and that file; starting one program is dearer than both.

    The mark is what ends the reading: /dev/kmsg itself has no end. It is written twice, because sed reads one line
    ahead. A writer that is faster than this reader makes sed end early, without the mark.
    """
    mark = f"{_MARK}{secrets.token_hex(4)}"
    marks = f"echo '{mark}' >/dev/kmsg; echo '{mark}' >/dev/kmsg"
    pattern, file = also or ("^$", "")
    return f"{marks}; sed -n '/^[0-9 ]/p;/{pattern}/p;/;{mark}$/q' {file} /dev/kmsg", mark


def parse(text: str, mark: str) -> Reading | None:
    """What the command printed; None when it did not come to its mark and has to be tried again."""
    if f";{mark}\n" not in text:
        return None
    found, numbers = [], set()
    for line in text.splitlines():
        head, separator, message = line.partition(";")
        if not separator or line.startswith(" "):
            continue  # a line that starts with a blank says which device spoke
        level, number, microseconds, *_ = head.split(",")
        numbers.add(int(number))
        if not message.startswith(_MARK):
            found += [Record(int(level) & 7, int(number), int(microseconds), part) for part in _lines(message)]
    return Reading(tuple(found), max(numbers) + 1 - len(numbers))


def _lines(message: str) -> list[str]:
    """A message may hold several lines; what is not printable is escaped in /dev/kmsg."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), message).splitlines() or [""]


@dataclass(frozen=True)
class Report:
    """One complaint of the kernel, from its first line to its last."""

    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole of it."""
        return "\n".join(self.lines)

    @property
    def excerpt(self) -> str:
        """All of it, unless it is extraordinarily long."""
        if len(self.lines) <= _MOST_LINES:
            return self.text
        rest = len(self.lines) - _MOST_LINES
        return "\n".join([*self.lines[:_MOST_LINES], f"(and {rest} more lines of it, which kernel.log has)"])


def reports(records: Sequence[Record]) -> list[Report]:
    """All complaints, in their order."""
    found, at = [], 0
    while at < len(records):
        if not _COMPLAINT.search(records[at].text):
            at += 1
            continue
        first, last = _first(records, at), _last(records, at)
        found.append(Report(tuple(str(record) for record in records[first:last + 1])))
        at = last + 1
    return found


def of_console(text: str) -> list[Report]:
    """All complaints in what the guest's console printed, [seconds] before each line; others are programs' words."""
    lines = re.findall(r"^\[ *(\d+)\.(\d{6})\] (.*?)\r?$", text, re.MULTILINE)
    return reports([Record(4, number, int(seconds) * 1_000_000 + int(micros), line)
                    for number, (seconds, micros, line) in enumerate(lines)])


def _first(records: Sequence[Record], at: int) -> int:
    """A rule above the first bad line belongs to it."""
    return at - 1 if at and _RULE.match(records[at - 1].text) else at


def _last(records: Sequence[Record], at: int) -> int:
    """Where the report ends: at its own closing line, if it is of a kind that has one, else with its last own line."""
    text = records[at].text
    last = at
    if _CUT_HERE.match(text):
        last = _next(records, at, _END_OF_TRACE)
    elif _FENCED.search(text):
        last = _next(records, at, _RULE)
    for number in range(last + 1, len(records)):
        record = records[number]
        if record.microseconds - records[number - 1].microseconds > _BURST_MICROSECONDS:
            break
        if _CUT_HERE.match(record.text) or _RULE.match(record.text):
            break
        if _OWN.search(record.text):
            last = number
        elif last > at and _END_OF_TRACE.match(records[last].text) and _COMPLAINT.search(record.text):
            break
    return last


def _next(records: Sequence[Record], at: int, end: re.Pattern[str]) -> int:
    return next((number for number in range(at + 1, len(records)) if end.match(records[number].text)), at)


def unexpected(found: Iterable[Report], patterns: Sequence[str]) -> tuple[list[Report], list[str]]:
    """The reports that no pattern matches, and the patterns that no report matches."""
    found = list(found)
    return ([report for report in found if not any(re.search(pattern, report.text) for pattern in patterns)],
            [pattern for pattern in patterns if not any(re.search(pattern, report.text) for report in found)])

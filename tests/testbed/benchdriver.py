# SPDX-License-Identifier: Apache-2.0
"""The benchmark's suite `driver`: fio in a guest, on the card's block and character device, and beside them, in the
same guest and in turn, on what QEMU itself has to offer: a disk behind its own bus-master engine, and its NVMe."""

import argparse
import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from testbed import environment, image, kernelmodules, places, toolsdisk, workshop
from testbed.benchfigures import Figure
from testbed.card import CardProcess
from testbed.environment import Cell
from testbed.errors import TestbedError
from testbed.evidence import fresh_folder
from testbed.guest import Guest
from testbed.stages import Stage, stage
from testbed.workshop import Workshop

_MIB = 1 << 20
_CARD_MEMORY, _AREA = "128M", "64m"  # of each card; what a job works on
_MODULES = ("ata_piix", "sd_mod", "nvme")
_NULL = f"driver=null-co,size={256 * _MIB},read-zeroes=off"
# Neither of them copies data: a null-co disk takes and gives none.
_QEMU_DISKS = ["-blockdev", f"{_NULL},node-name=null0", "-device", "piix3-ide,id=ide",
               "-device", "ide-hd,bus=ide.0,drive=null0",
               "-blockdev", f"{_NULL},node-name=null1", "-device", "nvme,serial=null1,drive=null1"]
# Register writes are posted only while QEMU can map nothing of the card: one card of each kind.
# Waking a thread is dear on a virtual machine, so both device programs look for messages for longer than usual.
_SPIN = ("--spin-us", "400")
_CARDS = (("--no-memory-mapping", *_SPIN), _SPIN)
_SECONDS, _QUICK_SECONDS = 1.0, 0.1  # of one job
_FIO_SECONDS = 120.0
_HUGE_PAGES = 24  # of 2 MiB: twice what a job's buffers take
# The driver's parameter: for how long who waits looks for the end. 500 is its default.
_LOOKS, _SLEEPS = 500, 0  # us
_TICKS = 100  # a second, in /proc/stat: USER_HZ


@dataclass(frozen=True)
class _Device:
    """What fio works on. `direct`: past the cache, which the character device has none of. `engine`: how, if not by
    read() and write() at depth 1 and by libaio beyond. `sleeps`: nobody looks for the end before it sleeps."""

    path: str
    direct: bool = True
    engine: tuple[str, ...] = ()
    sleeps: bool = False

    def engine_words(self, depth: int) -> tuple[str, ...]:
        """The arguments of fio that choose the interface."""
        return self.engine or ("--ioengine=psync" if depth == 1 else "--ioengine=libaio",)


_DEVICES = {
    "block": _Device("/dev/prd32b0"), "char": _Device("/dev/prd32-0", direct=False),
    "block-told": _Device("/dev/prd32b0", sleeps=True), "char-told": _Device("/dev/prd32-0", direct=False, sleeps=True),
    "block-waiting": _Device("/dev/prd32b1"), "char-waiting": _Device("/dev/prd32-1", direct=False),
    # By io_uring: told of the end by an interrupt, or looking for it.
    "block-ring": _Device("/dev/prd32b0", engine=("--ioengine=io_uring",)),
    "block-polled": _Device("/dev/prd32b0", engine=("--ioengine=io_uring", "--hipri")),
    "char-polled": _Device("/dev/prd32-0", engine=("--ioengine=io_uring", "--hipri")),
    "ide": _Device("/dev/sda"), "nvme": _Device("/dev/nvme0n1"),
}
_OURS = ("block", "block-told", "block-polled", "char", "char-told", "char-polled")
# By the group of the figures: what ours are compared with, and how many times as fast they shall be, if that is a goal.
_REFERENCES = {"ide": ("a disk of QEMU's own bus-master engine (piix3-ide) that holds no data", 2.0),
               "nvme": ("QEMU's NVMe on a disk that holds no data", 1.0),
               "posted": ("the same, register writes posted", 0.0),
               "interrupt": ("the same, told by an interrupt", 0.0)}


@dataclass(frozen=True)
class _Work:
    """One kind of access: the same job for every device."""

    rw: str
    size: str
    depth: int

    def __str__(self) -> str:
        return f"{self.rw}-{self.size}-qd{self.depth}"


_WORKS = [_Work(rw, size, depth) for size in ("128k", "1m") for depth in (1, 8) for rw in ("read", "write")]
_SMALL_WORKS = [_Work(rw, "4k", 1) for rw in ("read", "write")]
_NOT_SLEEPING = tuple(name for name, device in _DEVICES.items() if not device.sleeps)
# Which devices take turns at which work. Small ones show what looking is for. Who submits several is told anyway.
_TURNS = {**{work: tuple(_DEVICES) if work.depth == 1 else _NOT_SLEEPING for work in _WORKS},
          **{work: ("block", "block-told", "block-ring", "block-polled", "char", "char-told", "char-polled", "nvme")
             for work in _SMALL_WORKS}}


@dataclass
class _Samples:
    """What the rounds gave for one device and one kind of access: MiB/s, and ms of the guest's processor for each."""

    speeds: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


def measure(given: argparse.Namespace) -> list[Figure]:
    """Boots the guest and measures what --filter names."""
    works = [work for work in _TURNS if any(re.search(given.filter, name) for name in _names(work))]
    if not works:
        names = [name.partition("/") for work in _TURNS for name in _names(work)]
        against = "|".join(dict.fromkeys(first for first, _, _ in names))
        what = "|".join(dict.fromkeys(job.rsplit("-", 3)[0] for _, _, job in names))
        jobs = "|".join(dict.fromkeys("-".join(job.rsplit("-", 3)[1:]) for _, _, job in names))
        raise TestbedError(f"--filter {given.filter}: no figure is called that; they are {against} / {what} - {jobs}, "
                           f"as {names[0][0]}/{names[0][2]}")
    workshop.install("run", "build", allowed=not given.no_install)
    usual = environment.cell(environment.DEFAULT)
    cell = Cell(dataclasses.replace(usual.environment, cards=len(_CARDS)), usual.kernel)
    ready = workshop.prepare([cell], "prd32-device", tools=True)
    folder = fresh_folder(places.OUTPUT / "bench")
    samples = {(work, device): _Samples() for work in works for device in _TURNS[work]}
    with ExitStack() as stack:
        with stage("a guest with cards and QEMU's disks"):
            guest = _guest(ready, cell, folder, stack)
        with stage("measuring the driver") as now:
            _rounds(guest, samples, works, given, now)
    return [figure for work in works for figure in _figures(work, samples) if re.search(given.filter, figure.name)]


def _guest(ready: Workshop, cell: Cell, folder: Path, stack: ExitStack) -> Guest:
    software, arch = ready.of(cell), cell.environment.arch
    modules = [name for name in (*toolsdisk.MODULES, *_MODULES) if kernelmodules.has(software.kernel, name)]
    initramfs = image.initramfs(software.kernel, software.module, [], modules)
    cards = [stack.enter_context(CardProcess(places.device_program(), folder / f"card{number}",
                                             memory_size=_CARD_MEMORY, extra_args=words))
             for number, words in enumerate(_CARDS)]
    guest = stack.enter_context(Guest(ready.guest(cell, initramfs=initramfs), folder, cards, _QEMU_DISKS))
    guest.load_driver("poll_queues=1")
    guest.await_cards(driver=True)
    toolsdisk.plug(guest, toolsdisk.image(arch, lambda _text: None))
    paths = " && ".join(f"test -e {device.path}" for device in _DEVICES.values())
    guest.run(f"modprobe -a {' '.join(_MODULES)} && until {paths}; do sleep 0.1; done", timeout=60)
    # Memory that nobody touched has to be found first, page by page, which takes longer than a transfer.
    for number in range(len(_CARDS)):
        guest.run(f"dd if=/dev/zero of=/dev/prd32-{number} bs=1M count={_CARD_MEMORY[:-1]} conv=notrunc", timeout=60)
    # Before memory is in pieces.
    guest.run(f"echo {_HUGE_PAGES} >/proc/sys/vm/nr_hugepages && "
              f"awk '/HugePages_Total/ {{ exit $2 != {_HUGE_PAGES} }}' /proc/meminfo")
    return guest


def _rounds(guest: Guest, samples: dict[tuple[_Work, str], _Samples], works: list[_Work], given: argparse.Namespace,
            now: Stage) -> None:
    """Each round goes through all devices in turn, so that what else this machine does meets them all alike, and begins
    with another one, as each leaves the guest's memory to the next in smaller pieces, or larger."""
    seconds = _QUICK_SECONDS if given.quick else _SECONDS
    for number in range(given.repetitions):
        for work in works:
            now.update(f"round {number + 1} of {given.repetitions}: {work}")
            names = _TURNS[work]
            first = number % len(names)
            for name in [*names[first:], *names[:first]]:
                speed, cost = _run(guest, work, _DEVICES[name], seconds)
                samples[work, name].speeds.append(speed)
                samples[work, name].costs.append(cost)


def _run(guest: Guest, work: _Work, device: _Device, seconds: float) -> tuple[float, float]:
    """One job: MiB/s, and ms of the guest's processor for each MiB. Its buffers are huge pages, and fio neither changes
    them nor looks at the clock more than it must: what every device pays for alike hides how they differ."""
    guest.run(f"echo {_SLEEPS if device.sleeps else _LOOKS} >/sys/module/prd32/parameters/spin_us")
    words = ["fio", "--output-format=json", *device.engine_words(work.depth), "--name=bench",
             "--mem=shmhuge", "--hugepage-size=2m", "--scramble_buffers=0", "--gtod_reduce=1",
             f"--filename={device.path}", f"--direct={device.direct:d}", f"--rw={work.rw}", f"--bs={work.size}",
             f"--iodepth={work.depth}",
             f"--size={_AREA}", "--time_based", f"--runtime={seconds * 1000:.0f}ms",
             "--exec_prerun=cat /proc/uptime /proc/stat | tee /tmp/began",
             "--exec_postrun=cat /proc/uptime /proc/stat | tee /tmp/ended"]
    said = guest.run(words, timeout=_FIO_SECONDS).text
    moved = json.loads(said[said.index("{"):])["jobs"][0][work.rw]
    busy = _busy(guest.run("cat /tmp/ended").text) - _busy(guest.run("cat /tmp/began").text)
    return moved["bw_bytes"] / _MIB, max(0.0, busy) * 1000 / (moved["io_bytes"] / _MIB)


def _busy(counted: str) -> float:
    """For how many seconds since its boot the guest's processor was not idle: of /proc/uptime and /proc/stat. The
    latter counts apart what is idle until a disk is done."""
    since_boot = float(counted.split()[0])
    numbers = next(line.split()[1:] for line in counted.splitlines() if line.startswith("cpu "))
    idle, waiting = (float(number) / _TICKS for number in numbers[3:5])
    return since_boot - idle - waiting


def _figures(work: _Work, samples: dict[tuple[_Work, str], _Samples]) -> Iterable[Figure]:
    speed = {name: median(samples[work, name].speeds) for name in _TURNS[work]}
    for group, ours, other in _pairs(work):
        against, times = _REFERENCES[group]
        ratio = speed[ours] / speed[other]
        goal = (f"ratio >= {times:g}", ratio >= times) if times else ()
        yield Figure("driver", f"{group}/{ours}-{work}", speed[ours], "MiB/s", against, speed[other], ratio, *goal)
    for name in _TURNS[work]:
        yield Figure("driver", f"cpu/{name}-{work}", median(samples[work, name].costs), "ms of guest/MiB")


def _pairs(work: _Work) -> Iterator[tuple[str, str, str]]:
    """What is compared with what: the group, ours, and the other one."""
    pairs = [*((group, ours, group) for group in ("ide", "nvme") for ours in _OURS),
             *(("posted", f"{ours}-waiting", ours) for ours in ("block", "char")),
             ("interrupt", "block-polled", "block-ring"),
             *(("interrupt", ours, f"{ours}-told") for ours in ("block", "char"))]
    for group, ours, other in pairs:
        if {ours, other} <= set(_TURNS[work]):
            yield group, ours, other


def _names(work: _Work) -> list[str]:
    """The names of the figures of this work, before there are any."""
    compared = [f"{group}/{ours}-{work}" for group, ours, _ in _pairs(work)]
    return compared + [f"cpu/{name}-{work}" for name in _TURNS[work]]

# SPDX-License-Identifier: Apache-2.0
"""Gets everything ready that guests with the card need: packages, QEMU, the card, and for each kernel the driver and
the initramfs."""

import os
import pickle
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from testbed import (accelerator, cardbuild, environment, guestbuild, image, kernelmodules, kernels, packages, qemu,
                     toolsdisk)
from testbed.accelerator import Accelerator
from testbed.environment import Cell
from testbed.errors import TestbedError
from testbed.kernels import Kernel
from testbed.machine import GuestSpec
from testbed.options import Subject
from testbed.qemu import Qemu
from testbed.stages import in_parallel, stage


_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Software:
    """What runs in guests of one kernel. `module` is the driver with its symbols, `driver` its path in the guest,
    `source` the folder that it was built from, `needs` the kernel's own modules that it depends on."""

    kernel: Kernel
    module: Path
    driver: str
    initramfs: Path
    source: Path
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workshop:
    """All that is needed to boot a guest of any cell that it was prepared for."""

    qemus: dict[str, Qemu]  # by architecture
    accelerators: dict[str, Accelerator]  # by architecture
    software: dict[tuple[str, str], Software]  # by kernel's name and architecture
    problems: dict[tuple[str, str], str] = field(default_factory=dict)  # what could not be had, by the same, and why

    def problem(self, cell: Cell) -> str:
        """Why this cell's guests cannot be booted; empty when they can."""
        return self.problems.get((cell.kernel, cell.environment.arch), "")

    def of(self, cell: Cell) -> Software:
        """What runs in this cell's guests. TestbedError when it could not be had."""
        if problem := self.problem(cell):
            raise TestbedError(problem)
        return self.software[cell.kernel, cell.environment.arch]

    def guest(self, cell: Cell, **changes: object) -> GuestSpec:
        """The specification of this cell's guest; `changes` as GuestSpec's fields."""
        software, arch = self.of(cell), cell.environment.arch
        return GuestSpec(**{"environment": cell.environment, "qemu": self.qemus[arch],
                            "accelerator": self.accelerators[arch], "kernel": software.kernel,
                            "initramfs": software.initramfs, "driver": software.driver, "needs": software.needs,
                            "parameters": Subject.inherited().parameters, **changes})

    def save(self, path: Path) -> None:
        """For a test run's own process; `load` reads it there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(self))

    @staticmethod
    def load(path: Path) -> "Workshop":
        """The workshop that `save` wrote. Only for files of this very run: it trusts them."""
        return pickle.loads(path.read_bytes())


def install(*groups: str, allowed: bool) -> None:
    """Installs the Debian packages of these groups, or only says which are missing when that is not allowed."""
    with stage("packages of this machine") as now:
        count = packages.ensure(*groups, install=allowed)
        now.note(f"{count} installed" if count else "all there")


def build_card(*targets: str) -> None:
    """The card and its device program, natively."""
    with stage("card and device program") as now:
        cardbuild.build(now, *targets)


def prepare(cells: Sequence[Cell], *targets: str, module: Path | None = None, tools: bool = False) -> Workshop:
    """Builds and fetches what is not there yet for guests of these cells, side by side.

    `targets`: CMake targets, everything when none is named; `module`: the folder of another driver than this project's;
    `tools`: the disk of tools as well, which is fetched later by who wants it otherwise.
    What fails for one kernel stops no other: Workshop.problems has it. TestbedError when nothing can be booted.
    """
    pairs = sorted({(cell.kernel, cell.environment.arch) for cell in cells})
    # The debug kernel first: if it has to be built, that takes longest by far, and linking it keeps one core busy.
    pairs.sort(key=lambda pair: pair[0] != "debug")
    arches = sorted({arch for _, arch in pairs})
    works: list[Callable[[], object]] = [partial(_tried, partial(_software, kernel, arch, module))
                                         for kernel, arch in pairs]
    works += [partial(_tried, partial(_qemu, arch)) for arch in arches]
    works += [partial(_tried, partial(_tools, arch)) for arch in arches if tools]
    # Some fetch and some compile, so that a few more than there are cores keep both busy.
    _, *made = in_parallel(partial(build_card, *targets), *works, limit=2 + (os.cpu_count() or 1))
    software, qemus = dict(zip(pairs, made)), dict(zip(arches, made[len(pairs):]))
    problems = {(kernel, arch): str(error) for kernel, arch in pairs
                for error in (software[kernel, arch], qemus[arch]) if isinstance(error, TestbedError)}
    if len(problems) == len(pairs):
        raise TestbedError(problems[pairs[0]])
    software = {pair: software[pair] for pair in sorted(pairs) if pair not in problems}
    return Workshop({arch: qemus[arch] for _, arch in software}, _accelerators(qemus, software), software, problems)


def _tried(work: Callable[[], _Result]) -> _Result | TestbedError:
    try:
        return work()
    except TestbedError as error:
        return error


def _accelerators(qemus: dict[str, Qemu], software: dict[tuple[str, str], Software]) -> dict[str, Accelerator]:
    found = {}
    for arch in sorted({arch for _, arch in software}):
        with stage(f"accelerator for {arch}") as now:
            kernel = next(each.kernel for each in software.values() if each.kernel.arch == arch)
            found[arch] = _accelerator(qemus[arch], kernel)
            now.note(f"{found[arch].name}: {found[arch].why}")
    return found


def _qemu(arch: str) -> Qemu:
    with stage(f"QEMU with vfio-user, {arch}") as now:
        found = qemu.find(now.update, arch)
        now.note(f"{found.version}, {found.origin}")
    return found


def _tools(arch: str) -> None:
    with stage(f"disk of tools, {arch}") as now:
        now.note(f"{toolsdisk.image(arch, now.update).stat().st_size / 1e6:.0f} MB")


def _accelerator(found: Qemu, kernel: Kernel) -> Accelerator:
    if kernel.arch != platform.machine():
        return Accelerator("tcg", "another processor than this machine's")
    return accelerator.choose(found, kernel.image)


def _software(name: str, arch: str, source: Path | None) -> Software:
    with stage(f"kernel {name}, {arch}") as now:
        kernel = kernels.get(name, arch, now.update)
        now.note(kernel.release)
    with stage(f"driver and guest image, {name}, {arch}") as now:
        module = guestbuild.module(kernel, source) if source else guestbuild.module(kernel)
        wanted = sorted({each for found in environment.everything().values() if found.arch == arch
                         for each in (*found.modules, *toolsdisk.MODULES) if kernelmodules.has(kernel, each)})
        needs = kernelmodules.depends(module)
        initramfs = image.initramfs(kernel, module, [guestbuild.tool(arch)], sorted({*wanted, *needs}))
        now.note(f"{initramfs.stat().st_size / 1e6:.0f} MB")
    return Software(kernel, module, f"/opt/prd32/{module.name}", initramfs, source or guestbuild.DRIVER, tuple(needs))

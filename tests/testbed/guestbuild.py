# SPDX-License-Identifier: Apache-2.0
"""Builds what runs inside the guest: kernel modules, in the root of their kernel, and prd32ctl."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from testbed import buildroot, debroot, places
from testbed.debroot import Root
from testbed.errors import TestbedError
from testbed.filelock import locked
from testbed.kernels import Kernel

OUTPUT = places.BUILD / "guest"

_RECIPE = 5  # of what this file runs; raise it when the same sources must be built again
DRIVER = places.TOP / "driver"
_TOOL_SOURCES = (*(DRIVER / name for name in ("tools", "lib", "uapi")), places.TOP / "hw-model" / "include" / "prd32")
_TOOL_ROOTS = {"x86_64": "build", "aarch64": "cross-arm64"}
_CROSS = {"x86_64": "", "aarch64": "aarch64-linux-gnu-"}  # what the names of the tools begin with
_KERNEL_ARCH = {"x86_64": "x86_64", "aarch64": "arm64"}  # as the kernel's build calls it
_STRIPPED = "stripped"
MODULE_PLACE = "/scratch/module/driver"  # where a module's compiler finds sources: what debug information says
# What an earlier build by hand may have left in a folder: made for another kernel, perhaps.
_BUILT = shutil.ignore_patterns("*.o", "*.ko", "*.mod", "*.mod.c", ".*.cmd", "*.symvers", "modules.order", "out")


def digest(*folders: Path) -> str:
    """A hash of the names and contents of all files below these folders."""
    total = hashlib.sha256()
    for folder in folders:
        found = [Path(top) / name for top, _, names in os.walk(folder, followlinks=True) for name in names]
        for path in sorted(path for path in found if path.is_file()):
            total.update(f"{folder.name}/{path.relative_to(folder)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def folder_of(kernel: Kernel) -> Path:
    """Where this tree's products for one kernel are."""
    return OUTPUT / f"{kernel.arch}-{kernel.name}"


def make_words(kernel: Kernel, place: str, *variables: str) -> list[str]:
    """The command that builds the module whose sources are at this place of the kernel's build root, W=1 included."""
    return ["make", "-C", str(kernel.headers), f"M={place}", "W=1", f"ARCH={_KERNEL_ARCH[kernel.arch]}",
            f"CROSS_COMPILE={_CROSS[kernel.arch]}", *variables, "-j", str(os.cpu_count()), "modules"]


def module(kernel: Kernel, source: Path = DRIVER, *variables: str) -> Path:
    """The kernel module of a folder with a Kbuild or Makefile in the kernel's style, with its debug information.

    Rebuilt when the folder or the kernel changed. `stripped` gives the same for the guest, `said` the build's output.
    `variables`: of make, as GCOV_PROFILE=y.
    """
    if not ((source / "Kbuild").exists() or (source / "Makefile").exists()):
        raise TestbedError(f"{source} has neither Kbuild nor Makefile, so it is no folder of a kernel module")
    root = debroot.get(kernel.build_root, _quiet)
    target = folder_of(kernel)
    if source.resolve() != DRIVER or variables:  # another driver may have a module of the same name
        what = " ".join([str(source.resolve()), *variables])
        target /= f"{source.name}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"

    def make(scratch: Path) -> list[Path]:
        inside = scratch / Path(MODULE_PLACE).name  # the same for every driver: all that the build sees of its place
        shutil.copytree(source, inside, ignore=_BUILT)
        log = places.REPORTS / f"build-{source.name}-{kernel.arch}-{kernel.name}.log"
        tools = _CROSS[kernel.arch]
        output = buildroot.run(root, inside, make_words(kernel, f"/{inside.relative_to(root.path)}", *variables),
                               what=f"building {source.name} for Linux {kernel.release}", deadline=600, log=log)
        built = sorted(inside.rglob("*.ko"))
        if len(built) != 1:
            names = ", ".join(path.name for path in built) or "none"
            raise TestbedError(f"{source} must build one kernel module, it built {names}; see {places.shown(log)}")
        result = target / built[0].name
        stripped(result).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(built[0], result)
        buildroot.run(root, inside, [f"{tools}strip", "--strip-debug", str(built[0].relative_to(inside))],
                      what=f"stripping {built[0].name}", deadline=60)
        shutil.copy2(built[0], stripped(result))
        said(result).write_text(output)
        return [result, stripped(result), said(result)]

    return _unless_built(root, "module", target / "module", [kernel.key, digest(source)], make)


def stripped(module: Path) -> Path:
    """Where `module` put the same module without debug information: it is a tenth of the size."""
    return module.parent / _STRIPPED / module.name


def said(module: Path) -> Path:
    """Where `module` put the output of the build that made this module; unlike a report, it stays."""
    return module.with_suffix(".said")


def tool(arch: str) -> Path:
    """prd32ctl for guests of this architecture, statically linked; rebuilt when its sources or compilers changed."""
    root = debroot.get(_TOOL_ROOTS[arch], _quiet)
    target = OUTPUT / arch / "prd32ctl"

    def make(scratch: Path) -> list[Path]:
        for source in _TOOL_SOURCES:
            shutil.copytree(source, scratch / source.relative_to(places.TOP), ignore=_BUILT)
        buildroot.run(root, scratch, ["make", "-C", "driver/tools", "-j", str(os.cpu_count()),
                                      f"CXX={_CROSS[arch]}g++", "LDFLAGS=-static", "WERROR=-Werror", "OUT=out"],
                      what=f"building prd32ctl for {arch}", deadline=900,
                      log=places.REPORTS / f"build-prd32ctl-{arch}.log")
        shutil.copy2(scratch / "driver" / "tools" / "out" / "prd32ctl", target)
        return [target]

    return _unless_built(root, "tool", target, [digest(*_TOOL_SOURCES)], make)


def said_of(root: Root, name: str, inputs: list[str], check: Callable[[Path], str]) -> str:
    """What a tool says of sources: kept like anything else that is built, until what it is made from changes.

    `check` does the work in an empty folder inside the root. `name` is the check's own; `inputs` is everything else
    that the answer depends on: what the sources hold, and the words of the commands.
    """
    target = OUTPUT / "said" / name

    def make(scratch: Path) -> list[Path]:
        target.write_text(check(scratch))
        return [target]

    return _unless_built(root, "check", target, inputs, make).read_text()


def _quiet(_text: str) -> None:
    """Roots are there by now: who asked for the kernel has seen their progress."""


def _unless_built(root: Root, scratch: str, target: Path, inputs: list[str],
                  make: Callable[[Path], list[Path]]) -> Path:
    """Calls `make` with an empty folder inside the root, unless the same inputs were built before.

    `make` returns the files that it made, of which the first is the result; `target` names the record of that.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    record = target.with_suffix(".built")
    with locked(target.with_suffix(".lock")):
        asked = [_RECIPE, root.key, *inputs]
        try:
            known = json.loads(record.read_text())
            files = [Path(name) for name in known["files"]]
            # In a tree that was copied, they would be the other's.
            if known["inputs"] == asked and all(path.is_relative_to(OUTPUT) and path.exists() for path in files):
                return files[0]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # never built, or unreadable: build
        record.unlink(missing_ok=True)
        with buildroot.scratch(root, scratch) as folder:
            files = make(folder)
        record.write_text(json.dumps({"inputs": asked, "files": [str(path) for path in files]}))
    return files[0]

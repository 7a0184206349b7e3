# SPDX-License-Identifier: Apache-2.0
"""Builds what runs inside the guest from driver/: the kernel module and prd32ctl, in the build root."""

import hashlib
import json
import os
import shutil
from pathlib import Path

from testbed import buildroot, places
from testbed.debroot import Root
from testbed.filelock import locked

OUTPUT = places.BUILD / "guest"
MODULE = OUTPUT / "prd32.ko"
TOOL = OUTPUT / "prd32ctl"

_RECIPE = 2  # of what this file runs; raise it when the same sources must be built again
_MODULE_SOURCES = places.TOP / "driver"
_TOOL_SOURCES = (places.TOP / "driver", places.TOP / "hw-model" / "include" / "prd32")


def digest(*folders: Path) -> str:
    """A hash of the names and contents of all files below these folders."""
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            total.update(f"{path.relative_to(places.TOP)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def module(root: Root) -> Path:
    """prd32.ko for the root's kernel, rebuilt when driver/ or the root changed."""
    def make(folder: Path) -> None:
        headers = f"/usr/src/linux-headers-{buildroot.kernel_release(root)}"
        buildroot.run(root, folder / "driver", ["make", "-j", str(os.cpu_count()), f"KDIR={headers}", "W=1", "modules"],
                      what="building the kernel module", deadline=300, log=places.REPORTS / "build-module.log")
        shutil.copy2(folder / "driver" / "prd32.ko", MODULE)

    _unless_built(root, MODULE, (_MODULE_SOURCES,), make)
    return MODULE


def tool(root: Root) -> Path:
    """prd32ctl, statically linked, rebuilt when its sources or the root changed."""
    def make(folder: Path) -> None:
        buildroot.run(root, folder, ["make", "-C", "driver/tools", "-j", str(os.cpu_count()), "CXX=g++",
                                     "LDFLAGS=-static", "OUT=out"],
                      what="building prd32ctl", deadline=900, log=places.REPORTS / "build-prd32ctl.log")
        shutil.copy2(folder / "driver" / "tools" / "out" / "prd32ctl", TOOL)

    _unless_built(root, TOOL, _TOOL_SOURCES, make)
    return TOOL


def _unless_built(root: Root, target: Path, sources: tuple[Path, ...], make) -> None:
    """Calls `make` with a copy of the sources inside the root, unless `target` was made from the same inputs."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    record = target.with_suffix(".inputs")
    with locked(target.with_suffix(".lock")):
        inputs = json.dumps([_RECIPE, root.key, digest(*sources)])
        if target.exists() and record.exists() and record.read_text() == inputs:
            return
        record.unlink(missing_ok=True)
        with buildroot.scratch(root, target.stem) as folder:
            for source in sources:
                shutil.copytree(source, folder / source.relative_to(places.TOP))
            make(folder)
        record.write_text(inputs)

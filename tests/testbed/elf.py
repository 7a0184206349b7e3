# SPDX-License-Identifier: Apache-2.0
"""Which shared libraries a program needs, found without running its loader: the program may be a foreign one."""

import re
from pathlib import Path

from testbed import command
from testbed.errors import TestbedError

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_LOADER = re.compile(r"Requesting program interpreter: (.+)\]")
_RUNPATH = re.compile(r"\(RUNPATH\).*\[(.+)\]")  # folders that a file names itself, separated by colons


def closure(root: Path, program: Path) -> list[Path]:
    """The loader and all libraries that the program needs, directly or not, as paths in `root`, sorted."""
    folders = [path for path in (root / "usr" / "lib").glob("*-linux-gnu") if path.is_dir()]
    found: dict[str, Path] = {}
    wanted = [program]
    while wanted:
        names, own = _needs(wanted.pop())
        for name in names:
            if Path(name).name in found:
                continue
            # Debian's lib and lib64 are links into usr, so the loader's path is one there too.
            options = [root / "usr" / name.lstrip("/")] if "/" in name else [
                *(folder / name for folder in folders), *(root / folder.lstrip("/") / name for folder in own)]
            path = next((path for path in options if path.exists()), None)
            if not path:
                raise TestbedError(f"{root} lacks {name}, which {program.name} needs; delete that folder and try again")
            found[Path(name).name] = path
            wanted.append(path)
    return sorted(found.values())


def _needs(file: Path) -> tuple[list[str], list[str]]:
    """The names of what the file needs, and the folders where it wants them to be looked for besides the usual ones."""
    text = command.run(["readelf", "--wide", "--dynamic", "--program-headers", file], deadline=30,
                       what=f"reading what {file.name} needs (readelf is in Debian's package binutils)")
    own = [folder for path in _RUNPATH.findall(text) for folder in path.split(":")]
    return [*_LOADER.findall(text), *_NEEDED.findall(text)], own  # where the loader is matters, so that comes first

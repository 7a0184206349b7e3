#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what is generated from registers.toml: the driver's header, the model's header and the register tables."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import emit_c
import emit_cpp
import emit_docs
import regmap
from regmap_types import Regmap

ROOT = Path(__file__).resolve().parent.parent
MEND = "hw-model/generate.py"

OUTPUTS: dict[str, Callable[[Regmap], str]] = {
    "driver/prd32_regs.h": emit_c.emit,
    "hw-model/include/prd32/registers.hpp": emit_cpp.emit,
    "docs/registers.md": emit_docs.emit,
}


def stale(root: Path, texts: dict[str, str]) -> list[str]:
    """The files below root that are missing or differ from their text."""
    def current(path: Path) -> str | None:
        return path.read_text(encoding="utf-8") if path.is_file() else None
    return [name for name, text in texts.items() if current(root / name) != text]


def write(root: Path, texts: dict[str, str]) -> list[str]:
    """Writes the files below root that are stale, and only those, so that nothing is rebuilt for nothing."""
    changed = stale(root, texts)
    for name in changed:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[name], encoding="utf-8")
    return changed


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done or up to date, 1 stale or a map that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit 1 when a generated file is not what the map says")
    parser.add_argument("--map", type=Path, default=regmap.DEFAULT_PATH, metavar="FILE",
                        help="the register map (default: hw-model/registers.toml)")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER",
                        help="the repository to write into (default: the one that holds this program)")
    options = parser.parse_args(arguments)
    try:
        loaded = regmap.load(options.map)
        texts = {name: emit(loaded) for name, emit in OUTPUTS.items()}
        if options.check:
            old = stale(options.root, texts)
            for name in old:
                print(f"{name} is stale", file=sys.stderr)
            if old:
                print(f"run: {MEND}", file=sys.stderr)
            return 1 if old else 0
        for name in write(options.root, texts):
            print(f"wrote {name}")
    except (ValueError, OSError) as error:
        print(f"generate.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Whether Debian's archive still has what guest-image/roots.lock names, and moving that lock (`./testbed lock`)."""

import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from testbed import debarchive, places, rootlock
from testbed.debarchive import Package
from testbed.errors import TestbedError
from testbed.rootlock import RootLock
from testbed.stages import stage

GONE, NEWER = 1, 4  # exit statuses
_DATE = "%Y%m%dT%H%M%SZ"  # as snapshot.debian.org writes times


def run(names: Sequence[str], *, update: bool) -> int:
    """Compares these roots (all when none is named) with the archive; `update` writes the lock. The exit status."""
    definitions = rootlock.definitions()
    unknown = sorted(set(names) - set(definitions))
    if unknown:
        raise TestbedError(f"{places.shown(rootlock.DEFINITIONS)} has no root {', '.join(unknown)}; it has "
                           f"{', '.join(definitions)}")
    chosen = _family(names or list(definitions), definitions)
    known, today = rootlock.read(), _resolve(chosen, definitions)
    differences = {name: _difference(known.get(name), today[name]) for name in chosen}
    for name in chosen:
        print("\n".join([f"{name}:{'' if differences[name] else ' as the archive has it today'}",
                         *(f"  {line}" for line in differences[name])]))
    if not update:
        return _verdict([known[name] for name in chosen if name in known], any(differences.values()), today)
    moved = {name: today[name] for name in chosen if differences[name]}
    rootlock.write({**{name: lock for name, lock in known.items() if name in definitions}, **moved})
    return 0


def _family(names: Sequence[str], definitions: dict[str, dict]) -> list[str]:
    """These roots and all that share packages with them, bases first: parts of one kernel must be of one version."""
    chosen = set(names)
    while True:
        near = {name for name, definition in definitions.items()
                if name in chosen or chosen & set(definition.get("extends", []))}
        near |= {base for name in near for base in definitions[name].get("extends", [])}
        if near == chosen:
            break
        chosen = near
    ordered: list[str] = []

    def visit(name: str) -> None:
        for base in definitions[name].get("extends", []):
            visit(base)
        if name not in ordered:
            ordered.append(name)

    for name in definitions:
        if name in chosen:
            visit(name)
    return ordered


def _resolve(names: list[str], definitions: dict[str, dict]) -> dict[str, RootLock]:
    """What the locks of these roots would be today; a root's bases must stand before it."""
    locks: dict[str, RootLock] = {}
    whole: dict[str, set[Package]] = {}  # with those of the bases
    with tempfile.TemporaryDirectory(prefix="prd32-lock-") as folder:
        for name in names:
            with stage(f"resolving {name}") as now:
                definition = definitions[name]
                bases = tuple(definition.get("extends", ()))
                shared = {package for base in bases for package in whole[base]}
                found = debarchive.resolve(Path(folder), definition, now.update)
                date = datetime.now(timezone.utc).strftime(_DATE)
                own = tuple(package for package in found if package not in shared)
                locks[name] = RootLock(name, bases, date, rootlock.digest(definition), own)
                whole[name] = shared | set(own)
                now.note(f"{len(own)} packages, {sum(package.size for package in own) / 1e6:.0f} MB")
    return locks


def _difference(old: RootLock | None, new: RootLock) -> list[str]:
    """Lines that say how the locks differ in more than their date."""
    if not old:
        return ["was not locked"]
    before, after = ({package.name: package for package in lock.packages} for lock in (old, new))
    lines = ["roots.toml asks for something else now"] if old.asked != new.asked else []
    lines += [f"- {before[name].file}" for name in sorted(before.keys() - after.keys())]
    lines += [f"+ {after[name].file}" for name in sorted(after.keys() - before.keys())]
    lines += [f"{before[name].file} -> {after[name].file}" for name in sorted(before.keys() & after.keys())
              if before[name] != after[name]]
    return lines


def _verdict(locks: list[RootLock], newer: bool, today: dict[str, RootLock]) -> int:
    listed = {package for lock in today.values() for package in lock.packages}
    with stage("locked packages that the index lists no more") as now:
        gone = debarchive.absent({package for lock in locks for package in lock.packages} - listed)
        now.note(f"{len(gone)} are gone" if gone else "the archive still has all")
    for package in sorted(gone):
        print(f"gone from this machine's archive: {package.path}")
    if gone:
        print("These would come from snapshot.debian.org. ./testbed lock --update moves the lock.")
        return GONE
    if newer:
        print("All locked packages can be had; the archive has others today. ./testbed lock --update moves the lock.")
        return NEWER
    print("All locked packages can be had, and none is newer.")
    return 0

# SPDX-License-Identifier: Apache-2.0
"""guest-image/roots.toml, what each root shall have, and roots.lock, which packages exactly that is."""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import lru_cache

from testbed import places
from testbed.debarchive import Package
from testbed.errors import TestbedError

DEFINITIONS = places.TOP / "guest-image" / "roots.toml"
LOCK = places.TOP / "guest-image" / "roots.lock"

_HEAD = """# SPDX-License-Identifier: Apache-2.0
#
# Written by `./testbed lock --update`; not to be edited. For each root of roots.toml: when it was resolved,
# a digest of what roots.toml asked for, and the packages: path in Debian's archive, bytes, SHA-256. What a root
# extends is not repeated.
"""


@dataclass(frozen=True)
class RootLock:
    """The packages of one root, without those of the roots that it extends."""

    name: str
    extends: tuple[str, ...]
    date: str  # UTC, as 20261120T201500Z: the archive had all packages then
    asked: str  # `digest` of the section in roots.toml that this answers
    packages: tuple[Package, ...]


def root(name: str) -> RootLock:
    """The locked root of this name. TestbedError when there is none, or roots.toml has changed since."""
    known = definitions()
    if name not in known:
        raise TestbedError(f"{places.shown(DEFINITIONS)} has no root {name}; it has {', '.join(known)}")
    found = read().get(name)
    if not found or found.asked != digest(known[name]):
        why = "knows another definition of it" if found else "does not know it"
        raise TestbedError(f"the root {name} of {places.shown(DEFINITIONS)} is not locked: {places.shown(LOCK)} {why}; "
                           f"run ./testbed lock --update {name}")
    return found


def definitions() -> dict[str, dict]:
    """roots.toml, checked."""
    shown = places.shown(DEFINITIONS)
    try:
        found = tomllib.loads(DEFINITIONS.read_text())
    except tomllib.TOMLDecodeError as error:
        raise TestbedError(f"{shown} cannot be read: {error}") from None
    for name, definition in found.items():
        missing = {"why", "suites", "packages"} - set(definition)
        if missing:
            raise TestbedError(f"{shown}: [{name}] lacks {', '.join(sorted(missing))} (a name with a dot wants quotes)")
        strange = set(definition.get("extends", ())) - set(found)
        if strange:
            raise TestbedError(f"{shown}: [{name}] extends {', '.join(sorted(strange))}, which is not there")
    return found


def digest(definition: dict) -> str:
    """Changes with what a section of roots.toml asks for."""
    wanted = {key: value for key, value in definition.items() if key != "why"}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]


def read() -> dict[str, RootLock]:
    """All of roots.lock; nothing when there is no such file."""
    return _parsed(LOCK.read_text()) if LOCK.exists() else {}


def write(locks: dict[str, RootLock]) -> None:
    """Replaces roots.lock. Roots stand in the order of roots.toml."""
    order = list(definitions())
    parts = [_HEAD]
    for lock in sorted(locks.values(), key=lambda each: order.index(each.name)):
        lines = "".join(f'  "{package.path} {package.size} {package.sha256}",\n' for package in sorted(lock.packages))
        parts.append(f'\n[{json.dumps(lock.name)}]\nextends = {json.dumps(lock.extends)}\ndate = "{lock.date}"\n'
                     f'asked = "{lock.asked}"\npackages = [\n{lines}]\n')
    part = LOCK.with_suffix(".part")
    part.write_text("".join(parts))
    part.rename(LOCK)


@lru_cache(maxsize=1)
def _parsed(text: str) -> dict[str, RootLock]:
    try:
        return {name: RootLock(name, tuple(data["extends"]), data["date"], data["asked"],
                               tuple(_package(line) for line in data["packages"]))
                for name, data in tomllib.loads(text).items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise TestbedError(f"{places.shown(LOCK)} is damaged ({error}); take it from git again") from None


def _package(line: str) -> Package:
    path, size, sha256 = line.split(" ")
    if not path.startswith("pool/") or ".." in path or len(sha256) != 64:
        raise ValueError(f"no package: {line}")
    return Package(path, int(size), sha256)

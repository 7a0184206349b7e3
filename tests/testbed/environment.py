# SPDX-License-Identifier: Apache-2.0
"""The environments that a driver meets (guest-image/environments.toml), and cells: an environment with a kernel."""

import difflib
import re
import shlex
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from testbed import devicetree, kernels, places
from testbed.errors import TestbedError

FILE = places.TOP / "guest-image" / "environments.toml"
DEFAULT = "direct"
_CHOICES = {"arch": ("x86_64", "aarch64"), "start": ("snapshot", "cold"), "tests": ("all", "named"),
            "device_tree": ("", *devicetree.names()), "iommu_type": ("", "DMA-FQ")}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Environment:
    """One machine and kernel command line. What is not said is what `direct` has."""

    name: str
    why: str
    proves: tuple[str, ...]  # names of techniques, tests/techniques.toml
    kernels: tuple[str, ...] = (kernels.DEFAULT,)  # the matrix's; the first is the usual one
    whole: tuple[str, ...] = ()  # those with which the matrix runs every test; none: the usual one
    rest: tuple[str, ...] = ()  # those with which it runs what no whole cell of that kernel does
    arch: str = "x86_64"
    memory: str = "512M"  # as QEMU takes sizes
    cpus: int = 1
    machine: str = ""  # added to QEMU's -machine
    qemu: tuple[str, ...] = ()  # further arguments, before any other device
    append: str = ""  # added to the kernel command line
    modules: tuple[str, ...] = ()  # of the kernel's package, loaded before everything else
    iommu_type: str = ""  # what every IOMMU group is switched to before the driver is loaded
    cards: int = 1
    card: tuple[str, ...] = ()  # arguments of the device program
    shared_memory: bool = True  # False: the card cannot map guest RAM and asks QEMU for each access
    device_tree: str = ""  # of guest-image/device-trees: added to QEMU's own
    start: str = "snapshot"
    tests: str = "all"

    @property
    def copies(self) -> bool:
        """Whether the kernel copies what is mapped for the card."""
        forced = any(word.startswith("swiotlb=") and "force" in word.split("=")[1].split(",")
                     for word in self.append.split())
        return forced or "swiotlb-bounce" in self.proves


@dataclass(frozen=True)
class Cell:
    """An environment with a kernel: what a test runs in."""

    environment: Environment
    kernel: str

    @property
    def name(self) -> str:
        """As users write it: vtd/6.12."""
        return f"{self.environment.name}/{self.kernel}"

    @property
    def whole(self) -> bool:
        """Whether the matrix runs every test here, not only those that show something."""
        return self.kernel in (self.environment.whole or self.environment.kernels[:1])

    @property
    def rest(self) -> bool:
        """Whether the matrix runs the tests here, too, that no whole cell with this kernel runs."""
        return self.kernel in self.environment.rest

    @property
    def file_name(self) -> str:
        """The same, as part of a file's name."""
        return f"{self.environment.name}-{self.kernel}"

    @property
    def arguments(self) -> str:
        """The same, as arguments of ./testbed."""
        return shlex.join(["--env", self.environment.name, "--kernel", self.kernel])


@cache
def everything(path: Path = FILE) -> dict[str, Environment]:
    """All environments by name, in the file's order. TestbedError says what is wrong with the file."""
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TestbedError(f"{places.shown(path)}: {error}") from None
    return {name: _checked(name, table, path) for name, table in tables.items()}


def cell(name: str, kernel: str | None = None) -> Cell:
    """The cell of this environment and kernel, by default its usual one. `name` may be a cell's: vtd/6.12."""
    name, _, wanted = name.partition("/")
    known = everything()
    if name not in known:
        raise TestbedError(f"there is no environment {name!r}{meant(name, known)}; ./testbed matrix --list has all")
    found = known[name]
    if kernel and wanted and kernel != wanted:
        raise TestbedError(f"{name}/{wanted} names its kernel, and --kernel names {kernel}: leave one of them away")
    kernel = kernel or wanted or found.kernels[0]
    if kernel not in kernels.NAMES:
        raise TestbedError(f"there is no kernel {kernel!r}{meant(kernel, kernels.NAMES)}; there are "
                           f"{', '.join(kernels.NAMES)}")
    return Cell(found, kernel)


def matrix() -> list[Cell]:
    """Every cell of the matrix."""
    return [Cell(found, kernel) for found in everything().values() for kernel in found.kernels]


def _checked(name: str, table: object, path: Path) -> Environment:
    try:
        if not _NAME.fullmatch(name):
            raise TestbedError("is no good name: lower-case letters, digits and hyphens make one")
        if not isinstance(table, dict):
            raise TestbedError("is no table")
        found = Environment(name, **{"why": "", "proves": (), **{key: _value(key, table[key]) for key in table}})
        _check_together(found)
    except TestbedError as error:
        raise TestbedError(f"{places.shown(path)}: [{name}] {error}") from None
    return found


def _value(key: str, given: object) -> object:
    """The value of a field. TestbedError when there is no such field, or it cannot hold that."""
    known = {each.name: each for each in fields(Environment) if each.name != "name"}
    if key not in known:
        raise TestbedError(f"has {key!r}, which is no field{meant(key, known)}")
    value = tuple(given) if isinstance(given, list) else given
    kind = tuple if str(known[key].type).startswith("tuple") else known[key].type
    # Not isinstance(): true is an integer, too.
    if type(value) is not kind or (kind is tuple and not all(isinstance(word, str) for word in value)):
        wanted = "list of strings" if kind is tuple else kind.__name__
        raise TestbedError(f"has {key} = {given!r}, which is no {wanted}")
    if value not in _CHOICES.get(key, (value,)):
        raise TestbedError(f"has {key} = {value!r}; it may be {' or '.join(map(repr, _CHOICES[key]))}")
    return value


def _check_together(found: Environment) -> None:
    for key in ("why", "proves", "kernels"):
        if not getattr(found, key):
            raise TestbedError(f"lacks {key}")
    if unknown := set(found.kernels) - set(kernels.NAMES):
        raise TestbedError(f"names the kernels {sorted(unknown)}; there are {', '.join(kernels.NAMES)}")
    for field, names in (("whole", found.whole), ("rest", found.rest)):
        if unknown := set(names) - set(found.kernels):
            raise TestbedError(f"names under {field} the kernels {sorted(unknown)}, which are not among its kernels")
    if found.cpus < 1 or found.cards < 1:
        raise TestbedError("needs a processor and a card at least")
    if found.device_tree and found.arch != "aarch64":
        raise TestbedError(f'has device_tree = {found.device_tree!r}, and only guests with arch = "aarch64" use one')


def meant(word: str, known: Iterable[str]) -> str:
    """What to say of a word that is not among the known ones, where one of them is close; else nothing."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""

# SPDX-License-Identifier: Apache-2.0
"""What the commands of `./testbed` have in common on the command line."""

import argparse
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed import environment, kernels, places
from testbed.environment import Cell
from testbed.errors import TestbedError

EXIT_STATUSES = """exit status: 0 all is well, 1 something failed (the text says what), 2 wrong usage,
3 packages are missing and were not installed, 130 interrupted, 143 terminated"""
# How a test's own process learns of the subject.
MODULE_VARIABLE, TESTS_VARIABLE, PARAMETERS_VARIABLE = "PRD32_MODULE", "PRD32_TESTS", "PRD32_PARAMETERS"


@dataclass(frozen=True)
class Subject:
    """What is under test, where it is not what this tree has. Paths are absolute; None: this tree's."""

    module: Path | None = None  # a folder with a kernel module's sources
    tests: Path | None = None  # a folder with pytest files
    card: Path | None = None  # a device program
    parameters: str = ""  # of the kernel module, as insmod takes them

    @staticmethod
    def of(options: argparse.Namespace) -> "Subject":
        """As the command line has it; TestbedError when something that it names is not there."""
        module, tests = _folder(options, "module"), _folder(options, "tests")
        card = getattr(options, "card", None)
        if card is not None and not os.access(card, os.X_OK):
            raise TestbedError(f"--card {card}: there is no such program")
        return Subject(module, tests, card.resolve() if card else None, getattr(options, "parameters", ""))

    @property
    def own(self) -> bool:
        """Whether all of it is this tree's."""
        return self == Subject()

    def words(self) -> list[str]:
        """The arguments of ./testbed that give it again."""
        return [word for name in ("module", "tests", "card", "parameters") if getattr(self, name)
                for word in (f"--{name}", str(getattr(self, name)))]

    def variables(self) -> dict[str, str]:
        """The same for the environment of processes that run tests."""
        named = {MODULE_VARIABLE: self.module, TESTS_VARIABLE: self.tests, places.DEVICE_VARIABLE: self.card,
                 PARAMETERS_VARIABLE: self.parameters}
        return {name: str(value) for name, value in named.items() if value}

    @staticmethod
    def inherited() -> "Subject":
        """What `variables` said to the process that runs now."""
        return Subject(*(Path(value) if (value := os.environ.get(name)) else None
                         for name in (MODULE_VARIABLE, TESTS_VARIABLE, places.DEVICE_VARIABLE)),
                       os.environ.get(PARAMETERS_VARIABLE, ""))


def command(commands, name: str, run: Callable[[argparse.Namespace], int], summary: str, examples: str, *,
            statuses: str = EXIT_STATUSES, json_help: str = "", installs: bool = True) -> argparse.ArgumentParser:
    """Adds a command: what it is called, what runs it, and the text of its --help."""
    sentence = f"{summary[0].upper()}{summary[1:]}."
    parser = commands.add_parser(name, help=summary, description=sentence,
                                 epilog=f"examples:\n{examples}\n\n{statuses}",
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    if installs:
        parser.add_argument("--no-install", action="store_true",
                            help="install no Debian packages: say which are missing and why, and stop")
    if json_help:
        parser.add_argument("--json", action="store_true", help=json_help)
    parser.set_defaults(run=run)
    return parser


def add_cell(parser: argparse.ArgumentParser) -> None:
    """--env and --kernel for one guest."""
    parser.add_argument("--env", default=environment.DEFAULT, metavar="NAME[/KERNEL]",
                        help=f"the environment (default: {environment.DEFAULT}); ./testbed matrix --list has all")
    parser.add_argument("--kernel", metavar="NAME",
                        help=f"the guest's kernel: {', '.join(kernels.NAMES)} (default: the environment's usual)")


def add_cells(parser: argparse.ArgumentParser) -> None:
    """--env and --kernel for tests: each may be given more than once."""
    parser.add_argument("--env", action="append", metavar="NAME[/KERNEL]",
                        help="only this environment; may be given more than once; ./testbed matrix --list has all")
    parser.add_argument("--kernel", action="append", metavar="NAME",
                        help=f"only this guest kernel: {', '.join(kernels.NAMES)}; may be given more than once "
                        "(default: the environment's usual)")


def add_subject(parser: argparse.ArgumentParser, *, tests: bool) -> None:
    """--module, --parameters and --card, and --tests where tests are run."""
    parser.add_argument("--module", type=Path, metavar="DIR",
                        help="a driver of your own instead of driver/: a folder with a Kbuild or Makefile that builds "
                        "one kernel module; what it depends on of the kernel's is loaded before it")
    parser.add_argument("--parameters", default="", metavar="'A=1 B=2'",
                        help="the driver's module parameters, unless a test loads it with others")
    if tests:
        parser.add_argument("--tests", type=Path, metavar="DIR",
                            help="pytest files of your own instead of this tree's; they have the fixtures card, "
                            "bare_card, guest, device and faults")
    parser.add_argument("--card", type=Path, metavar="PROGRAM",
                        help="a device program of your own instead of prd32-device")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """-j."""
    parser.add_argument("-j", "--jobs", type=count, metavar="N",
                        help="runs of pytest side by side (default: as this machine's cores and memory allow)")


def cell(options: argparse.Namespace) -> Cell:
    """The cell that --env and --kernel name."""
    return environment.cell(options.env, options.kernel)


def cells(options: argparse.Namespace) -> list[Cell]:
    """The cells that all the --env and --kernel name together, each once."""
    named = [environment.cell(name, kernel) for name in options.env or [environment.DEFAULT]
             for kernel in options.kernel or [None]]
    return list(dict.fromkeys(named))


def again(*words: str) -> str:
    """A command of ./testbed, for people to type."""
    return shlex.join(["./testbed", *words])


def _folder(options: argparse.Namespace, name: str) -> Path | None:
    path = getattr(options, name, None)
    if path is not None and not path.is_dir():
        raise TestbedError(f"--{name} {path}: there is no such folder")
    return path.resolve() if path else None


def count(word: str) -> int:
    """How many of something, 1 or more: the type of an argument."""
    if not (word.isascii() and word.isdigit()) or int(word) < 1:
        raise argparse.ArgumentTypeError("a number, 1 or more, is wanted")
    return int(word)

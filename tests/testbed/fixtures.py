# SPDX-License-Identifier: Apache-2.0
"""The ladder that tests climb: `device` (the card's program, no guest), `guest` (booted, no card), `card` (both).

The lowest rung, the model alone, is C++: the test bench in tests/model. Each fixture judges after the test what the
test itself did not look at (testbed/judge.py): that the process lives, that the card recorded no breach and the kernel
made no complaint that was not declared, that nothing leaked. When a test fails, build/failures/ gets a folder of its
name with everything that is known, and a script that runs it again.

This is a pytest plugin, so that tests outside this tree have the same ladder (`./testbed test --tests FOLDER`).
"""

import faulthandler
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from testbed import environment, junit, kernels, levels, places, techniques, workshop as workshops
from testbed.card import CardProcess
from testbed.environment import Cell
from testbed.errors import TestbedError
from testbed.evidence import Evidence
from testbed.faults import Faults
from testbed.guest import Guest
from testbed.judge import Expected, Judge
from testbed.lab import CARD_MEMORY, Lab
from testbed.options import Subject
from testbed.workshop import Workshop

_MARKERS = (
    "device_options(word, ...): further options of the program that the `device` fixture starts",
    "card_memory(size): card memory of the card under test, as prd32-device takes sizes; 64M unless said",
    "guest_memory(size): RAM of the guest, as QEMU takes sizes; the environment's unless said",
    "environments(name, ...): the only environments that the test is for; all with tests = \"all\" unless said",
    "kernels(name, ...): the only kernels that the test is for; all unless said",
    "covering: a quick test that matters everywhere: ./testbed test runs it in every environment",
    "thorough: a long test beside shorter ones, under load or in numbers: left to ./testbed matrix by ./testbed test",
    "nowhere_else: set by the testbed: no environment in which the matrix runs every test with this kernel runs it",
    "technique(name, ...): the techniques (tests/techniques.toml) that the test shows",
    "expect_violations(rule, ...): breaches that the card must record during the test; any other fails it",
    "expect_kernel_log(pattern, ...): complaints of the kernel that the test provokes on purpose",
    "expect_leak(name, ...): what the test leaks on purpose (testbed.leaks.COUNTS)",
    "kmemleak: after the test, memory that nothing refers to is looked for (kernel `debug` alone); costs seconds",
)
_GRACE_SECONDS = 300  # for a late test's guest to be asked what happened, perhaps in vain, and to end
_failed = pytest.StashKey[str]()
_cell = pytest.StashKey[Cell]()
_stderr = pytest.StashKey[int]()  # ours, not the tests', whose output is kept
_checks = pytest.StashKey[list[str]]()  # what the judge looks at in this cell, and what it cannot


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cell", default=environment.DEFAULT, metavar="ENVIRONMENT[/KERNEL]",
                     help="where guest tests run (default: %(default)s); ./testbed matrix --list has all")
    parser.addoption("--kmemleak", action="store_true",
                     help="treat every guest test as marked kmemleak: about 20 seconds more for each")


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    config.stash[_cell] = environment.cell(config.getoption("--cell"))
    config.stash[_stderr] = os.dup(sys.__stderr__.fileno())


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings) -> None:
    """A test that is late fails, and the others run. When that has no effect, the run ends and says where it hangs."""
    _end_run_after(settings.timeout + _GRACE_SECONDS, item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """So it does when the end of a test hangs: once one has failed, nothing else watches over it."""
    _end_run_after(_GRACE_SECONDS, item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    yield
    faulthandler.cancel_dump_traceback_later()


def _end_run_after(seconds: float, item: pytest.Item) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_stderr])


def pytest_enter_pdb() -> None:
    """A person has no deadline."""
    faulthandler.cancel_dump_traceback_later()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes out guest tests that are not for this run's environment. pytest.UsageError for a mark that names none."""
    for item in items:
        _check_names(item, "environments", environment.everything())
        _check_names(item, "kernels", kernels.NAMES)
    unwanted = [item for item in items if not meant_for(item, config.stash[_cell])]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if item not in unwanted]
    for item in items:
        if nowhere_else(item, config.stash[_cell]):
            item.add_marker("nowhere_else")
        if names := _techniques(item):
            item.user_properties.append((techniques.PROPERTY, " ".join(names)))


def meant_for(item: pytest.Item, cell: Cell) -> bool:
    """Whether the test is run in this cell; one that needs no guest is the same everywhere."""
    if "cell" not in getattr(item, "fixturenames", ()):
        return True
    kernels = item.get_closest_marker("kernels")
    if kernels and cell.kernel not in kernels.args:
        return False
    marker = item.get_closest_marker("environments")
    return cell.environment.name in marker.args if marker else cell.environment.tests == "all"


def nowhere_else(item: pytest.Item, cell: Cell) -> bool:
    """Whether no other cell of the matrix with this kernel, of those in which it runs every test, runs this one."""
    others = [each for each in environment.matrix() if each.whole and each.kernel == cell.kernel and each != cell]
    return not any(meant_for(item, each) for each in others)


def _check_names(item: pytest.Item, mark: str, known: Collection[str]) -> None:
    """A test that is for an environment which does not exist would run nowhere, and nobody would notice."""
    for name in (name for marker in item.iter_markers(mark) for name in marker.args):
        if name not in known:
            raise pytest.UsageError(f"{item.nodeid}: the mark {mark} names {name!r}, which does not exist"
                                    f"{environment.meant(str(name), known)}")


def _techniques(item: pytest.Item) -> list[str]:
    """The techniques that the test shows; a name that the table has not is a mistake in the test."""
    names = list(dict.fromkeys(name for marker in item.iter_markers("technique") for name in marker.args))
    if unknown := [name for name in names if name not in techniques.table()]:
        raise pytest.UsageError(f"{item.nodeid}: {unknown[0]!r} is no technique of {places.shown(techniques.FILE)}")
    return names


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = (yield).get_result()
    if report.failed:
        said = [f"--- {title}\n{text}" for title, text in report.sections]
        item.stash[_failed] = "\n".join([item.stash.get(_failed, ""), report.longreprtext, *said]).strip()


def pytest_terminal_summary(terminalreporter) -> None:
    """Says once what was looked at after each test of this run, and what could not be."""
    if checks := terminalreporter.config.stash.get(_checks, None):
        name = terminalreporter.config.stash[_cell].name
        terminalreporter.write_line(f"looked at after each test in {name}: {'; '.join(checks)}")


@pytest.fixture(scope="session")
def cell(request: pytest.FixtureRequest) -> Cell:
    """The environment and kernel that this run's guests have."""
    return request.config.stash[_cell]


@pytest.fixture(scope="session")
def workshop(cell: Cell) -> Workshop:
    """Everything built. `./testbed test` hands it over; a pytest that was run by hand prepares it itself."""
    given = os.environ.get("PRD32_WORKSHOP")
    if given:
        return Workshop.load(Path(given))
    return workshops.prepare([cell], "prd32-device", module=Subject.inherited().module)


@pytest.fixture(scope="session")
def lab(workshop: Workshop, cell: Cell) -> Iterator[Lab]:
    """Where fresh guests come from. Two runs at the same time have two folders."""
    folder = places.OUTPUT / "guests" / f"{cell.file_name}-{os.getpid()}"
    with Lab(workshop, cell, folder) as fresh_guests:
        yield fresh_guests
    shutil.rmtree(folder, ignore_errors=True)  # what is worth keeping is in the failures' folder


@pytest.fixture
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CardProcess]:
    """A running prd32-device without a guest, fresh for each test. PRD32_DEVICE names another program to test."""
    marker = request.node.get_closest_marker("device_options")
    with CardProcess(places.device_program(), tmp_path, memory_size=_mark(request, "card_memory", None),
                     extra_args=marker.args if marker else ()) as process:
        with _judged(request, Evidence(tmp_path, _commands(request)), Judge(None, [process], _expected(request))):
            yield process


@pytest.fixture
def guest(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Guest]:
    """A fresh guest without a card."""
    with lent(request, lab, cards=0) as fresh:
        yield fresh


@pytest.fixture
def card(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Guest]:
    """A fresh guest with the environment's cards (`.card`, `.cards`) and the driver loaded."""
    with lent(request, lab) as fresh:
        yield fresh


@pytest.fixture
def faults(card: Guest) -> Faults:
    """What makes the card of the `card` fixture misbehave."""
    return card.card.faults


@pytest.fixture
def bare_card(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Guest]:
    """A fresh guest with the environment's cards, and no driver."""
    with lent(request, lab, driver=False) as fresh:
        yield fresh


@contextmanager
def lent(request: pytest.FixtureRequest, lab: Lab, cards: int | None = None, driver: bool = True) -> Iterator[Guest]:
    """A fresh guest for a test, judged after it: for fixtures that have a lab of their own."""
    with ExitStack() as stack:
        try:
            fresh = lab.fresh(cards=cards, driver=driver, memory=_mark(request, "guest_memory", ""),
                              card_memory=_mark(request, "card_memory", CARD_MEMORY))
            station = stack.enter_context(fresh)
        except TestbedError as error:
            _keep(request, Evidence(lab.latest, _commands(request)), f"the guest did not come up: {error}")
            raise
        request.node.user_properties += [("start", station.how), ("start_seconds", f"{station.seconds:.3f}")]
        evidence = Evidence(station.folder, _commands(request))
        evidence.guest, evidence.how = station.guest, f"{station.how} in {station.seconds:.2f} s"
        kmemleak = request.config.getoption("--kmemleak") or request.node.get_closest_marker("kmemleak")
        judge = Judge(station.guest, station.guest.cards, _expected(request), kmemleak=bool(kmemleak))
        if _checks not in request.config.stash:
            request.config.stash[_checks] = judge.looked_at
            request.getfixturevalue("record_testsuite_property")("checks", "; ".join(judge.looked_at))
        with _judged(request, evidence, judge):
            yield station.guest


@contextmanager
def _judged(request: pytest.FixtureRequest, evidence: Evidence, judge: Judge) -> Iterator[None]:
    yield
    problems, by_itself = judge.verdict(), _failed not in request.node.stash
    if problems:
        request.node.stash[_failed] = "\n".join([request.node.stash.get(_failed, ""), *problems]).strip()
    if _failed in request.node.stash:
        evidence.gather()
        _keep(request, evidence, request.node.stash[_failed])
    if problems and by_itself:  # one test fails once; what it would hide is in the evidence
        pytest.fail("\n".join(problems), pytrace=False)


def _keep(request: pytest.FixtureRequest, evidence: Evidence, reason: str) -> None:
    where = f"{_shown(request.node)}-{request.config.stash[_cell].file_name}"
    folder = evidence.keep(re.sub(r"[^\w.-]+", "_", where), reason)
    request.node.user_properties.append((junit.EVIDENCE, places.shown(folder)))
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(f"\nevidence: {places.shown(folder)}")


def _shown(node: pytest.Item) -> str:
    """The test's name; a file from outside of this tree by its own name alone."""
    path = Path(node.path)
    file = places.shown(path) if path.is_relative_to(places.TOP) else path.name
    return f"{file}::{node.nodeid.partition('::')[2]}"


def _commands(request: pytest.FixtureRequest) -> list[str]:
    node, extra = request.node, ["--kmemleak"] if request.config.getoption("--kmemleak") else []
    return [levels.again(Path(node.path), node.nodeid.partition("::")[2], request.config.stash[_cell], *extra)]


def _mark(request: pytest.FixtureRequest, name: str, otherwise: str | None) -> str | None:
    marker = request.node.get_closest_marker(name)
    return marker.args[0] if marker else otherwise


def _expected(request: pytest.FixtureRequest) -> Expected:
    return Expected(*(_words(request, name) for name in ("expect_violations", "expect_kernel_log", "expect_leak")))


def _words(request: pytest.FixtureRequest, name: str) -> tuple[str, ...]:
    marker = request.node.get_closest_marker(name)
    return tuple(marker.args) if marker else ()

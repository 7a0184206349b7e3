# SPDX-License-Identifier: Apache-2.0
"""The ladder that tests climb: `device` (the card's program, no guest), `guest` (booted, no card), `card` (both).

The lowest rung, the model alone, is C++: the test bench in tests/model. Each fixture judges after the test what the
test itself did not look at: that the process lives, that the card recorded no breach that was not declared, that the
kernel log is clean. When a test fails, build/failures/ gets a folder of its name with everything that is known.
"""

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed import places, testrun, workshop as workshops
from testbed.card import CardProcess
from testbed.evidence import Evidence
from testbed.guest import Guest
from testbed.guestpool import GuestPool, Plugged
from testbed.judge import Judge
from testbed.workshop import Workshop

_MARKERS = (
    "card_memory(size): card memory of the card under test, as prd32-device takes sizes; 64M unless said",
    "guest_memory(size): RAM of the guest, as QEMU takes sizes; 512M unless said",
    "expect_violations(rule, ...): breaches that the card must record during the test; any other fails it",
    "expect_kernel_log(pattern): a complaint of the kernel that the test provokes on purpose",
)
_failed = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = (yield).get_result()
    if report.failed:
        item.stash[_failed] = str(report.longrepr)


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    """Everything built. `./testbed test` hands it over; a pytest that was run by hand prepares it itself."""
    given = os.environ.get("PRD32_WORKSHOP")
    return Workshop.from_json(given) if given else workshops.prepare()


@pytest.fixture(scope="session")
def _pool(workshop: Workshop) -> Iterator[GuestPool]:
    with GuestPool(workshop, places.BUILD / "guests") as pool:
        yield pool


@pytest.fixture
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CardProcess]:
    """A running prd32-device without a guest, fresh for each test. PRD32_DEVICE names another program to test."""
    program = Path(os.environ.get("PRD32_DEVICE", places.DEVICE_PROGRAM))
    with CardProcess(program, tmp_path, memory_size=_mark(request, "card_memory", None)) as process:
        with _judged(request, Evidence(tmp_path, _commands(request)), Judge(None, process, _rules(request))):
            yield process


@pytest.fixture
def guest(request: pytest.FixtureRequest, _pool: GuestPool) -> Iterator[Guest]:
    """A booted guest without a card. Other tests may have used it before."""
    yield from _lent(request, _pool, _pool.get(_mark(request, "guest_memory", "512M")))


@pytest.fixture
def card(request: pytest.FixtureRequest, _pool: GuestPool) -> Iterator[Guest]:
    """A booted guest with the card (`.card`) and the driver loaded. Other tests may have used it before."""
    plugged = _pool.get(_mark(request, "guest_memory", "512M"), _mark(request, "card_memory", "64M"))
    plugged.ensure_driver()
    yield from _lent(request, _pool, plugged)


def _lent(request: pytest.FixtureRequest, pool: GuestPool, plugged: Plugged) -> Iterator[Guest]:
    evidence = Evidence(plugged.folder, _commands(request))
    evidence.guest = plugged.guest
    pattern = _mark(request, "expect_kernel_log", None)
    try:
        with _judged(request, evidence, Judge(plugged.guest, plugged.card, _rules(request), pattern)):
            yield plugged.guest
    finally:
        if _failed in request.node.stash:
            pool.discard(plugged)


@contextmanager
def _judged(request: pytest.FixtureRequest, evidence: Evidence, judge: Judge) -> Iterator[None]:
    yield
    problems = judge.verdict()
    if problems:
        request.node.stash[_failed] = "\n".join(problems)
    if _failed in request.node.stash:
        evidence.gather()
        folder = evidence.keep(re.sub(r"[^\w.-]+", "_", request.node.nodeid), request.node.stash[_failed])
        reporter = request.config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_line(f"\nevidence: {places.shown(folder)}")
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def _commands(request: pytest.FixtureRequest) -> list[str]:
    level = testrun.level_of(Path(request.node.path))
    return [f"./testbed test --level {level} -- -k {shlex.quote(request.node.name)}"]


def _mark(request: pytest.FixtureRequest, name: str, otherwise: str | None) -> str | None:
    marker = request.node.get_closest_marker(name)
    return marker.args[0] if marker else otherwise


def _rules(request: pytest.FixtureRequest) -> tuple[str, ...]:
    marker = request.node.get_closest_marker("expect_violations")
    return tuple(marker.args) if marker else ()

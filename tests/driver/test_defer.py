# SPDX-License-Identifier: Apache-2.0
"""Who submits requests faster than the card needs for them finds their ends himself, instead of being interrupted for
each: the parameter defer_us."""

import pytest

from blockdisk import SIZE, end_fio, fio, fio_words, report
import where
from prd32ctl import DEVICE, MIB, PARAMETERS, card_address, counters, expect_usable, signalled, wait_until

pytestmark = pytest.mark.environments(*where.ENDS)
_LONGEST = 10_000  # us
_ASYNC = {"ioengine": "libaio", "iodepth": 8}


def _defer(guest, microseconds: int) -> None:
    guest.run(f"echo {microseconds} >{PARAMETERS}/defer_us")


def _nothing_was_lost(guest) -> bool:
    counts = counters(guest)
    return (counts["lost"], counts["failed"], counts["timeouts"]) == (0, 0, 0)


@pytest.fixture
def await_found(tools, cell):
    """Does some work until ends were found by who submits; how many is for the machine to say. There is more time than
    by default: requests come slowly where mapping takes long."""
    _defer(tools, _LONGEST)

    def wait(work) -> None:
        def found() -> bool:
            work()
            return counters(tools)["found"] > 0

        # What interrupts by a line, or by one message for all channels, takes it back at once.
        if cell.environment.name in ("intx", "msi"):
            work()
            assert (counters(tools)["deferred"], counters(tools)["found"]) == (0, 0)
        else:
            wait_until(found, "who submits has found ends")
            assert counters(tools)["deferred"] > 0
        assert _nothing_was_lost(tools)

    return wait


@pytest.mark.thorough
def test_disk(tools, await_found):
    """And what is written is right."""
    await_found(lambda: fio(tools, rw="randwrite", bsrange="512-16k", size=4 * MIB, verify="crc32c", **_ASYNC))


def test_character_device(tools, await_found):
    await_found(lambda: fio(tools, rw="read", bs="4k", size=4 * MIB, filename=DEVICE, direct=0, **_ASYNC))


def test_not_at_all(tools):
    _defer(tools, 0)
    before = counters(tools)
    fio(tools, rw="randwrite", bsrange="512-16k", size=4 * MIB, verify="crc32c", **_ASYNC)
    after = counters(tools)
    assert (after["deferred"], after["found"]) == (before["deferred"], before["found"])
    assert _nothing_was_lost(tools)


@pytest.mark.parametrize("depth", [1, 3])
def test_nobody_comes(tools, depth):
    """Who sleeps soon is not forgotten, however long he might have been waited for, and it is not tried for ever."""
    _defer(tools, _LONGEST)
    before = signalled(tools)
    job = fio(tools, ioengine="libaio", iodepth=depth, rw="randread", bsrange="4k-256k", size=8 * MIB)
    assert job["read"]["total_ios"] > 0 and signalled(tools) > before
    assert _nothing_was_lost(tools)


@pytest.mark.thorough
def test_switched_on_and_off_under_load(tools):
    tools.run(f"(while :; do for n in 0 50 {_LONGEST}; do echo $n >{PARAMETERS}/defer_us; sleep 0.05; done; done) "
              ">/dev/null 2>&1 & echo $! >/tmp/switch")
    fio(tools, "--group_reporting", numjobs=2, rw="randwrite", bsrange="512-128k", blockalign=512, size=SIZE // 2,
        offset_increment=SIZE // 2, verify="crc32c", **_ASYNC)
    tools.run("kill $(cat /tmp/switch)")
    assert _nothing_was_lost(tools)


@pytest.mark.thorough
def test_beside_who_waits(tools, uapi):
    """Polled for, waited for, by registers and by the queue, each channel with an interrupt that is left pending."""
    _defer(tools, _LONGEST)
    job = tools.start(fio_words("--time_based", rw="randread", bs="4k", size=SIZE, runtime=60, **_ASYNC))
    for number in range(5):
        expect_usable(tools)
        uapi("request.checksum")
        tools.run(f"echo {number % 2 * 200} >{PARAMETERS}/spin_us")
    end_fio(tools)
    assert report(job.wait(60))["error"] == 0
    assert _nothing_was_lost(tools)


@pytest.mark.thorough
def test_resets_meanwhile(tools):
    """The card forgets what is pending, and so does the driver."""
    _defer(tools, _LONGEST)
    job = tools.start(fio_words("--time_based", rw="randread", bs="4k", size=SIZE, runtime=60, **_ASYNC))
    for _ in range(5):
        before = counters(tools)["requests"]
        tools.run(f"echo 1 >/sys/bus/pci/devices/{card_address(tools)}/reset")
        wait_until(lambda before=before: counters(tools)["requests"] > before + 100, "it goes on")
    end_fio(tools)
    assert report(job.wait(60))["error"] == 0
    assert counters(tools)["lost"] == 0

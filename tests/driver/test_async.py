# SPDX-License-Identifier: Apache-2.0
"""Reads and writes through io_uring and libaio's interface: several under way at once, and ended early."""

import errno

import pytest

from blockdisk import end_fio, fio, fio_words, report
import where
from prd32ctl import DEVICE, MIB, PARAMETERS, counters, signalled, sleep_and_wake, wait_until

_DRIVER = "/sys/bus/auxiliary/drivers/prd32.chrdev"


@pytest.mark.environments(*where.ENDS)
def test_io_uring(uapi):
    """Several at once while the card is busy, of every length, bounds, and a program that is killed meanwhile."""
    uapi("ring")


@pytest.mark.kernels("6.12", "7.2", "debug")  # Linux 6.1 gives the driver no way to hold the kernel's memory
def test_io_uring_with_memory_kept_pinned(uapi):
    uapi("kept")


def test_libaio(uapi):
    uapi("aio")


@pytest.mark.environments(*where.ENDS)
def test_polled(tools):
    """io_uring looks for the ends itself: nobody is interrupted, and what is not polled works beside it."""
    before = signalled(tools)
    sizes = {"bsrange": "512-1m", "blockalign": 512, "rw": "randwrite", "size": 32 * MIB, "verify": "crc32c"}
    fio(tools, "--hipri", disk=DEVICE, ioengine="io_uring", iodepth=8, **sizes)
    assert signalled(tools) == before
    assert counters(tools)["polls"] > 0
    fio(tools, disk=DEVICE, ioengine="libaio", iodepth=8, **sizes)
    assert signalled(tools) > before
    counts = counters(tools)
    assert (counts["lost"], counts["failed"]) == (0, 0)


@pytest.mark.thorough
@pytest.mark.environments(*where.ENDS)
@pytest.mark.expect_violations("data-read")
def test_polled_errors(tools, faults):
    """An error is found by looking, too; so is that the card has left."""
    faults.add("abort", "dma-read")
    words = fio_words("--hipri", disk=DEVICE, ioengine="io_uring", rw="write", bs="4k", size=MIB)
    assert report(tools.run(words, check=False))["error"] == errno.EIO
    fio(tools, "--hipri", disk=DEVICE, ioengine="io_uring", rw="write", bs="4k", size=MIB)
    process = tools.start([*words, "--time_based", "--runtime=60"])
    before = counters(tools)["polls"]
    wait_until(lambda: counters(tools)["polls"] > before + 20, "fio works")
    tools.run(f"echo prd32.chrdev.0 >{_DRIVER}/unbind")
    assert process.wait(60).exit_code != 0


@pytest.mark.environments(*where.ENDS)
@pytest.mark.thorough
def test_sleep_while_polled(tools):
    """Who polls falls asleep before the card: the end of its requests is heard of all the same, before any deadline."""
    tools.run(f"echo 600000 >{PARAMETERS}/timeout_ms")
    process = tools.start(fio_words("--hipri", "--time_based", disk=DEVICE, ioengine="io_uring", iodepth=8, runtime=60,
                                    rw="randwrite", bsrange="4k-256k", size=32 * MIB, verify="crc32c",
                                    verify_backlog=32, verify_fatal=1))
    # Most ends are found by who submits more.
    before = counters(tools)["requests"]
    wait_until(lambda: counters(tools)["requests"] > before + 20, "fio works")
    sleep_and_wake(tools)
    end_fio(tools)
    assert report(process.wait(60))["error"] == 0

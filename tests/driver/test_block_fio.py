# SPDX-License-Identifier: Apache-2.0
"""fio writes the block device in many ways and reads it back: each byte's checksum must be right."""

import pytest

from blockdisk import DISK, SIZE, SYSFS, bytes_at, end_fio, fill, fio, fio_words, holds, queue, report
import where
from prd32ctl import KIB, MIB, MODULE, THAT_SLEEP, await_tables, card_address, pull, signalled, sleep_and_wake

_MIXED = {"rw": "randwrite", "bsrange": "512-2m", "blockalign": 512, "size": SIZE, "verify": "crc32c"}


@pytest.mark.environments(*where.LOADS)
@pytest.mark.parametrize("engine", [pytest.param("libaio", marks=pytest.mark.thorough), "io_uring"])
def test_mixed_sizes(tools, engine):
    """From a sector to more than a request may have, at any sector."""
    for depth in (1, 4, 32):
        job = fio(tools, ioengine=engine, iodepth=depth, randseed=depth, **_MIXED)
        assert job["write"]["io_bytes"] >= SIZE // 2 and job["read"]["io_bytes"] >= SIZE // 2


@pytest.mark.thorough
@pytest.mark.environments(*where.LOADS)
def test_in_and_out_at_a_time(tools):
    """Reads among the writes, from several processes, in memory that is registered beforehand."""
    job = fio(tools, "--fixedbufs", "--group_reporting", ioengine="io_uring", iodepth=16, rw="randrw",
              bsrange="4k-256k", numjobs=4, size=SIZE // 4, offset_increment=SIZE // 4, verify="crc32c",
              verify_backlog=16, verify_fatal=1)
    assert job["read"]["io_bytes"] > 0 and job["write"]["io_bytes"] > 0


@pytest.mark.thorough
@pytest.mark.technique("block-sg", "segment-64k")
def test_past_many_segments(tools):
    """Requests of 8 MiB of scattered pages are cut where a table with each segment in two parts would end."""
    tools.run(f"cat {SYSFS}/queue/max_hw_sectors_kb >{SYSFS}/queue/max_sectors_kb")
    fio(tools, ioengine="libaio", iodepth=4, rw="write", bs="8m", size=SIZE, verify="crc32c")


@pytest.mark.environments(*where.LOADS)
def test_zeros_and_discard(tools):
    """Both read as zeros afterwards, and nothing beside them changes; larger than a request, and any sector."""
    fill(tools)
    before = tools.card.stats()["card"]["bytes_from_host"]
    parts = {"--zeroout": (5 * 512, 20 * MIB + 512), "--force": (24 * MIB, 3 * MIB)}
    for option, (offset, length) in parts.items():
        tools.run(["blkdiscard", option, "--offset", str(offset), "--length", str(length), DISK])
    if queue(tools, "write_zeroes_max_bytes"):
        assert tools.card.stats()["card"]["bytes_from_host"] - before == sum(length for _, length in parts.values())
    for offset, length in parts.values():
        tools.run(f"dd if=/dev/zero of=/tmp/data bs=512 seek={offset // 512} count={length // 512} conv=notrunc "
                  "2>/dev/null")
    assert holds(tools, "/tmp/data")


@pytest.mark.thorough
@pytest.mark.environments(*where.ENDS)
def test_polled(tools):
    """With a polled queue nobody is interrupted, and what is not polled works beside it."""
    tools.run(f"rmmod prd32 && insmod {MODULE} poll_queues=1")
    assert queue(tools, "io_poll") == 1
    before = signalled(tools)
    # What has to be cut is polled no more.
    sizes = {**_MIXED, "bsrange": "512-64k"}
    fio(tools, "--hipri", ioengine="io_uring", iodepth=4, **sizes)
    assert signalled(tools) == before
    fio(tools, ioengine="libaio", iodepth=4, **sizes)
    assert signalled(tools) > before


# ---- what happens meanwhile

@pytest.fixture
def busy(tools):
    """The guest, and a fio that writes and checks until it is told to stop or fails."""
    words = fio_words("--time_based", ioengine="io_uring", iodepth=8, runtime=60, rw="randwrite", bsrange="4k-256k",
                      size=SIZE, verify="crc32c", verify_backlog=32, verify_fatal=1)
    process = tools.start(words)
    await_tables(tools, 20, "fio works")
    yield tools, process
    if not process.poll():
        end_fio(tools)
        process.wait(60)


def _ends_well(guest, process) -> None:
    end_fio(guest)
    job = report(process.wait(60))  # it says by its status that it was interrupted
    assert job["error"] == 0 and job["write"]["io_bytes"] > 0


@pytest.mark.thorough
@pytest.mark.environments(*where.ENDS)
def test_resets_meanwhile(busy):
    """A function reset loses nothing: what the card had is done again."""
    guest, process = busy
    for _ in range(10):
        guest.run(f"echo 1 >/sys/bus/pci/devices/{card_address(guest)}/reset")
    _ends_well(guest, process)


@pytest.mark.thorough
@pytest.mark.environments(*THAT_SLEEP)
def test_sleep_meanwhile(busy):
    """As far as devices go to sleep."""
    guest, process = busy
    sleep_and_wake(guest)
    _ends_well(guest, process)


@pytest.mark.environments(*where.ENDS)
def test_unbind_meanwhile(busy):
    """Who uses the disk gets errors, and everything else goes on."""
    guest, process = busy
    guest.run("echo prd32.block.0 >/sys/bus/auxiliary/drivers/prd32.block/unbind")
    assert process.wait(60).exit_code != 0
    guest.run(f"test ! -e {DISK} && echo prd32.block.0 >/sys/bus/auxiliary/drivers/prd32.block/bind")
    assert len(bytes_at(guest, 0, 4 * KIB)) == 4 * KIB


@pytest.mark.environments(*where.ENDS)
@pytest.mark.technique("surprise-removal")
@pytest.mark.parametrize("surprise", [False, True], ids=["orderly", "surprise"])
def test_unplugged_meanwhile(busy, surprise):
    guest, process = busy
    address = card_address(guest)
    if surprise:
        guest.card.faults.remove()
    pull(guest, address)
    assert process.wait(60).exit_code != 0
    guest.run(f"test ! -e {DISK}")

# SPDX-License-Identifier: Apache-2.0
"""The block device of the first card, as its tests use it, and fio in the guest."""

import json

from prd32ctl import KIB, MIB
from testbed.agent import Result
from testbed.guest import Guest

NAME = "prd32b0"
DISK = f"/dev/{NAME}"
SYSFS = f"/sys/block/{NAME}"
DRIVER = "/sys/bus/auxiliary/drivers/prd32.block"
CLIENT = "prd32.block.0"
SIZE = 32 * MIB  # half of the card's memory

_FIO_SECONDS = 120


def queue(guest: Guest, name: str) -> int:
    """A number of the disk's queue."""
    return int(guest.run(["cat", f"{SYSFS}/queue/{name}"]).text)


def fio_words(*options: str, disk: str = DISK, **settings: object) -> list[str]:
    """A run of fio: `settings` are options with a value, `options` those without. An engine's own come behind it."""
    return ["fio", "--output-format=json", "--name=job", f"--filename={disk}", "--direct=1",
            *(f"--{name}={value}" for name, value in settings.items()), *options]


def fio(guest: Guest, *options: str, timeout: float = _FIO_SECONDS, **settings: object) -> dict:
    """Runs fio, which must find nothing wrong; its report on the job."""
    return report(guest.run(fio_words(*options, **settings), timeout=timeout))


def end_fio(guest: Guest) -> None:
    """It ends in order. The signal goes to its first process, which tells the jobs: one that has it handled while it
    holds a lock of fio's may wait for itself."""
    guest.run("kill -INT $(pidof fio | tr ' ' '\\n' | sort -n | head -n 1)")


def report(result: Result) -> dict:
    """What fio says of its job."""
    text = result.text
    return json.loads(text[text.index("{"):])["jobs"][0]


def dropped(guest: Guest) -> None:
    """Forgets what is cached of the disk, so that the next read comes from the card."""
    guest.run("sync; echo 3 >/proc/sys/vm/drop_caches")


def fill(guest: Guest, count: int = SIZE // MIB) -> str:
    """Random bytes on the disk, in MiB from its start; their file in the guest."""
    guest.run(f"dd if=/dev/urandom of=/tmp/data bs=1M count={count} 2>/dev/null && "
              f"dd if=/tmp/data of={DISK} bs=1M oflag=direct 2>/dev/null")
    return "/tmp/data"


def holds(guest: Guest, wanted: str, count: int = SIZE // MIB, disk: str = DISK) -> bool:
    """Whether the disk, past the cache, begins with what this file of so many MiB has."""
    sums = guest.run(f"dd if={disk} bs=1M count={count} iflag=direct 2>/dev/null | md5sum; md5sum <{wanted}",
                     timeout=120)
    return len(set(sums.text.splitlines())) == 1


def bytes_at(guest: Guest, offset: int, size: int) -> bytes:
    """What is on the disk, past the cache; `offset` and `size` are multiples of 512."""
    block = 4 * KIB if not (offset | size) % (4 * KIB) else 512
    return guest.run(f"dd if={DISK} bs={block} skip={offset // block} count={size // block} iflag=direct 2>/dev/null"
                     ).stdout

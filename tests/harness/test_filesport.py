# SPDX-License-Identifier: Apache-2.0
"""Files go into a guest as they are, and one that does not fit is told and spoils none that follows."""

import hashlib
import random

import pytest

from testbed import filesport
from testbed.errors import TestbedError

pytestmark = pytest.mark.environments("direct")  # what is shown of guests is shown in one environment
SIZES = [0, 1, filesport.WORTH_IT - 1, filesport.WORTH_IT, (3 << 20) + 1]


def sum_of(guest, path: str) -> str:
    return guest.run(["sha256sum", path]).text.split()[0]


def test_files_arrive_whole(guest):
    for size in SIZES:
        data = random.Random(size).randbytes(size)
        guest.write_file("/tmp/a file's name", data)
        assert sum_of(guest, "/tmp/a file's name") == hashlib.sha256(data).hexdigest(), size


def test_file_that_does_not_fit(guest):
    """What the guest did not read of it is not taken for the next one."""
    data = random.Random(0).randbytes(4 << 20)
    guest.run("mkdir /tmp/small && mount -t tmpfs -o size=1M tmpfs /tmp/small")
    with pytest.raises(TestbedError, match="did not take the 4194304 bytes of /tmp/small/file: is its memory full"):
        guest.write_file("/tmp/small/file", data)
    guest.write_file("/tmp/next", data)
    assert sum_of(guest, "/tmp/next") == hashlib.sha256(data).hexdigest()


def test_place_that_does_not_exist(guest):
    data = bytes(filesport.WORTH_IT)
    with pytest.raises(TestbedError, match="No such file or directory"):
        guest.write_file("/no/such/folder/file", data)
    guest.write_file("/tmp/next", data)
    assert sum_of(guest, "/tmp/next") == hashlib.sha256(data).hexdigest()

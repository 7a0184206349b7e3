# SPDX-License-Identifier: Apache-2.0
"""fio writes the block device in many ways and reads it back: each byte's checksum must be right."""

import pytest

from blockdisk import SIZE, fio, queue

pytestmark = pytest.mark.technique("block-sg", "segment-64k")


@pytest.mark.parametrize("depth", [1, 4, 32])
@pytest.mark.parametrize("engine", ["libaio", "io_uring"])
def test_mixed_sizes(tools, engine, depth):
    """From a sector to more than a request may have, at any sector."""
    job = fio(tools, ioengine=engine, iodepth=depth, rw="randwrite", bsrange="512-2m", blockalign=512, size=SIZE,
              verify="crc32c", randseed=depth, do_verify=1)
    assert job["error"] == 0
    assert job["write"]["io_bytes"] >= SIZE * 9 // 10 and job["read"]["io_bytes"] >= SIZE // 2

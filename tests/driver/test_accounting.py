# SPDX-License-Identifier: Apache-2.0
"""Memory that the driver gets for somebody is counted against that somebody's limit: his memory cgroup."""

import pytest

from prd32ctl import MIB, ctl, wait_until
from testbed import kernels

_GROUP = "/tmp/cgroup/one"
_SIZE = 4  # MiB of each of two buffers


@pytest.fixture
def group(card):
    """A memory cgroup in the guest."""
    card.run(f"mkdir -p /tmp/cgroup && mount -t cgroup2 none /tmp/cgroup && "
             f"echo +memory >/tmp/cgroup/cgroup.subtree_control && mkdir {_GROUP}")
    return _GROUP


@pytest.mark.environments("direct", "vtd", "arm64")
@pytest.mark.kernels(*(name for name in kernels.NAMES if name != "debug"))  # which has no cgroups
@pytest.mark.parametrize("kind", ["coherent", "write-combine", "cached", "noncontiguous"])
def test_buffers_are_counted(card, cell, group, kind):
    """Unless the kernel takes them from an area of its own (CMA), as Debian's does on arm64: it charges nobody."""
    def counted() -> int:
        return int(card.run(f"cat {group}/memory.current").text)

    busy = card.start(f"echo $$ >{group}/cgroup.procs && exec prd32ctl bench --sizes {_SIZE}M --depths 2 "
                      f"--direction read --memory {kind} --seconds 600")
    try:
        wait_until(lambda: len(ctl(card, "addresses")["buffers"]) == 2, "two buffers")
        own_area = cell.environment.arch == "aarch64" and kind != "cached"
        assert (counted() >= 2 * _SIZE * MIB) is not own_area
    finally:
        busy.kill()
        busy.wait(30)
    assert counted() < _SIZE * MIB, "given back"

# SPDX-License-Identifier: Apache-2.0
"""A file system on the card: files survive an unmount, a disk that loses writes, and the card's going away."""

import pytest

from blockdisk import CLIENT, DISK, DRIVER, SIZE, dropped

_FLAKY = "/dev/mapper/flaky"


@pytest.fixture
def mounted(tools):
    """A new ext4 at /mnt; unmounted afterwards, if it is still there."""
    tools.run(["mkfs.ext4", "-q", "-F", DISK])
    tools.run(f"modprobe ext4; mkdir -p /mnt; mount -t ext4 {DISK} /mnt")
    yield tools
    tools.run("umount /mnt 2>/dev/null", check=False)


@pytest.mark.technique("block-sg")
def test_files_are_what_they_were(mounted):
    """Many small ones and a large one, read again from the card; the file system is clean."""
    mounted.run("mkdir -p /mnt/a/b && cp -r /usr/lib/modules /mnt/a/b/ && head -c 5000001 /dev/urandom >/tmp/large && "
                "cp /tmp/large /mnt/large && for n in $(seq 200); do head -c $((n * 37)) /tmp/large >/mnt/a/$n; done",
                timeout=120)
    mounted.run("rm /mnt/a/1?; sync")
    listing = "cd /mnt && find . -type f | sort | xargs sha256sum"
    before = mounted.run(listing).text
    mounted.run("umount /mnt")
    dropped(mounted)
    mounted.run(["e2fsck", "-f", "-n", DISK])
    mounted.run(f"mount -t ext4 -o ro {DISK} /mnt")
    assert mounted.run(listing).text == before and len(before.splitlines()) > 190
    mounted.run("cmp /tmp/large /mnt/large && umount /mnt")


def test_journal_after_lost_writes(tools):
    """dm-flakey drops what comes after a sync, as a card without power would; the journal brings back the rest."""
    sectors = SIZE // 512
    good, lossy = (f"0 {sectors} flakey {DISK} 0 {words}" for words in ("180 0", "0 180 1 drop_writes"))
    tools.run(f"modprobe -a dm_mod dm_flakey && dmsetup create flaky --table '{good}'")
    tools.run(f"test -e {_FLAKY} || dmsetup mknodes; mkfs.ext4 -q -F {_FLAKY} && mkdir -p /mnt && "
              f"mount -t ext4 {_FLAKY} /mnt")
    tools.run("head -c 3000000 /dev/urandom >/tmp/kept && cp /tmp/kept /mnt/kept && sync")
    tools.run(f"dmsetup suspend --nolockfs flaky && dmsetup load flaky --table '{lossy}' && dmsetup resume flaky")
    tools.run("cp /tmp/kept /mnt/lost; sync; umount /mnt")
    tools.run(f"dmsetup suspend flaky && dmsetup load flaky --table '{good}' && dmsetup resume flaky")
    dropped(tools)
    tools.run(f"mount -t ext4 {_FLAKY} /mnt && cmp /tmp/kept /mnt/kept && test ! -e /mnt/lost && umount /mnt")
    tools.run(f"e2fsck -f -n {_FLAKY} && dmsetup remove flaky")


def test_mounted_when_it_is_unbound(mounted):
    """An orderly unbind writes back first, so that nothing is lost; the rest is for who uses it to notice."""
    mounted.run("head -c 3000000 /dev/urandom >/tmp/kept && cp /tmp/kept /mnt/kept")
    mounted.run(f"echo {CLIENT} >{DRIVER}/unbind")
    more = mounted.run("dd if=/dev/zero of=/mnt/more bs=4k count=1 conv=fsync", check=False)
    assert more.exit_code != 0
    mounted.run("umount /mnt")
    mounted.run(f"echo {CLIENT} >{DRIVER}/bind && mount -t ext4 {DISK} /mnt && cmp /tmp/kept /mnt/kept")

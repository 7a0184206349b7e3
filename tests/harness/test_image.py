# SPDX-License-Identifier: Apache-2.0
"""The guest's kernel and initramfs: the same inputs give the same bytes, and bad inputs are refused."""

import hashlib

import pytest

from testbed import buildroot, debroot, guestbuild, image, kernelimage
from testbed.errors import TestbedError


def _digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _quiet(_text: str) -> None:
    """Nothing is fetched here, so there is nothing to tell."""


def test_archive_is_reproducible(tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    first.write_bytes(b"module" * 1000)
    first.chmod(0o600)
    second.write_bytes(first.read_bytes())
    second.chmod(0o644)
    one = image.overlay(first.rename(tmp_path / "prd32.ko"), [], tmp_path / "one.cpio")
    two = image.overlay(second.rename(tmp_path / "prd32.ko"), [], tmp_path / "two.cpio")
    assert _digest(one) == _digest(two)


def test_base_is_reproducible(workshop, tmp_path, monkeypatch):
    guest = debroot.get("guest", _quiet)
    known = image.base(guest, workshop.vmlinuz)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # an empty cache: the base is packed again
    again = image.base(guest, workshop.vmlinuz)
    assert again != known and _digest(again) == _digest(known)


@pytest.mark.timeout(600)
def test_driver_is_reproducible(workshop, tmp_path, monkeypatch):
    root = debroot.get("build", _quiet)
    known = _digest(guestbuild.module(root))
    monkeypatch.setattr(guestbuild, "MODULE", tmp_path / "prd32.ko")
    assert _digest(guestbuild.module(root)) == known


def test_kernel_is_the_one_inside(workshop):
    assert workshop.kernel.read_bytes().startswith(b"\x7fELF")
    assert kernelimage.of(debroot.get("build", _quiet)) == workshop.kernel


@pytest.mark.parametrize("damage,message", [
    (lambda data: data[:0x202] + b"XXXX" + data[0x206:], "not a bzImage"),
    (lambda data: data[:0x248] + bytes(8) + data[0x250:], "compressed in a way"),
    (lambda data: data[:len(data) // 2], "could not be decompressed"),
])
def test_bad_kernel_is_refused(workshop, damage, message):
    with pytest.raises(TestbedError, match=message):
        kernelimage.unpack(damage(workshop.vmlinuz.read_bytes()), "vmlinuz")


def test_scratch_is_clean_afterwards():
    root = debroot.get("build", _quiet)
    with buildroot.scratch(root, "test") as folder:
        (folder / "file").touch()
    assert not folder.exists()

# SPDX-License-Identifier: Apache-2.0
"""The guest's kernel and initramfs: the same inputs give the same bytes, and bad inputs are refused."""

import hashlib
from pathlib import Path

import pytest

from testbed import buildroot, command, debroot, elf, guestbuild, image, kernelimage, kernelmodules, kernels, places
from testbed.errors import TestbedError


def _digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _quiet(_text: str) -> None:
    """What is fetched here is not worth telling."""


@pytest.fixture(scope="module")
def kernel() -> kernels.Kernel:
    return kernels.get(kernels.DEFAULT, "x86_64", _quiet)


def test_archive_is_reproducible(tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    first.write_bytes(b"module" * 1000)
    first.chmod(0o600)
    second.write_bytes(first.read_bytes())
    second.chmod(0o644)
    one = image.overlay(first.rename(tmp_path / "prd32.ko"), [], tmp_path / "one.cpio")
    two = image.overlay(second.rename(tmp_path / "prd32.ko"), [], tmp_path / "two.cpio")
    assert _digest(one) == _digest(two)


def test_base_is_reproducible(kernel, tmp_path, monkeypatch):
    known = image.base(kernel, ["nvme"])
    assert image.base(kernel) != known, "the modules make no difference"
    monkeypatch.setattr(places, "cache", lambda: tmp_path)  # an empty cache: the base is packed again
    monkeypatch.setattr(debroot, "get", lambda _name, _progress, root=debroot.get("guest", _quiet): root)
    again = image.base(kernel, ["nvme"])
    assert again != known and _digest(again) == _digest(known)


@pytest.mark.timeout(600)
def test_module_is_reproducible(kernel, tmp_path, monkeypatch):
    """The smallest that has several files; the driver, with ten times as many, is built in the same way."""
    source = places.TOP / "tests" / "driver" / "dmaclient"
    known = guestbuild.module(kernel, source)
    monkeypatch.setattr(guestbuild, "OUTPUT", tmp_path)
    again = guestbuild.module(kernel, source)
    assert again != known and _digest(again) == _digest(known)
    assert _digest(guestbuild.stripped(again)) == _digest(guestbuild.stripped(known))


def test_module_of_another_folder(kernel, tmp_path, monkeypatch):
    monkeypatch.setattr(guestbuild, "OUTPUT", tmp_path / "out")
    source = tmp_path / "mine"
    source.mkdir()
    with pytest.raises(TestbedError, match="neither Kbuild nor Makefile"):
        guestbuild.module(kernel, source)
    (source / "Makefile").write_text("obj-m := mine.o\n")
    (source / "mine.c").write_text('#include <linux/module.h>\nMODULE_LICENSE("GPL");\nint mine(void) { return 0; }\n')
    (source / "mine.o").write_text("left behind by a build for another kernel")
    built = guestbuild.module(kernel, source)
    assert built.name == "mine.ko" and built.stat().st_size > 5 * guestbuild.stripped(built).stat().st_size
    assert "warning:" in guestbuild.said(built).read_text(), "the compiler's warnings are lost"
    (source / "mine.c").write_text("#error broken\n")
    with pytest.raises(TestbedError, match="#error broken"):
        guestbuild.module(kernel, source)


def test_guest_modules_come_with_what_they_need(kernel, tmp_path):
    kernelmodules.copy(kernel, ["nvme", "virtio-iommu", "virtio_pci"], tmp_path / "modules")
    lines = (tmp_path / "modules" / "modules.dep").read_text().splitlines()
    assert "nvme.ko: nvme_core.ko nvme_auth.ko" in lines and "virtio_iommu.ko:" in lines
    for line in lines:
        for name in line.replace(":", "").split():
            assert (tmp_path / "modules" / name).read_bytes().startswith(b"\x7fELF")
    with pytest.raises(TestbedError, match="no module nosuch"):
        kernelmodules.copy(kernel, ["nosuch"], tmp_path / "other")
    assert kernelmodules.has(kernel, "virtio-iommu") and kernelmodules.has(kernel, "virtio_pci")
    assert not kernelmodules.has(kernel, "nosuch")


def test_libraries_are_those_that_the_loader_finds():
    root = debroot.get("guest", _quiet)
    usr, program = root.path / "usr", root.path / "usr" / "sbin" / "qemu-ga"
    listing = command.run([usr / "lib64" / "ld-linux-x86-64.so.2", "--library-path", usr / "lib" / "x86_64-linux-gnu",
                           "--list", program], what="asking the loader", deadline=30)
    wanted = {line.split()[0].rpartition("/")[2] for line in listing.splitlines() if "linux-vdso" not in line}
    found = elf.closure(root.path, program)
    assert {path.name for path in found} == wanted
    assert usr / "lib64" / "ld-linux-x86-64.so.2" in found, "the loader must be where the program asks for it"


def test_lack_of_a_library_is_told(tmp_path):
    with pytest.raises(TestbedError, match="lacks /lib64/ld-linux-x86-64.so.2, which python3"):
        elf.closure(tmp_path, Path("/usr/bin/python3"))


def test_unknown_kernel_is_refused():
    with pytest.raises(TestbedError, match="there is no kernel 2.6 for x86_64; there are: 6"):
        kernels.get("2.6", "x86_64", _quiet)


def test_kernel_is_the_one_inside(kernel):
    data = kernel.image.read_bytes()
    assert data.startswith(b"\x7fELF") and data == kernelimage.unpack(kernel.packed.read_bytes(), "vmlinuz")


@pytest.mark.parametrize("damage,message", [
    (lambda data: data[:0x202] + b"XXXX" + data[0x206:], "not a bzImage"),
    (lambda data: data[:0x248] + bytes(8) + data[0x250:], "compressed in a way"),
    (lambda data: data[:len(data) // 2], "could not be decompressed"),
])
def test_bad_kernel_is_refused(kernel, damage, message):
    with pytest.raises(TestbedError, match=message):
        kernelimage.unpack(damage(kernel.packed.read_bytes()), "vmlinuz")


def test_scratch_is_clean_afterwards():
    root = debroot.get("build", _quiet)
    with buildroot.scratch(root, "test") as folder:
        (folder / "file").touch()
    assert not folder.exists()

# SPDX-License-Identifier: Apache-2.0
"""Gets everything ready that a guest with the card needs: packages, QEMU, the card, the driver, the guest's image."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import accelerator, buildroot, cardbuild, debroot, guestbuild, image, kernelimage, packages, qemu
from testbed.accelerator import Accelerator
from testbed.guest import GuestSpec
from testbed.qemu import Qemu
from testbed.stages import in_parallel, stage


@dataclass(frozen=True)
class Workshop:
    """All that is needed to boot a guest with the card."""

    qemu: Qemu
    accelerator: Accelerator
    vmlinuz: Path  # as Debian ships it; the guest has it as /boot/vmlinuz
    kernel: Path  # the same, uncompressed: what QEMU starts
    initramfs: Path

    def guest(self, **changes: object) -> GuestSpec:
        """The specification of a guest; `changes` as GuestSpec's fields."""
        return GuestSpec(**{"qemu": self.qemu, "accelerator": self.accelerator, "kernel": self.kernel,
                            "initramfs": self.initramfs, **changes})

    def as_json(self) -> str:
        """For a test run's own process; `from_json` reads it there."""
        return json.dumps(asdict(self), default=str)

    @staticmethod
    def from_json(text: str) -> "Workshop":
        """The workshop that `as_json` wrote."""
        data = json.loads(text)
        found = Qemu(**{**data["qemu"], "argv": tuple(data["qemu"]["argv"])})
        return Workshop(found, Accelerator(**data["accelerator"]),
                        *(Path(data[name]) for name in ("vmlinuz", "kernel", "initramfs")))


def install(*groups: str, allowed: bool) -> None:
    """Installs the Debian packages of these groups, or only says which are missing when that is not allowed."""
    with stage("packages of this machine") as now:
        count = packages.ensure(*groups, install=allowed)
        now.note(f"{count} installed" if count else "all there")


def build_card(*targets: str) -> None:
    """The card and its device program, natively."""
    with stage("card and device program") as now:
        cardbuild.build(now, *targets)


def fetch_qemu() -> Qemu:
    """A QEMU with the vfio-user client."""
    with stage("QEMU with vfio-user") as now:
        found = qemu.find(now.update)
        now.note(f"{found.version}, {found.origin}")
    return found


def build_guest() -> tuple[Path, Path, Path]:
    """The guest's kernel as Debian ships it, the same uncompressed, and the initramfs with this tree's driver in it."""
    with stage("guest's compilers and kernel") as now:
        root = debroot.get("build", now.update)
        vmlinuz, kernel = buildroot.kernel_image(root), kernelimage.of(root)
        now.note(buildroot.kernel_release(root))
    with stage("driver and guest programs"):
        module, tool = guestbuild.module(root), guestbuild.tool(root)
    with stage("guest image") as now:
        base = image.base(debroot.get("guest", now.update), vmlinuz)
        overlay = image.overlay(module, [tool], guestbuild.OUTPUT / "overlay.cpio")
        initramfs = image.joined([base, overlay], guestbuild.OUTPUT / "initramfs.cpio")
        now.note(f"{initramfs.stat().st_size / 1e6:.0f} MB")
    return vmlinuz, kernel, initramfs


def prepare(*targets: str) -> Workshop:
    """Builds and fetches what is not there yet. `targets`: CMake targets, everything when none is named."""
    _, found, (vmlinuz, kernel, initramfs) = in_parallel(lambda: build_card(*targets), fetch_qemu, build_guest)
    with stage("accelerator") as now:
        chosen = accelerator.choose(found, kernel)
        now.note(f"{chosen.name}: {chosen.why}")
    return Workshop(found, chosen, vmlinuz, kernel, initramfs)

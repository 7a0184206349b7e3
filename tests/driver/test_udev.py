# SPDX-License-Identifier: Apache-2.0
"""The rule of driver/udev, as udev applies it to a card."""

import io
import re
import tarfile

import pytest

from prd32ctl import card_address
from testbed import buildroot, debroot, places

_RULE = places.TOP / "driver" / "udev" / "60-prd32.rules"
_PLACE = "/tmp/udev"
_PROGRAM = "usr/bin/udevadm"
_LOADER = "/lib64/ld-linux-x86-64.so.2"
_PLUGDEV = 46  # of every Debian: base-passwd has it


def _packed(root: debroot.Root) -> bytes:
    """udevadm and the libraries that it needs, as a tar archive without folders."""
    with buildroot.scratch(root, "udev") as folder:
        needed = buildroot.run(root, folder, [_LOADER, "--list", f"/{_PROGRAM}"], what=_LOADER, deadline=60)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in [f"/{_PROGRAM}", _LOADER, *re.findall(r"(/\S+) \(0x", needed)]:
            path = root.path / name.lstrip("/")
            archive.add(path.resolve(), arcname=path.name)
    return packed.getvalue()


@pytest.mark.environments("direct")
@pytest.mark.kernels("6.12")
def test_group_and_name_that_stays(card):
    """Who may use the card, and a name that follows the slot. Nothing is done, only told: no udev runs in the guest."""
    card.run(f"mkdir -p {_PLACE} /etc/udev/rules.d && echo plugdev:x:{_PLUGDEV}: >>/etc/group")
    card.write_file(f"{_PLACE}.tar", _packed(debroot.get("packaging", lambda _text: None)))
    card.run(f"tar -x -f {_PLACE}.tar -C {_PLACE} && rm {_PLACE}.tar")
    card.write_file(f"/etc/udev/rules.d/{_RULE.name}", _RULE.read_bytes())
    told = card.run(f"cd {_PLACE} && ./ld-linux-x86-64.so.2 --library-path . ./udevadm test "
                    "/sys/class/prd32/prd32-0 2>&1")
    assert f"/dev/prd32/by-path/pci-{card_address(card)}" in told.text, told.text
    assert re.search(rf"GROUP.*\b(plugdev|{_PLUGDEV})\b", told.text), told.text
    assert re.search(r"MODE.*\b0?660\b", told.text), told.text

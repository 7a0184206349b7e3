# SPDX-License-Identifier: Apache-2.0
"""The driver builds without a warning, W=1 included, for every kernel and for both processors."""

import shutil

import pytest

from testbed import buildroot, debroot, guestbuild


@pytest.mark.covering
@pytest.mark.environments("direct", "arm64")  # all kernels of one processor, one of the other
def test_builds_without_a_warning(workshop, cell):
    kernel = workshop.of(cell).kernel
    root = debroot.get(kernel.build_root, lambda _text: None)
    with buildroot.scratch(root, "check") as folder:
        shutil.copytree(guestbuild.DRIVER, folder / "code")
        place = f"/{(folder / 'code').relative_to(root.path)}"
        out = buildroot.run(root, folder / "code", guestbuild.make_words(kernel, place),
                            what=f"building the driver for Linux {kernel.release}", deadline=250)
    assert "LD [M]" in out, "nothing was built"
    assert [line for line in out.splitlines() if "warning:" in line.lower()] == []

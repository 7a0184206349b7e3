# SPDX-License-Identifier: Apache-2.0
"""The kernel refuses the driver memory, at each place where it asks for some: an errno, nothing lost, nothing held."""

import pytest

from prd32ctl import expect_usable
from uapi_program import UapiProgram

# What is refused: allocations that may sleep too, single pages too; only those that a function of the driver is near:
# below its calls, ACPI's and the interrupts' code of Linux 6.12 have mistakes of their own (a use after free for one).
# Quietly: each refusal would print a stack, which is what a complaint looks like.
_NEAR = 8  # functions, the allocator's own among them
_ARM = """set -e
range=$(awk '$4 == "[prd32]" && tolower($2) == "t" {{ print $1 }}' /proc/kallsyms | sort | sed -n '1p;$p')
cd /sys/kernel/debug
for kind in failslab fail_page_alloc fail_usercopy; do
    echo 0 >$kind/verbose
    echo {near} >$kind/stacktrace-depth
    echo 0x${{range%?????????????????}} >$kind/require-start
    echo 0x${{range#?????????????????}} >$kind/require-end
done
for file in failslab/ignore-gfp-wait fail_page_alloc/ignore-gfp-wait fail_page_alloc/ignore-gfp-highmem; do
    echo N >$file
done
echo 0 >fail_page_alloc/min-order"""

pytestmark = [pytest.mark.kernels("debug"), pytest.mark.environments("direct")]


@pytest.fixture
def refusing(uapi) -> UapiProgram:
    """The program, in a guest whose kernel counts what the driver asks for."""
    uapi.guest.run(_ARM.format(near=_NEAR))
    return uapi


@pytest.mark.timeout(900)
def test_bind(refusing):
    """Not marked kmemleak: Linux's __dma_async_device_channel_register() loses the name of a channel that it cannot
    register."""
    refusing("fault.bind", timeout=600)
    expect_usable(refusing.guest)


@pytest.mark.kmemleak
def test_file_and_requests(refusing):
    refusing(*(f"fault.{operation}" for operation in ("open", "read", "write", "submit")))
    expect_usable(refusing.guest)

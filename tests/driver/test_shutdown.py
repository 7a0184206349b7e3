# SPDX-License-Identifier: Apache-2.0
"""What a kernel leaves behind for the next one: shutdown(), and the next one itself, by kexec."""

import pytest

from prd32ctl import DEVICE, KIB, roundtrip, wait_until

_BOOT_SECONDS = 120  # with what the firmware and QEMU spare a guest's first kernel: to unpack itself


def test_a_halt_takes_the_card_off_the_bus(lab):
    """In the middle of a transfer, by the driver itself: nobody resets the card, and it writes no more."""
    with lab.fresh() as station:
        card, guest = station.guest.card, station.guest
        before = card.stats()["bridge"]["messages"]
        stall = card.faults.add("stall", "dma-write", after=3)
        guest.start(f"dd if={DEVICE} of=/dev/null bs=1M count=1")
        stall.wait_fired()
        assert card.stats()["card"]["active"] == [0]
        guest.start(["halt", "-f"])
        wait_until(lambda: card.stats()["card"]["active"] == [], "the engine is idle")
        written = card.stats()["card"]["bytes_to_host"]
        stall.clear()
        after = card.stats()
        assert after["bridge"]["messages"]["device_reset"] == before["device_reset"]
        assert after["card"]["bytes_to_host"] == written
        assert guest.alive, "QEMU is still there: it was the driver that stopped the card"


@pytest.mark.thorough
@pytest.mark.environments("direct", "vtd")
@pytest.mark.kernels("6.1", "6.12", "7.2")  # `debug` has no kexec_file_load()
@pytest.mark.technique("bus-master")
def test_the_next_kernel(tools, workshop, cell, faults):
    """kexec in the middle of a transfer: not a byte is written into the next kernel's memory, and its driver finds a
    card that works."""
    spec = workshop.guest(cell)
    for path, file in (("/tmp/vmlinuz", spec.kernel.packed), ("/tmp/initrd", spec.initramfs)):
        tools.write_file(path, file.read_bytes())
    tools.run("cd /tmp && kexec -s -l vmlinuz --initrd=initrd --reuse-cmdline && rm vmlinuz initrd", timeout=60)
    stall = faults.add("stall", "dma-write", after=3)
    tools.start(f"dd if={DEVICE} of=/dev/null bs=1M count=1")
    stall.wait_fired()
    tools.start("sleep 1; kexec -e")  # the agent's answer gets out before its port goes; there is no event for that
    tools.monitor.wait_event("VSERPORT_CHANGE", _BOOT_SECONDS, id="agent", open=False)
    tools.agent.synchronize(_BOOT_SECONDS)
    assert tools.run("grep -c prd32 /proc/modules", check=False).text == "0", "another kernel, without the driver"
    written = tools.card.stats()["card"]["bytes_to_host"]
    stall.clear()
    assert tools.card.stats()["card"]["active"] == []
    assert tools.card.stats()["card"]["bytes_to_host"] == written
    tools.load_driver()
    tools.await_cards(driver=True)
    assert roundtrip(tools, 300 * KIB)["bytes"] == 300 * KIB

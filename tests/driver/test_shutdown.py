# SPDX-License-Identifier: Apache-2.0
"""What a kernel leaves behind for the next one, of which kexec is one case: shutdown()."""

from prd32ctl import DEVICE, wait_until


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

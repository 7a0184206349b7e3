# SPDX-License-Identifier: Apache-2.0
"""The guest's prd32ctl, as the driver's tests use it."""

import json
import re
import time
from collections.abc import Callable

from testbed import environment
from testbed.environment import Cell
from testbed.guest import Guest

DEVICE = "/dev/prd32-0"
FUNCTION = "/sys/bus/pci/drivers/prd32"
PARAMETERS = "/sys/module/prd32/parameters"
MODULE = "/opt/prd32/prd32.ko"

# Where the card's addresses are physical ones: pages stay as scattered as they are.
WITHOUT_IOMMU = tuple(name for name, found in environment.everything().items()
                      if "iommu" not in found.proves and found.tests == "all")


def cuts_segments(cell: Cell) -> bool:
    """Whether something places what the card reaches, so that the driver declares a descriptor's limits: 64 KiB."""
    return cell.environment.copies or cell.environment.name not in WITHOUT_IOMMU


# Where devices wake up again: Linux's virtio-iommu driver knows no sleep. Its device is reset when the system wakes,
# and the first mapping after that waits for an answer for ever, with interrupts off.
THAT_SLEEP = tuple(name for name, found in environment.everything().items()
                   if "virtio_iommu" not in found.modules and found.tests == "all")

KIB = 1 << 10
MIB = 1 << 20


def ctl(guest: Guest, *words: object, timeout: float = 60) -> dict:
    """Runs prd32ctl, which must succeed, and returns what it found."""
    return json.loads(guest.run(["prd32ctl", *map(str, words), "--json"], timeout=timeout).stdout)


def card_address(guest: Guest) -> str:
    """The PCI address of the card behind DEVICE, whose driver must be there."""
    return guest.run(f"basename $(readlink -f /sys/class/prd32/{DEVICE.rpartition('/')[2]}/device)").text


def ports(guest: Guest, pci: str, *words: object) -> dict:
    """prd32ctl's command of this name, for the card with this PCI address."""
    return ctl(guest, "ports", "--pci", pci, *words)


def roundtrip(guest: Guest, size: int, *, card_offset: int = 0, page_offset: int = 0, seed: int = 1,
              iterations: int = 1, timeout: float = 60) -> dict:
    """A pattern to the card and back, compared byte by byte in the guest, with guard bytes around both buffers."""
    return ctl(guest, *roundtrip_words(size, card_offset, page_offset, seed, iterations), timeout=timeout)


def roundtrip_words(size: int, card_offset: int = 0, page_offset: int = 0, seed: int = 1,
                    iterations: int = 1) -> list[str]:
    """The arguments of that command."""
    return ["roundtrip", "--size", str(size), "--card-offset", str(card_offset), "--page-offset", str(page_offset),
            "--seed", str(seed), "--iterations", str(iterations)]


def call(guest: Guest, name: str, *sizes: int, **options: object) -> dict:
    """Exactly one read or write. Option names have _ where prd32ctl's have -; True gives a flag."""
    words = ["call", name, "--size", ",".join(map(str, sizes))]
    for option, value in options.items():
        words.append("--" + option.replace("_", "-"))
        if value is not True:
            words.append(str(value))
    return ctl(guest, *words)


def memory_size(guest: Guest) -> int:
    """The size of the card's memory, bytes, as the driver tells it."""
    return ctl(guest, "info")["memory_bytes"]


def interrupts(guest: Guest) -> int:
    """How many interrupts channel 0's vector has had, over all processors."""
    count = guest.run("awk '/prd32-ch0/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' "
                      "/proc/interrupts").text
    return int(count)


def sleep_at_once(guest: Guest) -> None:
    """From now on nobody looks for the end of a request before it sleeps, nor finds another's, so each interrupts."""
    guest.run(f"echo 0 >{PARAMETERS}/spin_us; echo 0 >{PARAMETERS}/defer_us")


def without_deadline(guest: Guest) -> None:
    """From now on the driver's watchdog ends nothing: what ends early has been told to."""
    guest.run(f"echo 600000 > {PARAMETERS}/timeout_ms")


def signalled(guest: Guest) -> int:
    """How many interrupts the card has sent, by whatever means; the kernel counts those of others, too, where a line is
    shared (with the disk of tools, for example)."""
    return sum(guest.card.stats()["bridge"]["interrupts"].values())


def await_tables(guest: Guest, count: int, what: str) -> None:
    """Waits until the card has had so many more tables. It is asked, as interrupts tell nothing where a line is shared:
    those of the guest agent's port count there, too."""
    enough = guest.card.stats()["card"]["tables"] + count
    wait_until(lambda: guest.card.stats()["card"]["tables"] >= enough, what)


def counters(guest) -> dict[str, int]:
    """What the driver counted, over all channels: struct prd32_stats."""
    text = guest.run(f"cat /sys/kernel/debug/prd32/{card_address(guest)}/channels").text
    counts: dict[str, int] = {}
    for name, value in re.findall(r"^  (\w+) (\d+)$", text, re.M):
        counts[name] = counts.get(name, 0) + int(value)
    return counts


def both_channels_busy(guest: Guest) -> list:
    """Two reads that the card does not end: the caller made it stall, and the channels share an engine."""
    readers = [guest.start(f"dd if={DEVICE} of=/dev/null bs=4k count=1") for _ in range(2)]
    wait_until(lambda: len(guest.card.stats()["card"]["active"]) == 2, "every channel is busy")
    return readers


def expect_interrupts(guest: Guest, before: int, count: int) -> None:
    """`count` more than `before`. A line may be signalled twice: QEMU takes the first access to a register for the end
    of the interrupt, and the card has not been told to lower the line by then."""
    most = 2 * count if guest.card.stats()["bridge"]["interrupts"]["intx"] else count
    assert count <= interrupts(guest) - before <= most


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Polls the guest until `condition` holds; each look is a round trip through the guest agent."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"


def sleep_and_wake(guest: Guest) -> None:
    """The system goes to sleep, as far as its devices do, and wakes up; in an environment of THAT_SLEEP."""
    guest.run("echo 0 >/sys/module/suspend/parameters/pm_test_delay; echo platform >/sys/power/pm_test")
    # The guest agent's port sleeps, too, and loses what is on its way: hence the second, and no question meanwhile.
    guest.start("sleep 1; echo freeze >/sys/power/state; echo $? >/tmp/slept; echo none >/sys/power/pm_test")
    for is_open in (False, True):
        guest.monitor.wait_event("VSERPORT_CHANGE", 30, id="agent", open=is_open)
    guest.agent.synchronize(30)
    wait_until(lambda: guest.run("cat /tmp/slept", check=False).text, "the end of the sleep")
    assert guest.run("cat /tmp/slept; rm /tmp/slept").text == "0"


def pull(guest: Guest, address: str) -> None:
    """Takes the card with this PCI address out, and waits until the kernel has let it go: out of its slot where that
    can be done. QEMU 11.1 ends with an assertion when a vfio-user device with MSI-X is unplugged: it takes the
    pending-bit array out of a BAR that is gone by then. There, the kernel is told that the slot is empty."""
    if "--no-msix" in guest.spec.environment.card:
        guest.monitor.command("device_del", id="card0")
        guest.monitor.wait_event("DEVICE_DELETED", 60, device="card0")
    else:
        guest.run(f"echo 1 >/sys/bus/pci/devices/{address}/remove", timeout=60)
    assert guest.run(f"test -e /sys/bus/pci/devices/{address}", check=False).exit_code != 0


def expect_usable(guest: Guest) -> None:
    """The card still does its work."""
    result = roundtrip(guest, MIB + 3, card_offset=4097, page_offset=1, seed=99)
    assert result["bytes"] == MIB + 3

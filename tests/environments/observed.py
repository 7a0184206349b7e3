# SPDX-License-Identifier: Apache-2.0
"""What a guest and its cards show while something happens: counts, never words of a log."""

import re
from collections.abc import Callable

from driver.prd32ctl import roundtrip
from environments.dma_probe import card_addresses
from testbed.guest import Guest

MEGABYTE = 1000003  # no multiple of anything, and 245 pages
PAGES = -(-MEGABYTE // 4096)
_TRACING = "/sys/kernel/tracing"
_BOUNCED = re.compile(r"swiotlb_bounced: dev_name: (\S+) .*? size=(\d+)")


def there_and_back(guest: Guest, size: int = MEGABYTE) -> None:
    """One transfer in each direction, compared byte by byte in the guest."""
    assert roundtrip(guest, size)["bytes"] == size


def bounced_bytes(guest: Guest, work: Callable[[], None]) -> int:
    """How many bytes the kernel put into bounce buffers for the first card while `work` ran."""
    card = card_addresses(guest)[0]
    event = f"{_TRACING}/events/swiotlb/swiotlb_bounced/enable"
    guest.run(f"echo 8192 > {_TRACING}/buffer_size_kb; echo > {_TRACING}/trace; echo 1 > {event}")
    try:
        work()
    finally:
        guest.run(f"echo 0 > {event}")
    trace = guest.run(["cat", f"{_TRACING}/trace"]).text
    return sum(int(size) for device, size in _BOUNCED.findall(trace) if device == card)


def iommu_of(guest: Guest) -> str:
    """The kind of the first card's IOMMU: dmar (Intel), ivhd (AMD), virtio; empty when it has none."""
    path = guest.run(["readlink", f"/sys/bus/pci/devices/{card_addresses(guest)[0]}/iommu"], check=False).text
    found = re.search(r"/(dmar|ivhd|virtio)\d+\b", path)
    return found.group(1) if found else path


def iommu_type(guest: Guest) -> str:
    """How the first card's group is translated: DMA (strict), DMA-FQ (lazy), identity; empty without an IOMMU."""
    return guest.run(["cat", f"/sys/bus/pci/devices/{card_addresses(guest)[0]}/iommu_group/type"], check=False).text


def interrupts_sent(guest: Guest) -> dict[str, int]:
    """What the first card sent so far, by kind: intx, msi, msix."""
    return dict(guest.card.stats()["bridge"]["interrupts"])


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What changed, by how much."""
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def memory_above_4g(guest: Guest) -> int:
    """Bytes of the guest's RAM above 4 GiB."""
    ranges = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) : System RAM$", guest.run(["cat", "/proc/iomem"]).text, re.MULTILINE)
    return sum(int(last, 16) - int(first, 16) + 1 for first, last in ranges if int(first, 16) >= 1 << 32)


def interrupts_by_processor(guest: Guest) -> list[int]:
    """How many interrupts channel 0's vector has had on each processor."""
    count = int(guest.run(["nproc"]).text)
    line = next(line for line in guest.run(["cat", "/proc/interrupts"]).text.splitlines() if "prd32-ch0" in line)
    return [int(word) for word in line.split()[1:1 + count]]


def vmstat(guest: Guest, name: str) -> int:
    """One of the kernel's counters, as of now on every processor."""
    text = guest.run(f"echo 1 > /proc/sys/vm/stat_refresh; awk '$1 == \"{name}\" {{ print $2 }}' /proc/vmstat").text
    assert text, f"this kernel does not count {name}"
    return int(text)

# SPDX-License-Identifier: Apache-2.0
"""For each environment, what shows in a guest that it is what it says.

A proof begins with what must differ from `direct`, so that it fails by an assertion where the environment is another.
"""

from collections.abc import Callable

import regmap
from driver.prd32ctl import call, interrupts, roundtrip, sleep_at_once, wait_until
from environments.dma_probe import DmaProbe, card_addresses
from environments.observed import (MEGABYTE, PAGES, bounced_bytes, grown, interrupts_by_processor, interrupts_sent,
                                   iommu_of, iommu_type, memory_above_4g, there_and_back, vmstat)
from environments.second_channel import fetch_table, tables
from testbed.guest import Guest

KIB, MIB, FOUR_GIB = 1 << 10, 1 << 20, 1 << 32
CACHE_LINE = 64  # of the arm64 guest's processor
STATUS_BLOCK = regmap.load().limits["WRITEBACK_BYTES"].value
Proof = Callable[[Guest, DmaProbe], None]
PROOFS: dict[str, Proof] = {}


def proves(name: str) -> Callable[[Proof], Proof]:
    """Makes the function the proof of the environment of this name."""
    def add(proof: Proof) -> Proof:
        assert name not in PROOFS, name
        PROOFS[name] = proof
        return proof
    return add


@proves("direct")
def direct(guest: Guest, probe: DmaProbe) -> None:
    """The address on the bus is the physical one, and nothing is copied."""
    assert iommu_of(guest) == ""
    mapped = probe.streaming()
    assert mapped["dma"] == mapped["phys"]
    assert bounced_bytes(guest, lambda: there_and_back(guest)) == 0
    assert probe.facts()["coherent"] == 1
    assert set(grown(dict.fromkeys(interrupts_sent(guest), 0), interrupts_sent(guest))) == {"msix"}


@proves("highmem")
def highmem(guest: Guest, probe: DmaProbe) -> None:
    """Memory that is handed out lies above 4 GiB, the card sees it below, and each byte is copied: without force."""
    mapped = probe.streaming()
    assert mapped["errno"] == 0
    assert mapped["phys"] >= FOUR_GIB > mapped["dma"]
    assert memory_above_4g(guest) >= 256 * MIB
    assert probe.facts()["force_bounce"] == 0
    assert probe.coherent()["phys"] < FOUR_GIB
    assert bounced_bytes(guest, lambda: there_and_back(guest)) == 2 * MEGABYTE


@proves("bounce")
def bounce(guest: Guest, probe: DmaProbe) -> None:
    """Each byte is copied although the card could reach it."""
    assert probe.facts()["force_bounce"] == 1
    assert memory_above_4g(guest) == 0
    mapped = probe.streaming()
    assert mapped["dma"] != mapped["phys"]
    assert bounced_bytes(guest, lambda: there_and_back(guest)) == 2 * MEGABYTE


@proves("nobounce")
def nobounce(guest: Guest, probe: DmaProbe) -> None:
    """Memory above 4 GiB is refused, each time; and below, transfers work as in `direct`."""
    mapped = probe.streaming()
    assert mapped["phys"] >= FOUR_GIB and mapped["errno"] == 12  # ENOMEM
    before = guest.card.stats()["card"]
    for size in (1, 4 * KIB, MIB):
        for name in ("read", "write"):
            assert call(guest, name, size, offset=0)["errno"] == "ENOMEM"
    assert guest.card.stats()["card"] == before, "the card was given something to do"
    # Once nothing above is left, the kernel hands out what is below.
    guest.run(f"dd if=/dev/zero of=/tmp/above bs=1M count={memory_above_4g(guest) // MIB} 2>&1")
    assert bounced_bytes(guest, lambda: there_and_back(guest)) == 0


def _translated(guest: Guest, probe: DmaProbe, iommu: str, kind: str) -> None:
    """The card's addresses are not physical ones, lead there, and are gone after the transfer."""
    assert (iommu_of(guest), iommu_type(guest)) == (iommu, kind)
    mapped = probe.streaming()
    assert mapped["reached"] == mapped["phys"] != mapped["dma"]
    coherent = probe.coherent()
    assert coherent["reached"] == coherent["phys"] != coherent["dma"]
    assert coherent["cpu_is_vmalloc"] == 1, "not from the linear map"
    before = guest.card.stats()
    there_and_back(guest)
    after = guest.card.stats()
    assert after["bridge"]["messages"]["dma_map"] - before["bridge"]["messages"]["dma_map"] > PAGES
    assert after["card"]["prds"] - before["card"]["prds"] < PAGES, "scattered pages were not merged"


def _most_mapped(guest: Guest) -> int:
    """How many mappings the card had at most beyond those that stay, over small transfers in quick succession."""
    before = guest.card.stats()["bridge"]["mappings"]
    assert before["most"] - before["now"] < 16, "more than the driver's own reads was mapped and unmapped before"
    roundtrip(guest, 16 * 4 * KIB, iterations=200)
    return guest.card.stats()["bridge"]["mappings"]["most"] - before["now"]


def _out_of_reach(guest: Guest, probe: DmaProbe) -> None:
    """An address that was unmapped is refused."""
    before = guest.card.stats()["bridge"]["dma"]["refused"]
    fetch_table(guest, probe.coherent()["dma"])
    assert guest.card.stats()["bridge"]["dma"]["refused"] == before + 1


@proves("vtd")
def vtd(guest: Guest, probe: DmaProbe) -> None:
    """Intel's IOMMU translates, and what is unmapped is so at once."""
    assert (iommu_of(guest), iommu_type(guest)) == ("dmar", "DMA")
    assert _most_mapped(guest) <= 17, "more than one transfer's pages"
    _translated(guest, probe, "dmar", "DMA")
    _out_of_reach(guest, probe)


@proves("vtd-faults")
def vtd_faults(guest: Guest, probe: DmaProbe) -> None:
    """QEMU is asked for every access, and the guest's kernel is told of one that the IOMMU refuses."""
    assert (iommu_of(guest), iommu_type(guest)) == ("dmar", "DMA")
    there_and_back(guest)
    moved = guest.card.stats()["bridge"]["dma"]
    assert moved["read_bytes"] == 0 < moved["by_message"]["read_bytes"]
    gone = probe.coherent()["dma"]
    fetch_table(guest, gone)
    wait_until(lambda: f"fault addr {gone:#x} " in guest.dmesg(), "the IOMMU's interrupt")


@proves("vtd-lazy")
def vtd_lazy(guest: Guest, probe: DmaProbe) -> None:
    """Intel's IOMMU translates, and what is unmapped stays for a while."""
    assert (iommu_of(guest), iommu_type(guest)) == ("dmar", "DMA-FQ")
    assert _most_mapped(guest) > 2 * 17, "no more than two transfers' pages"
    _translated(guest, probe, "dmar", "DMA-FQ")


@proves("amd-iommu")
def amd_iommu(guest: Guest, probe: DmaProbe) -> None:
    """AMD's IOMMU translates."""
    _translated(guest, probe, "ivhd", "DMA")
    _out_of_reach(guest, probe)


@proves("virtio-iommu")
def virtio_iommu(guest: Guest, probe: DmaProbe) -> None:
    """The paravirtual IOMMU translates."""
    _translated(guest, probe, "virtio", "DMA-FQ")


@proves("arm64")
def arm64(guest: Guest, probe: DmaProbe) -> None:
    """Another processor, no IOMMU, a card that snoops."""
    assert guest.run(["uname", "-m"]).text == "aarch64"
    assert iommu_of(guest) == ""
    mapped = probe.streaming()
    assert mapped["dma"] == mapped["phys"]
    assert probe.facts()["coherent"] == 1
    assert bounced_bytes(guest, lambda: there_and_back(guest)) == 0


@proves("arm64-virtio-iommu")
def arm64_virtio_iommu(guest: Guest, probe: DmaProbe) -> None:
    """Another processor behind the paravirtual IOMMU."""
    assert guest.run(["uname", "-m"]).text == "aarch64"
    _translated(guest, probe, "virtio", "DMA")  # Debian is strict on arm64, lazy on x86_64


@proves("noncoherent")
def noncoherent(guest: Guest, probe: DmaProbe) -> None:
    """The card does not snoop, coherent memory is remapped uncached, and streaming goes through bounce buffers."""
    facts = probe.facts()
    assert (facts["coherent"], facts["force_bounce"]) == (0, 1)
    assert probe.coherent()["cpu_is_vmalloc"] == 1
    # What arrives in part of a cache line goes through coherent memory: nothing else may be in the line meanwhile.
    assert bounced_bytes(guest, lambda: there_and_back(guest)) == 2 * MEGABYTE - MEGABYTE % CACHE_LINE


@proves("reserved")
def reserved(guest: Guest, probe: DmaProbe) -> None:
    """Coherent memory comes from the pool, where it is not 64 KiB aligned; the driver's table is, and inside it. Only
    without the command queue does a register tell where that is."""
    pool = range(0x50005000, 0x50005000 + 4 * MIB)
    given = probe.coherent()
    assert given["dma"] in pool
    assert given["dma_aligned"] == 0
    guest.unload_driver()
    guest.load_driver("queue=N")
    there_and_back(guest)
    table = tables(guest)[0]
    assert table in pool and table % (64 * KIB) == 0


@proves("kept")
def kept(guest: Guest, probe: DmaProbe) -> None:
    """The kernel counts these 16 MiB neither as its own nor as a device's; its memory lies around them."""
    areas = guest.run("cat /proc/iomem").text.splitlines()
    assert "18000000-18ffffff : Reserved" in areas
    assert any(area.endswith("-17ffffff : System RAM") for area in areas)
    assert any(area.startswith("19000000-") and area.endswith(" : System RAM") for area in areas)
    assert probe.streaming()["errno"] == 0
    there_and_back(guest)


@proves("cma")
def cma(guest: Guest, probe: DmaProbe) -> None:
    """100 MiB in one piece, which no other allocator has, comes from the area that the command line asked for."""
    total = guest.run("awk '/^CmaTotal/ { print $2 }' /proc/meminfo").text
    assert int(total or 0) == 128 * KIB
    before = vmstat(guest, "cma_alloc_success")
    assert probe.coherent(100 * MIB)["dma_aligned"] == 0, "it aligns to 1 MiB at most"
    assert vmstat(guest, "cma_alloc_success") == before + 1
    there_and_back(guest)


@proves("message")
def message(guest: Guest, probe: DmaProbe) -> None:
    """The card has no memory of the guest: QEMU carries out each access."""
    before = guest.card.stats()
    there_and_back(guest)
    after = guest.card.stats()
    dma = after["bridge"]["dma"]
    assert (dma["read_bytes"], dma["write_bytes"]) == (0, 0), "the card could map the guest's memory"
    more = grown(before["bridge"]["dma"]["by_message"], dma["by_message"])
    assert more["write_bytes"] == MEGABYTE + STATUS_BLOCK * (after["card"]["tables"] - before["card"]["tables"])
    assert more["read_bytes"] > MEGABYTE, "the data and the table"
    assert probe.streaming()["errno"] == 0


@proves("intx")
def intx(guest: Guest, probe: DmaProbe) -> None:
    """A level-triggered line, and nothing else."""
    sleep_at_once(guest)
    sent, counted = interrupts_sent(guest), interrupts(guest)
    there_and_back(guest)
    more = grown(sent, interrupts_sent(guest))
    # QEMU takes the first access to a register for the end of the interrupt, so a line may be signalled twice.
    assert set(more) == {"intx"} and 2 <= more["intx"] <= 4
    assert 2 <= interrupts(guest) - counted <= 4
    assert guest.run(f"ls /sys/bus/pci/devices/{probe.card}/msi_irqs", check=False).exit_code != 0


@proves("msi")
def msi(guest: Guest, probe: DmaProbe) -> None:
    """One message for all causes, and the kernel counts as many as the card."""
    sleep_at_once(guest)
    sent, counted = interrupts_sent(guest), interrupts(guest)
    there_and_back(guest)
    assert grown(sent, interrupts_sent(guest)) == {"msi": 2}
    assert interrupts(guest) == counted + 2
    assert guest.run(f"cat /sys/bus/pci/devices/{probe.card}/msi_irqs/*").text.split() == ["msi"]


@proves("smp")
def smp(guest: Guest, probe: DmaProbe) -> None:
    """Two processors, and the interrupt goes to the one that is told."""
    assert guest.run(["nproc"]).text == "2"
    sleep_at_once(guest)
    number = guest.run("awk '/prd32-ch0/ { print $1 + 0 }' /proc/interrupts").text
    for processor in (0, 1, 0):
        guest.run(f"echo {processor} > /proc/irq/{number}/smp_affinity_list")
        there_and_back(guest, 4096)  # the move takes place at the next interrupt
        before = interrupts_by_processor(guest)
        there_and_back(guest, 4096)
        more = [now - then for then, now in zip(before, interrupts_by_processor(guest), strict=True)]
        assert more == ([2, 0] if processor == 0 else [0, 2])
    assert probe.facts()["coherent"] == 1


@proves("two-cards")
def two_cards(guest: Guest, probe: DmaProbe) -> None:
    """Each has its own bytes, and counts only them."""
    assert len(card_addresses(guest)) == len(guest.cards) == 2
    sleep_at_once(guest)
    before = [card.stats()["card"] for card in guest.cards]
    sizes = (3 * 4096 + 1, 5 * 4096 + 2)
    for name in ("write", "read"):  # both are written before either is read
        for number, size in enumerate(sizes):
            result = call(guest, name, size, offset=0, seed=number + 1, device=f"/dev/prd32-{number}")
            assert result["result"] == size
            if name == "read":
                assert result["matching"] == size
    after = [card.stats()["card"] for card in guest.cards]
    moved = sorted((now["bytes_from_host"] - then["bytes_from_host"], now["bytes_to_host"] - then["bytes_to_host"],
                    now["interrupts"][0] - then["interrupts"][0]) for then, now in zip(before, after, strict=True))
    assert moved == [(size, size, 2) for size in sizes]
    assert probe.streaming()["errno"] == 0

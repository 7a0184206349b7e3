# SPDX-License-Identifier: Apache-2.0
"""The driver comes and goes: module, device, open files, in every order."""

import json

import pytest

import regmap
import where
from environments.dma_probe import card_addresses
from prd32ctl import (DEVICE, FUNCTION, MIB, MODULE, PARAMETERS, THAT_SLEEP, call, card_address, expect_interrupts,
                      expect_usable, interrupts, ports, sleep_and_wake, sleep_at_once, without_deadline)


@pytest.fixture
def bound(card):
    """The card, whose driver is loaded and bound again whatever the test did."""
    yield card
    card.run(f"test -e /sys/module/prd32 || insmod {MODULE}")
    for address in card_addresses(card):
        card.run(f"test -e {FUNCTION}/{address} || echo {address} > {FUNCTION}/bind")
    expect_usable(card)


def test_unload_while_open_is_refused(bound):
    bound.run("mkfifo /tmp/hold")
    holder = bound.start(f"exec 3<{DEVICE}; echo open > /tmp/hold; read line < /tmp/hold")
    try:
        bound.run("cat /tmp/hold")  # returns when the holder has the device open
        refused = bound.run("rmmod prd32", check=False)
        assert refused.exit_code != 0
        assert b"busy" in refused.stderr.lower() or b"unavailable" in refused.stderr.lower()
        expect_usable(bound)
    finally:
        bound.run("echo go > /tmp/hold; rm /tmp/hold")
        holder.wait(30)
    bound.run("rmmod prd32")
    assert bound.run(f"test -e {DEVICE}", check=False).exit_code != 0


@pytest.mark.timeout(600)
@pytest.mark.environments(*where.LOADS)
@pytest.mark.thorough
def test_reload_20_times(bound):
    for _ in range(20):
        bound.run(f"rmmod prd32 && insmod {MODULE}")
        expect_usable(bound)


@pytest.mark.covering
@pytest.mark.technique("bus-master")
def test_unload_leaves_nothing(bound):
    bound.run("rmmod prd32")
    left = bound.run("grep -l prd32 /proc/interrupts /proc/iomem /proc/devices /proc/modules; ls -d /sys/class/prd32",
                     check=False)
    assert left.text == ""
    for address in card_addresses(bound):
        command = bound.run(["hexdump", "-s", "4", "-n", "2", "-e", '"%04x"',
                             f"/sys/bus/pci/devices/{address}/config"]).text
        assert int(command, 16) & 0x4 == 0, "the card may still be bus master"


@pytest.mark.kmemleak
@pytest.mark.kernels("debug")
def test_a_whole_life_leaks_no_memory(bound):
    """Every allocation of the driver was made and should be gone: kmemleak looks afterwards."""
    for _ in range(3):
        expect_usable(bound)
        for address in card_addresses(bound):
            bound.run(f"echo {address} > {FUNCTION}/unbind && echo {address} > {FUNCTION}/bind")
        bound.run(f"rmmod prd32 && insmod {MODULE} chunk_kib=64 && rmmod prd32 && insmod {MODULE}")


def test_unbind_while_open(bound):
    """Files that stay open answer ENODEV, and closing the last of them is harmless."""
    address = card_address(bound)
    script = (f"exec 3<>{DEVICE}; echo {address} > {FUNCTION}/unbind; "
              "prd32ctl call read --fd 3 --offset 0 --size 4096 --json; "
              "prd32ctl call write --fd 3 --offset 0 --size 4096 --json; "
              f"echo {address} > {FUNCTION}/bind; "
              "prd32ctl call read --fd 3 --offset 0 --size 4096 --json")
    assert [json.loads(line)["errno"] for line in bound.run(script).text.splitlines()] == ["ENODEV"] * 3
    assert bound.run(f"ls {DEVICE}").text == DEVICE, "a new device, under the old name"


@pytest.mark.technique("transfer-timeout")
def test_unbind_in_mid_transfer(bound, faults):
    """The running transfer ends early; nothing is left mapped or running."""
    address = card_address(bound)
    without_deadline(bound)
    stops = bound.card.stats()["card"]["stops"]
    stall = faults.add("stall", "dma-write", after=20)
    reader = bound.start(["dd", f"if={DEVICE}", "of=/dev/null", "bs=32M"])
    stall.wait_fired()
    bound.run(f"echo {address} > {FUNCTION}/unbind")
    assert bound.card.stats()["card"]["stops"] == stops + 1
    assert reader.wait(30).exit_code != 0
    stall.clear()
    bound.run(f"echo {address} > {FUNCTION}/bind")
    expect_usable(bound)


@pytest.mark.expect_violations("prdt-align-64k")
@pytest.mark.technique("prdt-bytes", "io-ports", "prdt-align-64k")
def test_misaligned_prdt_by_hand(bound):
    """What the driver never does, done from user space: the card refuses, and the driver then finds a good card."""
    pci = card_address(bound)
    for address in (0x12340004, 0x00008000, 0xffff0001):
        report = ports(bound, pci, "refuse", "--address", hex(address))
        assert (report["error"], int(report["address"], 16), report["moved"]) == ("prdt-align-64k", address, 0)
        assert int(report["status_after"], 16) == 0
        expect_usable(bound)


@pytest.mark.expect_violations("prdt-align-64k")
def test_channels_that_are_not_used_are_quiet_too(bound):
    """What an earlier owner left on the other channel is gone once the driver is there."""
    registers, address = regmap.load(), card_address(bound)
    command, table = registers.offset("BM_COMMAND", 1), registers.offset("BM_PRDT", 1)
    base = int(ports(bound, address, "status")["io_base"], 16)
    bound.run(f"echo {address} > {FUNCTION}/unbind; echo 1 > /sys/bus/pci/devices/{address}/enable")
    for port, octal in ((base + table, "004"), (base + command, "001")):  # a bad table, and START
        bound.run(f"printf '\\{octal}' | dd of=/dev/port bs=1 count=1 seek={port} conv=notrunc 2>/dev/null")
    other = ports(bound, address, "status")["channels"][1]
    assert other["error"] and other["interrupt"]
    bound.run(f"echo 0 > /sys/bus/pci/devices/{address}/enable; echo {address} > {FUNCTION}/bind")
    other = ports(bound, address, "status")["channels"][1]
    assert not other["error"] and not other["interrupt"]


@pytest.mark.environments(*THAT_SLEEP)
def test_sleep(bound):
    """The system goes to sleep, as far as its devices do, and wakes up; then transfers still end by an interrupt."""
    sleep_at_once(bound)
    call(bound, "write", MIB, offset=0, seed=3)
    sleep_and_wake(bound)
    before = interrupts(bound)
    assert call(bound, "read", MIB, offset=0, seed=3)["matching"] == MIB
    expect_interrupts(bound, before, 1)


@pytest.mark.environments(*where.USER)
def test_module_parameters(bound):
    bound.run("rmmod prd32")
    for parameters in ("timeout_ms=1 chunk_kib=64", "timeout_ms=600000 chunk_kib=262144"):
        bound.run(f"insmod {MODULE} {parameters}")
        for word in parameters.split():
            name, value = word.split("=")
            assert bound.run(["cat", f"{PARAMETERS}/{name}"]).text == value
        bound.run("rmmod prd32")


@pytest.mark.environments(*where.USER)
def test_bad_module_parameters(bound):
    bound.run("rmmod prd32")
    for parameter, values in {
            "timeout_ms": ("0", "600001", "-1"), "chunk_kib": ("63", "262145", "lots"), "spin_us": ("1001", "-1"),
            "defer_us": ("10001", "-1"),
            "spin_kib": ("-1", "few"), "disk_mib": ("-2", "half"), "poll_queues": ("-1", "all"),
            "writeback": ("perhaps",)}.items():
        for value in values:
            assert bound.run(f"insmod {MODULE} {parameter}={value}", check=False).exit_code != 0, (parameter, value)


def test_short_timeout_is_an_error_not_a_crash(bound):
    """With the shortest deadline a transfer may or may not make it; whichever it says must be true."""
    call(bound, "write", 32 * MIB, offset=0, seed=6)
    bound.run(f"echo 1 > {PARAMETERS}/timeout_ms")
    try:
        for _ in range(10):
            result = call(bound, "read", 32 * MIB, offset=0, seed=6)
            assert result["errno"] == "ETIMEDOUT" or result["matching"] == result["result"] > 0
    finally:
        bound.run(f"echo 10000 > {PARAMETERS}/timeout_ms")
    expect_usable(bound)

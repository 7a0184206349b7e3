# SPDX-License-Identifier: Apache-2.0
"""The driver comes and goes: module, device, open files, in every order."""

import json

import pytest

from prd32ctl import DEVICE, FUNCTION, MIB, MODULE, PARAMETERS, ctl, expect_usable, interrupts, wait_until


@pytest.fixture
def bound(card):
    """The card, whose driver is loaded and bound again whatever the test did."""
    yield card
    card.run(f"test -e /sys/module/prd32 || insmod {MODULE}")
    address = _address(card)
    card.run(f"test -e {FUNCTION}/{address} || echo {address} > {FUNCTION}/bind")
    expect_usable(card)


def _address(card) -> str:
    """The PCI address of the card, whether or not its driver is there."""
    return ctl(card, "ports", "status")["pci"]


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
def test_reload_20_times(bound):
    for _ in range(20):
        bound.run(f"rmmod prd32 && insmod {MODULE}")
        expect_usable(bound)


def test_unload_leaves_nothing(bound):
    bound.run("rmmod prd32")
    left = bound.run("grep -l prd32 /proc/interrupts /proc/iomem /proc/devices /proc/modules; ls -d /sys/class/prd32",
                     check=False)
    assert left.text == ""
    command = bound.run(["hexdump", "-s", "4", "-n", "2", "-e", '"%04x"',
                         f"/sys/bus/pci/devices/{_address(bound)}/config"]).text
    assert int(command, 16) & 0x4 == 0, "the card may still be bus master"


def test_unbind_while_open(bound):
    """Files that stay open answer ENODEV, and closing the last of them is harmless."""
    address = _address(bound)
    script = (f"exec 3<>{DEVICE}; echo {address} > {FUNCTION}/unbind; "
              "prd32ctl call read --fd 3 --offset 0 --size 4096 --json; "
              "prd32ctl call write --fd 3 --offset 0 --size 4096 --json; "
              f"echo {address} > {FUNCTION}/bind; "
              "prd32ctl call read --fd 3 --offset 0 --size 4096 --json")
    for line in bound.run(script).text.splitlines():
        assert json.loads(line)["errno"] == "ENODEV"
    assert bound.run(f"ls {DEVICE}").text == DEVICE, "a new device, under the old name"


@pytest.mark.card_memory("512M")
def test_unbind_in_mid_transfer(bound):
    """The running transfer ends early; nothing is left mapped or running."""
    address = _address(bound)
    stops = bound.card.stats()["card"]["stops"]
    for _ in range(50):
        before = interrupts(bound)
        # After the first read its memory is there, and nearly all of the time goes to the card.
        reader = bound.start(f"while dd if={DEVICE} of=/dev/null bs=32M 2>/dev/null; do :; done")
        wait_until(lambda: interrupts(bound) > before + 4, "the reader works")
        bound.run(f"echo {address} > {FUNCTION}/unbind")
        reader.wait(30)
        bound.run(f"echo {address} > {FUNCTION}/bind")
        expect_usable(bound)
        if bound.card.stats()["card"]["stops"] > stops:
            return
    pytest.fail("in 50 attempts none met a running engine")


@pytest.mark.expect_violations("prdt-align-64k")
def test_misaligned_prdt_by_hand(bound):
    """What the driver never does, done from user space: the card refuses, and the driver then finds a good card."""
    for address in (0x12340004, 0x00008000, 0xffff0001):
        report = ctl(bound, "ports", "refuse", "--address", hex(address))
        assert (report["error"], int(report["address"], 16), report["moved"]) == ("prdt-align-64k", address, 0)
        assert int(report["status_after"], 16) == 0
        expect_usable(bound)


@pytest.mark.parametrize("parameters, good", [
    ("timeout_ms=1 chunk_kib=64", True), ("timeout_ms=600000 chunk_kib=262144", True),
    ("timeout_ms=0", False), ("timeout_ms=600001", False), ("timeout_ms=-1", False),
    ("chunk_kib=63", False), ("chunk_kib=262145", False), ("chunk_kib=lots", False)])
def test_module_parameters(bound, parameters, good):
    bound.run("rmmod prd32")
    loaded = bound.run(f"insmod {MODULE} {parameters}", check=False).exit_code == 0
    assert loaded == good
    if good:
        for word in parameters.split():
            name, value = word.split("=")
            assert bound.run(["cat", f"{PARAMETERS}/{name}"]).text == value
        bound.run("rmmod prd32")


def test_short_timeout_is_an_error_not_a_crash(bound):
    """With the shortest deadline a transfer may or may not make it; whichever it says must be true."""
    bound.run(f"echo 1 > {PARAMETERS}/timeout_ms")
    try:
        for _ in range(10):
            result = ctl(bound, "call", "read", "--offset", "0", "--size", str(32 * MIB))
            assert result["errno"] == "ETIMEDOUT" or result["result"] > 0
    finally:
        bound.run(f"echo 10000 > {PARAMETERS}/timeout_ms")
    expect_usable(bound)

# SPDX-License-Identifier: Apache-2.0
"""prd32ctl, command by command: what it does, what it says to machines, how it ends when something is wrong.

call, roundtrip, put, get, ports and memory are what the other tests are made of, and tested with them.
"""

import json

import pytest

from prd32ctl import DEVICE, KIB, MIB, call, card_address, ctl, memory_size, wait_until

pytestmark = pytest.mark.environments("direct", "arm64")  # what a user sees does not depend on how bytes travel

DONE, FAILED, USAGE, NO_CARD, NOT_PERMITTED = range(5)


def ends(guest, status: int, *words: object) -> dict:
    """prd32ctl ends with this status and says why: as JSON, and in words on standard error."""
    ended = guest.run(["prd32ctl", *map(str, words), "--json"], check=False)
    assert ended.exit_code == status, ended
    found = json.loads(ended.stdout)
    assert found["status"] == status and found["error"] in ended.stderr.decode()
    return found


def test_info(card):
    info = ctl(card, "info")
    assert (info["device"], info["pci"], info["id"]) == (DEVICE, card_address(card), "1234:3270")
    assert info["memory_bytes"] == memory_size(card)
    assert info["limits"]["channels"] == 2 and info["uapi_version"] >= 1
    assert info["parameters"]["timeout_ms"] == "10000"
    assert "memory_bytes:" in card.run("prd32ctl info").text


def test_write_and_read(card):
    assert ctl(card, "write", "--offset", 4096, "--hex", "de ad BEef")["bytes"] == 4
    assert ctl(card, "write", "--offset", 4100, "--text", "hello")["bytes"] == 5
    found = ctl(card, "read", "--offset", 4096, "--size", 9)
    assert bytes.fromhex(found["data"]) == b"\xde\xad\xbe\xefhello"
    dump = card.run("prd32ctl read --offset 4096 --size 9").text
    assert dump.startswith("00001000  de ad be ef 68 65 6c 6c 6f") and dump.endswith("....hello")


def test_write_from_a_pipe_and_read_into_one(card):
    size = 3 * MIB + 5
    card.run(f"head -c {size} /dev/urandom >/tmp/given && prd32ctl write --offset 7 --input - </tmp/given && "
             f"prd32ctl read --offset 7 --size {size} --output - >/tmp/taken && cmp /tmp/given /tmp/taken")
    card.run("prd32ctl verify --offset 7 --file /tmp/given; rm /tmp/given /tmp/taken")


def test_fill_is_verified(card):
    assert ctl(card, "fill", "--offset", 100, "--size", "5M", "--seed", 9)["bytes"] == 5 * MIB
    assert call(card, "read", 4096, offset=100, seed=9)["matching"] == 4096, "it is the pattern that call knows"
    assert ctl(card, "verify", "--offset", 100, "--size", "5M", "--seed", 9)["wrong"] == 0
    ctl(card, "write", "--offset", 5000, "--hex", f"{0xff ^ _byte(card, 5000):02x}")
    found = card.run("prd32ctl verify --offset 100 --size 5M --seed 9 --json", check=False)
    assert found.exit_code == FAILED
    result = json.loads(found.stdout)
    assert (result["wrong"], result["first_wrong"][0]["offset"]) == (1, 5000)
    assert b"1 of 5242880 bytes are wrong" in card.run("prd32ctl verify --offset 100 --size 5M --seed 9",
                                                       check=False).stdout


def _byte(guest, offset: int) -> int:
    return int(ctl(guest, "read", "--offset", offset, "--size", 1)["data"], 16)


def test_fill_with_a_byte(card):
    ctl(card, "fill", "--offset", 8192, "--size", 4096, "--byte", 0x5a)
    assert ctl(card, "read", "--offset", 8192, "--size", 4096)["data"] == "5a" * 4096
    assert ctl(card, "verify", "--offset", 8192, "--size", 4096, "--byte", 0x5a)["wrong"] == 0


@pytest.mark.parametrize("memory", ["user", "coherent", "write-combine", "cached"])
def test_bench(card, memory):
    """Every point was measured, with bytes that the card really moved, outside of the areas of others."""
    ctl(card, "fill", "--size", "64K", "--seed", 3)
    before = card.card.stats()["card"]
    found = ctl(card, "bench", "--sizes", "4K,64K", "--depths", "1,3", "--seconds", 0.05, "--memory", memory)
    after = card.card.stats()["card"]
    points = {(point["direction"], point["size"], point["depth"]): point for point in found["points"]}
    assert points.keys() == {(direction, size, depth) for direction in ("read", "write")
                             for size in (4 * KIB, 64 * KIB) for depth in (1, 3)}
    for key, name in (("read", "bytes_to_host"), ("write", "bytes_from_host")):
        moved = sum(point["size"] * point["requests"] for point in points.values() if point["direction"] == key)
        assert after[name] - before[name] == moved
    for point in points.values():
        latency = point["latency_us"]
        assert 0 < latency["min"] <= latency["median"] <= latency["p99"] <= latency["max"]
    assert [copy["size"] for copy in found["memcpy"]] == [4 * KIB, 64 * KIB]


def test_bench_as_a_table(card):
    lines = card.run("prd32ctl bench --sizes 4K --depths 1 --seconds 0.02 --direction read").text.splitlines()
    assert "of memcpy" in lines[0] and lines[1].split()[:3] == ["read", "4096", "1"] and len(lines) == 2


def test_watch(card):
    """Reports come while transfers run, and what they count is what was moved."""
    watching = card.start("prd32ctl watch --interval 0.2 --count 10 --json")
    moved = 0
    while (ended := watching.poll()) is None:
        moved += call(card, "write", 64 * KIB, offset=0)["result"]
    reports = [json.loads(line) for line in ended.check().stdout.splitlines()]
    assert len(reports) == 10
    seen = sum(channel["since"]["bytes_from_host"] for report in reports for channel in report["channels"])
    assert 0 < seen <= moved
    total = sum(channel["total"]["bytes_from_host"] for channel in reports[-1]["channels"])
    before = sum(channel["total"]["bytes_from_host"] - channel["since"]["bytes_from_host"]
                 for channel in reports[0]["channels"])
    assert total - before == seen


def test_addresses(card):
    folder = f"/sys/kernel/debug/prd32/{card_address(card)}"
    # Somebody has buffers: bench does, and goes on for longer than this test.
    busy = card.start("prd32ctl bench --sizes 64K --depths 2 --direction read --memory cached --seconds 600")
    try:
        wait_until(lambda: len(ctl(card, "addresses")["buffers"]) == 2, "two buffers")
        found = ctl(card, "addresses", "--all")
    finally:
        busy.kill()
        busy.wait(30)
    assert found["debugfs"] == folder
    for buffer in found["buffers"]:
        assert (buffer["kind"], buffer["length"]) == ("cached", 64 * KIB)
        for view in ("processor", "card"):
            assert sum(piece["size"] for piece in buffer[view]) == 64 * KIB
    assert ctl(card, "addresses")["buffers"] == [], "the file is closed"
    assert any(line.startswith("channel 0") for line in found["channels"])
    assert any(line.startswith("ID ") for line in found["registers"])


def test_reset_keeps_the_content(card):
    ctl(card, "fill", "--size", "64K", "--seed", 5)
    assert _queue_addresses(card) - {0}, "of the transfers before"
    ctl(card, "reset")
    assert _queue_addresses(card) == {0}
    assert ctl(card, "verify", "--size", "64K", "--seed", 5)["wrong"] == 0


def _queue_addresses(guest) -> set[int]:
    """What the channels' registers hold."""
    lines = [line.split() for line in ctl(guest, "addresses", "--all")["registers"]]
    return {int(value, 16) for name, value in lines if name.endswith(".QUEUE_BASE")}


def test_wrong_usage(card):
    size = memory_size(card)
    assert card.run("prd32ctl", check=False).exit_code == USAGE
    assert card.run("prd32ctl fill", check=False).exit_code == USAGE
    assert card.run("prd32ctl write --hex 12 --text a", check=False).exit_code == USAGE
    assert "digit" in ends(card, USAGE, "write", "--hex", "xy")["error"]
    assert str(size) in ends(card, USAGE, "fill", "--offset", size, "--size", 1)["error"]
    assert str(size) in ends(card, USAGE, "read", "--offset", size - 1, "--size", 2)["error"]
    assert "depth" in ends(card, USAGE, "bench", "--depths", 0)["error"]


def test_no_card(card):
    found = ends(card, NO_CARD, "info", "--device", "/dev/prd32-9")
    assert found["errno"] == "ENOENT" and DEVICE in found["error"], "it says which there are"
    assert "no prd32 card" in ends(card, NO_CARD, "fill", "--size", 1, "--device", "/dev/null")["error"]


def test_help_of_every_command(card):
    text = card.run("prd32ctl --help").text
    commands = [line.split()[0] for line in text.partition("Subcommands:")[2].splitlines() if line.startswith("  ")]
    assert {"info", "read", "write", "fill", "verify", "bench", "watch", "reset", "addresses"} <= set(commands)
    for command in commands:
        assert "Usage:" in card.run(["prd32ctl", command, "--help"]).text


def test_no_module(bare_card):
    found = ends(bare_card, NO_CARD, "info")
    assert "modprobe prd32" in found["error"]


def test_not_permitted(card):
    """A user who is not of the device's group is told which group that is."""
    card.run(f"grep -q plugdev /etc/group || echo plugdev:x:46: >>/etc/group; chgrp 46 {DEVICE}; chmod 660 {DEVICE}")
    try:
        refused = card.run("grep -q nobody /etc/passwd || echo nobody:x:65534:65534::/:/bin/sh >>/etc/passwd; "
                           "su nobody -c 'prd32ctl info'", check=False)
        assert refused.exit_code == NOT_PERMITTED and b"adduser USER plugdev" in refused.stderr, refused
        refused = card.run(f"su nobody -c 'prd32ctl memory read --pci {card_address(card)} --size 8'", check=False)
        assert refused.exit_code == NOT_PERMITTED, refused
    finally:
        card.run(f"chgrp 0 {DEVICE}; chmod 600 {DEVICE}")


def test_put_takes_no_pipe(card):
    """Its size is not known, so that nothing would be moved, and nobody told."""
    refused = card.run("mkfifo /tmp/pipe && prd32ctl put /tmp/pipe <>/tmp/pipe", check=False)
    assert refused.exit_code == USAGE and b"write --input" in refused.stderr, refused


def test_what_is_no_card_is_not_written_to(card):
    """A card's disk is one letter away from the card."""
    card.run("head -c 4096 /dev/urandom >/tmp/given; head -c 4096 /dev/prd32b0 >/tmp/before")
    for words in (["put", "/tmp/given"], ["get", "/tmp/taken", "--size", 8], ["roundtrip", "--size", 8],
                  ["call", "write", "--size", 8]):
        assert "no prd32 card" in ends(card, NO_CARD, *words, "--device", "/dev/prd32b0")["error"]
    card.run("head -c 4096 /dev/prd32b0 | cmp - /tmp/before && rm /tmp/given /tmp/before")


@pytest.mark.expect_violations("data-write")
def test_who_gets_less_asks_for_the_rest(card, faults):
    """An error in the middle ends a read() early, and only the next one tells whether it has passed."""
    ctl(card, "fill", "--size", "1M", "--seed", 4)
    rule = faults.add("abort", "dma-write", channel=0, prd_index=3)
    assert ctl(card, "verify", "--size", "1M", "--seed", 4)["wrong"] == 0
    rule.wait_fired()


def test_more_than_card_memory_takes(card):
    last = memory_size(card) - 4
    refused = card.run(f"printf 12345678 | prd32ctl write --offset {last} --input - --json", check=False)
    assert refused.exit_code == FAILED
    found = json.loads(refused.stdout)
    assert found["errno"] == "ENOSPC" and "ends after 4" in found["error"]
    assert ctl(card, "read", "--offset", last, "--size", 4)["data"] == b"1234".hex()


def test_a_name_that_is_no_utf_8(card):
    refused = card.run("prd32ctl info --json --device $(printf '/dev/\\351')", check=False)
    assert refused.exit_code == NO_CARD and json.loads(refused.stdout)["errno"] == "ENOENT"


def test_an_empty_name_is_no_name(card):
    for words in (["verify", "--file"], ["read", "--output"], ["write", "--input"]):
        refused = card.run(["prd32ctl", *words, ""], check=False)
        assert refused.exit_code == USAGE and b"empty" in refused.stderr, refused


def test_sizes_as_people_write_them(card):
    ctl(card, "call", "write", "--size", "4K,1K", "--offset", "64K", "--seed", 3)
    assert ctl(card, "call", "read", "--size", 5 * KIB, "--offset", 64 * KIB, "--seed", 3)["matching"] == 5 * KIB
    ctl(card, "fill", "--size", "4K", "--byte", 0)
    ctl(card, "write", "--offset", "0x2b", "--hex", "11")  # the b is a digit
    ctl(card, "write", "--offset", "0100", "--hex", "22")  # and this is no octal number
    assert ctl(card, "read", "--size", "0x80")["data"] == (bytes(43) + b"\x11" + bytes(56) + b"\x22" + bytes(27)).hex()
    most = 2 ** 64 - 1
    for wrong in ("-1", "1e3", "0x", "0x1K", "K", "", str(most + 1), "16777216T"):
        refused = card.run(["prd32ctl", "read", "--offset", wrong], check=False)
        assert refused.exit_code == USAGE and b"bytes" in refused.stderr, refused


def test_sizes_that_wrap_around(card):
    most = 2 ** 64 - 1
    assert "memory" in ends(card, USAGE, "roundtrip", "--size", most)["error"]
    assert "memory" in ends(card, USAGE, "call", "read", "--size", f"{most},8")["error"]
    assert "memory" in ends(card, USAGE, "memory", "write", "--pci", card_address(card), "--offset", most - 7,
                            "--size", 16)["error"]

# SPDX-License-Identifier: Apache-2.0
"""What the command line makes of the card: profiles, a link's time, waveforms."""

import re

import pytest

import regmap
from protocol.guest_memory import BASE, MAP, GuestMemory, read_register, table, transfer
from protocol.vfio_user import Client
from testbed.card import CardError, CardProcess

_KIB_64 = 0x10000


def refused(device: CardProcess, folder, *words: str) -> str:
    """What the program says when it does not take this command line."""
    with pytest.raises(CardError, match="ended before it was ready"):
        CardProcess(device.binary, folder / "refused", extra_args=words).start()
    return (folder / "refused" / "card.log").read_text()


def capability(client: Client, field: str) -> int:
    found = MAP.register("CAPS").field(field)
    return (read_register(client, "CAPS") & found.mask) >> found.lsb


@pytest.mark.parametrize("profile", [pytest.param(profile, marks=pytest.mark.device_options("--profile", profile.name),
                                                  id=profile.name) for profile in MAP.profiles])
def test_profile_by_name(client, profile):
    for field in ("granule_log2", "entries_log2", "prdt_align_log2"):
        assert capability(client, field.upper()) == getattr(profile, field)
    for extension in regmap.regmap_rules.EXTENSIONS:
        assert capability(client, extension) == (extension in profile.extensions)


def test_profile_in_a_file(device, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('based_on = "seed"\ngranule_log2 = 3\n[rules]\nprd-count-zero = "error"\n')
    with CardProcess(device.binary, tmp_path / "other", extra_args=["--profile", str(file)]) as card:
        with Client(card.socket) as client:
            assert [capability(client, field) for field in ("GRANULE_LOG2", "ZERO_REFUSED", "CYCLIC")] == [3, 1, 0]


def test_profile_that_is_none(device, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('based_on = "strict"\n[rules]\nprdt-fetch = "ignore"\n')
    said = refused(device, tmp_path, "--profile", str(file))
    assert "--profile" in said and "mine.toml:3" in said
    assert "strict, sff8038i, seed" in refused(device, tmp_path, "--profile", "sff8038")


def bytes_per_second(card: CardProcess, *, to_host: bool) -> float:
    """Of a long transfer, in simulated time."""
    with Client(card.socket) as client, GuestMemory(client) as memory:
        memory.put(BASE, table([(memory.data, _KIB_64)] * 256))
        before = card.stats()["simulated_ns"]
        transfer(client, BASE, to_host=to_host)
        return 256 * _KIB_64 / (card.stats()["simulated_ns"] - before) * 1e9


@pytest.mark.device_options("--link", "gen=1,lanes=1")
def test_link_has_its_own_time(device):
    """docs/datasheet.md has the formulas; the slices that time passes in add a little."""
    assert bytes_per_second(device, to_host=True) == pytest.approx(250e6 * 256 / 276, rel=0.01)
    assert bytes_per_second(device, to_host=False) == pytest.approx(250e6 * 64 / 84, rel=0.01)


def test_without_a_link_time_is_nominal(device):
    assert bytes_per_second(device, to_host=True) == pytest.approx(1e9 * _KIB_64 / (_KIB_64 + 100), rel=0.01)


@pytest.mark.parametrize("link, why", [("gen=6", "1..5"), ("lanes=3", "lanes"), ("mps", "mps"), ("speed=3", "speed=3"),
                                       ("rcb=32", "64"), ("reads=0", "reads")])
def test_link_that_is_none(device, tmp_path, link, why):
    said = refused(device, tmp_path, "--link", link)
    assert "--link" in said and why in said


def test_waveform(device, tmp_path):
    """A VCD with the card's states, in which a transfer shows."""
    file = tmp_path / "card.vcd"
    with CardProcess(device.binary, tmp_path / "other", extra_args=["--wave", str(file)]) as card:
        bytes_per_second(card, to_host=True)
    head, _, body = file.read_text().partition("$enddefinitions")
    names = dict(re.findall(r"\$var wire +\d+ +(\S+) +(\S+)", head))
    moved = next(code for code, name in names.items() if name.startswith("MOVED_0"))
    values = [int(bits, 2) for bits in re.findall(rf"^b([01]+) {re.escape(moved)}$", body, re.MULTILINE)]
    assert max(values) == 256 * _KIB_64 and len(values) > 2, "it grows while the transfer runs"
    assert "Info:" not in card.log_tail(), "SystemC's own words do not belong into the log"


@pytest.mark.parametrize("file, why", [("card.fst", "does not end in .vcd"), ("no/such/card.vcd", "No such file")])
def test_waveform_that_cannot_be_written(device, tmp_path, file, why):
    said = refused(device, tmp_path, "--wave", str(tmp_path / file))
    assert file in said and why in said

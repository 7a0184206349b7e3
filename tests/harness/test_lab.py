# SPDX-License-Identifier: Apache-2.0
"""Every test gets a guest that nobody has touched, quickly, and nothing of it stays behind."""

import fcntl
import os
import select
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import environment, places, snapshot
from testbed.accelerator import Accelerator
from testbed.card import CardError
from testbed.errors import TestbedError
from testbed.kernels import Kernel
from testbed.machine import GuestSpec
from testbed.qemu import Qemu

DIRECT = pytest.mark.environments("direct")  # what is shown of guests is shown in one environment
GUESTS = 8
DEVICE = "/dev/prd32-0"


# Snapshots: what they are made from and what becomes of bad ones. No guest is needed for it.

@pytest.fixture
def spec(tmp_path) -> GuestSpec:
    for name in ("initramfs", "qemu", "image"):
        (tmp_path / name).write_text(name)
    kernel = Kernel("6.12", "x86_64", "6.12.0", tmp_path / "image", tmp_path / "image", None, "build", Path("/usr/src"),
                    None, "a key")
    return GuestSpec(environment.everything()["direct"], Qemu((str(tmp_path / "qemu"),), "11.1.3", "here"),
                     Accelerator("tcg", "a test"), kernel, tmp_path / "initramfs", "/opt/prd32/prd32.ko")


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """Snapshots are written by hand here; this lists what was made, by cell and RAM."""
    names = []

    def make(spec: GuestSpec, _folder: Path, path: Path) -> None:
        with path.open("wb") as file:
            file.seek(1 << 24)
            file.write(b"the guest's memory" * 9000)
            file.truncate(1 << 26)
        names.append(f"{spec.cell_name} {spec.ram}")

    monkeypatch.setattr(snapshot, "_make", make)
    return names


@pytest.fixture
def take(tmp_path) -> Iterator[Callable[[GuestSpec], snapshot.Snapshot]]:
    """Takes snapshots from a shelf of this test's own."""
    with ExitStack() as stack:
        def from_shelf(spec: GuestSpec) -> snapshot.Snapshot:
            return stack.enter_context(closing(snapshot.get(spec, tmp_path / "boot", tmp_path / "shelf")))

        yield from_shelf


@pytest.mark.parametrize("changes", [
    {"qemu": Qemu(("qemu",), "11.1.3", "here")}, {"qemu": Qemu(("qemu",), "11.1.4", "here")},
    {"accelerator": Accelerator("kvm", "")}, {"driver": "/opt/prd32/other.ko"}, {"memory": "513M"},
    {"append": "quiet"}, {"needs": ("crc7",)}, {"parameters": "disk_mib=0"}],
    ids=lambda changes: next(iter(changes)))
def test_snapshot_of_another_guest_is_another(spec, changes):
    assert snapshot.key(replace(spec, **changes)) != snapshot.key(spec)


@pytest.mark.parametrize("changes", [
    {"memory": "1G"}, {"cpus": 2}, {"machine": "hpet=off"}, {"qemu": ("-device", "virtio-iommu-pci")},
    {"append": "swiotlb=force"}, {"modules": ("virtio_iommu",)}, {"iommu_type": "DMA-FQ"}, {"cards": 2},
    {"shared_memory": False}], ids=lambda changes: next(iter(changes)))
def test_snapshot_of_another_environment_is_another(spec, changes):
    other = replace(spec, environment=replace(spec.environment, **changes))
    assert snapshot.key(other) != snapshot.key(spec)


def test_snapshot_with_other_contents_is_another(spec):
    before = snapshot.key(spec)
    assert snapshot.key(replace(spec, kernel=replace(spec.kernel, key="another"))) != before
    spec.initramfs.write_text("another")
    after = snapshot.key(spec)
    assert after != before
    Path(spec.qemu.argv[0]).write_text("another version under the same name")
    assert snapshot.key(spec) != after


def test_what_the_guest_does_not_see_is_not_in_the_key(spec):
    other = replace(spec, patience=60.0, environment=replace(spec.environment, card=("--no-msix",), why="another"))
    assert snapshot.key(other) == snapshot.key(spec)


def test_snapshot_is_made_once(spec, made, take):
    assert take(spec).path == take(spec).path
    assert made == ["direct/6.12 512M"]


def test_two_runs_make_it_once(spec, made, take, monkeypatch):
    begun, make = threading.Event(), snapshot._make

    def slowly(*words) -> None:
        begun.set()
        assert not second.wait(0.3), "the second run did not wait for the first"
        make(*words)

    second = threading.Event()
    monkeypatch.setattr(snapshot, "_make", slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(take, spec)
        assert begun.wait(10)
        path = take(spec).path
        second.set()
        assert first.result().path == path
    assert len(made) == 1


@pytest.mark.parametrize("damage", [
    lambda file: file.truncate(1 << 20),
    lambda file: file.truncate((1 << 26) - 1),
    lambda file: os.pwrite(file.fileno(), b"\1", (1 << 24) + 70000),
    lambda file: os.pwrite(file.fileno(), b"\1", (1 << 26) - 1)],
    ids=["half written", "a byte short", "changed", "written where nothing was"])
def test_damaged_snapshot_is_made_again(spec, made, take, damage):
    with closing(take(spec)) as first:
        with first.path.open("r+b") as file:
            damage(file)
    path = take(spec).path
    assert path == first.path
    assert len(made) == 2
    assert snapshot.digest(path) in path.name


def test_old_snapshots_go(spec, made, take, tmp_path):
    others = take(replace(spec, memory="1G")).path
    paths = []
    for word in "123":
        with closing(take(replace(spec, append=word))) as taken:
            paths.append(taken.path)
    assert set((tmp_path / "shelf").glob("*.snapshot")) == {others, *paths[1:]}
    assert not list((tmp_path / "shelf").glob("*.part"))


def test_snapshot_in_use_stays(spec, made, take):
    """However many others of its cell and RAM are made; and a program that was started meanwhile does not hold it."""
    mine = take(spec)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False):
        for word in "123":
            take(replace(spec, append=word)).close()
            assert mine.path.exists()
        mine.close()
        take(replace(spec, append="4")).close()
        assert not mine.path.exists()
    assert len(made) == 5


def test_damaged_snapshot_in_use_stays(spec, made, take):
    """A guest that is being restored from it still finds the file."""
    mine = take(spec)
    damaged = mine.path.rename(mine.path.with_name(f"direct-6.12-512M-{snapshot.key(spec)}-0123456789abcdef.snapshot"))
    assert take(spec).path.exists() and damaged.exists()
    assert len(made) == 2


def test_snapshot_that_fails_leaves_nothing(spec, monkeypatch, tmp_path):
    def fail(_spec: GuestSpec, _folder: Path, path: Path) -> None:
        path.write_text("half of it")
        raise TestbedError("QEMU cannot")

    monkeypatch.setattr(snapshot, "_make", fail)
    with pytest.raises(TestbedError, match="QEMU cannot"):
        snapshot.get(spec, tmp_path / "boot", tmp_path / "shelf")
    assert [path.suffix for path in (tmp_path / "shelf").iterdir()] == [".lock"]


# Guests.

@DIRECT
def test_guests_know_nothing_of_each_other(lab):
    seen = []
    for _ in range(2):
        with lab.fresh() as station:
            guest = station.guest
            assert station.how == "restored"
            assert guest.run("ls /tmp /root /dev/shm").stdout.split() == [b"/dev/shm:", b"/root:", b"/tmp:"]
            assert guest.run(["cat", "/sys/module/prd32/parameters/timeout_ms"]).text == "10000"
            assert not guest.run(f"head -c 65536 {DEVICE} | tr -d '\\0'").stdout, "card memory is not zero"
            assert abs(float(guest.run(["date", "+%s"]).text) - time.time()) < 30, "the guest's clock"
            seen.append(guest.run("head -c 16 /dev/urandom | hexdump").text)
            guest.run(f"echo here | tee /tmp/a /root/b /dev/shm/c; yes | dd of={DEVICE} bs=64k count=1; "
                      "echo 1 >/sys/module/prd32/parameters/timeout_ms")
    assert seen[0] != seen[1], "two guests draw the same random numbers"


@DIRECT
def test_snapshot_is_held_between_guests(lab, workshop, cell):
    """Other runs make snapshots of the same cell and RAM meanwhile."""
    with lab.fresh(cards=0):
        pass
    # An environment that differs by its card alone (msi) has the same key.
    path, = (places.cache() / "snapshots").glob(f"{cell.file_name}-*-{snapshot.key(workshop.guest(cell))}-*.snapshot")
    with path.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@DIRECT
def test_guest_without_driver_or_card(lab):
    with lab.fresh(driver=False) as station:
        assert station.guest.run("grep prd32 /proc/modules", check=False).text == ""
        assert "0x3270" in station.guest.run("cat /sys/bus/pci/devices/*/device").text
        station.guest.load_driver()
        assert station.guest.run(["ls", DEVICE]).text == DEVICE
    with lab.fresh(cards=0) as station:
        assert station.guest.cards == []
        assert "0x3270" not in station.guest.run("cat /sys/bus/pci/devices/*/device").text


@DIRECT
def test_card_that_no_driver_takes_is_told(lab):
    with lab.fresh(driver=False) as station, pytest.raises(TestbedError, match="no driver took the card 0000:01:00.0"):
        station.guest.await_cards(driver=True)


@DIRECT
def test_card_that_nobody_sees_is_told(lab, monkeypatch):
    monkeypatch.setattr("testbed.guest._PLUG_SECONDS", 1.0)
    with lab.fresh(driver=False) as station:
        station.guest.cards.append(station.guest.card)
        with pytest.raises(TestbedError, match="not done with the card after 1 s"):
            station.guest.await_cards(driver=False)
        station.guest.cards.pop()


@DIRECT
def test_card_that_died_is_reported_and_nothing_stays(lab):
    before = _children()
    with pytest.raises(CardError, match="-11"):
        with lab.fresh() as station:
            assert len(_children() - before) == 2, "QEMU and a card"
            os.kill(station.guest.card.pid, signal.SIGSEGV)
    assert _children() == before


@DIRECT
def test_nothing_stays_of_a_process_that_is_killed(workshop, tmp_path):
    workshop.save(tmp_path / "workshop")
    script = """if True:
        import pathlib, sys
        from testbed import environment
        from testbed.lab import Lab
        from testbed.workshop import Workshop
        folder = pathlib.Path(sys.argv[1])
        lab = Lab(Workshop.load(folder / "workshop"), environment.cell("direct"), folder)
        with lab, lab.fresh() as station:
            print(station.guest.card.pid, station.guest.pid, flush=True)
            sys.stdin.read()"""
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          cwd=places.TOP / "tests") as process:
        watched = [os.pidfd_open(int(word)) for word in process.stdout.readline().split()]
        assert len(watched) == 2
        process.kill()
        for pidfd in watched:
            assert select.select([pidfd], [], [], 10)[0], "a process is still there"
            os.close(pidfd)


@DIRECT
def test_figures(lab, capsys, record_property):
    """No figure is judged: they depend on the machine. They are shown."""
    began, seconds = time.monotonic(), []
    for _ in range(GUESTS):
        with lab.fresh() as station:
            seconds.append(station.seconds)
    whole = (time.monotonic() - began) / GUESTS
    text = f"{statistics.median(seconds):.2f} s at the median, {max(seconds):.2f} s at most, {whole:.2f} s with its end"
    record_property("fresh_guest_seconds", f"{statistics.median(seconds):.3f}")
    with capsys.disabled():
        print(f"\na fresh guest with card and driver ({station.how}, {GUESTS} of them): {text}")


def _children() -> set[str]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(words[1]) == os.getpid():
            found.add(path.parent.name)
    return found

# SPDX-License-Identifier: Apache-2.0
"""The lock of the guest's packages: what is locked is what is unpacked, and what does not fit is refused.

The archive here is a folder that apt reads, with packages that are made on the spot: no network is used.
"""

import hashlib
import shutil
from pathlib import Path

import pytest

from testbed import command, debarchive, debroot, lockfile, places, rootlock
from testbed.debarchive import Package
from testbed.errors import TestbedError

_DATE = "20260101T000000Z"


def _quiet(_text: str) -> None:
    """What is fetched here is not worth telling."""


class Archive:
    """A small archive: a pool, and the lock that answers to a roots.toml of its own."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.locks: dict[str, rootlock.RootLock] = {}

    def package(self, name: str, files: dict[str, str], version: str = "1") -> Package:
        """Makes a package with these files."""
        tree = self.top / "trees" / f"{name}-{version}"
        control = tree / "DEBIAN" / "control"
        control.parent.mkdir(parents=True)
        control.write_text(f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
                           "Maintainer: a test <a@example.org>\nDescription: a test\n")
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text)
        path = f"pool/main/{name}_{version}_all.deb"
        (self.top / path).parent.mkdir(parents=True, exist_ok=True)
        command.run(["dpkg-deb", "--build", "--root-owner-group", tree, self.top / path], what="packing", deadline=60)
        data = (self.top / path).read_bytes()
        return Package(path, len(data), hashlib.sha256(data).hexdigest())

    def lock(self, name: str, *packages: Package, extends: tuple[str, ...] = ()) -> None:
        """Locks a root to these packages and writes the files."""
        with rootlock.DEFINITIONS.open("a") as file:
            file.write(f'[{name}]\nwhy = "a test"\nsuites = ["none"]\npackages = ["x"]\nextends = {list(extends)}\n')
        asked = rootlock.digest(rootlock.definitions()[name])
        self.locks[name] = rootlock.RootLock(name, extends, _DATE, asked, packages)
        rootlock.write(self.locks)


@pytest.fixture
def archive(tmp_path, monkeypatch) -> Archive:
    made = Archive(tmp_path / "archive")
    monkeypatch.setattr(rootlock, "DEFINITIONS", tmp_path / "roots.toml")
    monkeypatch.setattr(rootlock, "LOCK", tmp_path / "roots.lock")
    monkeypatch.setattr(places, "cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(debarchive, "uri", lambda: f"file:{made.top}")
    monkeypatch.setattr(debarchive, "_SNAPSHOT", f"file:{made.top}/snapshot")
    return made


def test_every_root_is_locked():
    for name in rootlock.definitions():
        assert rootlock.root(name).packages


def test_root_has_what_is_locked(archive):
    archive.lock("one", archive.package("a", {"lib/a": "A", "usr/bin/a": "program"}))
    root = debroot.get("one", _quiet)
    assert (root.path / "usr" / "lib" / "a").read_text() == "A", "lib must stay a link to usr/lib"
    assert debroot.get("one", _quiet) == root


def test_root_shares_what_it_extends(archive):
    archive.lock("one", archive.package("a", {"usr/a": "A", "usr/both": "old"}))
    archive.lock("two", archive.package("b", {"usr/both": "new"}), extends=("one",))
    two, one = debroot.get("two", _quiet), debroot.get("one", _quiet)
    assert (two.path / "usr" / "a").samefile(one.path / "usr" / "a")
    assert (two.path / "usr" / "both").read_text() == "new"
    assert (one.path / "usr" / "both").read_text() == "old", "unpacking changed the root that is extended"


def test_key_follows_the_packages(archive):
    archive.lock("one", archive.package("a", {"usr/a": "A"}))
    archive.lock("two", extends=("one",))
    before = [debroot.path_of(name) for name in ("one", "two")]
    archive.locks["one"] = rootlock.RootLock("one", (), "20270101T000000Z", archive.locks["one"].asked,
                                             archive.locks["one"].packages)
    rootlock.write(archive.locks)
    assert [debroot.path_of(name) for name in ("one", "two")] == before, "the date alone changes nothing"
    other = archive.package("a", {"usr/a": "A2"}, "2")
    archive.locks["one"] = rootlock.RootLock("one", (), _DATE, archive.locks["one"].asked, (other,))
    rootlock.write(archive.locks)
    after = [debroot.path_of(name) for name in ("one", "two")]
    assert after[0] != before[0] and after[1] != before[1]


def test_changed_package_is_refused(archive):
    package = archive.package("a", {"usr/a": "A"})
    archive.lock("one", package)
    (archive.top / package.path).write_bytes((archive.top / package.path).read_bytes()[:-1] + b"!")
    with pytest.raises(TestbedError, match="a_1_all.deb"):
        debroot.get("one", _quiet)
    assert not debroot.complete("one")


def test_vanished_package_comes_from_the_snapshot(archive):
    gone, there = archive.package("gone", {"usr/gone": "G"}), archive.package("there", {"usr/there": "T"})
    archive.lock("one", gone, there)
    old = archive.top / "snapshot" / _DATE / gone.path
    old.parent.mkdir(parents=True)
    shutil.move(archive.top / gone.path, old)
    assert (debroot.get("one", _quiet).path / "usr" / "gone").read_text() == "G"


def test_vanished_package_is_named(archive):
    package = archive.package("gone", {"usr/gone": "G"})
    archive.lock("one", package)
    (archive.top / package.path).unlink()
    with pytest.raises(TestbedError, match="gone_1_all.deb.*./testbed lock --update"):
        debroot.get("one", _quiet)


def test_unlocked_root_is_refused(archive):
    archive.lock("one")
    rootlock.DEFINITIONS.write_text(rootlock.DEFINITIONS.read_text().replace('"x"', '"y"'))
    with pytest.raises(TestbedError, match="another definition of it; run ./testbed lock --update one"):
        debroot.get("one", _quiet)
    with pytest.raises(TestbedError, match="has no root two; it has one"):
        debroot.get("two", _quiet)


@pytest.mark.parametrize("text,message", [
    ("[a.b]\nwhy = 'x'\n", "lacks packages, suites, why .a name with a dot wants quotes."),
    ("[a]\nwhy='x'\nsuites=[]\npackages=[]\nextends=['b']\n", "extends b, which is not there"),
    ("[a", "cannot be read"),
])
def test_bad_definition_is_refused(archive, text, message):
    rootlock.DEFINITIONS.write_text(text)
    with pytest.raises(TestbedError, match=message):
        rootlock.definitions()


@pytest.mark.parametrize("line", ["../../etc/passwd 1 " + "0" * 64, "pool/a.deb 1 abc", "pool/a.deb"])
def test_damaged_lock_is_refused(archive, line):
    archive.lock("one", Package("pool/a.deb", 1, "0" * 64))
    rootlock.LOCK.write_text(rootlock.LOCK.read_text().replace(f"pool/a.deb 1 {'0' * 64}", line))
    with pytest.raises(TestbedError, match="is damaged"):
        rootlock.read()


def test_lock_says_what_is_newer_and_moves(archive, monkeypatch, capsys):
    old, new = archive.package("a", {"usr/a": "A"}), archive.package("a", {"usr/a": "A2"}, "2")
    archive.lock("one", old)
    archive.lock("two", extends=("one",))
    monkeypatch.setattr(debarchive, "resolve", lambda _folder, _definition, _progress: [new])
    monkeypatch.setattr(debarchive, "absent", lambda packages: [])
    assert lockfile.run(["two"], update=False) == lockfile.NEWER
    assert "a_1_all.deb -> a_2_all.deb" in capsys.readouterr().out
    monkeypatch.setattr(debarchive, "absent", list)
    assert lockfile.run([], update=False) == lockfile.GONE
    assert f"gone from this machine's archive: {old.path}" in capsys.readouterr().out
    assert lockfile.run(["two"], update=True) == 0
    assert rootlock.root("one").packages == (new,) and rootlock.root("two").packages == ()
    assert lockfile.run([], update=False) == 0
    with pytest.raises(TestbedError, match="has no root three"):
        lockfile.run(["three"], update=True)

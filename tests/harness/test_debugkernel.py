# SPDX-License-Identifier: Apache-2.0
"""How the debug kernel is asked for, built and kept. No kernel is built here."""

import re
from pathlib import Path

import pytest

from testbed import buildroot, debroot, debugkernel
from testbed.debroot import Root
from testbed.errors import DeadlinePassed, TestbedError


def _quiet(_text: str) -> None:
    """Nobody watches."""


@pytest.fixture
def roots(tmp_path, monkeypatch) -> dict[str, Root]:
    """A cache of its own with the two roots, without anything in them but the name of a source archive."""
    made = {name: Root(name, tmp_path / name, "0") for name in ("source", "kernel-build")}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(debroot, "get", lambda name, _progress: made[name])
    monkeypatch.setattr(debroot, "complete", lambda _name: True)
    monkeypatch.setattr(debugkernel, "LOG", tmp_path / "log")
    archive = made["source"].path / "usr" / "src" / "linux-source-6.12.tar.xz"
    archive.parent.mkdir(parents=True)
    (made["kernel-build"].path / "usr" / "src").mkdir(parents=True)
    archive.touch()
    monkeypatch.setattr(debugkernel, "_unpack", lambda _root, _archive, tree: tree.mkdir())
    return made


def _kept(_archive: Path, _root: Root, target: Path, _progress: object) -> None:
    (target / "lib" / "modules" / "6.12.1-test").mkdir(parents=True)
    (target / "headers").mkdir()
    (target / "headers" / "Makefile").write_text("all:\n")


def test_fragment_names_each_option_once():
    text = debugkernel.CONFIG.read_text()
    names = re.findall(r"^(?:# )?(CONFIG_\w+)(?:=| is not set$)", text, re.MULTILINE)
    assert names and sorted(names) == sorted(set(names)) == sorted(debugkernel.options(text))


def test_options_of_a_configuration():
    assert debugkernel.options('#\n# Memory\n#\nCONFIG_A=y\nCONFIG_B=m\n\nCONFIG_C="x=y"\n# CONFIG_D is not set\n') == {
        "CONFIG_A": "y", "CONFIG_B": "m", "CONFIG_C": '"x=y"', "CONFIG_D": "n"}


@pytest.mark.parametrize("line", ["CONFIG_A = y", "A=y", "#CONFIG_A is not set", "config_a=y"])
def test_mistyped_line_is_refused(line):
    with pytest.raises(TestbedError, match="no such line"):
        debugkernel.options(f"CONFIG_B=y\n{line}\n")


@pytest.mark.parametrize("asked,final,wrong", [
    ("y", "y", False), ("y", None, True), ("y", "m", True), ("n", None, False), ("n", "n", False), ("n", "y", True),
    ("8", "64", True),
])
def test_what_is_not_honoured_is_named(asked, final, wrong):
    found = debugkernel.not_honoured({"CONFIG_A": asked}, {"CONFIG_A": final} if final else {})
    assert bool(found) == wrong
    assert all("CONFIG_A=" in line for line in found)


def test_configuration_that_is_not_honoured_stops_the_build(roots, monkeypatch):
    def drop_kasan(_root, tree, _argv, **_rest):
        text = debugkernel.CONFIG.read_text().replace("CONFIG_KASAN=y", "# CONFIG_KASAN is not set")
        (tree / ".config").write_text(text)

    monkeypatch.setattr(buildroot, "run", drop_kasan)
    with pytest.raises(TestbedError, match="CONFIG_KASAN=y was asked for"):
        debugkernel.get(_quiet)


def test_key_follows_options_not_comments(roots, monkeypatch, tmp_path):
    monkeypatch.setattr(debugkernel, "_build", _kept)
    monkeypatch.setattr(debugkernel, "CONFIG", tmp_path / "config")
    keys = []
    for text in ("CONFIG_A=y\n", "# A reason.\n\nCONFIG_A=y\n", "CONFIG_A=m\n"):
        debugkernel.CONFIG.write_text(text)
        keys.append(debugkernel.get(_quiet).key)
    assert keys[0] == keys[1] != keys[2]


def test_failed_build_leaves_nothing(roots, monkeypatch, tmp_path):
    monkeypatch.setattr(debugkernel, "_configure", lambda *_: None)
    monkeypatch.setattr(buildroot, "command_line", lambda *_: ["sh", "-c", "echo '  CC      init/main.o'; exit 2"])
    told: list[str] = []
    with pytest.raises(TestbedError, match="exit status 2"):
        debugkernel.get(told.append)
    assert "compiling, 1 objects" in told
    assert not [path for path in (tmp_path / "cache").rglob("debug-*") if path.suffix != ".lock"]
    assert not (roots["kernel-build"].path / "scratch" / "debug-kernel").exists()


def test_slow_build_ends_with_its_children(roots, monkeypatch, tmp_path):
    monkeypatch.setattr(debugkernel, "_configure", lambda *_: None)
    monkeypatch.setattr(debugkernel, "_DEADLINE", 0.5)
    # As make does: told to end, it ends its children, who hold the pipe that is read here.
    slow = ["sh", "-c", "trap 'kill $!; exit 2' TERM; sleep 100 & wait"]
    monkeypatch.setattr(buildroot, "command_line", lambda *_: slow)
    with pytest.raises(DeadlinePassed, match="not built after"):
        debugkernel.get(_quiet)


def test_it_is_kept_and_its_headers_come_back_with_a_new_root(roots, monkeypatch):
    builds = []
    monkeypatch.setattr(debugkernel, "_build", lambda *words: (builds.append(1), _kept(*words)))
    assert not debugkernel.complete()
    first = debugkernel.get(_quiet)
    assert debugkernel.complete()
    inside = roots["kernel-build"].path / first.headers.relative_to("/")
    assert (inside / "Makefile").exists()
    (inside / "Makefile").unlink()
    inside.rmdir()
    assert debugkernel.get(_quiet) == first
    assert (inside / "Makefile").exists() and len(builds) == 1

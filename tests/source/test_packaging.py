# SPDX-License-Identifier: Apache-2.0
"""What a user installs: the module through dkms for each kernel, and everything else with make; manual pages."""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed import buildroot, debroot, guestbuild, kernels, places
from testbed.guestbuild import DRIVER

_VERSION = "1.0.0"
_PARAMETERS = {"timeout_ms", "writeback", "queue", "spin_us", "spin_kib", "defer_us", "chunk_kib", "disk_mib",
               "poll_queues"}
_MANUALS = sorted((DRIVER / "man").glob("*.[0-9]"))
_BUILT = shutil.ignore_patterns("*.o", "*.ko", "*.mod", "*.mod.c", ".*.cmd", "*.symvers", "modules.order", "out")
_INCLUDE = places.TOP / "hw-model" / "include"
_OWN = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()  # another way to ask may get another answer


@pytest.fixture(scope="module")
def root() -> debroot.Root:
    return debroot.get("packaging", lambda _text: None)


@pytest.fixture
def folder(root) -> Iterator[Path]:
    """A folder inside the root with the driver, as somebody who has only that would have it."""
    with buildroot.scratch(root, "packaging") as scratch, _with_driver(root, scratch):
        yield scratch


@contextmanager
def _with_driver(root: debroot.Root, folder: Path) -> Iterator[None]:
    shutil.copytree(DRIVER, folder / "driver", ignore=_BUILT)
    _forget(root)
    yield
    _forget(root)


def _seen(root: debroot.Root, what: str, look: Callable[[Path], dict]) -> dict:
    """What `look` finds out in a folder like `folder`: kept until driver, root or this file change, as it takes
    minutes. Failures are not kept."""
    def check(scratch: Path) -> str:
        with _with_driver(root, scratch):
            return json.dumps(look(scratch))
    inputs = [_OWN, guestbuild.digest(DRIVER, _INCLUDE)]
    return json.loads(guestbuild.said_of(root, f"packaging-{what.replace('.', '-')}", inputs, check))


def _forget(root: debroot.Root) -> None:
    """What an interrupted test may have left."""
    for path in (root.path / "var" / "lib" / "dkms" / "prd32", *(root.path / "usr" / "src").glob("prd32-*"),
                 *(root.path / "usr" / "lib" / "modules").glob("*/updates")):
        shutil.rmtree(path, ignore_errors=True)


def _run(root: debroot.Root, folder: Path, *words: str, deadline: float = 400) -> str:
    return buildroot.run(root, folder, list(words), what=" ".join(words[:2]), deadline=deadline)


def _release(root: debroot.Root, name: str) -> str:
    """The release of the kernel of this version, whose headers the root has."""
    return next(path.name for path in (root.path / "usr" / "lib" / "modules").glob(f"{name}.*"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["6.1", kernels.DEFAULT])  # with a compiler of its own, and with the root's
def test_dkms(root, name):
    """add, build, install; the kernel's tools find the module by its name; remove leaves nothing."""
    release = _release(root, name)
    seen = _seen(root, f"dkms-{name}", lambda folder: _dkms(root, folder, release))
    assert re.search(rf"^prd32/{_VERSION}, {re.escape(release)}, x86_64: installed", seen["status"], re.MULTILINE)

    fields = [line.split(":", 1) for line in seen["modinfo"].splitlines()]
    known = {key: value.strip() for key, value in fields}
    assert f"/{release}/updates/dkms/prd32.ko" in known["filename"]
    assert known["vermagic"].split()[0] == release
    described = dict(value.strip().split(":", 1) for key, value in fields if key == "parm")
    assert _PARAMETERS == described.keys()
    for parameter, text in described.items():
        assert len(re.sub(r"\((int|uint|bool)\)$", "", text)) > 15, f"{parameter} lacks a description: {text!r}"

    assert not seen["modules left"]
    assert "prd32" not in seen["status then"]


def _dkms(root: debroot.Root, folder: Path, release: str) -> dict:
    """From `add` to `remove`, and what is there in between and afterwards."""
    modules = root.path / "usr" / "lib" / "modules" / release
    _run(root, folder, "depmod", release)  # which the kernel's package would have done, and dkms wants to see
    _run(root, folder, "dkms", "add", f"/{folder.relative_to(root.path)}/driver")
    _run(root, folder, "dkms", "build", f"prd32/{_VERSION}", "-k", release, deadline=600)
    _run(root, folder, "dkms", "install", f"prd32/{_VERSION}", "-k", release)
    seen = {"status": _run(root, folder, "dkms", "status"),
            "modinfo": _run(root, folder, "modinfo", "-k", release, "prd32")}
    _run(root, folder, "dkms", "remove", f"prd32/{_VERSION}", "--all")
    return {**seen, "modules left": [str(path) for path in modules.rglob("prd32.ko*")],
            "status then": _run(root, folder, "dkms", "status")}


def _files(tree: Path) -> list[str]:
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir())


@pytest.mark.timeout(900)
def test_make_install_and_uninstall(root):
    """The user's part, into a folder: all of it is there, a program can use it, and all of it goes again."""
    seen = _seen(root, "user", lambda folder: _install_user(root, folder))
    assert {"usr/bin/prd32ctl", "usr/lib/libprd32.a", "usr/lib/libprd32.so", "usr/lib/libprd32.so.1",
            "usr/lib/pkgconfig/libprd32.pc", "usr/include/prd32/prd32.hpp", "usr/include/prd32/prd32.h",
            "usr/include/linux/prd32.h", "usr/lib/udev/rules.d/60-prd32.rules", "usr/share/man/man1/prd32ctl.1",
            "usr/share/man/man3/libprd32.3", "usr/share/man/man4/prd32.4"} <= set(seen["installed"])
    assert seen["example"] == [1, "cannot open /dev/prd32-0: No such file or directory\n"]
    assert not seen["left"]
    assert {"bin/prd32ctl", "lib/libprd32.so.1", "lib/udev/rules.d/60-prd32.rules"} <= set(seen["own"])


def _install_user(root: debroot.Root, folder: Path) -> dict:
    shutil.copytree(_INCLUDE, folder / "hw-model" / "include")
    target = folder / "target"
    inside = f"/{target.relative_to(root.path)}"
    words = ("-C", "driver", f"DESTDIR={inside}", "PREFIX=/usr", "CXXFLAGS=-O0", "WERROR=-Werror")
    _run(root, folder, "make", *words, "-j2", "install-user", deadline=800)
    installed = _files(target)

    (folder / "example.cpp").write_text(_example())
    (folder / "example.c").write_text("#include <prd32/prd32.h>\n"
                                      "int main(void) { return prd32_open(0, 0) == 0; }\n")
    flags = (f'"$(PKG_CONFIG_SYSROOT_DIR={inside} PKG_CONFIG_PATH={inside}/usr/lib/pkgconfig '
             'pkg-config --cflags --libs libprd32)"')
    for compiler in ("g++ -std=c++20 -o cpp example.cpp", "gcc -o c example.c", "gcc -static -o s example.c"):
        static = flags.replace("--libs", "--static --libs") if "-static" in compiler else flags
        _run(root, folder, "sh", "-c", f"eval {compiler} {static}")
    said = subprocess.run(buildroot.command_line(root, folder, ["./cpp"], {"LD_LIBRARY_PATH": f"{inside}/usr/lib"}),
                          capture_output=True, text=True, timeout=60, check=False)

    _run(root, folder, "make", *words, "uninstall-user")
    left = _files(target)

    # Into a user's own folder, without a package: ldconfig is not among a user's commands.
    own = ("-C", "driver", "DESTDIR=", f"PREFIX={inside}", "CXXFLAGS=-O0", "WERROR=-Werror")
    _run(root, folder, "env", "PATH=/usr/bin:/bin", "make", *own, "install-user")
    return {"installed": installed, "example": [said.returncode, said.stderr], "left": left, "own": _files(target)}


def _example() -> str:
    """The program in libprd32(3)."""
    page = (DRIVER / "man" / "libprd32.3").read_text()
    return re.search(r"^\.Bd .*\n([^.][\s\S]*?)^\.Ed$", page, re.MULTILINE).group(1).replace("\\e", "\\")


@pytest.mark.timeout(600)
def test_make_install_module(root):
    seen = _seen(root, "module", lambda folder: _install_module(root, folder))
    assert [name.partition(".ko")[0] for name in seen["installed"]] == ["prd32"]
    assert not seen["left"]


def _install_module(root: debroot.Root, folder: Path) -> dict:
    release = _release(root, kernels.DEFAULT)
    words = ("-C", "driver", f"KDIR=/lib/modules/{release}/build",
             f"DESTDIR=/{folder.relative_to(root.path)}/target", "INSTALL_MOD_PATH=/some/root")
    _run(root, folder, "make", *words, "-j2", "install-module", deadline=500)
    place = folder / "target" / "some" / "root" / "lib" / "modules" / release / "updates"
    installed = _files(place)
    _run(root, folder, "make", *words, "uninstall-module")
    return {"installed": installed, "left": _files(place)}


def test_version_is_the_same_everywhere():
    assert f'PACKAGE_VERSION="{_VERSION}"' in (DRIVER / "dkms.conf").read_text()
    assert f"VERSION := {_VERSION}\n" in (DRIVER / "lib" / "Makefile").read_text()


def test_udev_rule(root, folder):
    """As udev itself reads it; the group is one that every Debian has."""
    rules = f"/{folder.relative_to(root.path)}/driver/udev/60-prd32.rules"
    assert "Success: 1" in _run(root, folder, "udevadm", "verify", "--resolve-names=never", rules)
    assert 'GROUP="plugdev"' in (DRIVER / "udev" / "60-prd32.rules").read_text()


@pytest.mark.parametrize("page", _MANUALS, ids=lambda page: page.name)
def test_manual(root, folder, page):
    """mandoc finds nothing; but lines may be as long as everywhere here, and there are no other pages to refer to."""
    done = subprocess.run(buildroot.command_line(root, folder, ["mandoc", "-T", "lint", "-W", "style",
                                                                f"driver/man/{page.name}"]),
                          capture_output=True, text=True, timeout=60, check=False)
    allowed = re.compile("STYLE: (input text line longer than 80 bytes|referenced manual not found)")
    found = [line for line in done.stdout.splitlines() if not allowed.search(line)]
    assert not found and done.returncode in (0, 1), done  # 1: matters of style alone
    assert max(len(line) for line in page.read_text().splitlines() if not line.startswith(".It")) <= 120


def test_manuals_know_the_commands_and_parameters():
    ctl = (DRIVER / "man" / "prd32ctl.1").read_text()
    line = (DRIVER / "tools" / "command_line.cpp").read_text()
    commands = re.findall(r'add\(parser, parser\.app, "(\w+)"', line)
    commands += re.findall(r'parser\.app\.add_subcommand\("(\w+)"', line)
    assert len(commands) > 10
    for command in [*commands, "put", "get"]:
        assert f".It Cm {command}" in ctl, f"prd32ctl(1) lacks {command}"
    page = (DRIVER / "man" / "prd32.4").read_text()
    for path in DRIVER.rglob("*.c"):
        for parameter in re.findall(r"^module_param\w*\((\w+)", path.read_text(), re.MULTILINE):
            assert f".It Va {parameter}" in page, f"prd32(4) lacks {parameter}"
    for call in re.findall(r"^#define (PRD32_IOC_\w+)\s+_IO", (DRIVER / "uapi" / "linux" / "prd32.h").read_text(),
                           re.MULTILINE):
        assert call in page, f"prd32(4) lacks {call}"


def test_abi_of_sysfs_is_documented():
    """Every file, and of the module's parameters who may do what."""
    text = (DRIVER / "Documentation" / "ABI" / "testing" / "sysfs-driver-prd32").read_text()
    attributes = re.findall(r"^PRD32_ATTRIBUTE\((\w+),", (DRIVER / "core" / "sysfs.c").read_text(), re.MULTILINE)
    assert attributes
    for name in attributes:
        assert re.search(rf"^What:.*/card/{name}$", text, re.MULTILINE), f"no description of {name}"
    documented = re.findall(r"^What:\t+/sys/module/prd32/parameters/(\w+)$(?:(?!^What:)[\s\S])*?\((RO|RW)\)", text,
                            re.MULTILINE)
    assert dict(documented) == _parameters()


def _parameters() -> dict[str, str]:
    """The module's parameters, as the source has them: RW for those that may be changed later."""
    declared = (found for path in sorted(DRIVER.rglob("*.c"))
                for found in re.findall(r"^module_param\w*\((\w+),.*\b(0\d+)\);", path.read_text(), re.MULTILINE))
    return {name: "RW" if int(mode, 8) & 0o200 else "RO" for name, mode in declared}

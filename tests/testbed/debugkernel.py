# SPDX-License-Identifier: Apache-2.0
"""The kernel `debug`: Debian's kernel source, built with every detector that guest-image/debug.config asks for.

Built once into the cache, in the root `kernel-build`, in which modules for it are compiled too. What is kept:
bzImage, vmlinux (for QEMU), lib/modules, headers (for modules), and symbols/: vmlinux with debug information
and the kernel's own commands for gdb, which gdb loads by itself once its auto-load safe-path allows that folder.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from testbed import buildroot, command, debroot, places
from testbed.debroot import Root
from testbed.errors import DeadlinePassed, TestbedError
from testbed.filelock import locked
from testbed.kernels import Kernel

CONFIG = places.TOP / "guest-image" / "debug.config"
LOG = places.REPORTS / "build-debug-kernel.log"

_ROOT = "kernel-build"
_SOURCE_ROOT = "source"
_RECIPE = 1  # of what this file runs; raise it when the same inputs must be built again
_DEADLINE = 3600.0  # nine minutes on two idle processors of today; seen to take 21 on two busy ones
# No name or time of this machine gets into the kernel: the same inputs give the same bytes.
_MAKE = ["make", f"-j{os.cpu_count()}", "KBUILD_BUILD_TIMESTAMP=@0", "KBUILD_BUILD_USER=prd32",
         "KBUILD_BUILD_HOST=prd32", "KBUILD_BUILD_VERSION=1",
         # The PVH entry runs before KASAN has its shadow, so this file must not call memcmp(), which is instrumented.
         # Its source says so and relies on the compiler; gcc 14 calls it all the same unless told not to.
         "CFLAGS_enlighten.o=-minline-all-stringops"]
_TREE = "linux"  # of the source, inside the scratch folder
_ASKED, _OFF = re.compile(r"(CONFIG_\w+)=(.*)"), re.compile(r"# (CONFIG_\w+) is not set")


def get(progress: Callable[[str], None]) -> Kernel:
    """The debug kernel for x86_64, built first if the cache lacks it. `progress` is told how far that is."""
    source, root = debroot.get(_SOURCE_ROOT, progress), debroot.get(_ROOT, progress)
    key = _key(source, root)
    folder = _folder(key)
    headers = Path("/usr/src") / f"linux-headers-debug-{key}"
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            _build(_archive(source), root, folder, progress)
        inside = root.path / headers.relative_to("/")
        if not inside.exists():  # the root was made again: nothing needs to be compiled for that
            part = inside.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(folder / "headers", part, symlinks=True)
            part.rename(inside)
    modules = next((folder / "lib" / "modules").iterdir())
    return Kernel(name="debug", arch="x86_64", release=modules.name, packed=folder / "bzImage",
                  image=folder / "vmlinux", modules=modules, build_root=_ROOT, headers=headers,
                  symbols=folder / "symbols" / "vmlinux", key=key)


def complete() -> bool:
    """Whether the cache has it, so that `get` neither fetches nor builds."""
    if not all(debroot.complete(name) for name in (_SOURCE_ROOT, _ROOT)):
        return False
    source, root = (debroot.get(name, lambda _text: None) for name in (_SOURCE_ROOT, _ROOT))
    return _folder(_key(source, root)).exists()


def options(text: str) -> dict[str, str]:
    """The options that a configuration sets: name to value, `n` for those that it turns off."""
    found = {}
    for line in text.splitlines():
        if match := _ASKED.fullmatch(line):
            found[match[1]] = match[2]
        elif match := _OFF.fullmatch(line):
            found[match[1]] = "n"
        elif line.strip() and not line.startswith("# ") and line != "#":
            raise TestbedError(f"a kernel configuration has no such line: {line!r}")
    return found


def not_honoured(asked: dict[str, str], final: dict[str, str]) -> list[str]:
    """What of a fragment is not true of the final configuration, a line each. An option that is absent is off."""
    return [f"{name}={value} was asked for, the final configuration has {final.get(name, 'n')}"
            for name, value in asked.items() if final.get(name, "n") != value]


def _key(source: Root, root: Root) -> str:
    inputs = json.dumps([_RECIPE, source.key, root.key, options(CONFIG.read_text())], sort_keys=True)
    return hashlib.sha256(inputs.encode()).hexdigest()[:16]


def _folder(key: str) -> Path:
    return places.cache() / "kernels" / f"debug-{key}"


def _archive(source: Root) -> Path:
    found = sorted((source.path / "usr" / "src").glob("linux-source-6.12.tar.xz"))
    if not found:
        raise TestbedError(f"{source.path} holds no kernel source; delete it and try again")
    return found[0]


def _build(archive: Path, root: Root, target: Path, progress: Callable[[str], None]) -> None:
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with buildroot.scratch(root, "debug-kernel") as folder:
            progress("unpacking the kernel's source")
            tree = folder / _TREE
            _unpack(root, archive, tree)
            _configure(root, tree)
            _compile(root, tree, progress)
            progress("collecting what is kept")
            _collect(root, tree, part)
            progress("cleaning up")
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _unpack(root: Root, archive: Path, tree: Path) -> None:
    tree.mkdir()
    shutil.copy(archive, tree.parent / archive.name)
    buildroot.run(root, tree, ["tar", "--extract", "--file", f"../{archive.name}", "--strip-components=1",
                               "--no-same-owner"],  # whose it is means nothing in a user namespace
                  what="unpacking the kernel's source", deadline=600)


def _configure(root: Root, tree: Path) -> None:
    """Everything that the fragment does not name is off. Kconfig drops what it cannot have without a word: ask it."""
    shutil.copy(CONFIG, tree / CONFIG.name)
    buildroot.run(root, tree, [*_MAKE, f"KCONFIG_ALLCONFIG={CONFIG.name}", "allnoconfig"],
                  what="configuring the debug kernel", deadline=120)
    wrong = not_honoured(options(CONFIG.read_text()), options((tree / ".config").read_text()))
    if wrong:
        raise TestbedError(f"{places.shown(CONFIG)} asks for what this kernel does not give:\n    " +
                           "\n    ".join(wrong))


def _compile(root: Root, tree: Path, progress: Callable[[str], None]) -> None:
    """Runs make, the one step that takes minutes, and counts the objects."""
    argv = command.tied(buildroot.command_line(root, tree, [*_MAKE, "bzImage", "modules", "scripts_gdb"]))
    LOG.parent.mkdir(parents=True, exist_ok=True)
    # In this process's group: Ctrl-C reaches the compilers. A make that is told to end passes that on to its children.
    with LOG.open("w", buffering=1) as log, subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace") as process:
        late = threading.Event()

        def end() -> None:
            late.set()
            process.terminate()

        timer = threading.Timer(_DEADLINE, end)
        timer.start()
        try:
            objects = 0
            for line in process.stdout:
                log.write(line)
                objects += line.startswith("  CC ")
                progress(f"compiling, {objects} objects")
            code = process.wait()
        finally:
            timer.cancel()
            process.terminate()
    if late.is_set():
        raise DeadlinePassed(f"the debug kernel was not built after {_DEADLINE:.0f} s; see {places.shown(LOG)}")
    if code != 0:
        raise TestbedError(f"building the debug kernel failed with exit status {code}; all of it is in "
                           f"{places.shown(LOG)}:\n{command.tail(LOG.read_text())}")


def _collect(root: Root, tree: Path, target: Path) -> None:
    def make(*words: str) -> None:
        buildroot.run(root, tree, [*_MAKE, *words], what=f"make {words[-1]} of the debug kernel", deadline=300)

    make("INSTALL_MOD_PATH=kept", "INSTALL_MOD_STRIP=1", "DEPMOD=true", "modules_install")
    # The kernel's own list of what a module's build needs.
    make("KBUILD_RUN_COMMAND=$(srctree)/scripts/package/install-extmod-build kept/headers", "run-command")
    for path in (tree / "kept" / "lib" / "modules").glob("*/build"):
        path.unlink()
    shutil.move(tree / "kept" / "lib", target / "lib")
    shutil.move(tree / "kept" / "headers", target / "headers")
    boot = tree / "arch" / "x86" / "boot"
    shutil.move(boot / "bzImage", target / "bzImage")
    shutil.move(boot / "compressed" / "vmlinux.bin", target / "vmlinux")  # ELF, without symbols
    symbols = target / "symbols"
    shutil.copytree(tree / "scripts" / "gdb", symbols / "scripts" / "gdb", ignore=shutil.ignore_patterns(".*", "*.in"))
    shutil.move(tree / "vmlinux", symbols / "vmlinux")
    shutil.copy(tree / "scripts" / "gdb" / "vmlinux-gdb.py", symbols / "vmlinux-gdb.py")
    shutil.copy(tree / ".config", target / "config")

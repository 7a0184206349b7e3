# SPDX-License-Identifier: Apache-2.0
"""What every source file owes to its readers: licence, format, and nothing that a linter would find."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import debroot, places

_NO_LICENCE_LINE = {".md", ".json", ".txt", ""}  # prose, and formats that have no comments; LICENSES/ covers them


def _tracked(*suffixes: str) -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=places.TOP, capture_output=True, check=True, timeout=60)
    names = [name for name in done.stdout.decode().split("\0") if name]
    paths = [places.TOP / name for name in names if not suffixes or Path(name).suffix in suffixes]
    assert paths, f"git knows no file with a name that ends with {suffixes}"
    return [path for path in paths if path.is_file()]


def test_every_file_names_its_licence():
    missing = []
    for path in _tracked():
        head = path.read_text(errors="replace")[:400]
        script = head.startswith("#!")
        if (path.suffix not in _NO_LICENCE_LINE or script) and "SPDX-License-Identifier:" not in head:
            missing.append(places.shown(path))
    assert not missing, "no SPDX-License-Identifier in: " + ", ".join(missing)


def _built_by(path: Path) -> str:
    """What the nearest folder above has that says how its files are built."""
    return next((name for folder in path.parents for name in ("Kbuild", "Makefile", "CMakeLists.txt")
                 if (folder / name).exists()), "")


def test_kernel_code_is_gpl_and_the_rest_apache():
    wrong = []
    for path in _tracked(".c", ".h", ".cpp", ".hpp", ".py"):
        kernel = path.suffix in (".c", ".h") and _built_by(path) == "Kbuild"
        wanted = "GPL-2.0-only" if kernel else "Apache-2.0"
        if f"SPDX-License-Identifier: {wanted}" not in path.read_text()[:400]:
            wrong.append(f"{places.shown(path)} (should be {wanted})")
    assert not wrong, ", ".join(wrong)


def _clang_format() -> list[str]:
    """The command that runs clang-format of the root `style`, the same version on every machine."""
    usr = debroot.get("style", lambda _text: None).path / "usr"
    program = next(usr.glob("lib/llvm-*/bin/clang-format"))
    libraries = f"{usr / 'lib' / 'x86_64-linux-gnu'}:{program.parents[1] / 'lib'}"
    return [str(usr / "lib64" / "ld-linux-x86-64.so.2"), "--library-path", libraries, str(program)]


def test_cpp_is_formatted():
    command = _clang_format()
    files = [places.shown(path) for path in _tracked(".cpp", ".hpp")]
    done = subprocess.run([*command, "--dry-run", "--Werror", *files], cwd=places.TOP, capture_output=True,
                          text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{done.stderr}\nto mend it: {shlex.join([*command, '-i', *files])}"


def test_python_is_clean():
    done = subprocess.run([sys.executable, "-m", "flake8", *_tracked(".py")], cwd=places.TOP, capture_output=True,
                          text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_shell_scripts_parse():
    scripts = [path for path in _tracked() if path.read_bytes().startswith(b"#!/bin/sh")]
    assert scripts
    for script in scripts:
        done = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 0, done.stderr


GENERATED = "Written by hw-model/generate.py"  # nobody reads those from start to end


@pytest.mark.parametrize("suffixes,limit", [((".c", ".h", ".cpp", ".hpp", ".py"), 500)])
def test_files_stay_readable(suffixes, limit):
    written = {path: path.read_text() for path in _tracked(*suffixes)}
    long = [f"{places.shown(path)} ({count} lines)" for path, text in written.items()
            if (count := len(text.splitlines())) > limit and GENERATED not in text[:500]]
    assert not long, f"over {limit} lines; is each still one idea? " + ", ".join(long)

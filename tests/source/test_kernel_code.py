# SPDX-License-Identifier: Apache-2.0
"""What a kernel maintainer's tools say of all kernel code: checkpatch --strict, sparse, and the compiler with W=1."""

import shutil
import tarfile
from pathlib import Path

import pytest

from testbed import buildroot, debroot, guestbuild, kernels, places

_MODULES = ["driver", *sorted(str(path.parent.relative_to(places.TOP))
                              for path in (places.TOP / "tests").rglob("Kbuild"))]
_CHECKPATCH = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch")
_IGNORED = (
    "FILE_PATH_CHANGES,"  # wants a MAINTAINERS entry, which an out-of-tree driver has not
    "SPDX_LICENSE_TAG,"  # knows only the kernel's own list of folders
    "MACRO_ARG_REUSE"  # an iterator names its argument twice, as list.h does
)
_TRACE_IGNORED = _IGNORED + ",OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT"  # TRACE_EVENT() has a layout of its own


@pytest.fixture(scope="module")
def kernel() -> kernels.Kernel:
    return kernels.get(kernels.DEFAULT, "x86_64", lambda _text: None)


@pytest.fixture(scope="module")
def build_root(kernel) -> debroot.Root:
    return debroot.get(kernel.build_root, lambda _text: None)


@pytest.fixture(scope="module")
def checkpatch() -> Path:
    """The folder with checkpatch.pl and its word lists, taken out of Debian's kernel source once."""
    source = debroot.get("source", lambda _text: None)
    folder = source.path / "checkpatch"
    if not folder.exists():
        part = source.path / "checkpatch.part"
        part.mkdir(exist_ok=True)
        archive = next((source.path / "usr" / "src").glob("linux-source-*.tar.xz"))
        wanted = set(_CHECKPATCH)
        with tarfile.open(archive, "r|xz") as tar:  # a stream: stop reading once all are found
            for member in tar:
                name = Path(member.name)
                if name.parent.name == "scripts" and name.name in wanted:
                    (part / name.name).write_bytes(tar.extractfile(member).read())
                    wanted.discard(name.name)
                    if not wanted:
                        break
        assert not wanted, f"Debian's kernel source has no {wanted}"
        part.rename(folder)
    return folder


@pytest.mark.timeout(600)
def test_checkpatch(build_root, checkpatch):
    with buildroot.scratch(build_root, "check") as folder:
        shutil.copytree(checkpatch, folder / "scripts")
        for module in _MODULES:
            shutil.copytree(places.TOP / module, folder / "code" / module)
        files = sorted(str(path.relative_to(folder)) for module in _MODULES
                       for path in (folder / "code" / module).rglob("*.[ch]"))
        assert len(files) > len(_MODULES)
        events = [name for name in files if Path(name).name == "trace.h"]
        out = "".join(buildroot.run(build_root, folder, ["perl", "scripts/checkpatch.pl", "--no-tree", "--strict",
                                                         "--terse", "--max-line-length=100", "--ignore", ignored,
                                                         "-f", *some],
                                    what="checkpatch --strict", deadline=120)
                      for ignored, some in ((_IGNORED, [name for name in files if name not in events]),
                                            (_TRACE_IGNORED, events)))
    assert "WARNING" not in out and "CHECK" not in out


@pytest.mark.parametrize("module", _MODULES)
def test_sparse_and_warnings(build_root, kernel, module):
    with buildroot.scratch(build_root, "check") as folder:
        inside = folder / "code"
        shutil.copytree(places.TOP / module, inside)
        out = buildroot.run(build_root, inside,
                            ["make", "-C", str(kernel.headers), f"M=/{inside.relative_to(build_root.path)}", "W=1",
                             # Stock kernels lack what KUnit tests are linked with.
                             *(["KBUILD_MODPOST_WARN=1"] if "kunit" in module else []),
                             "C=2", "CF=-Wsparse-error", "modules"],
                            what=f"building {module} with W=1 and sparse", deadline=200)
    complaints = [line for line in out.splitlines() if "warning:" in line or "error:" in line]
    assert not complaints, "\n".join(complaints)
    assert "CHECK" in out, "sparse did not run"


def test_module_is_described(kernel):
    module = guestbuild.module(kernel)
    text = module.read_bytes()
    for field in (b"license=GPL", b"description=", b"author=", b"alias=pci:"):
        assert field in text, f"modinfo lacks {field.decode()}"

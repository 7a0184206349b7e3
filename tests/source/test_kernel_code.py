# SPDX-License-Identifier: Apache-2.0
"""What a kernel maintainer's tools say of all kernel code: checkpatch --strict, sparse, the compiler with W=1, its
analyzer, and the kernel's semantic patches."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from testbed import buildroot, debroot, guestbuild, kernels, kernelsource, places

_MODULES = ["driver", *sorted(str(path.parent.relative_to(places.TOP))
                              for path in (places.TOP / "tests").rglob("Kbuild"))]
_CHECKPATCH = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch")
_IGNORED = (
    "FILE_PATH_CHANGES,"  # wants a MAINTAINERS entry, which an out-of-tree driver has not
    "SPDX_LICENSE_TAG,"  # knows only the kernel's own list of folders
    "MACRO_ARG_REUSE"  # an iterator names its argument twice, as list.h does
)
_TRACE_IGNORED = _IGNORED + ",OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT"  # TRACE_EVENT() has a layout of its own
_STRICT = ("W=1", "C=2", "CF=-Wsparse-error")  # every warning of the kernel's build, and sparse
# This file: another way to ask may get another answer.
_OWN = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
_SPATCH = ("spatch", "-D", "report", "--very-quiet", "--no-show-diff")
_ANALYZER = "KCFLAGS=-fanalyzer -fdiagnostics-plain-output"


@pytest.fixture(scope="module")
def kernel() -> kernels.Kernel:
    return kernels.get(kernels.DEFAULT, "x86_64", lambda _text: None)


@pytest.fixture(scope="module")
def build_root(kernel) -> debroot.Root:
    return debroot.get(kernel.build_root, lambda _text: None)


@pytest.fixture(scope="module")
def scripts() -> Path:
    """The kernel's folder of the same name: checkpatch with its word lists, and semantic patches."""
    return kernelsource.folder("scripts")


@pytest.mark.timeout(600)
def test_checkpatch(build_root, scripts):
    inputs = [_OWN, guestbuild.digest(scripts, *(places.TOP / module for module in _MODULES))]
    said = guestbuild.said_of(build_root, "checkpatch", inputs, lambda folder: _checkpatch(build_root, folder, scripts))
    assert "WARNING" not in said and "CHECK" not in said


def _checkpatch(build_root, folder: Path, scripts: Path) -> str:
    (folder / "scripts").mkdir()
    for name in _CHECKPATCH:
        shutil.copy(scripts / name, folder / "scripts")
    for module in _MODULES:
        shutil.copytree(places.TOP / module, folder / "code" / module)
    files = sorted(str(path.relative_to(folder)) for module in _MODULES
                   for path in (folder / "code" / module).rglob("*.[ch]"))
    assert len(files) > len(_MODULES)
    events = [name for name in files if Path(name).name == "trace.h"]
    words = ["perl", "scripts/checkpatch.pl", "--no-tree", "--strict", "--terse", "--max-line-length=100"]
    return "".join(buildroot.run(build_root, folder, [*words, "--ignore", ignored, "-f", *some],
                                 what="checkpatch --strict", deadline=120)
                   for ignored, some in ((_IGNORED, [name for name in files if name not in events]),
                                         (_TRACE_IGNORED, events)))


def _built(build_root, kernel, module: str, *words: str, flaw: str = "") -> list[str]:
    """What the build of this module says with these words for make; to one of the driver's files `flaw` is added."""
    source = places.TOP / module

    def build(folder: Path) -> str:
        inside = folder / "code"
        shutil.copytree(source, inside)
        if flaw:
            with (inside / "core" / "prd.c").open("a") as file:
                file.write(flaw)
        return buildroot.run(build_root, inside, ["make", "-j2", "-C", str(kernel.headers),
                                                  f"M=/{inside.relative_to(build_root.path)}", *words],
                             what=f"building {module} with {' '.join(words)}", deadline=300)

    asked = [flaw, *words]
    name = f"{source.name}-{hashlib.sha256(json.dumps([module, *asked]).encode()).hexdigest()[:8]}"
    inputs = [_OWN, kernel.key, guestbuild.digest(source), *asked]
    return guestbuild.said_of(build_root, name, inputs, build).splitlines()


def _complaints(said: list[str]) -> list[str]:
    return [line for line in said if "warning:" in line or "error:" in line]


@pytest.fixture(scope="module")
def said_of_driver(build_root, kernel) -> list[str]:
    """What W=1, sparse and the analyzer say of it: one build for all three, because each of it takes half a minute."""
    return _built(build_root, kernel, "driver", *_STRICT, _ANALYZER, "modules")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("module", _MODULES)
def test_sparse_and_warnings(request, build_root, kernel, module):
    # Stock kernels lack what KUnit tests are linked with.
    alone = ["KBUILD_MODPOST_WARN=1"] if "kunit" in module else []
    said = (request.getfixturevalue("said_of_driver") if module == "driver" else
            _built(build_root, kernel, module, *_STRICT, *alone, "modules"))
    assert _complaints(said) == []
    assert any(line.startswith("  CHECK ") for line in said), "sparse did not run"


@pytest.mark.timeout(600)
def test_analyzer(said_of_driver):
    assert any(line.startswith("  CC [M] ") for line in said_of_driver), "nothing was compiled"
    assert _complaints(said_of_driver) == []


def test_analyzer_sees_flaws(build_root, kernel):
    flaw = "int prd32_flaw(int *p);\nint prd32_flaw(int *p)\n{\n\tif (!p)\n\t\treturn *p;\n\treturn 0;\n}\n"
    said = _complaints(_built(build_root, kernel, "driver", *_STRICT, _ANALYZER, "core/prd.o", flaw=flaw))
    assert "-Wanalyzer-null-dereference" in "".join(said)


def coccicheck(scripts: Path, code: Path, patches: str) -> dict[str, str]:
    """What the kernel's semantic patches say of the code, as `make coccicheck MODE=report` does: by patch, unless
    nothing. `patches` as in Path.glob(). Left out are those without a report, and those that need a compiler for
    OCaml."""
    root = debroot.get("coccinelle", lambda _text: None)
    inputs = [_OWN, guestbuild.digest(scripts / "coccinelle"), guestbuild.digest(code), patches, *_SPATCH]
    return json.loads(guestbuild.said_of(root, f"coccicheck-{code.name}", inputs, lambda folder: json.dumps(
        _said_by_patches(root, folder, scripts, code, patches))))


def _said_by_patches(root: debroot.Root, folder: Path, scripts: Path, code: Path, patches: str) -> dict[str, str]:
    said = {}
    shutil.copytree(code, folder / "code")
    shutil.copytree(scripts / "coccinelle", folder / "coccinelle")
    for patch in sorted((folder / "coccinelle").glob(patches)):
        text = patch.read_text()
        if "virtual report" not in text or "script:ocaml" in text:
            continue
        options = " ".join(re.findall(r"^// Options:(.*)$", text, re.MULTILINE)).split()
        name = str(patch.relative_to(folder))
        out = buildroot.run(root, folder, [*_SPATCH, "--cocci-file", name, *options, "--dir", "code"], what=name,
                            deadline=200)
        if found := [line for line in out.splitlines() if line.startswith("code/")]:
            said[name] = "\n".join(found)
    return said


@pytest.mark.timeout(900)
def test_coccicheck(scripts):
    said = coccicheck(scripts, places.TOP / "driver", "**/*.cocci")
    # It lets its caller's lock go while it sleeps, and the patch does not see that it came with it.
    lock = said.pop("coccinelle/locks/mini_lock.cocci", "")
    assert {line.partition(":")[0] for line in lock.splitlines()} <= {"code/core/recovery.c"}
    assert said == {}


def test_coccicheck_sees_flaws(scripts, tmp_path):
    (tmp_path / "flaw.c").write_text("void f(void *p)\n{\n\tif (p)\n\t\tkfree(p);\n}\n")
    assert "code/flaw.c:4" in coccicheck(scripts, tmp_path, "free/ifnullfree.cocci")["coccinelle/free/ifnullfree.cocci"]


def test_module_is_described(kernel):
    module = guestbuild.module(kernel)
    text = module.read_bytes()
    for field in (b"license=GPL", b"description=", b"author=", b"alias=pci:"):
        assert field in text, f"modinfo lacks {field.decode()}"

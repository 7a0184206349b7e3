# SPDX-License-Identifier: Apache-2.0
"""The table of techniques holds for marks and environments, and what it says of the results can be bad news."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import coverage, environment, places, techniques
from testbed.errors import TestbedError


def _row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| [`{name}`]"))


def _results(folder: Path, **cases: list[tuple[str, str, str]]) -> dict[str, Path]:
    """JUnit files with (test, techniques, outcome) for cells whose names have _ for /."""
    results = {}
    for cell, found in cases.items():
        path = folder / f"{cell}.xml"
        body = "".join(f'<testcase classname="tests.x" name="{test}" time="{len(results)}.5">'
                       f'<properties><property name="techniques" value="{names}"/></properties>'
                       f'{"" if outcome == "passed" else f"<{outcome}/>"}</testcase>' for test, names, outcome in found)
        path.write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
        results[cell.replace("_", "/")] = path
    return results


def test_environments_prove_what_the_table_has():
    unknown = {name: set(each.proves) - set(techniques.table()) for name, each in environment.everything().items()}
    assert not any(unknown.values()), unknown


def test_every_mark_names_a_technique():
    """Collecting all tests checks it: the next test shows that a wrong name ends the collection."""
    done = _collect("tests/driver", "tests/environments", "tests/techniques")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mark_that_the_table_has_not_is_refused(tmp_path):
    (tmp_path / "test_x.py").write_text("import pytest\n\n@pytest.mark.technique('sorcery')\ndef test_x():\n    pass\n")
    done = _collect("-p", "testbed.fixtures", str(tmp_path))
    assert done.returncode != 0 and "'sorcery' is no technique of tests/techniques.toml" in done.stdout + done.stderr


def _collect(*words: str) -> subprocess.CompletedProcess:
    present = [word for word in words if not word.startswith("tests/") or (places.TOP / word).exists()]
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "--collect-only", *present], cwd=places.TOP,
                          env={**os.environ, "PYTHONPATH": str(places.TOP / "tests")}, capture_output=True, text=True,
                          check=False, timeout=120, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("text", ["[a]\ntitle = 'x'\n", "[a]\ntitle = 'x'\nwhy = ''\n", "a = 1\n", "[a\n",
                                  "[a]\ntitle = 'x'\nwhy = 'y'\nwhynot = 'z'\n"])
def test_a_bad_table_is_refused(tmp_path, text):
    path = tmp_path / "techniques.toml"
    path.write_text(text)
    with pytest.raises(TestbedError, match="techniques.toml"):
        techniques.table(path)


def test_what_passed_failed_and_is_missing(tmp_path):
    results = _results(tmp_path, **{
        "direct_6.12": [("test_a[1]", "streaming-single iommu", "passed"), ("test_a[2]", "streaming-single", "passed")],
        "vtd_6.12": [("test_a[1]", "iommu", "failure")],
        "amd-iommu_6.12": [("test_a", "iommu", "skipped")]})
    results["cma/6.12"] = tmp_path / "absent.xml"
    text = coverage.text(results)
    assert "| 1 | in 1 cell | direct: passed |" in _row(text, "streaming-single")
    assert "| **failed** in 1 cell |" in _row(text, "iommu")
    assert "vtd: **failed**" in _row(text, "iommu") and "amd-iommu: **missing**" in _row(text, "iommu")
    assert "|  | **missing** | cma: **missing** |" in _row(text, "cma")
    assert "| impossible |" in _row(text, "global-pool")
    assert "Cells without any result: **cma/6.12**." in text
    assert "* `tests.x.test_a`: passed in direct/6.12" in text


def test_the_same_results_give_the_same_text(tmp_path):
    cases = {"vtd_6.12": [("b", "iommu", "passed"), ("a", "iommu", "passed")], "direct_6.1": [("a", "iommu", "passed")]}
    one = _results(tmp_path, **cases)
    text = coverage.text(one)
    other = _results(tmp_path, **{cell: found[::-1] for cell, found in reversed(cases.items())})  # other times, too
    assert coverage.text(other) == text
    coverage.write(one, tmp_path / "text.md")
    assert (tmp_path / "text.md").read_text() == text

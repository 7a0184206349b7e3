# SPDX-License-Identifier: Apache-2.0
"""What a resumed matrix takes over: what passed with these very files, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from testbed import junit, resume
from testbed.jobs import Done, Job

_XML = '<testsuite><testcase classname="some" name="test"/></testsuite>'


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """The job of a cell, which left its results."""
    (tmp_path / "cell.xml").write_text(_XML)
    return Job("direct/6.12", ("pytest", "-x"), tmp_path / "cell.xml", tmp_path / "cell.log")


def ended(job: Job, **changes: object) -> Done:
    return replace(Done(job, 0, 12.5, True, "", junit.read(job.junit)), **changes)


def test_what_passed_is_taken_over(job):
    assert resume.earlier(job) is None
    resume.remember(ended(job))
    assert resume.earlier(job) == ended(job)


@pytest.mark.parametrize("changes", [{"status": 1}, {"status": None}, {"ended": False}, {"why_not": "not run"},
                                     {"cases": []}])
def test_what_did_not_pass_is_not(job, changes):
    resume.remember(ended(job, **changes))
    assert resume.earlier(job) is None


def test_another_command_is_another_run(job):
    resume.remember(ended(job))
    assert resume.earlier(replace(job, argv=("pytest",))) is None


def test_another_qemu_is_another_run(job, monkeypatch):
    resume.remember(ended(job))
    monkeypatch.setenv("PRD32_QEMU", "/usr/bin/another")
    assert resume.earlier(job) is None


def test_files_that_changed_meanwhile_are_not_marked(job, monkeypatch):
    monkeypatch.setattr(resume, "tree", lambda: "as it was when the run began")
    resume.remember(ended(job))
    assert not job.junit.with_suffix(".passed").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tree": "x"}'])
def test_damaged_mark(job, text):
    job.junit.with_suffix(".passed").write_text(text)
    assert resume.earlier(job) is None


def test_lost_results(job):
    resume.remember(ended(job))
    job.junit.unlink()
    assert resume.earlier(job) is None


def test_changed_file_is_another_tree(job, monkeypatch):
    resume.remember(ended(job))
    monkeypatch.setattr(resume, "tree", lambda: "another")
    assert resume.earlier(job) is None

# SPDX-License-Identifier: Apache-2.0
"""Runs side by side: their order, what becomes of each, and that nothing of them stays behind."""

import os
import select
import signal
from collections.abc import Iterator

import pytest

from testbed.jobs import Done, Job, Runner

_SECONDS = 20  # that anything here may take
_PASSED = '<testsuite><testcase classname="some" name="test"/></testsuite>'
_FAILED = '<testsuite><testcase classname="some" name="test"><failure/></testcase></testsuite>'


@pytest.fixture
def make(tmp_path):
    """Makes a job of a shell script, in which $1 is where its results are to be and $2 a folder that all share."""
    def job(name: str, script: str, **more: object) -> Job:
        results = tmp_path / f"{name}.xml"
        return Job(name, ("sh", "-c", script, name, str(results), str(tmp_path)), results, tmp_path / f"{name}.log",
                   **more)
    return job


def _passing(then: str = "") -> str:
    return f"echo '{_PASSED}' >$1; {then}"


def test_the_longest_comes_first_and_each_is_told(make):
    ended: list[Done] = []
    jobs = [make(name, _passing(), expected=seconds) for name, seconds in (("a", 1), ("b", 3), ("c", 2))]
    done = Runner(1, told=ended.append).run(jobs)
    assert [each.job.name for each in ended] == ["b", "c", "a"]
    assert [each.job for each in done] == jobs, "in the order given"
    assert all(each.tally.passed == 1 and not each.problem for each in done)


def test_two_run_at_the_same_time(make):
    """Each waits for a sign of the other."""
    wait = 'until [ -e "$2/{other}.sign" ]; do sleep 0.01; done'
    jobs = [make(me, _passing(f'touch "$2/{me}.sign"; {wait.format(other=other)}')) for me, other in ("ab", "ba")]
    done = Runner(2).run(jobs)
    assert [each.problem for each in done] == ["", ""]


@pytest.mark.parametrize("script, more, problem, failed", [
    (_passing("exit 0"), {}, "", 0),
    (f"echo '{_FAILED}' >$1; exit 1", {}, "", 1),
    (_passing("exit 1"), {}, "ended with status 1 before its tests did", 1),
    ("exit 0", {}, "no test ran", 1),
    ("exit 5", {}, "no test ran", 1),
    ("exit 5", {"may_be_empty": True}, "", 0),
    ("exit 4", {"may_be_empty": True}, "ended with status 4 before its tests did", 1),
    (_passing("kill -SEGV $$"), {}, "ended with status -11 before its tests did", 1),
], ids=["passed", "failed", "died", "no results", "no tests", "may be empty", "wrong usage", "crashed"])
def test_what_became_of_it(make, script, more, problem, failed):
    done, = Runner(1).run([make("job", script, **more)])
    assert (done.problem, done.tally.failed, done.unrun) == (problem, failed, False)


def test_results_of_an_earlier_run_do_not_count(make):
    job = make("job", "exit 0")
    job.junit.write_text(_PASSED)
    mark = job.junit.with_suffix(".passed")
    mark.touch()
    assert Runner(1).run([job])[0].problem == "no test ran"
    assert not mark.exists()


def test_variables_and_log(make):
    job = make("job", _passing('echo "told $WORD"; echo this >&2'), variables={"WORD": "so"})
    Runner(1).run([job])
    assert job.log.read_text() == "told so\nthis\n"


def test_nothing_stays_behind(make, tmp_path):
    """A guest that its test did not end."""
    Runner(1).run([make("job", _passing('sleep 1000 & echo $! >"$2/pid"'))])
    _await_end(int((tmp_path / "pid").read_text()))


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, also where whoever started these tests has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupted(make, ctrl_c):
    """What runs may end in order, what has not begun is not, and both are told."""
    lingering = f"trap 'echo in order; exit 2' INT; {_passing()} while :; do sleep 0.05; done"
    # The tests' own Ctrl-C: when the first job has ended, the second runs and the third waits.
    jobs = [make("first", _passing('until [ -s "$2/second.xml" ]; do sleep 0.01; done'), expected=3),
            make("second", lingering, expected=2), make("third", lingering, expected=1)]
    runner = Runner(2, told=lambda done: done.job is jobs[0] and os.kill(os.getpid(), signal.SIGINT))
    first, second, third = runner.run(jobs)
    assert runner.interrupted
    assert first.problem == "" and second.problem == "interrupted"
    assert jobs[1].log.read_text() == "in order\n"
    if third.unrun:
        assert third.tally.failed == 0
    else:  # it was begun in the moment in which the first one had ended
        assert third.problem == "interrupted"


def _await_end(pid: int) -> None:
    try:
        ended = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([ended], [], [], _SECONDS)[0], "it still runs"
    finally:
        os.close(ended)

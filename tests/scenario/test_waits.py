# SPDX-License-Identifier: Apache-2.0
"""Every wait ends: with what it waited for, with its deadline, or when nothing is going on any more."""

import pytest

from scenario.conftest import START, TRANSFER

# A ring of two descriptors that nobody stops.
RUNAWAY = ['{ put = "host", at = "@table", prds = [{ base = "@data", bytes = 4096, repeat = 2, eot = true }] }',
           '{ write = "CONTROL", value = "CYCLIC" }', *START]
# A channel that waits for bytes that no other gives.
ALONE = ['{ write = "CONTROL", value = "ENDPOINT=LOOPBACK" }', *START]
LATER = ['{ read = "SCRATCH", expect = 1 }', '{ check = "lines", CH0 = "high" }']


@pytest.mark.parametrize("wait", ['run = "idle"', 'run = "line", line = "CH0"',
                                  'run = "register", register = "PERIODS", at_least = 1'])
@pytest.mark.parametrize("within, deadline", [(', within = "50 us"', "50 us"), ("", "1 ms")])
def test_runaway_ends_by_its_deadline(play, wait, within, deadline):
    played = play([*RUNAWAY, '{ stopwatch = "start" }', f"{{ {wait}{within} }}", *LATER])
    assert played.result.code == 1
    (failed,) = played.failed()
    assert f"within {deadline}" in failed["expected"]
    assert f"not after {deadline}: channel 0 is active and has moved " in failed["found"]
    assert failed["at_ns"] == {"50 us": 50_000, "1 ms": 1_000_000}[deadline]
    assert played.report["not_run"] == len(LATER), "nothing sane can follow"
    assert "2 not run" in played.result.out


@pytest.mark.parametrize("wait", ['run = "idle"', 'run = "line", line = "CH0"',
                                  'run = "register", register = "MOVED", expect = 1'])
def test_nothing_going_on_is_noticed_before_the_deadline(play, wait):
    played = play([*ALONE, f'{{ {wait}, within = "3000 s" }}'])
    (failed,) = played.failed()
    assert "nothing is going on any more" in failed["found"] and "channel 0 is active" in failed["found"]
    assert played.report["simulated_ns"] < 1e6


def test_waits_end_to_the_picosecond(play):
    played = play([*TRANSFER, '{ check = "elapsed", expect = "4396 ns" }', '{ run = "1001 ps" }',
                   '{ check = "elapsed", expect = "4397001 ps" }'])
    assert played.result.code == 0, played.result.out
    assert played.report["simulated_ns"] == pytest.approx(4397.001)


def test_deadline_at_the_very_moment_of_something(play):
    """The second descriptor of the ring ends then; nothing of SystemC's own is to be read."""
    played = play([*RUNAWAY, '{ run = "idle", within = "8592 ns" }'])
    assert "moved 8192 bytes by 2" in played.failed()[0]["found"]
    assert "Warning" not in played.result.out + played.result.err


def test_no_time_may_pass(play):
    played = play(['{ run = "0 s" }'])
    assert (played.result.code, played.result.err) == (0, "") and "Warning" not in played.result.out


def test_line_that_is_high_is_not_waited_for(play):
    played = play(['{ write = "IRQ_ENABLE", value = "CH0" }', *TRANSFER, '{ stopwatch = "start" }',
                   '{ run = "line", line = "CH0" }', '{ check = "elapsed", at_most = "0 s" }'])
    assert played.result.code == 0, played.result.out


def test_line_falls_before_the_next_step(play):
    played = play(['{ write = "IRQ_ENABLE", value = "CH0" }', *TRANSFER, '{ write = "BM_STATUS", value = "INTERRUPT" }',
                   '{ check = "lines", CH0 = "low" }', '{ run = "line", line = "CH0" }'])
    (failed,) = played.failed()
    assert "line CH0 high" in failed["expected"] and "no channel is active" in failed["found"]


def test_quantum(play):
    """The card may run ahead; what it did is the same."""
    played = play([*TRANSFER, '{ check = "host", at = "@data", fill = 0, size = 4096 }',
                   '{ read = "MOVED", expect = 4096 }'], card='[card]\nquantum = "10 us"\n')
    assert played.result.code == 0, played.result.out

# SPDX-License-Identifier: Apache-2.0
"""An expectation that holds is ok; one that does not fails the run, and the report says which, and what was found."""

import pytest

from scenario.conftest import START, TRANSFER

PUT = '{ put = "card", at = 0, hex = "de ad be ef" }'
BREACH = ['{ write = "BM_PRDT", value = "@table+0x100" }', '{ write = "BM_COMMAND", value = "START|TO_HOST" }',
          '{ run = "idle" }']
LOOKED_AT = '{ check = "breaches", rules = ["prdt-align-64k"] }'

# name: (steps that hold, the one that does not, what is expected, what is found)
WRONG = {
    "register": ([*TRANSFER, '{ read = "BM_STATUS", expect = "INTERRUPT" }'],
                 '{ read = "BM_STATUS", expect = "INTERRUPT|ERROR" }', "0x06 ERROR|INTERRUPT", "0x04 INTERRUPT"),
    "bits of a register": ([*TRANSFER, '{ read = "BM_STATUS", expect = "ERROR|INTERRUPT", mask = "INTERRUPT" }'],
                           '{ read = "BM_STATUS", expect = "ERROR", mask = "ERROR|ACTIVE" }', "0x02 ERROR", "0x04"),
    "register at least": ([*TRANSFER, '{ read = "MOVED", at_least = 4096 }'], '{ read = "MOVED", at_least = 4097 }',
                          "at least 4097", "0x00001000"),
    "register at most": ([*TRANSFER, '{ read = "MOVED", at_most = 4096 }'], '{ read = "MOVED", at_most = 4095 }',
                         "at most 4095", "0x00001000"),
    "code": ([*BREACH, LOOKED_AT, '{ read = "ERROR", expect = "CODE=PRDT_ALIGN" }'],
             '{ read = "ERROR", expect = "CODE=NONE" }', "0x00000000", "0x00000001 CODE=PRDT_ALIGN"),
    "other channel": (['{ write = "LENGTH", channel = 1, value = 5 }', '{ read = "LENGTH", expect = 0 }'],
                      '{ read = "LENGTH", channel = 1, expect = 0 }', "0x00000000", "0x00000005"),
    "part of a register": (['{ write = "BM_PRDT", value = 0x11223344, split = 2 }',
                            '{ read = "BM_PRDT+1", bytes = 1, expect = 0x33 }'],
                           '{ read = "BM_PRDT+2", expect = 0x3344 }', "0x3344", "0x1122"),
    "offset": (['{ write = 0x28, bytes = 2, value = 0xabcd }', '{ read = 0x28, bytes = 4, expect = 0xabcd }'],
               '{ read = 0x29, bytes = 1, expect = 0xcd }', "0xcd", "0xab"),
    "access that is refused": (['{ read = 0x11, bytes = 4, refused = true }'], '{ read = 0x11, bytes = 4 }',
                               "the card takes the access", "refused"),
    "access that is taken": (['{ write = "SCRATCH", value = 1 }'], '{ write = "SCRATCH", value = 1, refused = true }',
                             "the card refuses the access", "taken"),
    "host memory": ([PUT, *TRANSFER, '{ check = "host", at = "@data", hex = "deadbeef 00" }'],
                    '{ check = "host", at = "@data+1", hex = "ad be ee 00" }', "at 0x2000003: ee 00",
                    "at 0x2000003: ef 00; 1 of 4 bytes differ"),
    "card memory": ([PUT, '{ check = "card", at = 2, hex = "beef" }'], '{ check = "card", at = 0, text = "dead" }',
                    "at 0x0: 64 65 61 64", "at 0x0: de ad be ef; 4 of 4 bytes differ"),
    "lines": (['{ write = "IRQ_ENABLE", value = "CH0" }', *TRANSFER,
               '{ check = "lines", CH0 = "high", ERROR = "low" }'],
              '{ check = "lines", CH0 = "high", CH1 = "high" }', "CH1 high", "CH0 high CH1 low ERROR low"),
    "rises": (['{ write = "IRQ_ENABLE", value = "CH0" }', *TRANSFER, '{ check = "rises", CH0 = 1, CH1 = 0 }'],
              '{ check = "rises", CH0 = 2 }', "CH0 2", "CH0 1 CH1 0 ERROR 0"),
    "rule": (BREACH, '{ check = "breaches", rules = ["prdt-fetch"] }', "prdt-fetch",
             "prdt-align-64k (error, channel 0"),
    "severity": (BREACH, '{ check = "breaches", rules = [{ rule = "prdt-align-64k", severity = "warning" }] }',
                 "warning", "error"),
    "channel": (BREACH, '{ check = "breaches", rules = [{ rule = "prdt-align-64k", channel = 1 }] }', "channel 1",
                "channel 0"),
    "address": (BREACH, '{ check = "breaches", rules = [{ rule = "prdt-align-64k", address = "@table" }] }',
                "at 0x1000000", "at 0x1000100"),
    "no breach": ([*BREACH, LOOKED_AT, '{ check = "breaches", rules = [] }', *TRANSFER],
                  '{ check = "breaches", rules = ["prdt-fetch"] }', "breaches: prdt-fetch", "none"),
    "a breach too many": (BREACH, '{ check = "breaches", rules = [] }', "breaches: none", "prdt-align-64k"),
    "order of breaches": ([*BREACH, '{ put = "host", at = "@table", prds = [{ base = 0, bytes = 1, eot = true }] }',
                           *TRANSFER],
                          '{ check = "breaches", rules = ["data-write", "prdt-align-64k"] }',
                          "data-write, prdt-align-64k", "prdt-align-64k (error"),
    "elapsed": ([*TRANSFER, '{ check = "elapsed", expect = "4396 ns" }',
                 '{ check = "elapsed", expect = "4.4 us", tolerance = "1 %" }'],
                '{ check = "elapsed", at_least = "4397 ns" }', "at least 4.397 us", "4.396 us"),
    "throughput": (['{ stopwatch = "start" }', *TRANSFER,
                    '{ check = "throughput", direction = "to-host", expect = "932 MB/s", tolerance = "0.1 %" }'],
                   '{ check = "throughput", direction = "from-host", at_least = "1 B/s" }', "at least 1 B/s", "0 B/s"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_expectation(play, name):
    good, wrong, expected, found = WRONG[name]
    played = play([*good, wrong, '{ write = "SCRATCH", value = 1 }'])
    assert played.result.code == 1
    (failed,) = played.failed()
    assert failed["line"] == played.line_of(wrong)
    assert expected in failed["expected"] and found in failed["found"]
    assert f"FAILED  {played.file}:{failed['line']}" in played.result.out
    assert failed["expected"] in played.result.out and failed["found"] in played.result.out
    assert played.report["steps"][-2]["step"].startswith("write SCRATCH"), "what follows is played nevertheless"


@pytest.mark.parametrize("name", [name for name, (good, *_) in WRONG.items() if BREACH[0] not in good])
def test_right_expectation(play, name):
    played = play(WRONG[name][0])
    assert played.result.code == 0, played.result.out


def test_right_breaches(play):
    refused = '{ rule = "data-write", severity = "error", channel = 0, prd_index = 0, address = 0 }'
    played = play([*BREACH, LOOKED_AT, '{ check = "breaches", rules = [] }',
                   '{ put = "host", at = "@table", prds = [{ base = 0, bytes = 1, eot = true }] }', *TRANSFER, *BREACH,
                   f'{{ check = "breaches", rules = [{refused}, "prdt-align-64k"] }}'])
    assert played.result.code == 0, played.result.out


def test_breach_that_no_step_looked_at(play):
    played = play(BREACH)
    (failed,) = played.failed()
    assert "prdt-align-64k" in failed["found"] and "in the end" in failed["step"]


def test_channel_that_is_active_in_the_end(play):
    (failed,) = play(START).failed()
    assert "channel 0 is active" in failed["found"]


def test_notes_are_shown(play):
    played = play(['{ write = "SCRATCH", value = 1, note = "to see something" }'])
    assert "# to see something" in played.result.out
    assert played.report["steps"][0]["note"] == "to see something"

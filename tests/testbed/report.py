# SPDX-License-Identifier: Apache-2.0
"""What a run of tests came to, for people and for machines: a table of the cells, what failed, totals."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from testbed import durations, junit, places
from testbed.command import tail
from testbed.jobs import Done
from testbed.junit import Tally

_REASON_LENGTH = 200  # characters
_LOG_LINES = 40
_COLUMNS = "{:<26}{:>8}{:>8}{:>9}{:>9}  {}"


@dataclass(frozen=True)
class Report:
    """Everything that ran. `seconds`: from beginning to end; `interrupted`: not all of it could run; `left`: how many
    tests of its cells were left to the matrix because they take long."""

    dones: list[Done] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    left: int = 0

    @property
    def tally(self) -> Tally:
        """The total."""
        return sum((done.tally for done in self.dones), Tally())

    @property
    def good(self) -> bool:
        """Whether something ran, all of it did, and nothing failed."""
        return not self.interrupted and self.tally.failed == 0 and self.tally.passed > 0

    @property
    def status(self) -> int:
        """The command's exit status."""
        return 130 if self.interrupted else 0 if self.good else 1

    def failures(self) -> list[tuple[str, str, str]]:
        """What failed, where its evidence is, and why: a line of a test, of a run that broke off the end of its log,
        which may be all that is left on a machine that is gone."""
        found = []
        for done in self.dones:
            log = places.shown(done.job.log)
            found += [(f"{done.job.name}: {case.name}", case.properties.get(junit.EVIDENCE, log),
                       case.reason[:_REASON_LENGTH]) for case in done.cases if case.outcome == "failed"]
            if done.problem and not done.unrun:
                found.append((f"{done.job.name}: {done.problem}", log, _end_of(done) if done.ended else ""))
        return found

    def as_json(self) -> str:
        """All of it, for machines."""
        runs = [{"name": done.job.name, **asdict(done.tally), "seconds": round(done.seconds, 1),
                 "problem": done.problem, "starts": junit.starts(done.cases),
                 "junit": places.shown(done.job.junit), "log": places.shown(done.job.log)} for done in self.dones]
        failures = [{"test": name, "evidence": folder, "reason": why} for name, folder, why in self.failures()]
        return json.dumps({**asdict(self.tally), "seconds": round(self.seconds, 1), "good": self.good,
                           "interrupted": self.interrupted, "left_to_matrix": self.left, "failures": failures,
                           "runs": runs}, indent=2)

    def text(self) -> str:
        """The report for people; its last line is the one that tools read."""
        lines = ["", *(self._rows() if self.dones else [])]
        for name, folder, why in self.failures():
            lines += [f"FAILED {name}", *([tail(why, _LOG_LINES)] if why else []), f"  evidence: {folder}"]
        cases = [(case, done) for done in self.dones for case in done.cases]
        slow = sorted(cases, key=lambda pair: -pair[0].seconds)[:5]
        if slow:
            lines.append("Slowest: " + ", ".join(f"{_short(case.name)} ({done.job.name}) {case.seconds:.1f} s"
                                                 for case, done in slow))
        tally = self.tally
        lines += [f"JUnit XML: {', '.join(self._junit())}", f"Time: {durations.shown(self.seconds)}"]
        if self.left:
            lines.append(f"Left to ./testbed matrix: {self.left} long tests, those marked `thorough`")
        if self.interrupted:
            lines.append(f"Interrupted: {sum(done.unrun for done in self.dones)} of {len(self.dones)} did not run")
        elif not tally.passed + tally.failed:
            lines.append("No test ran: does what follows -- (-k, -m, a file) name any of these levels and cells?")
        return "\n".join([*lines, f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped"])

    def _rows(self) -> list[str]:
        rows = [_COLUMNS.format("", "passed", "failed", "skipped", "time", "how guests start (median)")]
        for done in self.dones:
            tally = done.tally
            if done.unrun:
                rows.append(f"{done.job.name:<26}{'not run':>8}")
                continue
            how = junit.starts(done.cases) or done.problem.partition("\n")[0][:60]
            rows.append(_COLUMNS.format(done.job.name, tally.passed, tally.failed, tally.skipped,
                                        f"{done.seconds:.0f} s", how).rstrip())
        total = self.tally
        return [*rows, _COLUMNS.format("total", total.passed, total.failed, total.skipped,
                                       durations.shown(self.seconds), "").rstrip(), ""]

    def _junit(self) -> Sequence[str]:
        folders = dict.fromkeys(done.job.junit.parent for done in self.dones)
        return [f"{places.shown(folder)}/*.xml" for folder in folders]


def _end_of(done: Done) -> str:
    try:
        return "\n".join(done.job.log.read_text(errors="replace").rstrip().splitlines()[-_LOG_LINES:])
    except OSError:  # it never ran
        return ""


def _short(name: str) -> str:
    """A test's name without its folders and file; dots in its parameters are its own."""
    path, bracket, parameters = name.partition("[")
    return path.rpartition(".")[2] + bracket + parameters

# SPDX-License-Identifier: Apache-2.0
"""What is looked at after every test, whatever the test itself looked at."""

import re

from testbed import kernellog
from testbed.card import CardProcess
from testbed.errors import TestbedError
from testbed.guest import Guest


class Judge:
    """Remembers how things stood before a test and says afterwards what went wrong besides the test's own findings.

    `rules` are the breaches that the card must record meanwhile, in any number but at least once each, and no others;
    `kernel_log` is a pattern of a kernel complaint that the test provokes on purpose, or None.
    """

    def __init__(self, guest: Guest | None, card: CardProcess | None, rules: tuple[str, ...] = (),
                 kernel_log: str | None = None) -> None:
        self._guest, self._card, self._rules, self._kernel_log = guest, card, rules, kernel_log
        self._log = guest.dmesg() if guest else ""
        self._violations = len(card.violations()) if card else 0

    def verdict(self) -> list[str]:
        """What is wrong; an empty list when nothing is."""
        try:
            return [*self._judge_card(), *self._judge_guest()]
        except TestbedError as error:
            return [str(error)]

    def _judge_card(self) -> list[str]:
        if not self._card:
            return []
        code = self._card.poll()
        if code is not None and (code != 0 or self._guest):  # without a guest, a test may end its card in order
            return [f"the card ended with {code} during the test; see {self._card.log}:\n{self._card.log_tail()}"]
        new = self._card.violations()[self._violations:]
        problems = [f"a violation that the test did not expect: {violation}" for violation in new
                    if violation["rule"] not in self._rules]
        seen = {violation["rule"] for violation in new}
        return problems + [f"the card did not record the expected violation {rule}" for rule in self._rules
                           if rule not in seen]

    def _judge_guest(self) -> list[str]:
        if not self._guest:
            return []
        if not self._guest.alive:
            return [f"the guest ended during the test\n{self._guest.last_words()}"]
        said = kernellog.complaints(kernellog.since(self._guest.dmesg(), self._log))
        if self._kernel_log:
            if said and re.search(self._kernel_log, said):
                return []
            return [f"the kernel did not complain of {self._kernel_log!r} as expected; it said: {said or 'nothing'}"]
        return [f"the kernel complained:\n{said}"] if said else []

# SPDX-License-Identifier: Apache-2.0
"""`./testbed shell`: an interactive guest with the environment's cards and the driver."""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from testbed import debugger, evidence, options, places, workshop as workshops
from testbed.card import CardProcess
from testbed.environment import Cell
from testbed.errors import TestbedError
from testbed.guest import Guest
from testbed.options import Subject
from testbed.stages import stage
from testbed.workshop import Workshop

_EXAMPLES = """  ./testbed shell
  ./testbed shell --env vtd --kernel debug
  ./testbed shell --kernel debug --gdb        and, in another terminal, the gdb command that it prints
  ./testbed shell --monitor                   QEMU's monitor in another terminal, too

in the guest: exit, or Ctrl-A X at any time, ends it; Ctrl-A C switches to QEMU's monitor and back; Ctrl-A H helps"""
# The console's own terminal, and a session, so that job control and Ctrl-C work; the end of the shell is the guest's.
_LOGIN = """terminal=/dev/$(sed 's/.* //' /sys/class/tty/console/active)
setsid -c sh -l <$terminal >$terminal 2>&1
poweroff -f"""


def add(commands) -> None:
    """The command's place on the command line."""
    parser = options.command(commands, "shell", _command, "an interactive guest with the card and the driver",
                             _EXAMPLES)
    options.add_cell(parser)
    options.add_subject(parser, tests=False)
    parser.add_argument("--monitor", action="store_true",
                        help="QEMU's monitor on a socket as well, for a second terminal")
    parser.add_argument("--gdb", action="store_true",
                        help="let gdb attach to kernel and driver; the card's link then waits a day for a stopped card")


def _command(given: argparse.Namespace) -> int:
    subject, cell = Subject.of(given), options.cell(given)
    os.environ.update(subject.variables())
    extra = ["debug"] if given.gdb or given.monitor else []
    workshops.install("run", "build", *extra, allowed=not given.no_install)
    ready = workshops.prepare([cell], "prd32-device", module=subject.module)
    return run(ready, cell, monitor=given.monitor, gdb=given.gdb, subject=subject)


def run(workshop: Workshop, cell: Cell, *, monitor: bool, gdb: bool, subject: Subject) -> int:
    """Gives the terminal to a guest until it powers off or the user presses Ctrl-A X. Returns QEMU's exit status."""
    folder = evidence.fresh_folder(places.OUTPUT / "shell" / str(os.getpid()))
    changes = {"append": "quiet"}
    if gdb:
        changes = {"append": f"quiet {debugger.APPEND}", "patience": debugger.PATIENCE}
    with ExitStack() as stack:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prd32-")))
        extra = _monitor(sockets / "monitor") if monitor else []
        cards = [stack.enter_context(CardProcess(places.device_program(), folder / f"card{number}",
                                                 extra_args=cell.environment.card))
                 for number in range(cell.environment.cards)]
        guest = Guest(workshop.guest(cell, **changes), folder, cards, extra, terminal=True)
        with stage(f"guest {cell.name}"):
            stack.enter_context(guest)
        _load(guest)
        if gdb:
            debugger.listen(guest, sockets / "gdb")
            debugger.write_commands(guest, workshop.of(cell), sockets / "gdb", folder / "gdb")
            words = ["--env", cell.environment.name, *subject.words()]
            _say("In another terminal: " + debugger.advice(workshop.of(cell), folder / "gdb", words))
        if monitor:
            _say(f"QEMU's monitor, in another terminal: socat -,icanon=0,echo=0 UNIX-CONNECT:{sockets / 'monitor'}")
        _say(f"exit or Ctrl-A X leaves, Ctrl-A C is QEMU's monitor. Logs and violations: {places.shown(folder)}")
        guest.start(_LOGIN)
        status = guest.wait()
        found = sum(len(card.violations()) for card in cards)
    if found:
        _say(f"The card recorded {found} violations: {places.shown(folder)}/card*/violations.jsonl")
    return status


def _load(guest: Guest) -> None:
    try:
        guest.load_driver()
        guest.await_cards(driver=True)
    except TestbedError as error:  # the user may want to look at just that
        _say(f"the driver does not drive the card: {error}")


def _monitor(socket: Path) -> list[str]:
    return ["-chardev", f"socket,id=hmp,path={socket},server=on,wait=off", "-mon", "chardev=hmp,mode=readline"]


def _say(text: str) -> None:
    print(text.replace("\n", "\r\n"), end="\r\n", file=sys.stderr, flush=True)  # QEMU has made the terminal raw

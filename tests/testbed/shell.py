# SPDX-License-Identifier: Apache-2.0
"""`./testbed shell`: an interactive guest with the card and the driver."""

import subprocess
import sys

from testbed import evidence, places
from testbed.card import CardProcess
from testbed.environment import Cell
from testbed.machine import arguments, card_arguments
from testbed.workshop import Workshop


def run(workshop: Workshop, cell: Cell) -> int:
    """Gives the terminal to a guest until it powers off or the user presses Ctrl-A X. Returns QEMU's exit status."""
    folder = evidence.fresh_folder(places.BUILD / "shell")
    with CardProcess(places.DEVICE_PROGRAM, folder) as card:
        print(f"Ctrl-A X leaves, Ctrl-A H helps. The card's log and violations are in {places.shown(folder)}.",
              file=sys.stderr, flush=True)
        spec = workshop.guest(cell, append="prd32.shell quiet")
        argv = [*spec.qemu.argv, *arguments(spec), *card_arguments([card.socket]), "-serial", "mon:stdio"]
        status = subprocess.run(argv, env=spec.qemu.environment(), check=False).returncode
        found = card.violations()
    if found:
        print(f"The card recorded {len(found)} violations: {places.shown(folder / 'violations.jsonl')}",
              file=sys.stderr)
    return status

# SPDX-License-Identifier: Apache-2.0
"""What a failure leaves behind: one folder with everything that is known about it, and how to repeat it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed import places
from testbed.errors import TestbedError
from testbed.guest import Guest


def fresh_folder(path: Path) -> Path:
    """An empty folder at `path`; what was there before is gone."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


class Evidence:
    """Collects what a run leaves in `folder`; `guest` may be set while it is alive, for its kernel log."""

    def __init__(self, folder: Path, commands: list[str]) -> None:
        self.folder, self._commands = folder, commands
        self.guest: Guest | None = None

    def gather(self) -> None:
        """Adds what only a living guest can tell: its kernel log. A guest that is gone has serial.log."""
        if self.guest and self.guest.alive:
            try:
                (self.folder / "dmesg").write_text(self.guest.dmesg())
            except TestbedError as error:
                (self.folder / "dmesg").write_text(f"not to be had: {error}\n")

    def keep(self, name: str, reason: str) -> Path:
        """Copies it all to the failures folder under this name and returns where."""
        target = fresh_folder(places.FAILURES / name)
        for path in self.folder.iterdir():
            if path.is_file() and path.suffix not in (".cpio", ".bin"):  # what is big can be built again
                shutil.copy2(path, target / path.name)
        (target / "reason").write_text(reason + "\n")
        script = target / "reproduce"
        script.write_text("\n".join(["#!/bin/sh", "# Run it from the project's top folder.", *self._commands, ""]))
        script.chmod(0o755)
        return target


@contextmanager
def kept_on_failure(name: str, folder: Path, commands: list[str]) -> Iterator[Evidence]:
    """Keeps the evidence when the body raises; a TestbedError then also names the folder."""
    evidence = Evidence(folder, commands)
    try:
        yield evidence
    except BaseException as error:
        target = evidence.keep(name, f"{type(error).__name__}: {error}")
        if isinstance(error, TestbedError):
            raise type(error)(f"{error}\nLogs and how to repeat it: {places.shown(target)}") from None
        raise

# SPDX-License-Identifier: Apache-2.0
"""`./testbed lock`: which Debian packages exactly the guest and its compilers are made of."""

import argparse

from testbed import lockfile, options

_EXAMPLES = """  ./testbed lock                    whether all that is locked can be had, and what is newer
  ./testbed lock --update           move the lock to what the archive has today; commit guest-image/roots.lock
  ./testbed lock --update build     only this root, and those that share packages with it"""
_STATUSES = f"""exit status: 0 all locked packages can be had and none is newer, or the lock was moved;
{lockfile.GONE} some are gone from this machine's archive, {lockfile.NEWER} newer ones are there, 2 wrong usage,
130 interrupted"""


def add(commands) -> None:
    """The command's place on the command line."""
    parser = options.command(commands, "lock", _command, "check or move the lock on the guest's Debian packages",
                             _EXAMPLES, statuses=_STATUSES, installs=False)
    parser.add_argument("--update", action="store_true", help="move the lock")
    parser.add_argument("root", nargs="*", help="a root of guest-image/roots.toml (default: all)")


def _command(given: argparse.Namespace) -> int:
    return lockfile.run(given.root, update=given.update)

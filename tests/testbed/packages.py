# SPDX-License-Identifier: Apache-2.0
"""The Debian packages that this machine needs: ci/packages.txt says which and why, ci/install-packages installs."""

import subprocess

from testbed import places
from testbed.errors import MissingPackages, TestbedError

_SCRIPT = places.TOP / "ci" / "install-packages"


def missing(*groups: str) -> list[str]:
    """names of the packages of these groups (run, build, test, debug) that are not installed."""
    done = subprocess.run([_SCRIPT, "--list", *groups], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise TestbedError(done.stderr.strip())
    return done.stdout.split()


def ensure(*groups: str, install: bool) -> int:
    """Installs what is missing of these groups, or only says what is when `install` is false. Returns how many were."""
    absent = missing(*groups)
    if absent:
        mode = [] if install else ["--no-install"]
        done = subprocess.run([_SCRIPT, *mode, *groups], check=False, timeout=1800)
        if done.returncode != 0:
            raise MissingPackages("packages are missing; the lines above say which, why and what to do")
    return len(absent)

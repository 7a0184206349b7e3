# SPDX-License-Identifier: Apache-2.0
"""Which accelerator to run guests with: KVM only where a guest kernel was seen to run under it.

/dev/kvm may exist, open and create a virtual machine and still run no guest: under some nested hypervisors the kernel
emulates the first instructions for ever. Only running a guest, under a deadline, tells.
"""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import places
from testbed.errors import TestbedError
from testbed.qemu import Qemu

OVERRIDE = "PRD32_ACCEL"  # environment variable: kvm or tcg, without a probe
_DEADLINE = 6.0  # seconds; KVM boots the kernel to its panic in about one
_DEVICE = Path("/dev/kvm")
# A guest that did not come up in time may have met a busy machine: for so many seconds that answer is believed.
_LATE_SECONDS = 3600


@dataclass(frozen=True)
class Accelerator:
    """QEMU's name of the accelerator (kvm or tcg) and, for people, why it was chosen. `until`: when the answer is to be
    asked for again, seconds since 1970; 0 is never."""

    name: str
    why: str
    until: float = 0.0


def choose(qemu: Qemu, kernel: Path) -> Accelerator:
    """What PRD32_ACCEL says; else probes KVM once for each boot of this machine, QEMU version and kernel; the answer is
    kept in the cache. TestbedError when the variable names no accelerator."""
    if forced := asked_for():
        return forced
    if not _DEVICE.exists():
        return Accelerator("tcg", f"{_DEVICE} does not exist")
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return Accelerator("tcg", f"{_DEVICE} may not be opened by this user (group kvm?)")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    question = f"{boot} {qemu.version} {kernel}"
    memory = places.cache() / "kvm-probe.json"
    known = _remembered(memory, boot)
    if question in known:
        return known[question]
    answer = _probe(qemu, kernel)
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps({asked: asdict(said) for asked, said in {**known, question: answer}.items()}))
    return answer


def asked_for() -> Accelerator | None:
    """The accelerator that the environment variable forces."""
    name = os.environ.get(OVERRIDE)
    if not name:
        return None
    if name not in ("kvm", "tcg"):
        raise TestbedError(f"{OVERRIDE}={name}: it may be kvm or tcg")
    return Accelerator(name, f"{OVERRIDE}={name}")


def _remembered(memory: Path, boot: str) -> dict[str, Accelerator]:
    """The answers of this boot that hold still; none when they are unreadable."""
    try:
        answers = {asked: Accelerator(**said) for asked, said in json.loads(memory.read_text()).items()}
        return {asked: said for asked, said in answers.items()
                if asked.startswith(boot) and (not said.until or time.time() < said.until)}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _probe(qemu: Qemu, kernel: Path) -> Accelerator:
    """Boots the kernel without a root file system: it panics, reboots and so ends QEMU. That is a guest that ran."""
    with tempfile.TemporaryDirectory(prefix="prd32-kvm-") as folder:
        serial = Path(folder) / "serial"
        argv = [*qemu.argv, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-accel", "kvm",
                "-m", "256", "-kernel", kernel, "-append", "console=ttyS0 panic=-1", "-no-reboot",
                "-serial", f"file:{serial}"]
        try:
            done = subprocess.run(argv, env=qemu.environment(), timeout=_DEADLINE, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired:
            return Accelerator("tcg", f"{_DEVICE} opens, but a guest under it did not come up in {_DEADLINE:.0f} s",
                               time.time() + _LATE_SECONDS)
        if done.returncode == 0 and serial.exists() and "Kernel panic" in serial.read_text(errors="replace"):
            return Accelerator("kvm", "a guest kernel was seen to run under it")
        said = done.stderr.strip().splitlines()
        return Accelerator("tcg", f"KVM failed the probe: {said[-1] if said else f'exit status {done.returncode}'}")

# SPDX-License-Identifier: Apache-2.0
"""Which accelerator to run guests with: KVM only where a guest kernel was seen to run under it.

/dev/kvm may exist, open and create a virtual machine and still run no guest: under some nested hypervisors the kernel
emulates the first instructions for ever. Only running a guest, under a deadline, tells.
"""

import json
import os
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import places
from testbed.qemu import Qemu

_DEADLINE = 6.0  # seconds; KVM boots the kernel to its panic in about one
_DEVICE = Path("/dev/kvm")


@dataclass(frozen=True)
class Accelerator:
    """QEMU's name of the accelerator (kvm or tcg) and, for people, why it was chosen."""

    name: str
    why: str


def choose(qemu: Qemu, kernel: Path) -> Accelerator:
    """Probes KVM once for each boot of this machine, QEMU version and kernel; the answer is kept in the cache."""
    if not _DEVICE.exists():
        return Accelerator("tcg", f"{_DEVICE} does not exist")
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return Accelerator("tcg", f"{_DEVICE} may not be opened by this user (group kvm?)")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    question = f"{boot} {qemu.version} {kernel}"
    memory = places.cache() / "kvm-probe.json"
    try:
        known = {asked: answer for asked, answer in json.loads(memory.read_text()).items() if asked.startswith(boot)}
        if question in known:
            return Accelerator(**known[question])
    except (OSError, ValueError, AttributeError, TypeError):
        known = {}  # never asked, or the answers are unreadable: ask
    answer = _probe(qemu, kernel)
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps({**known, question: asdict(answer)}))
    return answer


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
            return Accelerator("tcg", f"{_DEVICE} opens, but a guest under it did not come up in {_DEADLINE:.0f} s")
        if done.returncode == 0 and "Kernel panic" in serial.read_text(errors="replace"):
            return Accelerator("kvm", "a guest kernel was seen to run under it")
        said = done.stderr.strip().splitlines()
        return Accelerator("tcg", f"KVM failed the probe: {said[-1] if said else f'exit status {done.returncode}'}")

# SPDX-License-Identifier: Apache-2.0
"""`./testbed doctor`: what this host has, what it lacks, and what the testbed would do about it."""

import argparse
import json
import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import accelerator, debarchive, debroot, kernels, options, packages, places, qemu
from testbed.errors import TestbedError

_DISK_NEEDED = 4 << 30
_MEMORY_NEEDED = 2 << 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. state: ok, note (the testbed will deal with it) or missing (the user must)."""

    name: str
    state: str
    found: str
    advice: str = ""


def add(commands) -> None:
    """The command's place on the command line."""
    options.command(commands, "doctor", _command, "what this host has and lacks, and what would be done about it",
                    "  ./testbed doctor\n  ./testbed doctor --json", json_help="print the findings as JSON",
                    statuses="exit status: 0 ready, 1 something is missing that only you can mend, 2 wrong usage",
                    installs=False)


def _command(given: argparse.Namespace) -> int:
    findings = examine()
    print(json.dumps([asdict(finding) for finding in findings], indent=2) if given.json else table(findings))
    return 1 if any(finding.state == "missing" for finding in findings) else 0


def examine() -> list[Finding]:
    """Looks at everything; changes nothing but the remembered answer of the accelerator's probe."""
    looks = (_host, _rights, _archive, _packages, _namespace, _qemu, _accelerator, _cache, _disk, _memory)
    findings = []
    for look in looks:
        try:
            findings.append(look())
        except (TestbedError, OSError, subprocess.SubprocessError) as error:
            findings.append(Finding(look.__name__.strip("_"), "missing", str(error).splitlines()[0]))
    return findings


def _host() -> Finding:
    release = platform.freedesktop_os_release()
    text = f"{release.get('PRETTY_NAME', 'unknown')}, {platform.machine()}, {os.cpu_count()} cores"
    if platform.machine() != "x86_64":
        return Finding("host", "missing", text, "prd32's testbed runs on x86_64 hosts")
    if release.get("VERSION_ID") not in ("12", "13"):
        return Finding("host", "note", text, "tried on Debian 12 and 13 only")
    return Finding("host", "ok", text)


def _rights() -> Finding:
    if os.getuid() == 0:
        return Finding("user", "ok", "root")
    user = os.environ.get("USER", str(os.getuid()))
    if shutil.which("sudo"):
        return Finding("user", "ok", f"{user}, sudo is asked only to install packages")
    return Finding("user", "note", f"{user}, no sudo", "packages must be installed by an administrator")


def _archive() -> Finding:
    return Finding("archive", "ok", debarchive.uri())


def _packages() -> Finding:
    absent = packages.missing("run", "build", "test")
    if not absent:
        return Finding("packages", "ok", "all there")
    return Finding("packages", "note", f"{len(absent)} missing: {' '.join(absent)}",
                   "installed by ./testbed demo and ./testbed test, or: "
                   f"sudo apt-get install --no-install-recommends {' '.join(absent)}")


def _namespace() -> Finding:
    if os.getuid() == 0:
        return Finding("build root", "ok", "entered by chroot")
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True, text=True,
                          check=False, timeout=20)
    if done.returncode == 0:
        return Finding("build root", "ok", "entered by a user namespace")
    return Finding("build root", "missing", f"user namespaces are refused: {done.stderr.strip()}",
                   "allow them (sysctl kernel.unprivileged_userns_clone=1) or run the testbed as root")


def _qemu() -> Finding:
    override = os.environ.get(qemu.OVERRIDE)
    if override:
        found, why = qemu.inspect((override,), override)
        return Finding("QEMU", "ok", f"{found.version}, {qemu.OVERRIDE}={override}") if found else \
            Finding("QEMU", "missing", f"{override}: {why}", f"mend or unset {qemu.OVERRIDE}")
    own, why_not = qemu.system()
    if own:
        return Finding("QEMU", "ok", f"{own.version}, {own.origin}")
    path = debroot.path_of("qemu")
    if debroot.complete("qemu"):
        found, why = qemu.unpacked(debroot.get("qemu", _no_progress))
        return Finding("QEMU", "ok", f"{found.version}, {found.origin}") if found else \
            Finding("QEMU", "missing", why, f"delete {path}")
    return Finding("QEMU", "note", why_not, "Debian's packages from trixie-backports will be unpacked into the cache")


def _accelerator() -> Finding:
    if not Path("/dev/kvm").exists():
        return Finding("accelerator", "ok", "tcg: /dev/kvm does not exist")
    if not (debroot.complete(kernels.root_of(kernels.DEFAULT, "x86_64")) and debroot.complete("qemu")
            or qemu.system()[0]):
        return Finding("accelerator", "note", "/dev/kvm exists; whether it runs a guest is not known yet",
                       "probed by running one, once QEMU and the guest's kernel are in the cache: ./testbed demo")
    kernel = kernels.get(kernels.DEFAULT, "x86_64", _no_progress).image
    chosen = accelerator.choose(qemu.find(_no_progress), kernel)
    return Finding("accelerator", "ok", f"{chosen.name}: {chosen.why}")


def _cache() -> Finding:
    path = places.cache()
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        return Finding("cache", "missing", f"{path} cannot be written", "set XDG_CACHE_HOME to a folder that can")
    size = sum(file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    return Finding("cache", "ok", f"{path}, {size / 1e6:.0f} MB (safe to delete)")


def _disk() -> Finding:
    free = min(shutil.disk_usage(path).free for path in (places.cache(), places.TOP))
    state = "ok" if free >= _DISK_NEEDED else "missing"
    return Finding("disk", state, f"{free / 1e9:.1f} GB free", "" if state == "ok" else
                   f"at least {_DISK_NEEDED / 1e9:.0f} GB are needed for the cache and the build")


def _memory() -> Finding:
    available = next(int(line.split()[1]) << 10 for line in Path("/proc/meminfo").read_text().splitlines()
                     if line.startswith("MemAvailable"))
    state = "ok" if available >= _MEMORY_NEEDED else "missing"
    return Finding("memory", state, f"{available / 1e9:.1f} GB available", "" if state == "ok" else
                   f"guests and cards need {_MEMORY_NEEDED / 1e9:.0f} GB")


def _no_progress(_text: str) -> None:
    """Nothing is fetched here, so there is nothing to tell."""


def table(findings: list[Finding]) -> str:
    """The findings for people."""
    marks = {"ok": "ok", "note": "--", "missing": "!!"}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.state]} {finding.name:<12} {finding.found}")
        if finding.advice:
            lines.append(f"{'':16}-> {finding.advice}")
    bad = [finding.name for finding in findings if finding.state == "missing"]
    lines.append("")
    lines.append(f"Not ready: {', '.join(bad)}." if bad else "Ready: ./testbed demo")
    return "\n".join(lines)

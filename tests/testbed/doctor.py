# SPDX-License-Identifier: Apache-2.0
"""`./testbed doctor`: what this host has, what it lacks, and what the testbed would do about it."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from testbed import accelerator, debarchive, debroot, environment, kernels, options, packages, places, qemu, rootlock
from testbed.errors import TestbedError

_DISK_NEEDED = 4 << 30
_DISK_FOR_ALL = 15 << 30  # roots and snapshots of all cells, and what the build of the debug kernel needs meanwhile
_MEMORY_NEEDED = 2 << 30
_DU_SECONDS = 30


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
    looks = (_host, _rights, _archive, _packages, _namespace, _qemu, _accelerator, _kernels, _debugger, _cache, _disk,
             _memory)
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
        done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False, timeout=20)
        if done.returncode == 0:
            return Finding("build root", "ok", "entered by chroot, with mounts of its own")
        return Finding("build root", "note", "entered by chroot, without mounts of its own",
                       "plain files stand in for /dev and /proc where device nodes may be made")
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
    try:
        forced = accelerator.asked_for()
    except TestbedError as error:
        return Finding("accelerator", "missing", str(error), f"mend or unset {accelerator.OVERRIDE}")
    if forced:
        return Finding("accelerator", "ok", f"{forced.name}: {forced.why}")
    if not Path("/dev/kvm").exists():
        return Finding("accelerator", "ok", "tcg: /dev/kvm does not exist")
    found_qemu = debroot.complete("qemu") or qemu.system()[0]
    if not (found_qemu and debroot.complete(kernels.root_of(kernels.DEFAULT, "x86_64"))):
        return Finding("accelerator", "note", "/dev/kvm exists; whether it runs a guest is not known yet",
                       "probed by running one, once QEMU and the guest's kernel are in the cache: ./testbed demo")
    kernel = kernels.get(kernels.DEFAULT, "x86_64", _no_progress).image
    chosen = accelerator.choose(qemu.find(_no_progress), kernel)
    return Finding("accelerator", "ok", f"{chosen.name}: {chosen.why}", "" if chosen.name == "kvm" else
                   f"{accelerator.OVERRIDE}=kvm uses it regardless")


def _cache() -> Finding:
    path = places.cache()
    path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK):
        return Finding("cache", "missing", f"{path} cannot be written", "set XDG_CACHE_HOME to a folder that can")
    sizes = {folder.name: size for folder, size in _sizes().items() if folder.parent == path}
    parts = ", ".join(f"{name} {sizes[name] / 1e9:.1f} GB" for name in sorted(sizes)) or "of unknown size"
    old = _unused_roots()
    taken = sum(_sizes().get(root, 0) for root in old) / 1e9
    advice = f"no longer used, {taken:.1f} GB: rm -r {' '.join(map(str, old))}" if old else ""
    return Finding("cache", "note" if old else "ok", f"{path}: {parts} (safe to delete)", advice)


def _unused_roots() -> list[Path]:
    """Roots that guest-image/ described once and does so no more."""
    names = tomllib.loads(rootlock.DEFINITIONS.read_text())
    used = {debroot.path_of(name) for name in names}
    return sorted(path for path in (places.cache() / "roots").glob("*") if path.is_dir() and path not in used)


@cache
def _sizes() -> dict[Path, int]:
    """What the folders of the cache, and the roots in it, take of the disk, bytes: snapshots are mostly holes. Nothing
    when there are so many files that counting them takes too long."""
    folders = [*places.cache().glob("roots/*"), *places.cache().iterdir()]
    argv = ["du", "--block-size=1", "--summarize", "--count-links", *(path for path in folders if path.is_dir())]
    try:
        rows = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_DU_SECONDS).stdout
    except subprocess.TimeoutExpired:
        return {}
    return {Path(path): int(size) for size, path in (row.split("\t") for row in rows.splitlines())}


def _kernels() -> Finding:
    wanted = sorted({(cell.kernel, cell.environment.arch) for cell in environment.matrix()})
    absent = [f"{name} {arch}" for name, arch in wanted if not kernels.present(name, arch)]
    if not absent:
        return Finding("kernels", "ok", f"all {len(wanted)} of the matrix are in the cache")
    return Finding("kernels", "note", f"{len(wanted) - len(absent)} of {len(wanted)} are in the cache",
                   f"fetched when they are asked for (debug: built, in 5 to 20 minutes): {', '.join(absent)}")


def _debugger() -> Finding:
    if shutil.which("gdb"):
        return Finding("debugger", "ok", "gdb is there, for ./testbed shell --gdb")
    return Finding("debugger", "note", "no gdb", "installed by ./testbed shell --gdb and ./testbed test")


def _disk() -> Finding:
    free = min(shutil.disk_usage(path).free for path in (places.cache(), places.TOP))
    found = f"{free / 1e9:.1f} GB free"
    if free < _DISK_NEEDED:
        return Finding("disk", "missing", found,
                       f"at least {_DISK_NEEDED / 1e9:.0f} GB are needed for the cache and the build")
    used = sum(size for folder, size in _sizes().items() if folder.parent == places.cache())
    if free + used < _DISK_FOR_ALL:
        return Finding("disk", "note", f"{found}, {used / 1e9:.1f} GB in the cache",
                       f"enough for some cells; all of ./testbed matrix needs {_DISK_FOR_ALL / 1e9:.0f} GB")
    return Finding("disk", "ok", found)


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

# SPDX-License-Identifier: Apache-2.0
"""Root file systems unpacked from Debian's packages, into the cache, without root rights (guest-image/roots.toml).

apt resolves, downloads and verifies with a private configuration that knows no installed package, so that the list is
complete; dpkg-deb unpacks. Nothing is configured and no maintainer script runs: what is unpacked is libraries,
programs and headers, which need none.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from testbed import command, places
from testbed.errors import DeadlinePassed, TestbedError
from testbed.filelock import locked

_DEFINITIONS = places.TOP / "guest-image" / "roots.toml"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_FORMAT = 1  # of an unpacked root; raise it when what this file does to one changes
_MERGED = ("bin", "lib", "lib64", "sbin")  # links into usr/, as Debian has had them since 12


@dataclass(frozen=True)
class Root:
    """An unpacked root: where it is, and what it was made from."""

    name: str
    path: Path
    packages: dict[str, str]  # file name of each package -> its SHA-256

    @property
    def key(self) -> str:
        """Changes whenever any package of the root does."""
        return hashlib.sha256(json.dumps(self.packages, sort_keys=True).encode()).hexdigest()[:16]


def path_of(name: str) -> Path:
    """Where the root of this name is, or will be once it is made."""
    definition = json.dumps([_FORMAT, _definition(name)], sort_keys=True)
    return places.cache() / "roots" / f"{name}-{hashlib.sha256(definition.encode()).hexdigest()[:12]}"


def get(name: str, progress: Callable[[str], None]) -> Root:
    """The root of this name, made first if the cache lacks it. `progress` is told how far that is."""
    path = path_of(name)
    manifest = path / "manifest.json"
    if not manifest.exists():
        with locked(path.with_suffix(".lock")):
            if not manifest.exists():
                _make(path, _definition(name), progress)
    return Root(name, path, json.loads(manifest.read_text()))


def archive() -> str:
    """The URI of the Debian archive that this machine's apt is configured for."""
    rows = command.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT) $(RELEASE)",
                        "Created-By: Packages"], what="asking apt for its archive", deadline=30)
    for row in rows.splitlines():
        uri, component, release = row.split(" ", 2)
        if component == "main" and release in ("bookworm", "trixie", "stable", "testing", "sid", "unstable"):
            return uri.rstrip("/")
    raise TestbedError("apt on this machine knows no Debian archive: add a deb line for Debian 12 or 13 to "
                       "/etc/apt/sources.list; the guest's packages come from the same archive")


def _definition(name: str) -> dict:
    return tomllib.loads(_DEFINITIONS.read_text())[name]


def _make(path: Path, definition: dict, progress: Callable[[str], None]) -> None:
    part = path.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        progress("resolving packages")
        debs = _download(part / "apt", definition, progress)
        root = part / "root"
        for link in _MERGED:
            (root / "usr" / link).mkdir(parents=True)
            (root / link).symlink_to(f"usr/{link}")
        sums = _unpack(debs, root, progress)
        (root / "manifest.json").write_text(json.dumps(sums, indent=1, sort_keys=True))
        shutil.rmtree(path, ignore_errors=True)
        root.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _configure(apt: Path, definition: dict) -> dict[str, str]:
    """Writes a private apt configuration and returns the environment that selects it."""
    for folder in ("lists/partial", "archives/partial", "etc/preferences.d"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    uri = archive()
    (apt / "etc" / "sources.list").write_text(
        "".join(f"deb [signed-by={_KEYRING}] {uri} {suite} main\n" for suite in definition["suites"]))
    # How to reach the archive (proxies and the like) is the machine's business: take it over as it is.
    reach = command.run(["apt-config", "dump", "Acquire"], what="asking apt how it reaches the archive", deadline=30)
    (apt / "apt.conf").write_text(reach + f"""
Dir "{apt}/";
Dir::Etc "{apt}/etc";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State "{apt}";
Dir::State::status "{apt}/status";
Dir::Cache "{apt}";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Install-Recommends "false";
APT::Sandbox::User "{'root' if os.getuid() == 0 else ''}";
Acquire::Languages "none";
""")
    return {**os.environ, "APT_CONFIG": str(apt / "apt.conf"), "LC_ALL": "C.UTF-8"}


def _download(apt: Path, definition: dict, progress: Callable[[str], None]) -> list[Path]:
    env = _configure(apt, definition)
    _apt(["update"], env, progress)
    prefer = ["-t", definition["prefer"]] if "prefer" in definition else []
    _apt(["install", "--download-only", "-y", *prefer, *definition["packages"]], env, progress)
    debs = sorted((apt / "archives").glob("*.deb"))
    if not debs:
        raise TestbedError("apt downloaded no package although it reported success")
    return debs


def _apt(words: list[str], env: dict[str, str], progress: Callable[[str], None]) -> None:
    """Runs apt-get, following the machine-readable progress that it writes to a descriptor of its own."""
    read, write = os.pipe()
    argv = ["apt-get", "-q", "-o", f"APT::Status-Fd={write}", "-o", "Acquire::Retries=3",
            "-o", "Acquire::http::Timeout=60", *words]
    with subprocess.Popen(argv, env=env, pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process, ThreadPoolExecutor(1) as reader:
        os.close(write)
        output = reader.submit(process.stdout.read)
        with os.fdopen(read) as status:
            for line in status:  # ends when apt does
                if line.startswith("dlstatus:"):
                    progress(f"downloading, {float(line.split(':')[2]):.0f} %")
        try:
            code = process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise DeadlinePassed("apt-get closed its progress pipe but did not end") from None
        if code != 0:
            raise TestbedError(f"apt-get {words[0]} failed with exit status {code}:\n{command.tail(output.result())}")


def _unpack(debs: list[Path], root: Path, progress: Callable[[str], None]) -> dict[str, str]:
    def one(deb: Path) -> tuple[str, str]:
        command.run(["dpkg-deb", "--extract", deb, root], what=f"unpacking {deb.name}", deadline=300)
        with deb.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        deb.unlink()
        return deb.name, digest

    sums: dict[str, str] = {}
    largest_first = sorted(debs, key=lambda deb: -deb.stat().st_size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, digest in pool.map(one, largest_first):
            sums[name] = digest
            progress(f"unpacking, {len(sums)} of {len(debs)} packages")
    return sums

# SPDX-License-Identifier: Apache-2.0
"""Debian's archive through this machine's apt, with a private configuration: nothing of the machine's own changes.

apt resolves dependencies against its signed index (to move the lock), and downloads files of the archive's pool whose
checksums are known (to make a root). The private configuration knows no installed package, so lists are complete.
"""

import fnmatch
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from testbed import command
from testbed.errors import DeadlinePassed, TestbedError

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_HELPER = "/usr/lib/apt/apt-helper"
_SNAPSHOT = "http://snapshot.debian.org/archive/debian"  # every file that was ever in the archive; by time
_LIMITS = ("-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=60")
_URI_LINE = re.compile(r"'(\S+)' (\S+) (\d+) SHA256:([0-9a-f]{64})")


@dataclass(frozen=True, order=True)
class Package:
    """One file of the archive. `path` is relative to the archive's top, `size` is in bytes."""

    path: str
    size: int
    sha256: str

    @property
    def file(self) -> str:
        """Its file name: name_version_architecture.deb, without a version's epoch."""
        return self.path.rpartition("/")[2]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.file.split("_")[0]


def uri() -> str:
    """Where the Debian archive is that this machine's apt is configured for."""
    rows = command.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT) $(RELEASE)",
                        "Created-By: Packages"], what="asking apt for its archive", deadline=30)
    for row in rows.splitlines():
        found, component, release = row.split(" ", 2)
        if component == "main" and release in ("bookworm", "trixie", "stable", "testing", "sid", "unstable"):
            return found.rstrip("/")
    raise TestbedError("apt on this machine knows no Debian archive: add a deb line for Debian 12 or 13 to "
                       "/etc/apt/sources.list; the guest's packages come from the same archive")


def resolve(folder: Path, definition: dict, progress: Callable[[str], None]) -> list[Package]:
    """What apt would install for a section of roots.toml, today. `folder` is for apt's own files; it may be reused."""
    progress("reading the archive's index")
    env = _configure(folder, definition["suites"], definition.get("architecture", "amd64"))
    _apt(["apt-get", "-q", "update"], env, progress)
    prefer = ["-t", definition["prefer"]] if "prefer" in definition else []
    argv = ["apt-get", "-q", "-y", "-o", "Acquire::ForceHash=SHA256", "install", "--print-uris", *prefer,
            *definition["packages"]]
    output = command.run(argv, what="resolving the packages", deadline=120, env=env)
    keep = definition.get("keep", ["*"])
    found = [Package(_pool_path(match[1]), int(match[3]), match[4]) for match in _URI_LINE.finditer(output)]
    kept = sorted(each for each in found if any(fnmatch.fnmatch(each.name, pattern) for pattern in keep))
    if not kept:
        raise TestbedError(f"apt resolved {' '.join(definition['packages'])} to nothing:\n{command.tail(output)}")
    return kept


def download(folder: Path, packages: Sequence[Package], date: str, progress: Callable[[str], None]) -> list[Path]:
    """Gets the files into `folder`, checked: from this machine's archive, else from Debian's archive of `date`.

    `date` is an UTC time as 20261120T201500Z. Raises TestbedError when a file is in neither.
    """
    env = _configure(folder / "apt", [], "amd64")
    missing = list(packages)
    said = ""
    for base in (uri(), f"{_SNAPSHOT}/{date}"):
        words = [word for each in missing for word in
                 (f"{base}/{urllib.parse.quote(each.path)}", str(folder / each.file), f"SHA256:{each.sha256}")]
        try:
            _apt([_HELPER, "download-file", *words], env, progress)
        except TestbedError as error:
            said += f"\n{error}"
        missing = [each for each in missing if not (folder / each.file).exists()]
        if not missing:
            return [folder / each.file for each in packages]
    names = ", ".join(each.file for each in missing[:5]) + (", ..." if len(missing) > 5 else "")
    raise TestbedError(f"{len(missing)} locked packages are neither in this machine's archive nor could they be got "
                       f"from snapshot.debian.org: {names}. When the network is well, move the lock to what the "
                       f"archive has today: ./testbed lock --update{said}")


def absent(packages: Iterable[Package]) -> list[Package]:
    """Those that this machine's archive has no more. TestbedError when it cannot be asked."""
    base = uri()
    proxy = command.run(["apt-config", "shell", "proxy", "Acquire::http::Proxy"], what="asking apt for its proxy",
                        deadline=30).strip().removeprefix("proxy=").strip("'")
    handlers = [urllib.request.ProxyHandler({"http": proxy})] if proxy not in ("", "DIRECT") else []
    opener = urllib.request.build_opener(*handlers)

    def is_absent(package: Package) -> bool:
        address = f"{base}/{urllib.parse.quote(package.path)}"
        try:
            with opener.open(urllib.request.Request(address, method="HEAD"), timeout=30):
                return False
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return True
            raise TestbedError(f"{address}: {error}") from None
        except OSError as error:
            raise TestbedError(f"{address} cannot be asked for: {error}") from None

    wanted = list(packages)
    with ThreadPoolExecutor(8) as pool:
        return [package for package, gone in zip(wanted, pool.map(is_absent, wanted)) if gone]


def _pool_path(address: str) -> str:
    return urllib.parse.unquote(address[address.index("/pool/") + 1:])


def _configure(apt: Path, suites: Sequence[str], architecture: str) -> dict[str, str]:
    """Writes a private apt configuration and returns the environment that selects it."""
    for folder in ("lists/partial", "archives/partial", "etc/preferences.d"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    (apt / "etc" / "sources.list").write_text(
        "".join(f"deb [signed-by={_KEYRING}] {uri()} {suite} main\n" for suite in suites))
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
APT::Architecture "{architecture}";
APT::Architectures "{architecture}";
APT::Get::List-Cleanup "false";
APT::Install-Recommends "false";
APT::Sandbox::User "{'root' if os.getuid() == 0 else ''}";
Acquire::Languages "none";
""")
    return {**os.environ, "APT_CONFIG": str(apt / "apt.conf"), "LC_ALL": "C.UTF-8"}


def _apt(argv: Sequence[str], env: dict[str, str], progress: Callable[[str], None]) -> None:
    """Runs one of apt's programs, following the machine-readable progress that it writes to a descriptor of its own."""
    read, write = os.pipe()
    argv = [argv[0], "-o", f"APT::Status-Fd={write}", *_LIMITS, *argv[1:]]
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
            raise DeadlinePassed(f"{argv[0]} closed its progress pipe but did not end") from None
        if code != 0:
            raise TestbedError(f"{Path(argv[0]).name} failed with exit status {code}:\n{command.tail(output.result())}")

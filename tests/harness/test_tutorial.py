# SPDX-License-Identifier: Apache-2.0
"""docs/tutorial.md, typed as it stands by somebody whose home folder is empty."""

import os
import re
import subprocess

import pytest

from testbed import environment, places

_TUTORIAL = places.TOP / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(\w+) ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = 600


def _type(line: str, home, output) -> subprocess.CompletedProcess:
    """One line in the project's top folder. What it leaves below build/ is elsewhere: another run may be under way."""
    env = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(places.cache().parent), "PRD32_OUTPUT": str(output),
           "REPRODUCE": str(output / "reproduced")}
    env.pop("PRD32_WORKSHOP", None)
    return subprocess.run(["sh", "-c", line.replace("build/failures", f"{output}/failures")], cwd=places.TOP, env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=_SECONDS, check=False)


@pytest.mark.timeout(1500)
def test_what_it_says_is_so(tmp_path):
    home, output = tmp_path / "home", tmp_path / "output"
    home.mkdir()
    blocks = [(kind, text) for language, kind, text in _BLOCK.findall(_TUTORIAL.read_text())
              if language == "sh" and kind]
    assert [kind for kind, _ in blocks].count("fails") == 2 and len(blocks) >= 7
    for kind, text in blocks:
        for line in text.splitlines():
            done = _type(line, home, output)
            assert (done.returncode == 0) == (kind == "runs"), f"{line}: {done.returncode}\n{done.stdout}"


def test_its_environment_is_one(tmp_path):
    text = next(text for language, _, text in _BLOCK.findall(_TUTORIAL.read_text()) if language == "toml")
    assert len(text.splitlines()) == 4
    path = tmp_path / "environments.toml"
    path.write_text(environment.FILE.read_text() + text)
    assert "small" in environment.everything(path)

# SPDX-License-Identifier: Apache-2.0
"""guest-image/environments.toml: a bad entry is refused with a text that says what to mend, and every name leads
somewhere."""

import tomllib

import pytest

from driver.prd32ctl import WITHOUT_IOMMU
from environments.proofs import PROOFS
from testbed import devicetree, environment, places
from testbed.errors import TestbedError

GOOD = """
[plain]
why = "a reason"
proves = ["something"]
"""


def read(tmp_path, text: str) -> dict[str, environment.Environment]:
    path = tmp_path / "environments.toml"
    path.write_text(text)
    environment.everything.cache_clear()  # it knows the file's path, and not what is in it
    return environment.everything(path)


@pytest.fixture(autouse=True)
def forget():
    yield
    environment.everything.cache_clear()


def test_what_is_not_said_is_as_in_direct(tmp_path):
    found = read(tmp_path, GOOD + 'kernels = ["7.2", "debug"]\nqemu = ["-device", "x"]\n')["plain"]
    assert (found.kernels, found.qemu) == (("7.2", "debug"), ("-device", "x"))
    direct = environment.Environment("direct", "", ())
    assert (found.arch, found.memory, found.cards) == (direct.arch, direct.memory, direct.cards)


@pytest.mark.parametrize("text, words", [
    ("[plain\n", ["environments.toml", "line 1"]),
    ("plain = 1\n", ["[plain]", "no table"]),
    (GOOD + "momory = '1G'\n", ["[plain]", "'momory'", "did you mean 'memory'?"]),
    (GOOD + "memory = 1\n", ["[plain]", "memory = 1", "str"]),
    (GOOD + "cards = '2'\n", ["[plain]", "cards = '2'", "int"]),
    (GOOD + "cards = true\n", ["[plain]", "cards = True", "int"]),
    (GOOD + "modules = 'virtio_iommu'\n", ["[plain]", "modules", "list of strings"]),
    (GOOD + "qemu = [1]\n", ["[plain]", "qemu", "list of strings"]),
    (GOOD + "arch = 'arm64'\n", ["[plain]", "'arm64'", "'x86_64' or 'aarch64'"]),
    (GOOD + "start = 'warm'\n", ["[plain]", "'warm'", "'snapshot' or 'cold'"]),
    (GOOD + "device_tree = 'reserve'\n", ["[plain]", "'reserve'", "'reserved'"]),
    (GOOD + "iommu_type = 'DMA-QF'\n", ["[plain]", "'DMA-QF'", "'DMA-FQ'"]),
    (GOOD + "kernels = ['6.13']\n", ["[plain]", "6.13", "6.12"]),
    (GOOD + "kernels = []\n", ["[plain]", "lacks kernels"]),
    (GOOD + "rest = ['7.2']\n", ["[plain]", "under rest", "7.2"]),
    (GOOD + "cpus = 0\n", ["[plain]", "processor"]),
    ("[plain]\nproves = ['x']\n", ["[plain]", "lacks why"]),
    ("[plain]\nwhy = 'x'\n", ["[plain]", "lacks proves"]),
    ("['a b']\nwhy = 'x'\nproves = ['x']\n", ["[a b]", "name"]),
    (GOOD + "device_tree = 'reserved'\n", ["[plain]", "device_tree", "aarch64"]),
])
def test_a_bad_entry_is_refused(tmp_path, text, words):
    with pytest.raises(TestbedError) as refused:
        read(tmp_path, text)
    assert [word for word in words if word not in str(refused.value)] == [], str(refused.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TestbedError, match="none.toml"):
        environment.everything(tmp_path / "none.toml")


@pytest.mark.parametrize("name, words", [
    ("vdt", ["'vdt'", "did you mean 'vtd'?"]), ("vtd/6.2", ["'6.2'", "6.12"]), ("vtd/", []), ("", ["''"])])
def test_a_cell_by_name(name, words):
    if not words:
        assert environment.cell(name).kernel == "6.12"
        return
    with pytest.raises(TestbedError) as refused:
        environment.cell(name)
    assert [word for word in words if word not in str(refused.value)] == []


def test_a_cell_with_two_kernels_is_refused():
    assert environment.cell("vtd/6.12", "6.12").kernel == "6.12"
    with pytest.raises(TestbedError, match="vtd/6.12 names its kernel, and --kernel names 7.2"):
        environment.cell("vtd/6.12", "7.2")


def test_every_environment_has_a_proof():
    assert sorted(PROOFS) == sorted(environment.everything())


def test_what_is_proved_is_a_technique():
    techniques = tomllib.loads((places.TOP / "tests" / "techniques.toml").read_text())
    unknown = {(name, each) for name, found in environment.everything().items() for each in found.proves
               if each not in techniques}
    assert not unknown


def test_every_device_tree_is_used():
    assert devicetree.names() == sorted({found.device_tree for found in environment.everything().values()} - {""})


def test_some_have_an_iommu_and_some_have_not():
    assert "direct" in WITHOUT_IOMMU and not {"vtd", "amd-iommu", "arm64-virtio-iommu"} & set(WITHOUT_IOMMU)


def test_which_copy_is_read_from_the_kernel_command_line():
    found = environment.everything()
    assert {name for name in found if found[name].copies} >= {"bounce", "highmem", "noncoherent"}
    assert not any(found[name].copies for name in ("direct", "nobounce", "vtd", "message"))

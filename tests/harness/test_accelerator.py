# SPDX-License-Identifier: Apache-2.0
"""Whether KVM is used: asked of a guest once, remembered as long as the answer is worth it, or said by the user."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed import accelerator, doctor
from testbed.errors import TestbedError
from testbed.qemu import Qemu

KERNEL = Path("/boot/a-kernel")
# What a QEMU does with the guest: the last word of its command line says where the serial port goes.
COMES_UP = 'for word; do :; done; echo "Kernel panic - not syncing: no root" >"${word#file:}"'
FAILS = "echo 'warning: something else' >&2; echo 'failed to initialize kvm: Permission denied' >&2; exit 1"
HANGS = "exec sleep 600"


@pytest.fixture
def fake(monkeypatch, tmp_path) -> Callable[[str], Qemu]:
    """Makes QEMUs of shell scripts; each counts in `runs` how often it ran."""
    device = tmp_path / "kvm"
    device.touch()
    monkeypatch.setattr(accelerator, "_DEVICE", device)
    monkeypatch.setattr(accelerator, "_DEADLINE", 0.5)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(accelerator.OVERRIDE, raising=False)

    def made(script: str) -> Qemu:
        program = tmp_path / "qemu"
        program.write_text(f"#!/bin/sh\necho once >>{tmp_path}/runs\n{script}\n")
        program.chmod(0o755)
        return Qemu((str(program),), "11.1.3", "a test")

    return made


def _runs(folder: Path) -> int:
    return len((folder / "runs").read_text().split()) if (folder / "runs").exists() else 0


def _memory() -> Path:
    return accelerator.places.cache() / "kvm-probe.json"


def test_guest_that_came_up_is_kvm(fake, tmp_path):
    assert accelerator.choose(fake(COMES_UP), KERNEL).name == "kvm"
    assert accelerator.choose(fake(FAILS), KERNEL).name == "kvm", "the answer was not remembered"
    assert _runs(tmp_path) == 1


def test_qemu_that_ends_without_a_guest_is_tcg(fake):
    assert accelerator.choose(fake("exit 0"), KERNEL) == accelerator.Accelerator(
        "tcg", "KVM failed the probe: exit status 0")


def test_qemu_that_fails_says_why(fake, tmp_path):
    chosen = accelerator.choose(fake(FAILS), KERNEL)
    assert (chosen.name, chosen.why) == ("tcg", "KVM failed the probe: failed to initialize kvm: Permission denied")
    assert accelerator.choose(fake(COMES_UP), KERNEL) == chosen
    assert _runs(tmp_path) == 1


def test_late_guest_is_asked_again_after_an_hour(fake, tmp_path, monkeypatch):
    """A machine that was busy once does not emulate until its next boot."""
    late = accelerator.choose(fake(HANGS), KERNEL)
    assert late.name == "tcg" and "did not come up" in late.why
    assert accelerator.choose(fake(COMES_UP), KERNEL) == late
    assert _runs(tmp_path) == 1
    now = time.time()
    monkeypatch.setattr(accelerator.time, "time", lambda: now + 3601)
    assert accelerator.choose(fake(COMES_UP), KERNEL).name == "kvm"
    assert _runs(tmp_path) == 2


@pytest.mark.parametrize("change", [lambda qemu: (Qemu(qemu.argv, "11.1.4", ""), KERNEL),
                                    lambda qemu: (qemu, KERNEL.with_name("another"))], ids=["qemu", "kernel"])
def test_another_question_is_asked(fake, tmp_path, change):
    qemu = fake(FAILS)
    accelerator.choose(qemu, KERNEL)
    accelerator.choose(*change(qemu))
    assert _runs(tmp_path) == 2 and len(json.loads(_memory().read_text())) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": {"name": "kvm"}}', '{"a": {"colour": "red"}}'])
def test_damaged_memory_is_asked_again(fake, tmp_path, text):
    _memory().parent.mkdir(parents=True)
    _memory().write_text(text)
    for _ in range(2):
        assert accelerator.choose(fake(COMES_UP), KERNEL).name == "kvm"
    assert _runs(tmp_path) == 1


def test_no_device_needs_no_probe(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(accelerator, "_DEVICE", tmp_path / "absent")
    chosen = accelerator.choose(fake(COMES_UP), KERNEL)
    assert chosen.name == "tcg" and "does not exist" in chosen.why and not _runs(tmp_path)


@pytest.mark.parametrize("name", ["kvm", "tcg"])
def test_user_decides(fake, tmp_path, monkeypatch, name):
    monkeypatch.setenv(accelerator.OVERRIDE, name)
    assert accelerator.choose(fake(COMES_UP), KERNEL) == accelerator.Accelerator(name, f"PRD32_ACCEL={name}")
    assert not _runs(tmp_path)
    assert doctor._accelerator().found == f"{name}: PRD32_ACCEL={name}"


def test_wrong_word_of_the_user(fake, monkeypatch):
    monkeypatch.setenv(accelerator.OVERRIDE, "xen")
    with pytest.raises(TestbedError, match="PRD32_ACCEL=xen: it may be kvm or tcg"):
        accelerator.choose(fake(COMES_UP), KERNEL)
    assert doctor._accelerator().state == "missing"

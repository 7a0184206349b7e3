# SPDX-License-Identifier: Apache-2.0
"""Protocol tests talk to the device program over its socket, in QEMU's place."""

import os
from collections.abc import Callable, Iterator

import pytest

from protocol.guest_memory import GuestMemory
from protocol.vfio_user import Client
from testbed.card import CardProcess


@pytest.fixture(autouse=True)
def survives(device: CardProcess) -> Iterator[None]:
    """Whatever a test sends: afterwards the program still serves, or has ended in order."""
    yield
    code = device.poll()
    assert code in (None, 0), f"the program ended with {code}:\n{device.log_tail()}"
    if code is None:
        with Client(device.socket) as another:
            another.device_info()


@pytest.fixture
def client(device: CardProcess) -> Iterator[Client]:
    """A client that has negotiated."""
    with Client(device.socket) as connected:
        yield connected


@pytest.fixture
def memory(client: Client) -> Iterator[GuestMemory]:
    """1 MiB of client memory, open to the card at 16 MiB; bus mastering is on."""
    with GuestMemory(client) as shared:
        yield shared


@pytest.fixture
def descriptors(device: CardProcess) -> Callable[[], int]:
    """How many file descriptors the program holds."""
    return lambda: len(os.listdir(f"/proc/{device.pid}/fd"))

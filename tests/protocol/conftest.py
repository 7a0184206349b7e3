# SPDX-License-Identifier: Apache-2.0
"""Protocol tests talk to the device program over its socket, in QEMU's place."""

import os
from collections.abc import Callable, Iterator

import pytest

from protocol.guest_memory import BASE, GuestMemory, table
from protocol.held_access import BYTES
from protocol.interrupt_events import VECTORS, Events
from protocol.vfio_user import Client
from testbed.card import CardProcess


# For a module's pytestmark: each of its tests runs once for each way that the card has to the client's memory.
BOTH_WAYS = pytest.mark.parametrize("way", [
    "mmap", pytest.param("message", marks=pytest.mark.device_options("--dma", "message"))], indirect=True)


@pytest.fixture
def way(request: pytest.FixtureRequest) -> str:
    """How the card gets at memory that it was given a descriptor of."""
    return getattr(request, "param", "mmap")


@pytest.fixture(autouse=True)
def survives(device: CardProcess, way: str) -> Iterator[None]:
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
def unshared(client: Client) -> Iterator[GuestMemory]:
    """The same without a descriptor; a table for one region is there."""
    with GuestMemory(client, shared=False) as made:
        made.put(BASE, table([(made.data, BYTES)]))
        yield made


@pytest.fixture
def events() -> Iterator[Events]:
    made = Events(max(VECTORS, 4))
    yield made
    made.close()


@pytest.fixture
def descriptors(device: CardProcess) -> Callable[[], int]:
    """How many file descriptors the program holds."""
    return lambda: len(os.listdir(f"/proc/{device.pid}/fd"))

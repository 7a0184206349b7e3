# SPDX-License-Identifier: Apache-2.0
"""Interrupts as a client sees them: eventfds, and the card's lines that make them fire."""

import os
import select

from protocol.guest_memory import BASE, MAP, finish, mask, start, write_register
from protocol.vfio_user import MSI, MSIX, Client

CAP_MSI, CAP_MSIX = 0x05, 0x11
VECTORS = len(MAP.vectors)
CH0 = next(vector.index for vector in MAP.vectors if vector.name == "CH0")
CH1 = next(vector.index for vector in MAP.vectors if vector.name == "CH1")


class Events:
    """Eventfds, one an interrupt."""

    def __init__(self, count: int, flags: int = os.EFD_NONBLOCK) -> None:
        self.fds = [os.eventfd(0, os.EFD_CLOEXEC | flags) for _ in range(count)]

    def take(self, index: int = 0) -> int:
        """How often it was signalled since the last look. All that a message caused has happened once a later message
        was answered, so nothing needs to be waited for."""
        ready, _, _ = select.select([self.fds[index]], [], [], 0)
        return os.eventfd_read(self.fds[index]) if ready else 0

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)


def raise_line(client: Client, channel: int = 0) -> None:
    start(client, BASE + 0x10000 * channel, to_host=True, channel=channel)
    finish(client, channel)
    client.device_info()


def lower_line(client: Client, channel: int = 0) -> None:
    write_register(client, "BM_STATUS", mask("BM_STATUS", "INTERRUPT"), channel)
    client.device_info()


def use_msi(client: Client, events: Events, count: int = 4, enable: bool = True) -> int:
    at = client.capability(CAP_MSI)
    client.set_trigger(MSI, events.fds[:count])
    client.config_write(at + 2, (count.bit_length() - 1) << 4 | int(enable), 2)
    return at


def use_msix(client: Client, events: Events, control: int = 0x8000) -> int:
    at = client.capability(CAP_MSIX)
    client.config_write(at + 2, control, 2)
    client.set_trigger(MSIX, events.fds[:VECTORS])
    return at


def pending(client: Client) -> int:
    return client.read(MAP.msix.bar, MAP.msix.pba_offset)

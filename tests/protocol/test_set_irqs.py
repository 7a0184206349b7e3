# SPDX-License-Identifier: Apache-2.0
"""DEVICE_SET_IRQS: what its checks let through, and that refusals leak nothing."""

import errno
import os
import struct

import pytest

from protocol.guest_memory import MAP
from protocol.vfio_user import (ACTION_MASK, ACTION_TRIGGER, ACTION_UNMASK, DATA_BOOL, DATA_EVENTFD, DATA_NONE,
                                DEVICE_SET_IRQS, ERR, INTX, IRQS, MSI, MSIX, REQ, Refused)

VECTORS = len(MAP.vectors)


@pytest.fixture
def event():
    fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    yield fd
    os.close(fd)


def refused(client, *args, **kwargs) -> int:
    with pytest.raises(Refused) as caught:
        client.set_irqs(*args, **kwargs)
    return caught.value.errno


@pytest.mark.parametrize("flags", [
    0, DATA_NONE, ACTION_TRIGGER, DATA_NONE | DATA_BOOL | ACTION_TRIGGER, DATA_NONE | ACTION_MASK | ACTION_UNMASK,
    DATA_NONE | ACTION_TRIGGER | 0x40, 0xFFFFFFFF, DATA_NONE | DATA_EVENTFD | ACTION_TRIGGER])
def test_flags_must_be_one_of_each(client, flags):
    assert refused(client, INTX, flags, 0, 1) == errno.EINVAL


@pytest.mark.parametrize("index, start, count", [
    (INTX, 0, 2), (INTX, 1, 1), (MSIX, 0, VECTORS + 1), (MSIX, VECTORS, 1), (MSIX, 1, VECTORS), (MSIX, 0xFFFFFFFF, 2),
    (MSIX, 2, 0xFFFFFFFF), (MSIX, 0, 0xFFFFFFFF), (MSI, 0, 5), (ERR, 0, 2), (IRQS, 0, 1), (0xFFFFFFFF, 0, 1)])
@pytest.mark.parametrize("data", [DATA_NONE, DATA_BOOL, DATA_EVENTFD])
def test_ranges_are_bounded(client, index, start, count, data):
    assert refused(client, index, data | ACTION_TRIGGER, start, count) == errno.EINVAL


@pytest.mark.parametrize("flags, index", [
    (DATA_BOOL | ACTION_TRIGGER, INTX), (DATA_EVENTFD | ACTION_TRIGGER, MSI), (DATA_NONE | ACTION_MASK, INTX),
    (DATA_NONE | ACTION_TRIGGER, IRQS), (DATA_NONE | ACTION_TRIGGER, 77)])
def test_count_of_nothing(client, flags, index):
    assert refused(client, index, flags, 0, 0) == errno.EINVAL


@pytest.mark.parametrize("index", [ERR, REQ])
def test_error_and_request_cannot_be_masked(client, event, index):
    client.set_trigger(index, [event])
    assert refused(client, index, DATA_NONE | ACTION_MASK, 0, 1) == errno.EINVAL
    client.set_irqs(index, DATA_NONE | ACTION_TRIGGER)


def test_mask_events_are_not_supported(client, event):
    assert refused(client, INTX, DATA_EVENTFD | ACTION_MASK, 0, 1, fds=[event]) == errno.ENOTSUP
    assert refused(client, MSIX, DATA_EVENTFD | ACTION_UNMASK, 0, 1, fds=[event]) == errno.ENOTSUP


@pytest.mark.parametrize("flags, count, data", [
    (DATA_BOOL | ACTION_TRIGGER, 2, b"\1"), (DATA_BOOL | ACTION_TRIGGER, 2, b"\1\1\1"),
    (DATA_BOOL | ACTION_MASK, 2, b""),
    (DATA_NONE | ACTION_TRIGGER, 2, b"\1\1"), (DATA_EVENTFD | ACTION_TRIGGER, 1, b"\0\0\0\0")])
def test_data_must_fit_the_count(client, flags, count, data):
    assert refused(client, MSIX, flags, 0, count, data=data) == errno.EBADMSG


def test_descriptors_must_fit_the_count(client, event, descriptors):
    before = descriptors()
    for flags, count, number in ((DATA_EVENTFD, 1, 2), (DATA_EVENTFD, 3, 2), (DATA_NONE, 1, 1), (DATA_BOOL, 1, 1)):
        data = b"\1" if flags == DATA_BOOL else b""
        assert refused(client, MSIX, flags | ACTION_TRIGGER, 0, count, data=data, fds=[event] * number) == errno.EBADMSG
    assert descriptors() == before


@pytest.mark.parametrize("number", [17, 64, 253])
def test_too_many_descriptors(client, event, descriptors, number):
    before = descriptors()
    assert refused(client, MSIX, DATA_EVENTFD | ACTION_TRIGGER, 0, VECTORS, fds=[event] * number) != 0
    assert descriptors() == before
    client.device_info()


def test_only_eventfds_are_taken(client, event, descriptors, tmp_path):
    before = descriptors()
    reading, writing = os.pipe()
    with (tmp_path / "file").open("wb") as file:
        for fd in (reading, writing, file.fileno(), client.socket.fileno()):
            assert refused(client, MSIX, DATA_EVENTFD | ACTION_TRIGGER, 0, 2, fds=[event, fd]) == errno.EINVAL
    os.close(reading)
    os.close(writing)
    assert descriptors() == before


def test_descriptors_are_replaced_and_released(client, event, descriptors):
    before = descriptors()
    for _ in range(20):
        client.set_trigger(MSIX, [event] * VECTORS)
        client.set_trigger(INTX, [event])
        client.set_trigger(ERR, [event])
    assert descriptors() == before + VECTORS + 2
    client.set_irqs(MSIX, DATA_EVENTFD | ACTION_TRIGGER, 1, 1)
    assert descriptors() == before + VECTORS + 1
    for index in range(IRQS):
        client.set_irqs(index, DATA_NONE | ACTION_TRIGGER)
    assert descriptors() == before


def test_client_triggers_by_itself(client, event):
    client.set_trigger(MSIX, [event] * VECTORS)
    client.set_irqs(MSIX, DATA_NONE | ACTION_TRIGGER, 0, 2)
    assert os.eventfd_read(event) == 2
    client.set_irqs(MSIX, DATA_BOOL | ACTION_TRIGGER, 0, 3, data=b"\1\0\1")
    assert os.eventfd_read(event) == 2
    client.set_irqs(MSI, DATA_NONE | ACTION_TRIGGER, 0, 1)  # nobody listens


@pytest.mark.parametrize("size", [0, 1, 19])
def test_too_short_is_refused(client, size, event, descriptors):
    before = descriptors()
    with pytest.raises(Refused):
        client.call(DEVICE_SET_IRQS, struct.pack("=IIIII", 20, DATA_NONE | ACTION_TRIGGER, 0, 0, 0)[:size], fds=[event])
    assert descriptors() == before

# SPDX-License-Identifier: Apache-2.0
"""VFIO_USER_VERSION: what is negotiated, and what is no negotiation."""

import errno
import json
import struct

import pytest

from protocol.vfio_user import CAPABILITIES, DEVICE_GET_INFO, VERSION, Client, Refused


@pytest.fixture
def fresh(device):
    """A client that has not negotiated."""
    with Client(device.socket, negotiate=False) as connected:
        yield connected


def test_capabilities_are_those_of_both(fresh):
    answer = fresh.version({**CAPABILITIES, "migration": {"pgsize": 4096}, "twin_socket": {"supported": True}})
    assert answer == {"capabilities": {"max_msg_fds": 16, "max_data_xfer_size": 65536, "max_dma_maps": 65535,
                                       "pgsizes": 4096, "write_multiple": True}}


def test_nothing_is_offered_that_was_not_proposed(fresh):
    assert fresh.version({"pgsizes": 4096}) == {"capabilities": {"pgsizes": 4096}}


def test_reply_fits_into_the_space_of_the_request(fresh):
    """QEMU receives the reply into the request's buffer."""
    request = struct.pack("=HH", 0, 0) + json.dumps({"capabilities": CAPABILITIES}).encode() + b"\0"
    assert len(fresh.call(VERSION, request)) <= len(request)


def test_version_data_is_optional(fresh):
    assert fresh.version(data=b"") == {}
    fresh.device_info()


def test_newer_minor_is_answered_with_ours(fresh):
    fresh.version(minor=7)
    fresh.device_info()


def test_other_major_is_refused_and_disconnected(fresh):
    with pytest.raises(Refused):
        fresh.version(major=1)
    fresh.wait_disconnect()


def test_version_comes_first(fresh):
    with pytest.raises(Refused) as refused:
        fresh.call(DEVICE_GET_INFO, struct.pack("=IIII", 16, 0, 0, 0))
    assert refused.value.errno == errno.EINVAL
    fresh.version()


def test_version_comes_once(client):
    with pytest.raises(Refused) as refused:
        client.version()
    assert refused.value.errno == errno.EINVAL
    client.device_info()


@pytest.mark.parametrize("data", [
    b"\0", b"{}", b"nonsense\0", b"[]\0", b"7\0", b'{"capabilities": 3}\0', b'{"capabilities": {"pgsizes": "x"}}\0',
    b'{"capabilities": {"pgsizes": -1}}\0', b'{"capabilities": {"write_multiple": 1}}\0', b'\xff\xfe{}\0',
    b'{"a"' + b"\0" * 10, b"[" * 3000 + b"]" * 999 + b"\0", b'{"capabilities":' * 200 + b"\0",
    b'{"a": "' + b"x" * 5000 + b'"}\0', b'{"a": "' + b"x" * 60000 + b'"}\0',
], ids=lambda data: f"{len(data)}-{data[:12]!r}")
def test_bad_version_data_is_refused(fresh, data):
    with pytest.raises(Refused) as refused:
        fresh.version(data=data)
    assert refused.value.errno == errno.EINVAL
    fresh.version()


def test_deep_json_is_survived(fresh):
    """Depth costs no stack: the text is valid and has no capabilities."""
    depth = 1300
    answer = fresh.version(data=b'{"a":' + b"[" * depth + b"]" * depth + b"}\0")
    assert answer == {"capabilities": {}}


@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_short_version_is_refused(fresh, size):
    with pytest.raises(Refused):
        fresh.call(VERSION, bytes(size))
    fresh.version()


def test_silent_client_blocks_nobody_once_gone(device, fresh):
    fresh.socket.sendall(b"\1\0\1")
    fresh.close()
    with Client(device.socket) as another:
        another.device_info()


def test_second_client_is_served_after_the_first(device, client):
    with Client(device.socket, negotiate=False) as second:
        second.send(VERSION, struct.pack("=HH", 0, 0))
        client.device_info()
        client.close()
        assert second.receive().error == 0
        second.device_info()

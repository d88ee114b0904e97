"""Pairs of UDP ports come from the range that firewalls were told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from proxyd.rtsp.udp_pair import FIRST_PORT, LAST_PORT, bind_udp_pair, use_ports

HOST = "127.0.3.1"


@pytest.fixture(autouse=True)
def usual_ports() -> Iterator[None]:
    yield
    use_ports(FIRST_PORT, LAST_PORT)


def ports(pair: tuple[socket.socket, socket.socket]) -> tuple[int, int]:
    rtp, rtcp = (int(one.getsockname()[1]) for one in pair)
    return rtp, rtcp


@pytest.mark.parametrize(("first", "last"), [(41000, 41009), (40999, 41010)])
def test_a_range_is_used_up_and_never_left(first: int, last: int) -> None:
    use_ports(first, last)
    with ExitStack() as open_:
        found = []
        for _ in range(5):
            pair = bind_udp_pair(HOST, buffer_bytes=1 << 16)
            for one in pair:
                open_.enter_context(one)
            found.append(ports(pair))
        assert sorted(found) == [(41000 + 2 * n, 41001 + 2 * n) for n in range(5)]
        with pytest.raises(OSError, match="no free pair of UDP ports from 41000 to 41009"):
            bind_udp_pair(HOST, buffer_bytes=1 << 16)
        with ExitStack() as other:  # the same ports of another address are others
            for one in bind_udp_pair("127.0.3.2", buffer_bytes=1 << 16):
                other.enter_context(one)
    with ExitStack() as again:
        for one in bind_udp_pair(HOST, buffer_bytes=1 << 16):
            again.enter_context(one)


def test_an_address_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(OSError, match="assign"):
        bind_udp_pair("192.0.2.1", buffer_bytes=1 << 16)


@pytest.mark.parametrize(("first", "last"), [(41001, 41002), (41000, 41000), (0, 10), (65000, 65536)])
def test_what_is_no_range(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="no even port"):
        use_ports(first, last)

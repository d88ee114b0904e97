"""Addresses as NVRs give them."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.nvr.addresses import BadAddress, at_typed_host, port_of, with_port

RTSP = ("rtsp",)
HTTP = ("http", "https")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("rtsp://10.0.0.9:554/Streaming/Channels/101", "rtsp://nvr/Streaming/Channels/101"),
        ("\n\t rtsp://10.0.0.9:8554/a?b=1&amp;c=2 \r\n", "rtsp://nvr:8554/a?b=1&c=2"),
        ("rtsp://admin:p@ss:w@10.0.0.9/x", "rtsp://nvr/x"),
        ("rtsp://admin:12/s/s@10.0.0.9:8554/x?y=a@b", "rtsp://nvr:8554/x?y=a@b"),
        ("rtsp://10.0.0.9:8554/x@y", "rtsp://nvr:8554/x@y"),
        ("rtsp://admin:p@ss@10.0.0.9:554/x", "rtsp://nvr/x"),
        ("RTSP://HOST.example:1554", "rtsp://nvr:1554/"),
        ("rtsp://[fe80::1%25eth0]:554/x", "rtsp://nvr/x"),
        ("rtsp://[fe80::1]:8554/x", "rtsp://nvr:8554/x"),
        ("rtsp://10.0.0.9:554:554/x", "rtsp://nvr/x"),
        ("rtsp://10.0.0.9:8106:8106/x", "rtsp://nvr:8106/x"),
        ("rtsp://fe80::1/x", "rtsp://nvr/x"),
        ("rtsp://10.0.0.9?channel=1", "rtsp://nvr/?channel=1"),
        ("rtsp://10.0.0.9/a#fragment", "rtsp://nvr/a"),
        ("/live/1", "rtsp://nvr:8554/live/1"),
        ("live/1", "rtsp://nvr:8554/live/1"),
    ],
)
def test_stream_addresses(raw: str, expected: str) -> None:
    assert at_typed_host(raw, host="nvr", schemes=RTSP, base_port=8554) == expected


@pytest.mark.parametrize(
    "raw", ["", "  \n", "http://x/y", "javascript:alert(1)", "rtsp://h:99999/", "rtsp://h:0/", "rtsp://h:x/"]
)
def test_what_is_no_stream_address(raw: str) -> None:
    with pytest.raises(BadAddress):
        at_typed_host(raw, host="nvr", schemes=RTSP)


def test_an_address_that_tries_to_smuggle_a_header_is_refused() -> None:
    with pytest.raises(BadAddress):
        at_typed_host("rtsp://h/x RTSP/1.0\r\nX-Evil: 1", host="nvr", schemes=RTSP)


def test_ipv6_hosts_are_bracketed() -> None:
    assert at_typed_host("http://h:8080/x", host="fd00::5", schemes=HTTP) == "http://[fd00::5]:8080/x"
    assert at_typed_host("https://h/x", host="[fd00::5]", schemes=HTTP) == "https://[fd00::5]/x"


def test_ports() -> None:
    assert port_of("http://nvr/x") == 80
    assert port_of("rtsp://nvr:8554/x") == 8554
    assert with_port("http://nvr/x?y=1", 8000) == "http://nvr:8000/x?y=1"
    assert with_port("http://[fd00::5]:81/x", 8000) == "http://[fd00::5]:8000/x"


def test_the_error_names_no_secret() -> None:
    with pytest.raises(BadAddress) as caught:
        at_typed_host("ftp://admin:hunter2@h/x", host="nvr", schemes=RTSP)
    assert "hunter2" not in str(caught.value)


@given(st.one_of(st.text(max_size=60), st.text(max_size=40).map("rtsp://a:b@".__add__)))
def test_any_text_gives_an_address_on_the_typed_host_or_a_refusal(raw: str) -> None:
    with contextlib.suppress(BadAddress):
        made = at_typed_host(raw, host="192.168.1.20", schemes=RTSP)
        parts = urlsplit(made)
        assert parts.scheme == "rtsp"
        assert parts.hostname == "192.168.1.20"
        assert parts.username is None
        assert not any(ord(c) <= 32 for c in made)

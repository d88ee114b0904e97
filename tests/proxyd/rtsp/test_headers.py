"""Transport, Session and RTP-Info as devices and recorders write them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.rtsp.headers import (
    Headers,
    RtpInfo,
    Transport,
    format_rtp_info,
    format_session,
    format_transport,
    parse_rtp_info,
    parse_session,
    parse_transport,
)


def test_headers_are_an_ordered_multi_dict_without_case() -> None:
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
    assert headers.get("a") == "1" and headers.get_all("A") == ["1", "3"] and "B" in headers
    copy = headers.copy()
    copy.set("A", "4")
    assert list(copy) == [("b", "2"), ("A", "4")] and len(headers) == 3
    assert headers != copy and headers != "x"
    assert copy.get("c", "d") == "d"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1", [Transport(tcp=True, interleaved=(0, 1))]),
        ("RTP/AVP;unicast;client_port=50000-50001", [Transport(client_port=(50000, 50001))]),
        ("rtp/avp/udp; Unicast; client_port = 4000", [Transport(client_port=(4000, 4001))]),
        ("RTP/AVP;multicast;destination=239.1.1.1;ttl=5", [Transport(unicast=False, destination="239.1.1.1")]),
        (
            'RTP/AVP/TCP;interleaved=2-3;ssrc=12AB;mode="PLAY,RECORD", RTP/AVP;client_port=6-7',
            [
                Transport(tcp=True, interleaved=(2, 3), ssrc=0x12AB, mode="PLAY,RECORD"),
                Transport(client_port=(6, 7)),
            ],
        ),
        ("RAW/RAW/UDP;client_port=1-2", []),
        ("RTP/AVP/QUIC", []),
        ("RTP/AVP;client_port=70000-70001", []),
        ("RTP/AVP;client_port=9-8", []),
        ("RTP/AVP/TCP;interleaved=255", []),
        ("", []),
        (";;,,", []),
    ],
)
def test_transport(text: str, expected: list[Transport]) -> None:
    assert parse_transport(text) == expected


def pairs(highest: int) -> st.SearchStrategy[tuple[int, int] | None]:
    return st.none() | st.integers(0, highest - 1).map(lambda n: (n, n + 1))


@given(
    st.lists(
        st.builds(
            Transport,
            tcp=st.booleans(),
            unicast=st.booleans(),
            interleaved=pairs(255),
            client_port=pairs(65535),
            server_port=pairs(65535),
            source=st.sampled_from(["", "127.0.0.1"]),
            ssrc=st.none() | st.integers(0, 2**32 - 1),
            mode=st.sampled_from(["", "PLAY", "PLAY,RECORD"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_transport_round_trip(transports: list[Transport]) -> None:
    assert parse_transport(",".join(map(format_transport, transports))) == transports


@given(st.text(max_size=100))
def test_any_text_is_read_without_failing(text: str) -> None:
    parse_transport(text)
    parse_transport("RTP/AVP;" + text)
    parse_session(text)
    parse_rtp_info(text)
    parse_rtp_info("url=" + text)


def test_session() -> None:
    assert parse_session("1234") == ("1234", 60)
    assert parse_session(" AB$c ; timeout = 90 ") == ("AB$c", 90)
    assert parse_session("x;timeout=\x1c90") == ("x", 90)  # space for str.strip, and not for int
    assert parse_session("x;timeout=0") == ("x", 60)
    assert parse_session("x;timeout=never") == ("x", 60)
    assert format_session("x") == "x" and format_session("x", 60) == "x;timeout=60"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "url=rtsp://h/a/trackID=0;seq=9;rtptime=77,url=rtsp://h/a/trackID=1;seq=1;rtptime=2",
            [RtpInfo("rtsp://h/a/trackID=0", 9, 77), RtpInfo("rtsp://h/a/trackID=1", 1, 2)],
        ),
        ("url=trackID=1;rtptime=5;seq=3", [RtpInfo("trackID=1", 3, 5)]),
        ('URL="rtsp://h/x;y,z";seq=1', [RtpInfo("rtsp://h/x;y,z", 1)]),
        ("url=rtsp://h/x;seq=;rtptime=-1", [RtpInfo("rtsp://h/x;seq=;rtptime=-1")]),
        ("seq=1", []),
        ("", []),
    ],
)
def test_rtp_info(text: str, expected: list[RtpInfo]) -> None:
    assert parse_rtp_info(text) == expected


def test_rtp_info_round_trip() -> None:
    entries = [RtpInfo("rtsp://h:1/main/trackID=0", 65535, 2**32 - 1), RtpInfo("rtsp://h/x")]
    assert parse_rtp_info(format_rtp_info(entries)) == entries


@pytest.mark.parametrize("text", ["url=a;seq=" + " " * 16_000 + "!", "url=a" + "; seq=" * 2_600])
def test_rtp_info_of_any_length_is_read_at_once(text: str) -> None:
    began = time.process_time()
    assert len(parse_rtp_info(text)) == 1
    assert time.process_time() - began < 0.5

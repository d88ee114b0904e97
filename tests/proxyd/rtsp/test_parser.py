"""The RTSP parser: what it reads, its limits, and that chunking never matters."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import (
    Interleaved,
    Request,
    Response,
    format_interleaved,
    format_request,
    format_response,
)
from proxyd.rtsp.parser import Event, Limits, RtspParser, RtspSyntaxError

SMALL = Limits(head_bytes=120, header_count=3, line_bytes=60, body_bytes=20, interleaved_bytes=30)


def read(chunks: list[bytes], limits: Limits | None = None) -> tuple[list[Event], str]:
    """All events and the error, if any."""
    parser = RtspParser(limits)
    events: list[Event] = []
    for chunk in chunks:
        try:
            events += parser.feed(chunk)
        except RtspSyntaxError as error:
            return events + error.events, str(error)
    return events, ""


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places)]


def test_a_request_with_a_body_between_packets() -> None:
    request = Request("SET_PARAMETER", "rtsp://h/main", Headers([("CSeq", "4")]), b"volume: 3")
    data = format_interleaved(0, b"abc") + format_request(request) + format_interleaved(255, b"")
    events, error = read([data])
    assert not error
    assert events[0] == Interleaved(0, b"abc") and events[2] == Interleaved(255, b"")
    found = events[1]
    assert isinstance(found, Request)
    assert (found.method, found.uri, found.version, found.body) == (
        "SET_PARAMETER",
        "rtsp://h/main",
        "RTSP/1.0",
        b"volume: 3",
    )
    assert found.headers.get("cseq") == "4" and found.headers.get("content-length") == "9"


def test_lenient_forms() -> None:
    data = (
        b"\r\n\nOPTIONS *  RTSP/1.0 \nCSeq : 1\nX-Fold: a\r\n  b\n\n"
        b"RTSP/1.0 200\r\ncseq:2\r\nstray line\r\n\r\n"
        b"\r\nRTSP/1.0 404   Not   here \r\n\r\n"
    )
    events, error = read([data])
    assert not error
    one, two, three = events
    assert isinstance(one, Request) and one.headers == Headers([("cseq", "1"), ("X-FOLD", "a b")])
    assert isinstance(two, Response) and (two.status, two.reason) == (200, "")
    assert two.headers == Headers([("CSeq", "2")])
    assert isinstance(three, Response) and three.reason == "Not   here"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"GET / HTTP/1.1\r\n", "400 this is not RTSP"),
        (b"\x16\x03\x01\x02\n", "400 this is not RTSP"),
        (b"OPTIONS * RTSP/1.0\r\nno colon\r\n", "400 a header line is malformed"),
        (b"OPTIONS * RTSP/1.0\r\nA: \0\r\n", "400 control characters in the head"),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", "400 Content-Length is malformed"),
        (
            b"OPTIONS * RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "400 Content-Length is malformed",
        ),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: 21\r\n\r\n", "413 the body is too long"),
        (b"OPTIONS rtsp://" + b"h" * 60, "414 a line is too long"),
        (b"OPTIONS * RTSP/1.0\r\nA: " + b"b" * 60, "400 a line is too long"),
        (b"OPTIONS * RTSP/1.0\r\n" + b"A: b\r\n" * 4, "400 too many headers"),
        (b"OPTIONS * RTSP/1.0\r\n" + (b"A: " + b"b" * 50 + b"\n") * 2, "400 the head is too long"),
        (b"$\x00\x00\x1f", "400 an interleaved packet is too long"),
    ],
)
def test_limits_and_faults(data: bytes, error: str) -> None:
    before = format_interleaved(1, b"before")
    for chunks in ([before + data], [before, data], [bytes([byte]) for byte in before + data]):
        assert read(chunks, SMALL) == ([Interleaved(1, b"before")], error)


def test_a_broken_connection_stays_broken() -> None:
    parser = RtspParser()
    with pytest.raises(RtspSyntaxError):
        parser.feed(b"\x00\n")
    with pytest.raises(RtspSyntaxError):
        parser.feed(b"OPTIONS * RTSP/1.0\r\n\r\n")


def test_endless_input_without_line_breaks_takes_no_memory() -> None:
    parser = RtspParser(SMALL)
    with pytest.raises(RtspSyntaxError):
        for _ in range(1000):
            parser.feed(b"x")
    assert len(parser._pending) <= SMALL.line_bytes


def test_in_message_tells_half_from_whole() -> None:
    parser = RtspParser()
    assert not parser.in_message
    parser.feed(b"OPTIONS * RTSP/1.0\r\n")
    assert parser.in_message
    parser.feed(b"\r\n$")
    assert parser.in_message
    parser.feed(memoryview(b"\x00\x00\x01a"))
    assert not parser.in_message


PIECES = st.sampled_from(
    [
        b"OPTIONS * RTSP/1.0\r\n",
        b"RTSP/1.0 200 OK\n",
        b"\r\n",
        b"\n",
        b" folded\r\n",
        b"CSeq: 1\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: x\r\n",
        b"hello",
        b"$",
        b"$\x00\x00\x03abc",
        b"$\x01\x00\x00",
        b"\x00",
        b"\xff",
    ]
)


@given(
    st.lists(st.one_of(PIECES, st.binary(max_size=30)), max_size=20),
    st.lists(st.integers(0, 10_000), max_size=12),
    st.booleans(),
)
def test_any_bytes_in_any_split_give_the_same(pieces: list[bytes], cuts: list[int], bytewise: bool) -> None:
    data = b"".join(pieces)
    chunks = [data[i : i + 1] for i in range(len(data))] if bytewise else split(data, cuts)
    assert read(chunks, SMALL) == read([data], SMALL)


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABC-", min_size=1, max_size=12).filter(lambda t: t[0] != "-")
VALUE = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=40).map(lambda t: t.strip(" \t"))
HEADERS = st.lists(st.tuples(TOKEN.filter(lambda t: t.lower() != "content-length"), VALUE), max_size=6).map(Headers)


@given(TOKEN, HEADERS, st.binary(max_size=50), st.lists(st.integers(0, 5000), max_size=5))
def test_requests_survive_the_wire(method: str, headers: Headers, body: bytes, cuts: list[int]) -> None:
    sent = Request(method, "rtsp://[::1]:8554/main?a=1&b=2", headers, body)
    (found,), error = read(split(format_request(sent), cuts))
    assert not error and isinstance(found, Request)
    found.headers.remove("Content-Length")
    assert found == sent


@given(st.integers(100, 999), HEADERS, st.binary(max_size=50), st.lists(st.integers(0, 5000), max_size=5))
def test_responses_survive_the_wire(status: int, headers: Headers, body: bytes, cuts: list[int]) -> None:
    sent = Response(status, "Some words", headers, body)
    (found,), error = read(split(format_response(sent), cuts))
    assert not error and isinstance(found, Response)
    found.headers.remove("Content-Length")
    assert found == sent


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b"])
def test_nothing_breaks_out_of_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        format_response(Response(200, headers=Headers([("A", value)])))
    with pytest.raises(ValueError, match=r"line break|white space"):
        format_request(Request("OPTIONS", value))


def test_no_secret_in_the_repr_of_headers() -> None:
    assert "hunter2" not in repr(Request("OPTIONS", "*", Headers([("Authorization", "Basic hunter2")])))

"""Each part of the RTSP rooms and of the data plane that reads what a peer sent: any bytes go in, and what must hold
whatever they are is asserted. Nothing may come out but the exceptions that a part declares."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
from collections.abc import Callable

from proxyd.digest import DigestVerifier, authorization, choose, parse_challenges, username_of
from proxyd.media.astray import Kind, judge
from proxyd.media.feed import Feed
from proxyd.media.limits import Limits as MediaLimits
from proxyd.media.loop import HEADROOM_BYTES, READ_BYTES, Loop
from proxyd.media.outlet import TcpOutlet
from proxyd.media.reorder import Reorder
from proxyd.media.reports import outgoing_report
from proxyd.media.wire import Event, Leg, OpenFeed, Track, decode_command, decode_event
from proxyd.rtsp.addresses import parse_target, resolve_control, url_port, with_host
from proxyd.rtsp.backchannel import format_ways_back, is_sound, same_ways, ways_back
from proxyd.rtsp.headers import format_transport, parse_rtp_info, parse_session, parse_transport
from proxyd.rtsp.messages import Request, Response, format_request, format_response
from proxyd.rtsp.parser import Event as Message
from proxyd.rtsp.parser import Limits, RtspParser, RtspSyntaxError
from proxyd.rtsp.rtcp import clean_rtcp
from proxyd.rtsp.sdp import format_sdp, offered, parse_sdp
from proxyd.rtsp.sent import SentVideo, by_description, by_parameter_set
from proxyd.rtsp.session import METHODS, SessionTable, choose_transport, unsupported_features
from proxyd.rtsp.tunnel import Entrance, TunnelError
from proxyd.rtsp.tunnel import Kind as Entry
from proxyd.snapshot.key_frame import MAX_BYTES, UnitReader
from proxyd.snapshot.rtp_jpeg import JpegReader
from proxyd.sources.in_band import shape_in_packet
from proxyd.sources.shape import VideoShape

from .metadata_part import metadata

MAX_INPUT_BYTES = 64 * 1024
_LIMITS = Limits(head_bytes=600, header_count=8, line_bytes=200, body_bytes=300, interleaved_bytes=2000)
_MOST_PENDING = 2004  # of those limits: an interleaved packet with its head
_CHANNELS = {0, 1, 2, 3}
_CNAME = b"camera"
_SECRET = b"nvr-secret-name"  # what the seeds hold where an NVR names itself
_VERIFIER = DigestVerifier("camera", b"secret", max_nonces=16)


def _text(data: bytes) -> str:
    """As the parser makes header values."""
    return data.decode("utf-8", "surrogateescape")


def parser(data: bytes) -> None:
    """The same whole and in pieces, bounded, and what was read can be written."""
    whole = _read([data])
    step = 1 + data[-1] % 40 if data else 1
    assert whole == _read([data[at : at + step] for at in range(0, len(data), step)])
    for event in whole[0]:
        if isinstance(event, Request):
            format_request(event)
        elif isinstance(event, Response):
            format_response(event)


def _read(pieces: list[bytes]) -> tuple[list[Message], str]:
    reader, events = RtspParser(_LIMITS), list[Message]()
    for piece in pieces:
        try:
            events += reader.feed(piece)
        except RtspSyntaxError as error:
            assert error.status in (400, 413, 414), error
            return [*events, *error.events], str(error)
        assert len(reader._pending) <= _MOST_PENDING
    return events, ""


def headers(data: bytes) -> None:
    text = _text(data)
    parse_session(text)
    assert len(parse_rtp_info(text)) <= 1 + text.count(",")
    unsupported_features([text], ())


def transport(data: bytes) -> None:
    """What is granted is one of ours, and is read as it is written."""
    wishes = parse_transport(_text(data))
    table = SessionTable("s", "main")
    for track in range(3):
        granted = choose_transport(wishes, table.tracks)
        if granted is None:
            break
        assert granted.unicast and (granted.interleaved is not None) == granted.tcp
        assert parse_transport(format_transport(granted)) == [granted]
        used = [number for one in table.tracks.values() for number in one.interleaved or ()]
        assert not set(used) & set(granted.interleaved or ())
        table.tracks[track] = granted


def session(data: bytes) -> None:
    """Bytes are the methods of a session, in any order."""
    table = SessionTable("s", "main")
    for byte in data[:200]:
        method, track = METHODS[byte % 8], byte >> 3 & 3
        if method == "SETUP":
            if table.setup_refusal("main" if byte < 224 else "sub", track, 2) == 0:
                table.tracks[track] = choose_transport(parse_transport("RTP/AVP/TCP"), table.tracks)  # type: ignore[assignment]  # there are channels for two
                table.done(method)
        elif table.refusal(method) == 0:
            table.done(method)
    assert len(table.tracks) <= 2


def sdp(data: bytes) -> None:
    """Our SDP is read as we wrote it, and holds only lines of the kinds that we write."""
    described = parse_sdp(data.decode("utf-8", "replace"))
    media, back = offered(described), ways_back(described)
    text = format_sdp(media, address="192.0.2.9", session_id=1, title="main") + format_ways_back(back)
    assert text.isprintable() or all(line.isprintable() for line in text.split("\r\n"))
    assert all(line[:2] in ("v=", "o=", "s=", "c=", "t=", "a=", "m=", "b=") for line in text.split("\r\n")[:-1]), text
    again = offered(parse_sdp(text))
    assert [one.formats for one in back] == [one.formats for one in ways_back(parse_sdp(text))]
    assert same_ways(back, ways_back(described))
    assert not [one for one in back if is_sound(data, one) and not 12 < len(data) <= 4096]
    assert [(one.kind, one.formats[:1]) for one in again] == [
        (one.kind, tuple(name for name in one.formats if name in two.formats)[:1])
        for one, two in zip(media, again, strict=True)
    ]


def description(data: bytes) -> None:
    """What an NVR sends, by its SDP and by parameter sets in its packets."""
    sent = by_description(offered(parse_sdp(data.decode("utf-8", "replace"))))
    for codec in ("H264", "H265"):
        by_parameter_set(SentVideo(0, codec), 0, data)
    by_parameter_set(sent, 0, data)


def digest(data: bytes) -> None:
    """As a challenge it can be answered or not; as an authorization it is wrong."""
    text = _text(data)
    challenge = choose(parse_challenges([text]))
    if challenge is not None:
        answer = authorization(challenge, method="PLAY", uri="rtsp://h/", username="u", password="p", cnonce="c")
        assert answer.startswith(challenge.scheme)
    username_of(text)
    verdict = _VERIFIER.verify(
        text, method="PLAY", uri="rtsp://h/main", username="rec", password="?s3cret?", now=5.0, basic=True
    )
    assert not verdict.ok


def rtcp(data: bytes) -> None:
    """Well-formed, ours, and cleaning it once more changes nothing."""
    cleaned = clean_rtcp(data, _CNAME)
    assert _SECRET not in cleaned or _SECRET in _reports(cleaned)
    assert clean_rtcp(cleaned, _CNAME) == cleaned
    for ssrc in (-1, 0xFFFFFFFF):
        report = outgoing_report(data, _CNAME, ssrc, -7)
        assert len(report) <= len(cleaned) and len(report) % 4 == 0
        assert clean_rtcp(report, _CNAME) == report


def _reports(packet: bytes) -> bytes:
    """What is no text in it: reports may hold any numbers."""
    parts, at = b"", 0
    while at < len(packet):
        size = 4 * (int.from_bytes(packet[at + 2 : at + 4], "big") + 1)
        parts += packet[at : at + size] if packet[at + 1] in (200, 201, 203) else b""
        at += size
    return parts


def tunnel(data: bytes) -> None:
    """The same whole and in pieces, as far as it goes."""
    whole, pieces = _entered([data]), _entered([data[at : at + 7] for at in range(0, len(data), 7)])
    assert whole[0] == pieces[0]
    assert pieces[1].startswith(whole[1]) or whole[1].startswith(pieces[1])


def _entered(pieces: list[bytes]) -> tuple[bool, bytes]:
    entrance, out = Entrance(), b""
    for piece in pieces:
        try:
            if entrance.kind is Entry.UNKNOWN:
                piece = entrance.look(piece)
            out += entrance.decode(piece) if entrance.kind is Entry.POST else piece
        except TunnelError:
            return False, out
        assert len(entrance._pending) < 4096
    return True, out


def addresses(data: bytes) -> None:
    text = _text(data)
    parse_target(text)
    for call in (url_port, lambda url: with_host(url, "192.0.2.9"), lambda url: resolve_control(url, text, "h")):
        with contextlib.suppress(ValueError):
            call(text)


def judged(data: bytes) -> None:
    """Goes on until the end, and says nothing of what lies behind it."""
    buffer = bytearray(data + b"\r\n\r\n$\0\0\x0c" + bytes(16))
    at, kind = 0, Kind.PADDING
    while at < len(data) and kind is not Kind.INCOMPLETE:
        before = at
        kind, at = judge(buffer, before, len(data), _CHANNELS)
        assert before < at <= len(data)


class _Plane:
    """A feed with a recorder beside another that waits for a key frame, in this process, on real sockets."""

    def __init__(self, codec: str) -> None:
        self.loop, self.events = Loop(0), list[Event]()
        tracks = (Track((0, 1), codec, 90_000, True), Track((2, 3), "", 8_000, False))
        self.feed = Feed(1, self.loop, MediaLimits(), self.events.append)
        ours, self.nvr = socket.socketpair()
        self.feed.open(OpenFeed(1, tracks, "camera"), [ours])
        self.recorders = []
        for number, legs in enumerate(((Leg(0, (0, 1)), Leg(1, (2, 3))), (Leg(0, (8, 9)),))):
            theirs, recorder = socket.socketpair()
            recorder.setblocking(False)
            outlet = TcpOutlet(number, self.feed, legs, theirs, self.loop, MediaLimits(), lambda number, why: None)
            self.feed.outlets.append(outlet)
            outlet.start(number == 1)
            self.recorders.append((recorder, {channel for leg in legs for channel in leg.channels}, bytearray()))

    def give(self, data: bytes) -> None:
        if self.feed._source is None:
            return  # nothing but garbage came
        self.nvr.sendall(data)
        self.feed._source._readable(0)  # type: ignore[union-attr]  # as epoll would
        for recorder, _, got in self.recorders:
            with contextlib.suppress(BlockingIOError):
                got += recorder.recv(1 << 20)
        tail = getattr(self.feed._source, "_tail", b"")
        assert len(tail) <= HEADROOM_BYTES

    def close(self) -> None:
        self.feed.close()
        for outlet in list(self.feed.outlets):
            outlet.finish("")
        for recorder, _, _ in self.recorders:
            recorder.close()
        self.nvr.close()
        self.loop.close()


def feed(data: bytes) -> None:
    """Recorders get whole packets on their channels, and nothing else."""
    codec = ("h264", "h265", "jpeg", "")[len(data) % 4]
    step = max(1, READ_BYTES if len(data) % 3 else len(data) // 3)
    with contextlib.closing(_Plane(codec)) as plane:
        for at in range(0, len(data), min(step, 60_000)):
            plane.give(data[at : at + min(step, 60_000)])
        for _, channels, got in plane.recorders:
            at = 0
            while at < len(got):
                assert got[at] == 0x24 and got[at + 1] in channels
                at += 4 + int.from_bytes(got[at + 2 : at + 4], "big")
            assert at == len(got)
        plane.feed.look_after()


def reorder(data: bytes) -> None:
    """Each packet comes out once at most, and all that wait in the end."""
    queue, given, out = Reorder(), 0, list[bytes]()
    for first, second in itertools.pairwise(data[:2000]):
        sequence = (first << 8 | second) if first > 200 else second
        given += 1
        if queue.in_turn(sequence):
            out.append(b"")
        else:
            out += queue.push(sequence, b"")
        assert len(queue._held) <= 64
    out += queue.give_up()
    assert len(out) + queue.late == given and not queue.holding


def wire(data: bytes) -> None:
    for decode in (decode_command, decode_event):
        with contextlib.suppress(ValueError):
            decode(data)


def shapes(data: bytes) -> None:
    for codec in ("H264", "H265"):
        found = shape_in_packet(codec, data)
        assert found is None or isinstance(found, VideoShape)


def key_frames(data: bytes) -> None:
    """Whatever comes in packets is a picture or nothing, and what is kept has a limit."""
    readers: list[tuple[UnitReader | JpegReader, tuple[bytes, bytes]]] = [
        (UnitReader("H264", (b"\x67" + data[:9], b"\x68\1")), (b"\x7c\x85", b"\x65\x80")),
        (UnitReader("H265", (b"\x40\1\1", b"\x42\1\1", b"\x44\1" + data[:9])), (b"\x62\1\x93", b"\x26\1\x80")),
        (JpegReader(), (b"\0\0\0\0\1\x37\x10\x10", b"\0\0\0\0\1\xff\x10\x10")),
    ]
    size = 40 + data[-1] if data else 1
    for number, at in enumerate(range(0, len(data), size)):
        piece = data[at : at + size]
        first, marker = 0x80 | (piece[0] & 0x3F if number % 8 == 7 else 0), 0x80 if number % 3 == 2 else 0
        for reader, starts in readers:
            for sequence, begin in ((2 * number, b""), (2 * number + 1, starts[piece[-1] % 2])):
                head = struct.pack(">BBHII", first, 96 | marker, sequence & 0xFFFF, number // 3, 1)
                for packet in (piece, head + begin + piece):
                    frame = reader.feed(packet)
                    assert frame is None or frame.data[:4] == b"\0\0\0\1" or frame.data[:2] == b"\xff\xd8"
                    assert frame is None or len(frame.data) < MAX_BYTES + MAX_INPUT_BYTES


PARTS: dict[str, Callable[[bytes], None]] = {
    part.__name__: part
    for part in (
        parser, headers, transport, session, sdp, description, digest, rtcp, tunnel, addresses, judged, feed, reorder,
        wire, shapes, key_frames, metadata,
    )
}  # fmt: skip

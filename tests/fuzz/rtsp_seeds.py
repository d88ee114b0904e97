"""What devices and recorders say over RTSP, nearly right: dialogues, header values, descriptions and packets, broken
where a reader may trip. All from one seeded random generator, so that a finding can be made again."""

from __future__ import annotations

import random
from struct import pack

_SECRET = b"nvr-secret-name"  # as rtsp_parts looks for it


def _rtp(sequence: int, payload: bytes, *, marker: bool = False, kind: int = 96, stamp: int = 9000) -> bytes:
    return pack(">BBHII", 0x80, kind | marker << 7, sequence, stamp, 7) + payload


def _framed(channel: int, packet: bytes) -> bytes:
    return b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet


_H264_SPS = bytes.fromhex("674d401f9a6402802dff350101014000000fa00001388101")
_H265_SPS = bytes.fromhex("420101016000000300b0000003000003005da00280802d165bad49111840")
_SR = pack(">BBHIIIIII", 0x80, 200, 6, 7, 1, 2, 9000, 3, 4)
_SDES = pack(">BBHI", 0x81, 202, 6, 7) + b"\x01\x0f" + _SECRET + bytes(3)
_BYE = pack(">BBHI", 0x81, 203, 5, 7) + b"\x0f" + _SECRET
_APP = pack(">BBHI4s", 0x80, 204, 6, 7, b"NAME") + _SECRET + b"\0"
_CHANNEL_SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
    b"m=video 0 RTP/AVP 96\r\nb=AS:4096\r\na=rtpmap:96 H264/90000\r\n"
    b"a=fmtp:96 packetization-mode=1;profile-level-id=4D401F;sprop-parameter-sets=Z01AH5pkAoAt,aO48gA==\r\n"
    b"a=control:trackID=0\r\na=framerate:25.0\r\n"
    b"m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:trackID=1\r\n"
    b"m=audio 0 RTP/AVP 0\r\na=sendonly\r\nm=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n"
)
_PICTURE = b"".join(
    [
        _framed(0, _rtp(1, _H264_SPS)),
        _framed(0, _rtp(2, b"\x18\x00\x18" + _H264_SPS + b"\x00\x04\x68\xee\x3c\x80")),
        *(_framed(0, _rtp(3 + n, b"\x7c\x85" + bytes(60))) for n in range(9)),
        _framed(0, _rtp(12, b"\x7c\x45" + bytes(20), marker=True)),
        _framed(1, _SR + _SDES),
        _framed(2, _rtp(1, bytes(80), kind=8)),
        _framed(0, _rtp(13, b"\x62\x01\x93" + bytes(60))),
        _framed(0, _rtp(14, b"\x60\x01\x00\x1e" + _H265_SPS + b"\x00\x05\x44\x01\xc1\x72\xb4")),
        _framed(0, _rtp(15, bytes(7) + b"\x50\x2d" + bytes(40), kind=26, marker=True)),
    ]
)
_METADATA = (
    b'<?xml version="1.0"?><tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>'
    b'<tt:Frame UtcTime="2024-03-01T10:00:00Z" Source="' + _SECRET + b'"><tt:Object ObjectId="7"><tt:Appearance>'
    b'<tt:Shape><tt:BoundingBox left="-0.5" top="1" right="0.5" bottom="0"/><tt:CenterOfGravity x="0" y="0.5"/>'
    b'<tt:Polygon><tt:Point x="1" y="1"/><tt:Point x="2" y="1"/><tt:Point x="2" y="2"/></tt:Polygon></tt:Shape>'
    b'<tt:Class><tt:Type Likelihood="0.7">' + _SECRET + b"</tt:Type></tt:Class></tt:Appearance></tt:Object></tt:Frame>"
    b'</tt:VideoAnalytics><tt:PTZ><tt:PTZStatus><tt:Position><tt:PanTilt x="0" y="1e0" space="' + _SECRET + b'"/>'
    b"</tt:Position><tt:UtcTime>2024-03-01T10:00:00Z</tt:UtcTime></tt:PTZStatus></tt:PTZ></tt:MetadataStream>"
)

SEEDS: list[bytes] = [
    b"OPTIONS rtsp://192.0.2.50:554/main RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: x\r\n\r\n",
    b"DESCRIBE rtsp://u:p@[fe80::1%eth0]:554/main?a=b/trackID=1 RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n",
    b"SETUP rtsp://h/main/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
    b"PLAY rtsp://h/main/ RTSP/1.0\r\nCSeq: 4\r\nSession: 12345678;timeout=60\r\nRange: npt=0.000-\r\n\r\n" + _PICTURE,
    b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 5\r\nContent-Length: 9\r\n folded\r\n\r\nvolume: 3" + _framed(1, _SR),
    b"RTSP/1.0 200 OK\r\nCSeq: 6\r\nRTP-Info: url=rtsp://h/a;b,c;seq=1;rtptime=2,url=x;seq=3\r\n\r\n",
    b'RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm="a", nonce="b"\r\n\r\n\r\n',
    b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\nContent-Length: 650\r\n\r\n" + _CHANNEL_SDP,
    b'RTP/AVP;unicast;client_port=5000-5001;mode="PLAY",RTP/AVP/TCP;interleaved=2-3;ssrc=0A0B0C0D;source=192.0.2.9',
    b"RTP/AVP;multicast;destination=239.1.1.1;ttl=5;server_port=6970,RAW/RAW/UDP;unicast",
    b"AB$c ; timeout = 90 ",
    b'url=rtsp://h/main/trackID=0;seq=9;rtptime=77,URL="rtsp://h/x;y,z" ; seq = 1 ',
    b'Digest username="rec", realm="camera", nonce="bm9uY2U=", uri="rtsp://h/main", response="0123456789abcdef"',
    b'Digest realm="x\\"y", nonce="n", qop="auth,auth-int", algorithm=SHA-256-sess, opaque="", stale=true, Basic x=z',
    b"Basic cmVjOnNlY3JldA==",
    _CHANNEL_SDP,
    _METADATA,
    _rtp(1, _METADATA, marker=True, kind=107),
    _PICTURE,
    _SR + _SDES + _BYE,
    _SDES + _APP + _BYE,
    pack(">BBHIIIIIII", 0x81, 201, 7, 7, 8, 0, 9, 0, 0, 0) + _BYE,
    b"GET /main HTTP/1.0\r\nx-sessioncookie: tD9hKgAAfB8ABCftAAAAAw\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n",
    b"POST /main HTTP/1.0\r\nx-sessioncookie: tD9h\r\nContent-Length: 32767\r\n\r\n"
    b"T1BUSU9OUyAqIFJUU1AvMS4wDQpDU2VxOiAxDQoNCg==T1BUSU9OUyAqIFJUU1AvMS4w\r\nDQpD",
    b"rtsp://u:p@192.0.2.9:554/Streaming/Channels/101?transportmode=unicast/trackID=0",
    b"rtsp://[2001:db8::1]:8554/main/trackid=1/",
    b'{"is":"WriteOutlet","outlet":3}\0RTSP/1.0 200 OK\r\n\r\n',
    b'{"is":"OpenFeed","feed":1,"tracks":[{"channels":[0,1],"codec":"h264","clock_hz":90000,"video":true}],"cname":"c"}\0$',
    b'{"is":"Stats","feeds":[{"feed":1,"bytes":3,"highest":[[1,2]]}],"outlets":[]}\0',
    _rtp(1, _H264_SPS),
    _rtp(1, _H265_SPS),
    _H264_SPS,
    _H265_SPS,
    b"",
]
_WORDS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",", b'"', b"\\", b"=", b"-", b"$", b"/", b"?", b"*", b"%",
    b"$\x00\x00\x0c\x80", b"$\x00\xff\xff", b"$\x01\x00\x00", b"RTSP/1.0", b"RTSP/2.0", b"RTSP/1.0 200 OK\r\n",
    b"\r\n\r\n", b"Content-Length: 0\r\n", b"Content-Length: 99999999999\r\n", b"Content-Length: 70000\r\n",
    b"interleaved=255", b"interleaved=254-255", b"client_port=0-1", b"65535", b"65536", b"-1", b"0", b"99999",
    b"unicast", b"multicast",
    b"RTP/AVP/TCP", b"mode=RECORD", b"a=sendonly\r\n", b"m=video 0 RTP/AVP 96 97 98\r\n", b"m=\r\n", b"a=fmtp:96 ",
    b"trackID=", b"rtsp://", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\x80" * 12, b"\x00" * 12, b"\xff" * 12,
    b"9" * 5000, b"\x1c", b"\x85",
    b"nan", b"[", b"]", b"{}", b"null", b"Session:", b"Transport:", b"seq=", b";seq=1", b"Digest ", b"nonce=", b"====",
]  # fmt: skip


def broken(generator: random.Random) -> bytes:
    """One input, mostly a few hundred bytes, now and then tens of thousands."""
    return mutated(generator, generator.choice(SEEDS), generator.choice((0, 1, 1, 2, 3, 8)))


def mutated(generator: random.Random, right: bytes, times: int) -> bytes:
    """`right`, broken in so many places; at most 64 KiB."""
    data = bytearray(right)
    for _ in range(times):
        at = generator.randrange(len(data) + 1)
        stop = min(len(data), at + generator.choice((1, 1, 2, 4, 30)))
        match generator.randrange(9):
            case 0:
                data[at:at] = generator.choice(_WORDS)
            case 1:
                data[at:stop] = generator.choice(_WORDS)
            case 2:
                del data[at:stop]
            case 3:
                data[at:stop] = generator.randbytes(stop - at)
            case 4:
                data[at:at] = generator.choice(SEEDS)
            case 5:
                data[at:] = b""
            case 6:
                data[at:at] = data[at:stop] * generator.choice((1, 2, 20))
            case 7 if data:
                data[at % len(data)] ^= 1 << generator.randrange(8)
            case _:
                # Long runs, where something may take more than its share of time.
                if generator.randrange(20) == 0:
                    piece = bytes(data[at:stop]) or generator.choice(_WORDS)
                    data[at:at] = piece * (generator.choice((300, 4_000, 60_000)) // len(piece))
    return bytes(data[: 64 * 1024])

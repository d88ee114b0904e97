"""An RTSP player that reads the mark in every access unit: which channel, which stream, which frame."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from proxyd import digest
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Interleaved, Request, Response, format_request
from proxyd.rtsp.parser import Limits, RtspParser
from proxyd.simulator.frames import Depacketiser, read_sei
from proxyd.simulator.rtp import parse_rtp


@dataclass
class Seen:
    """What one player received. `wrong` holds the (channel, stream) pairs of other cameras."""

    frames: int = 0
    lost: int = 0
    first: int | None = None
    last: int | None = None
    sources: set[tuple[int, int]] = field(default_factory=set)
    raw: bytearray = field(default_factory=bytearray)


class FramePlayer:
    """Plays one URL over TCP. Keeps every received byte up to `keep` for leak tests."""

    def __init__(
        self, url: str, username: str, password: str, codec: Literal["H264", "H265"], keep: int = 200_000
    ) -> None:
        self._url, self._username, self._password = url, username, password
        self._depacketiser = Depacketiser(codec)
        self._keep = keep
        self._parser = RtspParser(Limits(interleaved_bytes=65535))
        self._cseq = 0
        self._challenge: digest.Challenge | None = None
        self._waiting: list[Response] = []
        self._expected: int | None = None
        self.seen = Seen()

    async def play(self, duration_s: float, timeout_s: float = 15) -> Seen:
        """Raises AssertionError on any answer but 200."""
        parts = urlsplit(self._url)
        self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port or 554)
        try:
            async with asyncio.timeout(timeout_s):
                sdp = (await self._ask("DESCRIBE", self._url, Accept="application/sdp")).body.decode()
                control = next(
                    line[len("a=control:") :]
                    for line in sdp[sdp.index("m=video") :].splitlines()
                    if line.startswith("a=control:")
                )
                track = control if control.startswith("rtsp://") else f"{self._url}/{control}"
                setup = await self._ask("SETUP", track, Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
                session = (setup.headers.get("Session") or "").split(";")[0]
                await self._ask("PLAY", self._url, Session=session, Range="npt=0.000-")
            loop = asyncio.get_running_loop()
            end = loop.time() + duration_s
            while loop.time() < end:
                await asyncio.wait_for(self._receive(), timeout_s)
            async with asyncio.timeout(timeout_s):
                await self._ask("TEARDOWN", self._url, Session=session)
        finally:
            self._writer.close()
        return self.seen

    async def _ask(self, method: str, uri: str, **headers: str) -> Response:
        response = await self._send(method, uri, headers)
        if response.status == 401:
            challenges = digest.parse_challenges(response.headers.get_all("WWW-Authenticate"))
            self._challenge = digest.choose(challenges)
            response = await self._send(method, uri, headers)
        assert response.status == 200, f"{method} {uri}: {response.status} {response.reason}"
        return response

    async def _send(self, method: str, uri: str, extra: dict[str, str]) -> Response:
        self._cseq += 1
        headers = Headers([("CSeq", str(self._cseq)), *extra.items()])
        if self._challenge:
            headers.set(
                "Authorization",
                digest.authorization(
                    self._challenge,
                    method=method,
                    uri=uri,
                    username=self._username,
                    password=self._password,
                    cnonce=secrets.token_hex(8),
                ),
            )
        self._writer.write(format_request(Request(method, uri, headers)))
        while not self._waiting:
            await self._receive()
        return self._waiting.pop()

    async def _receive(self) -> None:
        data = await self._reader.read(1 << 18)
        if not data:
            raise AssertionError(f"{self._url}: the camera closed the connection")
        if len(self.seen.raw) < self._keep:
            self.seen.raw += data
        for event in self._parser.feed(data):
            if isinstance(event, Response):
                self._waiting.append(event)
            elif isinstance(event, Interleaved) and event.channel == 0:
                self._count(event.payload)

    def _count(self, payload: bytes) -> None:
        for nal in self._depacketiser.feed(parse_rtp(payload).payload):
            mark = read_sei(nal)
            if mark is None:
                continue
            seen = self.seen
            seen.sources.add((mark.channel, mark.stream))
            if seen.last is not None:
                seen.lost += mark.number - seen.last - 1
            else:
                seen.first = mark.number
            seen.last = mark.number
            seen.frames += 1

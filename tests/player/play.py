"""Play one URL over TCP for some time, while anything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from proxyd.rtsp.headers import parse_session

from .client import RtspClient, RtspClientError
from .marks import MarkCounter
from .watch import join_control, video_track

_PATIENCE_S = 60.0


class Player:
    """`async with Player(url, user, password) as player: await player.play(5)`. The counters are there from the start;
    `on_packet(channel, payload)` replaces them. `source`: the address of this machine to come from."""

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        on_packet: Callable[[int, bytes], None] | None = None,
        source: str = "",
    ) -> None:
        self.url = url
        self._source = source
        self.counter = MarkCounter("H264")
        self.reports = 0  # RTCP packets
        self._client = RtspClient(username, password, on_packet or self._count)
        self._session = ""

    @property
    def received(self) -> bytes:
        """The first bytes that came, answers and media."""
        return bytes(self._client.received)

    async def __aenter__(self) -> Self:
        """Until PLAY is answered. Raises RtspClientError and OSError."""
        parts = urlsplit(self.url)
        await self._client.connect(parts.hostname or "", parts.port or 554, self._source)
        try:
            described = await self._client.request("DESCRIBE", self.url, Accept="application/sdp")
            self.counter.codec, control = video_track(described.body.decode())
            track = join_control(described.headers.get("Content-Base") or self.url, control)
            setup = await self._client.request("SETUP", track, Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
            self._session, _ = parse_session(setup.headers.get("Session") or "")
            await self._client.request("PLAY", self.url, Session=self._session, Range="npt=0.000-")
        except BaseException:
            await self._client.close()
            raise
        return self

    async def play(self, seconds: float, silence_s: float = 30, *, frames: int = 0, reports: int = 0) -> None:
        """For so long, and until so many frames and RTCP packets came in all, however slow the machine is.

        Raises RtspClientError when the server closes, TimeoutError when it says nothing for `silence_s` or has not sent
        all that a minute later.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        async with asyncio.timeout_at(end + _PATIENCE_S):
            while loop.time() < end or self.counter.frames < frames or self.reports < reports:
                await asyncio.wait_for(self._client.receive(), silence_s)

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._client.request("TEARDOWN", self.url, Session=self._session)
        finally:
            await self._client.close()

    def _count(self, channel: int, payload: bytes) -> None:
        if channel == 0:
            self.counter.feed(payload)
        else:
            self.reports += 1


async def play(url: str, secret: tuple[str, str], seconds: float, *, frames: int = 1, reports: int = 0) -> Player:
    """Connect, play for so long and until so many frames and RTCP packets came, tear down.

    Raises RtspClientError, OSError, TimeoutError."""
    async with Player(url, *secret) as player:
        await player.play(seconds, frames=frames, reports=reports)
    return player


async def refusal(url: str, secret: tuple[str, str]) -> int:
    """The RTSP status with which this URL is refused. Raises AssertionError when it plays."""
    try:
        async with Player(url, *secret):
            raise AssertionError(f"{url} was not refused")
    except RtspClientError as error:
        return error.status

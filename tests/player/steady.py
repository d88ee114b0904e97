"""A recorder that goes on for as long as its session lasts, and looks at every packet: what a stream may show of faults
behind the camera, and what it may not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from proxyd.rtsp.headers import parse_session
from proxyd.rtsp.parser import RtspSyntaxError
from proxyd.simulator.rtp import parse_rtp

from .client import RtspClient, RtspClientError
from .marks import MarkCounter
from .watch import KEEP_ALIVE_S, join_control, listen, video_track

_CLOCK_HZ = 90000


class SteadyCounter(MarkCounter):
    """`resumed`: for each break in the NVR's count of frames, whether the first one behind it was a key frame.
    `backwards`: time stamps that were smaller than the one before."""

    def __init__(self) -> None:
        super().__init__("H264")
        self.resumed: list[bool] = []
        self.backwards = 0
        self.media_s = 0.0  # from the first time stamp to the last

    def feed(self, packet: bytes) -> None:
        before = self.last_timestamp
        super().feed(packet)
        if before is not None and self.last_timestamp is not None:
            step = (self.last_timestamp - before + (1 << 31)) % (1 << 32) - (1 << 31)
            self.backwards += step < 0
            self.media_s += step / _CLOCK_HZ

    def _frame(self, *, key: bool) -> None:
        before = self.last
        super()._frame(key=key)
        if before is not None and self.last is not None and self.last.number != before.number + 1:
            self.resumed.append(key)


class SteadyRecorder:
    """`async with SteadyRecorder(url, account) as recorder: await recorder.frames(20)`. It reads all the time."""

    def __init__(self, url: str, account: tuple[str, str], transport: Literal["tcp", "udp"] = "tcp") -> None:
        self.url = url
        self.counter = SteadyCounter()
        self.ended = ""  # what its connection ended with
        self._udp = transport == "udp"
        self._client = RtspClient(*account, self._packet)
        self._session = ""
        self._changed = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._ports: list[asyncio.DatagramTransport] = []
        self._began = 0.0
        self._newest = 0.0

    async def __aenter__(self) -> Self:
        """Until PLAY is answered. Raises RtspClientError and OSError."""
        parts = urlsplit(self.url)
        await self._client.connect(parts.hostname or "", parts.port or 554)
        try:
            described = await self._client.request("DESCRIBE", self.url, Accept="application/sdp")
            self.counter.codec, control = video_track(described.body.decode())
            track = join_control(described.headers.get("Content-Base") or self.url, control)
            wish = "RTP/AVP/TCP;unicast;interleaved=0-1"
            if self._udp:
                port, self._ports = await listen(self._client.local_host, self._packet)
                wish = f"RTP/AVP;unicast;client_port={port}-{port + 1}"
            setup = await self._client.request("SETUP", track, Transport=wish)
            self._session, _ = parse_session(setup.headers.get("Session") or "")
            await self._client.request("PLAY", self.url, Session=self._session)
        except BaseException:
            await self._close()
            raise
        self._reader = asyncio.create_task(self._read(), name=f"recorder of {self.url}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reader is not None
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        if not self.ended:
            with contextlib.suppress(RtspClientError, OSError, TimeoutError):
                await self._client.request("TEARDOWN", self.url, Session=self._session)
        await self._close()

    def half_close(self) -> None:
        self._client.half_close()

    def abort(self) -> None:
        self._client.abort()

    async def frames(self, more: int, deadline_s: float = 60) -> None:
        """Until so many more came. Raises AssertionError when they do not."""
        wanted = self.counter.frames + more
        await self._until(lambda: self.counter.frames >= wanted, deadline_s)

    async def resumption(self, count: int = 1, deadline_s: float = 60) -> None:
        """Until the stream has gone on behind so many gaps, for another second. Raises AssertionError."""
        await self._until(lambda: len(self.counter.resumed) >= count, deadline_s)
        await self.frames(20, deadline_s)

    async def end(self, deadline_s: float = 60) -> str:
        """Until its connection ends; what it ended with. Raises AssertionError when it does not."""
        await self._until(lambda: bool(self.ended), deadline_s, ends=True)
        return self.ended

    def assert_unbroken(self, gaps: int | None = 0, *, clock: bool = True) -> None:
        """One stream for who looks at its packets: numbered through, on one clock, and behind each of the gaps (None:
        however many) it began with a key frame. `clock` false: the NVR's own stood still."""
        counter = self.counter
        assert not self.ended, self.ended
        assert (counter.lost_packets, len(counter.ssrcs), counter.backwards, counter.damaged) == (0, 1, 0, 0), counter
        assert counter.began_with_key
        assert all(counter.resumed), counter.resumed
        assert gaps is None or len(counter.resumed) == gaps, counter.resumed
        assert len(counter.sources) == 1
        passed_s = self._newest - self._began
        assert not clock or abs(counter.media_s - passed_s) < 4, (counter.media_s, passed_s)

    # Parts ----------------------------------------------------------------------------------------------------

    async def _until(self, reached: Callable[[], bool], deadline_s: float, *, ends: bool = False) -> None:
        try:
            async with asyncio.timeout(deadline_s), self._changed:
                await self._changed.wait_for(lambda: reached() or bool(self.ended))
        except TimeoutError:
            raise AssertionError(f"{self.url}: nothing for {deadline_s:g} s; {self.counter}") from None
        assert ends or not self.ended, f"{self.url}: {self.ended}; {self.counter}"

    def _packet(self, channel: int, payload: bytes) -> None:
        if channel != 0:
            return
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        self._newest = loop.time()
        parse_rtp(payload)
        self.counter.feed(payload)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        keep_alive_at = loop.time() + KEEP_ALIVE_S
        while True:
            try:
                async with asyncio.timeout(0.2):  # what comes by UDP is looked at as often
                    await self._client.receive()
            except TimeoutError:
                pass
            except (RtspClientError, RtspSyntaxError, OSError) as error:
                self.ended = str(error) or type(error).__name__
            if loop.time() >= keep_alive_at:
                keep_alive_at = loop.time() + KEEP_ALIVE_S
                self._client.send("GET_PARAMETER", self.url, Session=self._session)
            async with self._changed:
                self._changed.notify_all()
            if self.ended:
                return

    async def _close(self) -> None:
        for endpoint in self._ports:
            endpoint.close()
        await self._client.close()

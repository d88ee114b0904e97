"""One stream's session at the NVR joined to its feed in the data plane; after a loss the next session takes its place.

Does what it is told, in the order that the caller sees to (shared.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamError
from proxyd.media.wire import FeedStats, Leg
from proxyd.rtsp.carried import PROCESS_ENDED, Feed
from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.headers import RtpInfo
from proxyd.rtsp.sdp import Media, same_encodings
from proxyd.rtsp.sent import SentVideo, by_description, by_parameter_set
from proxyd.rtsp.stats import StreamFigures
from proxyd.rtsp.upstream import Upstream

_MEASURED_EVERY_S = 1.0


class UpstreamFeed:
    """`on_lost(error, access)` is called when the session, which was opened as `access`, ends by itself or stalls;
    `on_process_ended` when the media process is gone, and with it all outlets. What waits for the NVR raises
    UpstreamError."""

    def __init__(
        self,
        context: CameraContext,
        figures: StreamFigures,
        on_lost: Callable[[UpstreamError, NvrAccess], None],
        on_process_ended: Callable[[], None],
    ) -> None:
        self._context = context
        self._figures = figures
        self._on_lost = on_lost
        self._on_process_ended = on_process_ended
        self._loop = asyncio.get_running_loop()
        self._upstream: Upstream | None = None
        self._leaving: Upstream | None = None  # may still wait for the answer to its TEARDOWN
        self._sent: SentVideo | None = None
        self._flows = asyncio.Event()  # packets of this session came, or never will
        self._loss: UpstreamError | None = None  # of this session
        self.media: list[Media] = []
        self.track_errors: dict[int, UpstreamError] = {}  # tracks that the NVR does not set up
        self.is_set_up = False
        self.feed: Feed | None = None  # connected, or waiting for its next connection
        self.numbers: tuple[int, ...] = ()  # our numbers of the feed's tracks
        self.connections = 0  # that the feed has had
        self.begun = False  # PLAY was sent or is about to be, and no PAUSE since
        self.playing = False  # it was answered

    @property
    def usable(self) -> bool:
        """The NVR's session stands."""
        return self._upstream is not None and self._upstream.usable

    @property
    def opened(self) -> bool:
        """There is a session, whatever has become of it."""
        return self._upstream is not None

    @property
    def connected(self) -> bool:
        """A media process has the NVR's connection, and a feed for it."""
        return self.feed is not None and self.feed.is_open

    # Steps ------------------------------------------------------------------------------------------------------

    def continues(self, upstream: Upstream) -> bool:
        """Whether outlets of the sessions before can go on with this one."""
        return not self.media or same_encodings(self.media, upstream.media)

    def take(self, upstream: Upstream) -> None:
        """A session that was just opened; the one before was dropped."""
        upstream.on_lost = self._upstream_lost
        self._upstream, self.media = upstream, upstream.media
        self.is_set_up, self.track_errors = False, {}
        self._loss = None
        self._flows.clear()
        if self._sent is None or not self._sent.in_band:
            self._sent = self._figures.sent = by_description(upstream.media)

    async def set_up(self) -> None:
        """All tracks."""
        assert self._upstream is not None
        self.track_errors = await self._upstream.setup_all()
        self.is_set_up = True

    async def connect(self) -> None:
        """From here on a media process reads the NVR's connection. Raises MediaUnavailable, too."""
        assert self._upstream is not None
        upstream = self._upstream
        if self.feed is None or not self.feed.alive:
            self.feed = await self._context.plane.feed(self)
        taken = await upstream.hand_over()
        self.numbers = taken.numbers
        self.connections += 1
        self.feed.open(taken.tracks, self._context.spec.address, taken.descriptors, taken.data, udp=taken.udp)

    async def play(self) -> dict[int, RtpInfo]:
        """By track what the NVR says of the first packets."""
        assert self._upstream is not None
        self.begun = True
        try:
            information = await self._upstream.play()
        except BaseException:
            self.begun = False
            raise
        self.playing = True
        return information

    async def first_packets(self) -> None:
        """Of this session. Raises UpstreamError when none come in time."""
        assert self._upstream is not None
        upstream = self._upstream
        try:
            async with asyncio.timeout(self._context.limits.stall_timeout_s + _MEASURED_EVERY_S):
                await self._flows.wait()
        except TimeoutError:
            raise upstream.stalled_error from None
        if self._loss is not None:
            raise self._loss

    async def pause(self) -> None:
        """An NVR that cannot goes on."""
        assert self._upstream is not None
        self.begun = self.playing = not await self._upstream.pause()

    async def drop(self) -> None:
        """The NVR's session ends; its connection stays handed over until its answer has come. Never raises
        UpstreamError."""
        upstream, self._upstream = self._upstream, None
        self.is_set_up = self.begun = self.playing = False
        if upstream is None:
            return
        self._leaving = upstream
        await (upstream.close() if self.feed is None or self.feed.alive else upstream.leave())
        if self.feed is not None and self.feed.is_open:
            self.feed.close()

    def end(self) -> None:
        """The feed, with all outlets."""
        if self.feed is not None:
            self.feed.end()

    def legs(self, channels: dict[int, tuple[int, int]]) -> tuple[Leg, ...]:
        """For an outlet: our track number → the recorder's channels. In the order of `channels`."""
        return tuple(Leg(self.numbers.index(track), pair) for track, pair in channels.items())

    # What the media process says of the feed ----------------------------------------------------------------------

    def feed_message(self, data: bytes) -> None:
        if upstream := self._upstream or self._leaving:
            upstream.message(data)

    def feed_lost(self, why: str) -> None:
        if why == PROCESS_ENDED:
            self._on_process_ended()
        elif upstream := self._upstream or self._leaving:
            upstream.lost(why)

    def feed_measured(self, before: FeedStats, stats: FeedStats) -> None:
        self._figures.feed_measured(before, stats, self._loop.time())
        if self._upstream is None:
            return
        self._upstream.highest = stats.highest
        if stats.packets > before.packets:
            self._upstream.last_media = self._loop.time()
            self._flows.set()
        elif self.playing and stats.silent_ms > self._context.limits.stall_timeout_s * 1000:
            self._on_lost(self._upstream.stalled_error, self._upstream.access)

    def feed_parameters(self, track: int, parameter_set: bytes) -> None:
        self._sent = self._figures.sent = by_parameter_set(self._sent, self.numbers[track], parameter_set)

    def _upstream_lost(self, error: UpstreamError) -> None:
        if self._upstream is not None:
            self._loss = error
            self._flows.set()
            self._on_lost(error, self._upstream.access)

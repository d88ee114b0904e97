"""The media side of one recorder's connection: the stream it holds, and its outlet in the data plane."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterable
from typing import Protocol

from proxyd.camera.spec import StreamSpec
from proxyd.errors import UpstreamError
from proxyd.media.wire import Leg, OutletStats
from proxyd.rtsp.carried import Outlet
from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.headers import RtpInfo, Transport
from proxyd.rtsp.media_process import MediaUnavailable
from proxyd.rtsp.metadata_sdp import METADATA_TRACK
from proxyd.rtsp.metadata_track import MetadataTrack
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.session import SessionTable, State
from proxyd.rtsp.shared import SharedStream, StreamError
from proxyd.rtsp.stats import ClientInfo, StreamFigures
from proxyd.rtsp.udp_pair import pair_for_recorder

_BUFFER_BYTES = 1024 * 1024  # of a UDP socket: a key frame leaves in one burst
_LET_GO_S = 2.0  # how long the media process may take to give a connection back


class RecorderConnection(Protocol):
    """What playing needs of the recorder's connection."""

    @property
    def way(self) -> str:
        """What people call the way of media inside it."""

    @property
    def tls_port(self) -> int:
        """The port by which it came by TLS; 0: it came without."""

    async def hand_over(self) -> int:
        """A descriptor of it for a media process, once nothing of ours waits in it. Raises Refused."""

    @property
    def unsent(self) -> int:
        """Bytes that wait in it, unless it is handed over; those in the kernel, too."""

    def write(self, data: bytes) -> None: ...


class Viewer(Protocol):
    """Who hears how the playing goes."""

    def heard(self) -> None:
        """A packet came from the recorder by UDP."""

    def interrupted(self, error: UpstreamError) -> None: ...

    def resumed(self, after_s: float) -> None: ...

    def lost(self, error: StreamError) -> None:
        """The stream ended by itself while the recorder has a session."""

    def cut_off(self, why: str) -> None:
        """The recorder's connection is gone, as in OutletEnded."""


class Playback:
    """One stream at a time."""

    def __init__(
        self, context: CameraContext, connection: RecorderConnection, client: tuple[str, int], viewer: Viewer
    ) -> None:
        self._context = context
        self._connection = connection
        self._client = client
        self._viewer = viewer
        self.table: SessionTable | None = None
        self._shared: SharedStream | None = None
        self._holds = False  # the stream stays because of us
        self._outlet: Outlet | None = None
        self._handed_over = False  # the outlet has the recorder's own connection
        self._at_key = False
        self._to_start = False  # with the answer to PLAY
        self._udp: dict[int, tuple[socket.socket, socket.socket]] = {}  # by track
        self._playing_since = 0.0
        self._figures = StreamFigures()  # those of the stream that is held
        self._loop = asyncio.get_running_loop()
        self.metadata = MetadataTrack(context, client[0], write=self.write, unsent=self._unsent, heard=viewer.heard)

    @property
    def stream(self) -> StreamSpec | None:
        """What is held."""
        return self._shared.stream if self._shared is not None else None

    @property
    def playing(self) -> bool:
        return self.table is not None and self.table.state is State.PLAYING

    @property
    def over_tcp(self) -> bool:
        return self._handed_over

    @property
    def broken(self) -> bool:
        """The recorder has a session whose stream is gone."""
        return self.table is not None and not self._alone and (self._shared is None or not self._shared.usable)

    @property
    def _alone(self) -> bool:
        """The session has metadata or speaks, and has nothing of the NVR's stream."""
        return self.table is not None and not self.table.tracks and self._outlet is None

    def info(self) -> ClientInfo:
        way = self._connection.way if self.over_tcp or self.metadata.over_tcp else "UDP"
        skips, dropped = (self._outlet.stats.skips, self._outlet.stats.dropped) if self._outlet else (0, 0)
        return ClientInfo(f"{self._client[0]}:{self._client[1]}", way, self._playing_since, skips, dropped)

    def write(self, data: bytes) -> None:
        """An answer, on the way that the connection has now: between packets while media flows in it."""
        if self._outlet is not None and self._handed_over:
            self._outlet.write(data)
        else:
            self._connection.write(data)

    # What the recorder asks for ---------------------------------------------------------------------------------

    async def open(self, stream: StreamSpec) -> list[Media]:
        """The stream's tracks. Raises StreamError."""
        if self._shared is None or self._shared.over or not self.matches(stream):
            if not self._alone:
                await self.end()
            elif self._shared is not None:
                await self._let_go(self._shared)
            self._shared = self._context.streams.get(stream)
            self._figures = self._context.figures_of(stream.name)
        if not self._holds:
            self._holds = True
            self._shared.hold(self)
        try:
            return await self._shared.describe()
        except (UpstreamError, MediaUnavailable):
            if self.table is None:
                await self.end()
            raise

    def matches(self, stream: StreamSpec | None) -> bool:
        """Whether the stream that is held is what the spec now says."""
        return (
            stream is not None
            and self._shared is not None
            and stream.name == self._shared.stream.name
            and self._shared.matches()
        )

    async def setup(self, table: SessionTable, track: int, wish: Transport) -> Transport:
        """Both sides of one track; the transport as granted. Raises Refused and StreamError."""
        assert self._shared is not None
        if track == METADATA_TRACK:
            self.table = table
            return self.metadata.setup(wish)
        granted = wish if wish.tcp else self._open_udp(track, wish)
        try:
            await self._shared.setup(track)
        except BaseException:
            self._close_udp(track)
            raise
        table.tracks[track] = granted
        self.table = table
        return granted

    async def play(self) -> dict[int, RtpInfo]:
        """Packets are kept from here on, and go out when `answered` is called. Raises Refused and StreamError."""
        assert self.table is not None and self._shared is not None
        if self._alone:
            self._playing_since, self._to_start = time.time(), True
            await self._let_go(self._shared)
            return {}
        feed = await self._shared.ready()
        try:
            descriptors = await self._descriptors()
            # From here to `begin` nothing may wait: whoever comes first gets everything from the first packet on.
            self._at_key = self._shared.begun
            if self._outlet is None:
                try:
                    self._outlet = feed.outlet(self)
                except MediaUnavailable:
                    _close_all(descriptors)
                    raise
            self._handed_over = self._over_tcp()
            self._outlet.open(self._legs(), descriptors, udp=not self._handed_over, keep=not self._at_key)
            information = await self._shared.begin()
        except BaseException:
            await self._end_outlet()
            raise
        self._playing_since = time.time()
        self._to_start = True
        return {} if self._at_key else {track: information[track] for track in self.table.tracks.keys() & information}

    def answered(self) -> None:
        """An answer is written; after that to PLAY packets follow. A second start would wait for a key frame again."""
        starts, self._to_start = self._to_start, False
        if starts and self.playing:
            if self._outlet is not None:
                self._outlet.start(at_key=self._at_key)
            self.metadata.start()

    async def pause(self) -> None:
        """No packet follows the answer. Raises StreamError."""
        assert self.table is not None and self._shared is not None
        self.metadata.stop()
        if self._outlet is not None:
            self._outlet.stop()
        self.table.done("PAUSE")
        await self._shared.pause()

    def remove_track(self, track: int) -> bool:
        """False when it was not set up."""
        assert self.table is not None
        if track == METADATA_TRACK:
            return self.metadata.close()
        if self.table.tracks.pop(track, None) is None:
            return False
        self._close_udp(track)
        if self._outlet is not None:
            descriptors = [] if self._handed_over else self._udp_descriptors()
            self._outlet.open(self._legs(), descriptors, udp=not self._handed_over)
        return True

    async def end(self) -> None:
        """Everything closed, upstream, too, if nobody else has it; bounded."""
        shared, self._shared, self.table = self._shared, None, None
        self.metadata.close()
        for track in list(self._udp):
            self._close_udp(track)
        try:
            await self._end_outlet()
        finally:
            if shared is not None:
                await self._let_go(shared)

    # Holder and owner of an outlet ------------------------------------------------------------------------------

    def stream_interrupted(self, error: UpstreamError) -> None:
        if self.playing:
            self._viewer.interrupted(error)

    def stream_resumed(self, after_s: float) -> None:
        if self.playing:
            self._viewer.resumed(after_s)

    def stream_ended(self, error: StreamError) -> None:
        if self.table is not None:  # only described: the next request opens it again
            self._viewer.lost(error)

    def outlet_measured(self, before: OutletStats, stats: OutletStats) -> None:
        self._figures.outlet_measured(before, stats, self._loop.time())
        self.metadata.measured(stats.backlog)
        if stats.heard > before.heard:
            self._viewer.heard()

    def outlet_ended(self, why: str) -> None:
        self._viewer.cut_off(why)

    # Parts ------------------------------------------------------------------------------------------------------

    def _unsent(self) -> int | None:
        return None if self._handed_over else self._connection.unsent

    def _over_tcp(self) -> bool:
        assert self.table is not None
        return all(granted.tcp for granted in self.table.tracks.values())

    async def _descriptors(self) -> list[int]:
        """For the media process: its own ones, of a connection once."""
        if self._over_tcp():
            return [await self._connection.hand_over()] if self._outlet is None else []
        return self._udp_descriptors()

    def _udp_descriptors(self) -> list[int]:
        return [os.dup(one.fileno()) for track in sorted(self._udp) for one in self._udp[track]]

    def _legs(self) -> tuple[Leg, ...]:
        assert self.table is not None and self._shared is not None
        order = sorted(self.table.tracks)
        return self._shared.legs({track: self.table.tracks[track].interleaved or (0, 0) for track in order})

    async def _let_go(self, shared: SharedStream) -> None:
        """Of the stream, which goes on for others."""
        holds, self._holds = self._holds, False
        if holds:
            await shared.release(self)

    async def _end_outlet(self) -> None:
        outlet, self._outlet, self._handed_over = self._outlet, None, False
        if outlet is not None:
            await outlet.end(_LET_GO_S)

    def _open_udp(self, track: int, wish: Transport) -> Transport:
        """A pair of ports of ours, connected to the recorder's. Raises Refused."""
        granted, self._udp[track] = pair_for_recorder(
            self._context.spec.address, self._client[0], wish, buffer_bytes=_BUFFER_BYTES
        )
        return granted

    def _close_udp(self, track: int) -> None:
        for one in self._udp.pop(track, ()):
            one.close()


def _close_all(descriptors: Iterable[int]) -> None:
    for one in descriptors:
        os.close(one)

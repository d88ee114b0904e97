"""The media side of one recorder's connection: its upstream session, its sink and the relay between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from proxyd.camera.spec import StreamSpec
from proxyd.errors import UpstreamError
from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.headers import RtpInfo, Transport
from proxyd.rtsp.relay import ClientInfo, Meter, Relay
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.session import Refused, SessionTable, State
from proxyd.rtsp.sinks import TcpSink, UdpSink
from proxyd.rtsp.upstream import Upstream


class Playback:
    """One upstream at a time. `heard` is called for packets that the recorder sends by UDP, `lost` when the upstream
    ends by itself while the recorder has a session."""

    def __init__(
        self,
        context: CameraContext,
        transport: asyncio.Transport,
        client: tuple[str, int],
        *,
        heard: Callable[[], None],
        lost: Callable[[UpstreamError], None],
    ) -> None:
        self._context = context
        self._transport = transport
        self._client = client
        self._heard = heard
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self.stream: StreamSpec | None = None  # the upstream's
        self.table: SessionTable | None = None
        self._upstream: Upstream | None = None
        self._upstream_runs = False  # PLAY was sent, and no PAUSE since
        self._sink: TcpSink | UdpSink | None = None
        self._relay: Relay | None = None
        self._playing_since = 0.0

    @property
    def playing(self) -> bool:
        return self.table is not None and self.table.state is State.PLAYING

    @property
    def over_tcp(self) -> bool:
        return isinstance(self._sink, TcpSink)

    @property
    def broken(self) -> bool:
        """The recorder has a session whose upstream is gone."""
        return self.table is not None and (self._upstream is None or not self._upstream.usable)

    @property
    def upstream(self) -> Upstream | None:
        return self._upstream

    def info(self) -> ClientInfo:
        way = "TCP" if self.over_tcp else "UDP"
        return ClientInfo(f"{self._client[0]}:{self._client[1]}", way, self._playing_since)

    async def open(self, stream: StreamSpec) -> list[Media]:
        """The stream's tracks; the upstream that is open already serves if it is the same. Raises UpstreamError."""
        if self._upstream is not None and self._upstream.usable and self.matches(stream):
            return self._upstream.media
        await self.end()
        upstream = await self._context.opener.open(stream, audio=self._context.spec.settings.audio)
        upstream.on_lost = self._upstream_lost
        self._upstream, self.stream = upstream, stream
        return upstream.media

    def matches(self, stream: StreamSpec | None) -> bool:
        """Whether the open upstream is what the spec now says."""
        return (
            stream is not None
            and self.stream is not None
            and self._upstream is not None
            and stream.name == self.stream.name
            and stream.upstream_url == self.stream.upstream_url
            and self._upstream.access == self._context.spec.nvr
            and self._upstream.audio == self._context.spec.settings.audio
        )

    async def setup(self, table: SessionTable, track: int, wish: Transport) -> Transport:
        """Both sides of one track; the transport as granted. Raises Refused and UpstreamError."""
        assert self._upstream is not None
        granted = self._open_track(track, wish)
        try:
            await self._upstream.setup(track)
        except BaseException:
            assert self._sink is not None
            self._sink.remove_track(track)
            raise
        table.tracks[track] = granted
        self.table = table
        return granted

    async def play(self) -> dict[int, RtpInfo]:
        """Packets are kept from here on, and go out when `answered` is called. Raises UpstreamError."""
        assert self.table is not None and self._upstream is not None and self._sink is not None
        if self._relay is None:
            meter = self._context.meters.setdefault(self.table.stream, Meter())
            relay = Relay(self._upstream, self._sink, meter, self._context.spec.address.encode())
            now = self._loop.time
            self._upstream.on_frames = lambda frames: relay.forward(frames, now())
            self._relay = relay
        self._relay.expect()
        information: dict[int, RtpInfo] = {}
        if not self._upstream_runs:
            try:
                information = await self._upstream.play()
            except BaseException:
                self._relay.suspend()
                raise
            self._upstream_runs = True
        self._playing_since = time.time()
        return {track: info for track, info in information.items() if track in self.table.tracks}

    def answered(self) -> None:
        """The answer to PLAY is written."""
        if self._relay is not None and self.playing:
            self._relay.start(self._loop.time())

    async def pause(self) -> None:
        """Raises UpstreamError. An NVR that cannot pause goes on, and its packets are dropped."""
        assert self._relay is not None and self._upstream is not None
        self._upstream_runs = not await self._upstream.pause()
        self._relay.suspend()

    def remove_track(self, track: int) -> bool:
        """False when it was not set up."""
        assert self.table is not None and self._sink is not None
        self._sink.remove_track(track)
        return self.table.tracks.pop(track, None) is not None

    def blocked(self, is_blocked: bool) -> None:
        """The recorder's connection has no room, or has room again: nothing is read upstream meanwhile."""
        if self._relay is None or not self.over_tcp:
            return
        if is_blocked:
            self._relay.hold("recorder")
        else:
            self._relay.release("recorder")

    def stalled(self, now: float) -> bool:
        """The upstream stands and brings nothing."""
        if self._upstream is None or self._relay is None or self._relay.holding or not self.playing:
            return False
        return now - self._upstream.last_media > self._context.limits.stall_timeout_s

    async def end(self) -> None:
        """TEARDOWN upstream, and everything closed; bounded."""
        upstream, sink, relay = self._upstream, self._sink, self._relay
        self._upstream = self.stream = self.table = self._sink = self._relay = None
        self._upstream_runs = False
        if relay is not None:
            relay.suspend()
        if sink is not None:
            sink.close()
        if upstream is not None:
            await upstream.close()

    def _open_track(self, track: int, wish: Transport) -> Transport:
        if wish.tcp:
            if not isinstance(self._sink, TcpSink):
                self._sink = TcpSink(self._transport)
            assert wish.interleaved is not None
            self._sink.add_track(track, wish.interleaved)
            return wish
        if not isinstance(self._sink, UdpSink):
            self._sink = UdpSink(self._context.spec.address, self._client[0], heard=self._heard)
        assert wish.client_port is not None
        try:
            ports = self._sink.add_track(track, wish.client_port)
        except OSError as error:
            raise Refused(503, f"UDP is not possible: {error.strerror or error}") from None
        return Transport(client_port=wish.client_port, server_port=ports)

    def _upstream_lost(self, error: UpstreamError) -> None:
        if self.table is not None:  # only described: the next request opens it again
            self._lost(error)

"""One RTSP session with an NVR: DESCRIBE, SETUP (TCP interleaved; UDP where the NVR refuses that), PLAY, PAUSE,
keep-alive, TEARDOWN.

Before PLAY the connection may be handed over to a media process, over UDP the ports instead; messages that come in a
connection that was handed over are told to us from then on.

Never talks to another host than the typed one, whatever redirects, SDP or headers say. Errors are UpstreamError.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import NoReturn

from proxyd.camera.spec import NvrAccess, StreamTransport
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.rtsp.addresses import info_by_track, is_tls, redirected, url_port, with_host
from proxyd.rtsp.backchannel import FEATURE
from proxyd.rtsp.client import RtspClient, UpstreamTimeouts
from proxyd.rtsp.headers import (
    Headers,
    RtpInfo,
    Transport,
    format_transport,
    parse_rtp_info,
    parse_session,
    parse_transport,
)
from proxyd.rtsp.messages import Interleaved, Response
from proxyd.rtsp.rtcp import receiver_report
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.upstream_alive import KeepAlive
from proxyd.rtsp.upstream_description import HandedOver, read_description, tracks_of
from proxyd.rtsp.upstream_errors import no_ports, no_video, refused, stalled, unusable_address
from proxyd.rtsp.upstream_udp import UdpTracks

_MAX_REDIRECTS = 2
_CNAME = b"recorder"  # in receiver reports
_KNOWS_NO_WAY_BACK = (400, 501, 551)  # 551 is right


class Upstream:
    """`on_lost(error)` is called once when the session ends by itself. Unless the connection is handed over,
    `on_frames(frames)` gets packets whose channel is `2 * track` (RTP) or `2 * track + 1` (RTCP). Both are set after
    `open`."""

    def __init__(
        self,
        url: str,
        access: NvrAccess,
        timeouts: UpstreamTimeouts | None = None,
        *,
        audio: bool = True,
        back: bool = False,
        metadata: bool = False,
    ) -> None:
        """`audio` false: sound is left out of `media`, so nobody can ask for it. `back`: `media` are the tracks that
        the NVR takes sound on, none when it does not; `metadata`: they are its metadata track, or none. The connection
        is not handed over then."""
        self._url = url
        self.access = access
        self.audio = audio
        self._back = back
        self._metadata = metadata
        self._require = Headers([("Require", FEATURE)] if back else [])
        self._timeouts = timeouts or UpstreamTimeouts()
        self._client: RtspClient | None = None
        self._closing: RtspClient | None = None
        self._media: list[Media] = []
        self._controls: list[str] = []
        self._aggregate = url
        self._session = ""
        self._session_timeout_s = 60
        self._public = ""
        self._granted: dict[int, tuple[int, int]] = {}  # our track → the NVR's channels
        self._channels: dict[int, int] = {}  # the NVR's channel → ours
        self._udp: UdpTracks | None = None
        self._ssrc = secrets.randbits(32)
        self._other_channels = False  # the NVR did not grant the channels we asked for
        self._keep_alive: asyncio.Task[None] | None = None
        self.on_frames: Callable[[list[Interleaved]], None] = _ignore
        self.on_lost: Callable[[UpstreamError], None] = _ignore
        self.last_media = 0.0  # loop time
        self.highest: Sequence[tuple[int, int]] = ()  # of the tracks as handed over: SSRC, highest sequence number

    @property
    def media(self) -> list[Media]:
        """The tracks that a recorder may have; valid after `open`."""
        return self._media

    @property
    def usable(self) -> bool:
        return self._client is not None and self._client.connected

    @property
    def stalled_error(self) -> UpstreamUnreachable:
        """The words for media that stopped coming."""
        return stalled(self.access.host, udp=self._udp is not None)

    async def open(self) -> None:
        """Connects and reads the description. Raises UpstreamError; nothing stays open then."""
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                location = await self._describe()
                if location is None:
                    return
                await self._drop()
                self._url = location
            raise UpstreamProtocolError(f"{self.access.host} redirects in a circle.", "Scan it again, or restart it.")
        except BaseException:
            await self._drop()
            raise

    async def setup(self, track: int) -> None:
        """Sets up one track of `media`. The first decides for all whether they come by UDP."""
        transport = self._transport
        if self._udp is None and transport != "udp":
            wish = Transport(tcp=True, interleaved=(2 * track, 2 * track + 1))
            response = await self._ask_for(track, wish)
            granted = parse_transport(response.headers.get("Transport") or "")
            if response.status == 200 and (not granted or granted[0].tcp):
                self._set_up(track, (granted[0].interleaved if granted else None) or (2 * track, 2 * track + 1))
                return
            if self._granted or transport == "tcp" or response.status not in (200, 461):
                self._fail(461 if response.status == 200 else response.status, "SETUP")
        if self._udp is None:
            self._udp = UdpTracks(*self._connected().ends)
        await self._set_up_by_udp(self._udp, track)

    async def _set_up_by_udp(self, udp: UdpTracks, track: int) -> None:
        try:
            response = await self._ask_for(track, udp.wish(track))
            granted = parse_transport(response.headers.get("Transport") or "")
            if response.status == 200 and (not granted or granted[0].tcp or not granted[0].unicast):
                self._fail(461, "SETUP")
            if response.status != 200:
                self._fail(response.status, "SETUP")
            ports = granted[0].server_port
            if ports is None or 0 in ports:
                raise no_ports(self.access.host)
            udp.granted(track, ports)
        except OSError as error:
            udp.forget(track)
            raise UpstreamUnreachable(
                f"No video by UDP from {self.access.host}: {error.strerror or error}.",
                "Switch RTP over RTSP (TCP) on there.",
            ) from None
        except BaseException:
            udp.forget(track)
            raise
        self._set_up(track, (2 * track, 2 * track + 1))

    async def _ask_for(self, track: int, wish: Transport) -> Response:
        """The answer to SETUP, which may be a refusal."""
        headers = Headers([("Transport", format_transport(wish)), *self._require, *self._session_headers()])
        response = await self._connected().request("SETUP", self._controls[track], headers)
        if response.status == 200:
            self._session, self._session_timeout_s = parse_session(response.headers.get("Session") or self._session)
        return response

    def _set_up(self, track: int, channels: tuple[int, int]) -> None:
        self._granted[track] = channels
        self._channels[channels[0]], self._channels[channels[1]] = 2 * track, 2 * track + 1
        self._other_channels = self._other_channels or channels != (2 * track, 2 * track + 1)

    async def setup_all(self) -> dict[int, UpstreamError]:
        """All tracks; those that the NVR refuses, which can only be sound. Raises UpstreamError."""
        errors: dict[int, UpstreamError] = {}
        for track, media in enumerate(self._media):
            try:
                await self.setup(track)
            except UpstreamError as error:
                if isinstance(error, UpstreamAuthError) or not self.usable or media.kind == "video":
                    raise
                errors[track] = error
        return errors

    async def hand_over(self) -> HandedOver:
        """After the last `setup`, before `play`. Somebody else reads the connection from here on. Raises
        UpstreamError."""
        data = b""
        if self._udp is not None:
            descriptors = self._udp.descriptors()
        else:
            descriptor, data = await self._connected().hand_over()
            descriptors = [descriptor]
        tracks = tracks_of(self._media, self._granted)
        return HandedOver(tuple(descriptors), self._udp is not None, data, tracks, tuple(sorted(self._granted)))

    def message(self, data: bytes) -> None:
        """A whole message that came in the connection after `hand_over`."""
        if client := self._client or self._closing:  # which waits for the answer to its farewell
            client.message(data)

    def lost(self, why: str) -> None:
        """The connection ended after `hand_over`, as in FeedLost."""
        if client := self._client or self._closing:
            client.lost(why)

    async def play(self) -> dict[int, RtpInfo]:
        """Starts or resumes; what the NVR says of the first packets, by track."""
        headers = Headers([*self._require, *self._session_headers()])
        if self._keep_alive is None:
            headers.add("Range", "npt=0.000-")
        self.last_media = asyncio.get_running_loop().time()
        if self._udp is not None:
            self._udp.listen(self._frames_received)
            self._udp.open_ways(self._ssrc, receiver_report(self._ssrc, [], _CNAME))
        response = await self._request("PLAY", self._aggregate, headers)
        self.last_media = asyncio.get_running_loop().time()
        if self._keep_alive is None:
            self._keep_alive = asyncio.create_task(self._stay_alive(), name=f"rtsp keep-alive {self.access.host}")
        entries = parse_rtp_info(response.headers.get("RTP-Info") or "")
        controls = {track: self._controls[track] for track in sorted(self._granted)}
        return info_by_track(entries, controls, self._aggregate, self.access.host)

    def send(self, track: int, packet: bytes) -> bool:
        """To the NVR, after `play`. False: it does not take it at the moment, and the packet is lost."""
        if self._udp is not None:
            return self._udp.send(track, packet)
        return self._client is not None and self._client.send_packet(self._granted[track][0], packet)

    async def pause(self) -> bool:
        """False when the NVR cannot pause: packets keep coming then."""
        client = self._connected()
        response = await client.request("PAUSE", self._aggregate, self._session_headers())
        return response.status == 200

    async def close(self) -> None:
        """TEARDOWN, if there is a session, and the end of the connection; bounded, never raises UpstreamError."""
        await self._drop(teardown=bool(self._session))

    async def leave(self) -> None:
        """The same when the one who read the connection is gone."""
        client = self._forget()
        if client is not None:
            await client.leave(("TEARDOWN", self._aggregate, self._session_headers()))

    # Opening ----------------------------------------------------------------------------------------------

    async def _describe(self) -> str | None:
        """None when `media` is known, else where the NVR sends us."""
        try:
            url = with_host(self._url, self.access.host)
            port = url_port(url)
        except ValueError as error:
            raise unusable_address(self.access.host, error) from None
        self._client = RtspClient(
            self.access,
            port,
            self._timeouts,
            on_frames=self._frames_received,
            on_lost=self._connection_lost,
            tls=is_tls(url),
        )
        await self._client.connect()
        options = await self._client.request("OPTIONS", url)
        self._public = options.headers.get("Public") or ""
        wish = Headers([("Accept", "application/sdp"), *self._require])
        response = await self._client.request("DESCRIBE", url, wish)
        if response.status in (301, 302):
            location = response.headers.get("Location") or ""
            try:
                return redirected(url, location, self.access.host)
            except ValueError:
                self._fail(response.status, "DESCRIBE")
        if self._back and response.status in _KNOWS_NO_WAY_BACK:
            return None
        if response.status != 200:
            self._fail(response.status, "DESCRIBE")
        description = read_description(
            response, url, self.access.host, audio=self.audio, back=self._back, metadata=self._metadata
        )
        if not description.media and not self._back and not self._metadata:
            raise no_video(self.access.host)
        self._media, self._controls, self._aggregate = description.media, description.controls, description.aggregate
        return None

    # While it runs ----------------------------------------------------------------------------------------

    def _frames_received(self, frames: list[Interleaved]) -> None:
        if self._other_channels:
            channels = self._channels
            frames = [Interleaved(channels[channel], payload) for channel, payload in frames if channel in channels]
        # Reports alone are no sign of life: some NVRs go on sending them when the camera behind is gone.
        if any(not frame[0] & 1 for frame in frames):
            self.last_media = asyncio.get_running_loop().time()
        self.on_frames(frames)

    def _connection_lost(self, error: UpstreamError) -> None:
        if self._keep_alive is not None:
            self._keep_alive.cancel()
        self.on_lost(error)

    async def _stay_alive(self) -> None:
        """Ends with the session."""
        keep_alive = KeepAlive(
            self.access.host,
            lambda method: self._connected().request(method, self._aggregate, self._session_headers()),
            self._report,
            lambda since: self.usable and self.last_media >= since,
            public=self._public,
            udp=self._udp is not None,
        )
        try:
            await keep_alive.run(self._session_timeout_s)
        except UpstreamError as error:
            if self.usable:  # otherwise on_lost has said so
                self._end(error)

    def _report(self) -> None:
        client = self._connected()
        for (track, (_, channel)), source in zip(sorted(self._granted.items()), self.highest, strict=False):
            report = receiver_report(self._ssrc, [source], _CNAME)
            if self._udp is not None:
                self._udp.report(track, report)
            else:
                client.send_packet(channel, report)

    def _end(self, error: UpstreamError) -> None:
        if self._client is not None:
            self._client.abort()
        self.on_lost(error)

    async def _drop(self, *, teardown: bool = False) -> None:
        client = self._closing = self._forget()
        if client is not None:
            await client.close(("TEARDOWN", self._aggregate, self._session_headers()) if teardown else None)

    def _forget(self) -> RtspClient | None:
        """Nothing comes from here any more."""
        if self._keep_alive is not None:
            self._keep_alive.cancel()
            self._keep_alive = None
        self.on_frames, self.on_lost = _ignore, _ignore
        if self._udp is not None:
            self._udp.close()
        client, self._client = self._client, None
        return client

    # Small parts ------------------------------------------------------------------------------------------

    async def _request(self, method: str, url: str, headers: Headers) -> Response:
        response = await self._connected().request(method, url, headers)
        if response.status != 200:
            self._fail(response.status, method)
        return response

    def _connected(self) -> RtspClient:
        if self._client is None:
            raise UpstreamUnreachable(
                f"{self.access.host} has closed the connection.", "It is tried again at the next request."
            )
        return self._client

    def _session_headers(self) -> Headers:
        return Headers([("Session", self._session)] if self._session else [])

    def _fail(self, status: int, method: str) -> NoReturn:
        raise refused(self.access.host, status, method, self._transport, back=self._back)

    @property
    def _transport(self) -> StreamTransport:
        return "tcp" if is_tls(self._url) else self.access.transport  # UDP would be in clear


def _ignore(_: object) -> None:
    pass

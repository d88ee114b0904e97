"""The way back of one recorder's session: the track that it set up for its own sound, and what comes on it.

Its reports are thrown away, since they name the recorder; the NVR gets its sound alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from proxyd.camera.spec import StreamSpec
from proxyd.errors import UpstreamError
from proxyd.rtsp.backchannel import FEATURE, FIRST_TRACK, NO_LOUDSPEAKER, is_sound
from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.headers import Transport
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.session import Refused
from proxyd.rtsp.talk import Way
from proxyd.rtsp.udp_pair import pair_for_recorder
from proxyd.rtsp.upstream_errors import MayNotSpeak

_BUFFER_BYTES = 64 * 1024


class TalkTrack:
    """`playing` says whether what comes counts; `heard` is told of packets by UDP, `record(operation, reason, ok)`
    of what the operator should know."""

    def __init__(
        self,
        context: CameraContext,
        host: str,
        *,
        playing: Callable[[], bool],
        heard: Callable[[], None],
        record: Callable[[str, str, bool], None],
    ) -> None:
        self._context = context
        self._host = host
        self._playing = playing
        self._heard = heard
        self._record = record
        self._way: Way | None = None
        self._operation = ""  # as the trace calls it
        self._ports: list[asyncio.DatagramTransport] = []
        self._told = ""  # the last reason why nothing is heard
        self.tracks: dict[int, Transport] = {}  # one at most

    @property
    def features(self) -> frozenset[str]:
        """What a recorder may require here."""
        return frozenset({FEATURE} if self._context.speaker.possible else ())

    async def offered(self, stream: StreamSpec) -> list[Media]:
        """The tracks for sound to the NVR. Raises Refused when it has no loudspeaker, and UpstreamError."""
        try:
            media = await self._context.speaker.tracks(stream) if self.features else []
        except MayNotSpeak as error:
            raise Refused(551, str(error), ("Unsupported", FEATURE)) from None
        if not media:
            raise Refused(551, NO_LOUDSPEAKER, ("Unsupported", FEATURE))
        return media

    async def setup(self, stream: StreamSpec, track: int, wish: Transport) -> Transport:
        """The transport as granted. Raises Refused and UpstreamError."""
        media = await self.offered(stream)
        number = track - FIRST_TRACK
        if not 0 <= number < len(media):
            raise Refused(404, "there is no such track for sound to the NVR")
        if self.tracks:
            raise Refused(455, "has a way back already; one codec is enough")
        if not self._context.speaker.free_for(self):
            raise Refused(453, "another recorder speaks through this camera at the moment")
        granted = wish if wish.tcp else await self._open_udp(wish)
        self._way, self._operation = Way(stream, media, number), f"TALK {stream.name}"
        self.tracks[track] = granted
        return granted

    def packet(self, channel: int, payload: bytes) -> None:
        """What the recorder sent in its connection."""
        if any(granted.interleaved and granted.interleaved[0] == channel for granted in self.tracks.values()):
            self._say(payload)

    async def end(self) -> None:
        """Nothing of it is left, here and at the NVR; bounded."""
        for port in self._ports:
            port.close()
        self._ports.clear()
        self.tracks.clear()
        self._way = None
        await self._context.speaker.release(self)

    # What becomes of it -----------------------------------------------------------------------------------------

    def talk_begun(self) -> None:
        self._told = ""
        self._record(self._operation, "the NVR hears the recorder", True)

    def talk_over(self, packets: int, dropped: int) -> None:
        self._record(
            self._operation, f"over: {packets} packets of sound went to the NVR, {dropped} were too many", True
        )

    def talk_failed(self, error: UpstreamError) -> None:
        self._tell(str(error))

    def _tell(self, reason: str) -> None:
        """The same once: fifty packets a second would say it."""
        if reason != self._told:
            self._told = reason
            self._record(self._operation, reason, False)

    def _say(self, packet: bytes) -> None:
        way = self._way
        if way is None or not self._playing() or not is_sound(packet, way.media[way.number]):
            return
        if not self._context.speaker.say(self, way, packet):
            self._tell("another recorder speaks through this camera at the moment")

    async def _open_udp(self, wish: Transport) -> Transport:
        granted, pair = pair_for_recorder(self._context.spec.address, self._host, wish, buffer_bytes=_BUFFER_BYTES)
        loop = asyncio.get_running_loop()
        for one, take in zip(pair, (self._say, _ignore), strict=True):
            port, _ = await loop.create_datagram_endpoint(partial(_Port, take, self._heard), sock=one)
            self._ports.append(port)
        return granted


class _Port(asyncio.DatagramProtocol):
    """The kernel lets in only what comes from the recorder's port."""

    def __init__(self, take: Callable[[bytes], None], heard: Callable[[], None]) -> None:
        self._take = take
        self._heard = heard

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._heard()
        self._take(data)


def _ignore(_: bytes) -> None:
    pass

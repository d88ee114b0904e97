"""A look at one camera's stream: its next key frame, out of what recorders get, or of a stream that is opened for it
and kept a little, so that who asks for pictures again and again costs one login at the NVR.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from proxyd.camera.spec import SPOKEN_CODEC, Codec, ReportUpstream, StreamName
from proxyd.errors import ProxyError, UpstreamError
from proxyd.rtsp.media_process import MediaUnavailable
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.shared import SharedStream
from proxyd.rtsp.streams import Streams
from proxyd.rtsp.tap import Tap
from proxyd.sources.description import NoUsableVideo, described, parameter_sets

from .decoding import TO_INSTALL
from .key_frame import KeyFrame, UnitReader
from .rtp_jpeg import JpegReader

_KEPT_S = 12.0
_READABLE: tuple[Codec, ...] = ("H264", "H265", "JPEG")


class NoKeyFrame(ProxyError):
    """No stream that a picture may be taken from; the NVR was not asked."""


class NoDecoder(NoKeyFrame):
    """There are streams, and nothing here that decodes them."""


@dataclass(frozen=True, slots=True)
class Look:
    stream: StreamName
    frame: KeyFrame


class StreamLook:
    """Made by the running camera. `report` hears how logins for pictures went."""

    def __init__(
        self, streams: Streams, opener: UpstreamOpener, report: ReportUpstream, *, kept_s: float = _KEPT_S
    ) -> None:
        self._streams = streams
        self._opener = opener
        self._report = report
        self._way = opener.giving_way
        self._kept_s = kept_s
        self._kept: _Kept | None = None
        self._releases: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._closed = False

    async def look(self, codecs: Collection[Codec], *, may_open: bool) -> Look:
        """The next key frame of a stream of these codecs. Without `may_open` only of one that runs. Waits for a key
        frame as long as it takes. Raises NoKeyFrame, UpstreamError, MediaUnavailable."""
        shared, keeps = self._choose(codecs, may_open)
        async with Tap(shared) as tap:
            media = await (tap.describe() if shared.begun else self._described(tap))
            track, reader = _reader(shared.stream.name, media, codecs)
            await tap.play([track], at_key=True)
            if keeps:
                self._keep(shared)
            async for _, packet in tap:
                if frame := reader.feed(packet):
                    return Look(shared.stream.name, frame)
        raise AssertionError("a tap ends with an error")

    async def _described(self, tap: Tap) -> list[Media]:
        """Of all cameras of an NVR one logs in at a time for a picture: recorders stand in the same line."""
        try:
            async with self._opener.one_look:
                media = await tap.describe()
        except UpstreamError as error:
            self._report(error)
            raise
        self._report(None)
        return media

    def _choose(self, codecs: Collection[Codec], may_open: bool) -> tuple[SharedStream, bool]:
        """And whether it is kept for pictures alone."""
        if self._closed:
            raise NoKeyFrame("The camera does not run.")
        streams = sorted((one for one in self._streams.specs if one.upstream_url), key=lambda one: one.name != "main")
        usable = [one for one in streams if one.codec in codecs]
        if not usable:
            raise _none_of(streams[0].codec) if streams else NoKeyFrame("It has no stream at the moment.")
        for one in usable:
            if running := self._streams.running(one.name):
                return running, not running.is_played  # else who plays it keeps it
        if not may_open or not self._way.may_open(self._loop.time()):
            raise NoKeyFrame("No stream of it runs at the moment.")
        return self._streams.get(usable[0]), True

    def _keep(self, shared: SharedStream) -> None:
        """For a while from now on."""
        if self._closed:
            return
        if self._kept is None or self._kept.shared is not shared:
            self._let_go()
            self._kept = _Kept(shared)
            shared.hold(self._kept)
            self._way.keeps(self._let_go)
        else:
            assert self._kept.timer is not None
            self._kept.timer.cancel()
        self._kept.timer = self._loop.call_later(self._kept_s, self._let_go)

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        self._way.kept_no_more(self._let_go)
        if kept is not None:
            if kept.timer is not None:
                kept.timer.cancel()
            release = asyncio.create_task(kept.shared.release(kept), name="release of a stream for pictures")
            self._releases.add(release)
            release.add_done_callback(self._releases.discard)

    async def close(self) -> None:
        """For good. Idempotent."""
        self._closed = True
        self._let_go()
        await asyncio.gather(*self._releases)


class _Kept:
    """Holds a stream. One that is lost then is not fetched again for it."""

    playing = False

    def __init__(self, shared: SharedStream) -> None:
        self.shared = shared
        self.timer: asyncio.TimerHandle | None = None

    def stream_interrupted(self, error: UpstreamError) -> None:
        pass

    def stream_resumed(self, after_s: float) -> None:
        pass

    def stream_ended(self, error: UpstreamError | MediaUnavailable) -> None:
        pass


def _reader(name: str, media: list[Media], codecs: Collection[Codec]) -> tuple[int, JpegReader | UnitReader]:
    """For the video's track. Raises NoKeyFrame."""
    try:
        video = described(media)
    except NoUsableVideo as error:
        raise NoKeyFrame(f"The {name} stream {error}.") from None
    if video.codec == "JPEG":
        return video.track, JpegReader()
    if video.codec in codecs and video.codec != "MPEG4":
        return video.track, UnitReader(video.codec, parameter_sets(media[video.track]))
    raise _none_of(video.codec)


def _none_of(codec: Codec) -> NoKeyFrame:
    if codec in _READABLE:
        return NoDecoder(f"Pictures of an {SPOKEN_CODEC[codec]} stream need PyAV.", TO_INSTALL)
    return NoKeyFrame(f"Pictures cannot be made of an {SPOKEN_CODEC[codec]} stream.")

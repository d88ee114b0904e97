"""A stream for the daemon itself: an outlet like a recorder's, whose other end is here.

For what needs few packets: a key frame. They come by a pair of sockets: while nobody reads them they wait
in the media process, which drops them as it does for a slow recorder, so nothing here grows.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from proxyd.errors import UpstreamError
from proxyd.media.wire import OutletStats
from proxyd.rtsp.carried import Outlet
from proxyd.rtsp.media_process import MediaUnavailable
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.shared import SharedStream, StreamError

_LIMIT_BYTES = 128 * 1024  # StreamReader holds twice as much at most; a packet has 64 KiB at most
_LET_GO_S = 2.0


class Tap:
    """`async with Tap(shared) as tap:` holds the stream; then `describe`, `play`, and iterate over (our track number,
    RTP packet). One reader. All of it raises UpstreamError and MediaUnavailable, the iteration when the stream has
    ended or is fetched again; the end of the block releases the stream.
    """

    def __init__(self, shared: SharedStream) -> None:
        self._shared = shared
        self._outlet: Outlet | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._error: StreamError | None = None

    async def __aenter__(self) -> Tap:
        self._shared.hold(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def describe(self) -> list[Media]:
        """The tracks, in the order of their numbers."""
        return await self._shared.describe()

    async def play(self, tracks: Sequence[int], *, at_key: bool) -> None:
        """Packets of these tracks come. `at_key`: of a stream that runs, from the next key frame of its video on, or
        from anywhere when none comes for a while; one that begins now is given from its first packet on."""
        if self._shared.interrupted:
            raise MediaUnavailable("has no packets of this stream", "The stream is fetched again at the moment.")
        for track in tracks:
            await self._shared.setup(track)
        feed = await self._shared.ready()
        ours, theirs = socket.socketpair()
        try:
            self._reader, self._writer = await asyncio.open_unix_connection(sock=ours, limit=_LIMIT_BYTES)
            if self._error is not None:
                raise self._error
            legs = self._shared.legs({track: (2 * track, 2 * track + 1) for track in tracks})
            # From here to `begin` nothing may wait, as in Playback.play.
            begun = self._shared.begun
            self._outlet = feed.outlet(self)
        except BaseException:
            theirs.close()
            ours.close()
            raise
        self._outlet.open(legs, [theirs.detach()], keep=not begun)
        await self._shared.begin()
        self._outlet.start(at_key=at_key and begun)

    def __aiter__(self) -> Tap:
        return self

    async def __anext__(self) -> tuple[int, bytes]:
        assert self._reader is not None
        while True:
            try:
                head = await self._reader.readexactly(4)
                packet = await self._reader.readexactly(int.from_bytes(head[2:], "big"))
            except (asyncio.IncompleteReadError, ConnectionError):
                raise self._error or MediaUnavailable("has given up this stream") from None
            if not head[1] & 1:  # else reports
                return head[1] >> 1, packet

    async def close(self) -> None:
        """Idempotent, bounded."""
        outlet, self._outlet = self._outlet, None
        if self._writer is not None:
            self._writer.transport.abort()
        try:
            if outlet is not None:
                await outlet.end(_LET_GO_S)
        finally:
            await self._shared.release(self)

    # Holder and owner of an outlet ------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        return self._outlet is not None

    def stream_interrupted(self, error: UpstreamError) -> None:
        self._fail(error)

    def stream_resumed(self, after_s: float) -> None:
        pass  # it has failed

    def stream_ended(self, error: StreamError) -> None:
        self._fail(error)

    def outlet_measured(self, before: OutletStats, stats: OutletStats) -> None:
        pass  # recorders' figures are shown, not these

    def outlet_ended(self, why: str) -> None:
        pass  # the pair of sockets says so

    def _fail(self, error: StreamError) -> None:
        """Now, whatever is still to be read."""
        self._error = error
        if self._reader is not None:
            self._reader.set_exception(error)

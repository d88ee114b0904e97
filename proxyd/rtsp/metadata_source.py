"""An NVR's metadata track: a session of its own, which only this track is set up in, while a recorder wants it.

It is not a track of the shared stream, because then media processes would have to take its packets out for all
recorders that do not want it. It gives way where the NVR has no more sessions for video. Errors cost objects and
positions, never the events, which come another way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from proxyd.allowance import Allowance
from proxyd.camera.spec import NvrAccess, StreamSpec
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError
from proxyd.rtsp.messages import Interleaved
from proxyd.rtsp.metadata_rtp import Reassembler
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.upstream_errors import NoPlace

_log = logging.getLogger(__name__)
_PAUSES_S = (1.0, 60.0)  # the first and the longest before another try
_REFUSED_PAUSE_S = 300.0
_MOST_PER_S = 12.0  # documents; each costs the daemon about a millisecond


class MetadataSource:
    """`take(document)` gets what the NVR sends, as it sends it, and is bounded in number and size."""

    def __init__(self, name: str, opener: UpstreamOpener, take: Callable[[bytes], None]) -> None:
        self._name = name
        self._opener = opener
        self._take = take
        self._wanted: tuple[StreamSpec, NvrAccess] | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()  # cancelled, with their TEARDOWN still to say
        self._documents = Reassembler()
        self._allowance = Allowance(_MOST_PER_S)

    def follow(self, wanted: tuple[StreamSpec, NvrAccess] | None) -> None:
        """From this stream of this NVR from now on; None: from none. One that has given up begins again."""
        if wanted == self._wanted and (wanted is None or (self._task is not None and not self._task.done())):
            return
        before, self._wanted, self._task = self._task, wanted, None
        if before is not None and not before.done():
            before.cancel()
            self._ending.add(before)
            before.add_done_callback(self._ending.discard)
        if wanted is not None:
            self._task = asyncio.create_task(self._run(wanted[0]), name=f"nvr metadata {self._name}")

    async def stop(self) -> None:
        """The NVR's session ends, with TEARDOWN; bounded."""
        self.follow(None)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _run(self, stream: StreamSpec) -> None:
        loop = asyncio.get_running_loop()
        # None of them by name: a cancelled task keeps its variables, and each would keep the one before it, for ever.
        while self._ending:
            await asyncio.wait(self._ending)
        pause_s = _PAUSES_S[0]
        while True:
            began = loop.time()
            try:
                if self._opener.giving_way.may_open(began):
                    await self._play(stream)
            except UpstreamAuthError as error:
                _log.info("%s: no metadata of the NVR: %s", self._name, error)
                return  # the same password opens streams and events, which say it
            except UpstreamProtocolError as error:
                _log.info("%s: no metadata of the NVR: %s", self._name, error)
                pause_s = _REFUSED_PAUSE_S
            except NoPlace as error:
                _log.debug("%s: video goes before metadata of the NVR: %s", self._name, error)
                pause_s = _PAUSES_S[1]
            except UpstreamError as error:
                _log.debug("%s: metadata of the NVR ended: %s", self._name, error)
                if loop.time() - began > _PAUSES_S[1]:
                    pause_s = _PAUSES_S[0]
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _PAUSES_S[1])

    async def _play(self, stream: StreamSpec) -> None:
        """Until it is lost. Raises UpstreamError."""
        lost: asyncio.Future[UpstreamError] = asyncio.get_running_loop().create_future()

        def on_lost(error: UpstreamError) -> None:
            if not lost.done():
                lost.set_result(error)

        def let_go() -> None:
            on_lost(NoPlace("The NVR has no more sessions.", "It is tried again in a minute."))

        self._documents = Reassembler()
        async with self._opener.login(stream, metadata=True, patient=True) as upstream:
            upstream.on_frames, upstream.on_lost = self._received, on_lost
            if not upstream.media:
                raise UpstreamProtocolError(
                    f"{upstream.access.host} has no metadata track.", "Scan it again if its settings were changed."
                )
            await upstream.setup(0)
            await upstream.play()
        self._opener.giving_way.keeps(let_go)
        try:
            raise await lost
        finally:
            self._opener.giving_way.kept_no_more(let_go)
            await upstream.close()

    def _received(self, frames: list[Interleaved]) -> None:
        now = asyncio.get_running_loop().time()
        for channel, packet in frames:
            if channel == 0 and (document := self._documents.take(packet)) and self._allowance.take(1, now):
                self._take(document)

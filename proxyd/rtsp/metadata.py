"""The metadata stream of one camera: its events, and what passes of the NVR's metadata, to all who play that track."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from proxyd.camera.spec import CameraSpec
from proxyd.camera.told import carried_metadata, offers_metadata
from proxyd.nvr.metadata import rewritten
from proxyd.onvif.event_messages import Message
from proxyd.onvif.metadata_documents import event_documents
from proxyd.rtsp.metadata_leg import MetadataLeg
from proxyd.rtsp.metadata_source import MetadataSource
from proxyd.rtsp.opener import UpstreamOpener

_LOOK_EVERY_S = 1.0
_REPORT_EVERY = 5  # looks


def _nothing() -> list[Message]:
    return []


class Metadata:
    """`spec` is asked each time, because it changes. `present` tells how things stand, as Initialized messages; it is
    set when there are events."""

    def __init__(self, spec: Callable[[], CameraSpec], opener: UpstreamOpener) -> None:
        self.present: Callable[[], list[Message]] = _nothing
        self._spec = spec
        self._legs: dict[MetadataLeg, None] = {}  # that play
        self._source = MetadataSource(f"camera {spec().id}", opener, self._from_nvr)
        self._timer: asyncio.TimerHandle | None = None
        self._looks = 0

    @property
    def players(self) -> int:
        """How many play it."""
        return len(self._legs)

    def join(self, leg: MetadataLeg) -> None:
        """It plays: it is told how things stand, and everything from now on."""
        self._legs[leg] = None
        self._report(leg)
        self._tell_state(leg)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)
        self.update()

    def leave(self, leg: MetadataLeg) -> None:
        """It pauses or ends."""
        if leg in self._legs:
            del self._legs[leg]
            self.update()

    def update(self) -> None:
        """The spec is another, or who plays."""
        spec = self._spec()
        wanted = bool(self._legs) and carried_metadata(spec) is not None
        main = next((stream for stream in spec.streams if stream.upstream_url), None)
        self._source.follow((main, spec.nvr) if wanted and main is not None else None)

    def take(self, messages: Sequence[Message]) -> None:
        """Events of the camera."""
        if self._legs and offers_metadata(self._spec()):
            self._send(event_documents(messages), self._legs)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._legs.clear()
        await self._source.stop()

    def _from_nvr(self, document: bytes) -> None:
        spec = self._spec()
        told = rewritten(document, datetime.now(UTC), moves=spec.features.ptz is not None)
        if told:
            self._send((told,), self._legs)

    def _send(self, documents: Iterable[bytes], legs: Iterable[MetadataLeg]) -> None:
        now_s = time.time()
        for document in documents:
            for leg in legs:
                leg.send(document, now_s)

    def _tell_state(self, leg: MetadataLeg) -> None:
        leg.behind = False
        self._send(event_documents(self.present()), (leg,))

    def _report(self, leg: MetadataLeg) -> None:
        leg.report(time.time(), self._spec().address.encode())

    def _look(self) -> None:
        self._timer = None
        if not self._legs:
            return
        self._timer = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)
        self._looks += 1
        for leg in list(self._legs):
            leg.look()
            if leg.behind:
                self._tell_state(leg)
            if self._looks % _REPORT_EVERY == 0:
                self._report(leg)

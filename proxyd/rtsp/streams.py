"""The streams of one camera that are in use: one for all recorders of a stream, or one for each where the operator
wants that."""

from __future__ import annotations

import asyncio

from proxyd.camera.spec import StreamSpec
from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.shared import SharedStream


class Streams:
    def __init__(self, context: CameraContext) -> None:
        self._context = context
        self._shared: dict[str, SharedStream] = {}
        self._live: set[SharedStream] = set()

    def get(self, stream: StreamSpec) -> SharedStream:
        """The one to hold now. It opens nothing by itself."""
        share = self._context.spec.settings.share
        if share and (shared := self._shared.get(stream.name)) and not shared.over and shared.matches():
            return shared
        linger_s = self._context.limits.linger_s if share else 0.0
        shared = SharedStream(self._context, stream, self._ended, linger_s=linger_s)
        self._live.add(shared)
        if share:
            self._shared[stream.name] = shared  # one that does not match goes on for those who have it
        return shared

    @property
    def specs(self) -> tuple[StreamSpec, ...]:
        """All that the camera has."""
        return self._context.spec.streams

    def running(self, name: str) -> SharedStream | None:
        """One whose packets flow now, for whom a moment of any will do."""
        live = (one for one in self.of(name) if one.usable and one.begun and not one.interrupted and one.matches())
        return next(live, None)

    def of(self, name: str) -> list[SharedStream]:
        """Those that are open."""
        return [one for one in self._live if one.stream.name == name]

    async def close(self) -> None:
        """All of them, with TEARDOWN; bounded."""
        await asyncio.gather(*(one.close() for one in self._live))

    def _ended(self, shared: SharedStream) -> None:
        self._live.discard(shared)
        if self._shared.get(shared.stream.name) is shared:
            del self._shared[shared.stream.name]

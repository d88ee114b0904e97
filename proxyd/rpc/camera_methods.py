"""Methods of the noun camera that change nothing that lasts; those that do are in `camera_change_methods`."""

from __future__ import annotations

import base64

from proxyd.api import models as m
from proxyd.api.ptz import CameraPtz
from proxyd.api.streams import StreamStatus
from proxyd.camera.view import event_model
from proxyd.errors import NotFound

from .access import Caller
from .parts import Parts


class CameraMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def camera_list(self, p: m.NoParams, who: Caller) -> list[m.Camera]:
        return self._parts.cameras.cameras()

    async def camera_get(self, p: m.ById, who: Caller) -> m.Camera:
        return self._parts.cameras.camera(p.id)

    async def camera_snapshot(self, p: m.SnapshotParams, who: Caller) -> m.Picture:
        whole = await self._parts.cameras.snapshot(p.id)
        shown, width, height = await self._parts.cameras.snapshot_within(whole, p.max_width)
        return m.Picture(
            content_type=shown.content_type,
            data=base64.b64encode(shown.data).decode(),
            fallback=shown.fallback,
            origin=self._parts.cameras.camera(p.id).picture,
            width=width,
            height=height,
            size=len(whole.data),
        )

    async def camera_streams(self, p: m.ById, who: Caller) -> list[StreamStatus]:
        return self._parts.cameras.streams(p.id)

    async def camera_trace(self, p: m.TraceParams, who: Caller) -> list[m.TraceEntry]:
        self._parts.cameras.row(p.id)
        return self._parts.cameras.trace_of(p.id).last(p.limit, p.recorder)

    async def camera_exchange(self, p: m.ExchangeParams, who: Caller) -> m.Exchange:
        row = self._parts.cameras.row(p.id)
        known = [row.password, row.nvr.access.password, *(user.password for user in row.users)]
        exchange = self._parts.cameras.trace_of(p.id).exchange(p.number, known)
        if exchange is None:
            raise NotFound(
                f"What went over the wire in exchange {p.number} of {row.name} is not kept.",
                "camera trace shows which ones are: the newest.",
            )
        return exchange

    async def camera_diagnosis(self, p: m.ById, who: Caller) -> list[m.Finding]:
        return self._parts.cameras.diagnosis(p.id)

    async def camera_events(self, p: m.EventsParams, who: Caller) -> list[m.CameraEvent]:
        self._parts.cameras.row(p.id)
        return [event_model(event) for event in self._parts.cameras.events.history(p.id)[-p.limit :]]

    async def camera_ptz(self, p: CameraPtz, who: Caller) -> m.Camera:
        """Not in the audit log: nothing that lasts is changed."""
        await self._parts.cameras.move(p)
        return self._parts.cameras.camera(p.id)

    async def camera_presets(self, p: m.ById, who: Caller) -> list[str]:
        return await self._parts.cameras.presets(p.id)

    async def camera_credentials(self, p: m.ById, who: Caller) -> m.Credentials:
        row = self._parts.cameras.row(p.id)
        return m.Credentials(camera=p.id, username=row.username, password=row.password)

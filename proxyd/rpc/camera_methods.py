"""Methods of the noun camera."""

from __future__ import annotations

import base64

from proxyd.api import models as m
from proxyd.api.ptz import CameraPtz
from proxyd.api.streams import StreamStatus
from proxyd.camera.view import event_model
from proxyd.errors import NotFound

from .access import Caller
from .parts import Parts, reveal, subject

_SWITCHED = {
    ("audio", True): "Recorders get the sound of {} again.",
    ("audio", False): "Recorders get no sound of {} any more.",
    ("h265", True): "Recorders are told of the H.265 streams of {}.",
    ("h265", False): "H.265 streams of {} are hidden from recorders.",
    ("metadata", True): "Recorders get the metadata stream of {} again.",
    ("metadata", False): "Recorders get no metadata stream of {} any more.",
    ("forward", True): "Recorders may change the settings of {} on the NVR.",
    ("forward", False): "Recorders may not change the settings of {} on the NVR.",
    ("share", True): "Recorders of {} share one session with the NVR for each stream.",
    ("share", False): "Each recorder of {} has its own session with the NVR.",
}


class CameraMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def camera_list(self, p: m.NoParams, who: Caller) -> list[m.Camera]:
        return self._parts.cameras.cameras()

    async def camera_get(self, p: m.ById, who: Caller) -> m.Camera:
        return self._parts.cameras.camera(p.id)

    async def camera_update(self, p: m.CameraUpdate, who: Caller) -> m.Camera:
        store, row = self._parts.store, self._parts.cameras.row(p.id)
        name = p.name or row.name

        async def log(what: str) -> None:
            await self._parts.log("info", f"camera {p.id}", what, who)

        if p.name is not None:
            await store.rename_camera(p.id, p.name)
            await log(f"Renamed {row.name} to {p.name}.")
        if p.username is not None or p.password is not None:
            await store.set_credentials(p.id, p.username, reveal(p.password))
            await log(f"Changed the credentials of {name}.")
        if p.discovery is not None:
            await self._parts.cameras.set_discovery(p.id, p.discovery)
            await log(f"Switched discovery of {name} {'on' if p.discovery else 'off'}.")
        if p.notify is not None:
            await store.change_settings(p.id, {"notify": tuple(p.notify)})
            await log(f"Notifications of {name} may go to {', '.join(p.notify) or 'its own LAN alone'}.")
        if p.https is not None:
            await store.change_settings(p.id, {"https": p.https})
            await log(f"Switched HTTPS of {name} {'on' if p.https else 'off'}.")
        for setting in ("audio", "h265", "metadata", "forward", "share"):
            wanted: bool | None = getattr(p, setting)
            if wanted is not None:
                await store.change_settings(p.id, {setting: wanted})
                await log(_SWITCHED[setting, wanted].format(name))
        if p.clock_window_s is not None:
            await store.change_settings(p.id, {"clock_window_s": p.clock_window_s})
            await log(f"The clock of a recorder of {name} may differ by {p.clock_window_s} s.")
        if p.drop_accounts:
            await store.set_users(p.id, ())
            await log(f"Removed the accounts that recorders made on {name}.")
        await self._parts.cameras.refresh()
        return self._parts.cameras.camera(p.id)

    async def camera_start(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, True, "Started", who)

    async def camera_stop(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, False, "Stopped", who)

    async def camera_restart(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, True, "Restarted", who, restart=True)

    async def _enable(
        self, ids: list[int], enabled: bool, verb: str, who: Caller, *, restart: bool = False
    ) -> list[m.Camera]:
        names = [self._parts.cameras.row(id_).name for id_ in ids]
        await self._parts.store.set_enabled(ids, enabled)
        await self._parts.cameras.refresh(restart=ids if restart else ())
        await self._parts.log("info", subject(ids), f"{verb} {', '.join(names)}.", who)
        return [self._parts.cameras.camera(id_) for id_ in ids]

    async def camera_remove(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        models = [self._parts.cameras.camera(id_) for id_ in p.ids]
        await self._parts.store.remove_camera(p.ids)
        # A freed interface may be what another camera waits for.
        await self._parts.store.assign_interfaces()
        await self._parts.cameras.refresh()
        await self._parts.log("warning", subject(p.ids), f"Removed {', '.join(model.name for model in models)}.", who)
        return models

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

    async def camera_credentials(self, p: m.ById, who: Caller) -> m.Credentials:
        row = self._parts.cameras.row(p.id)
        return m.Credentials(camera=p.id, username=row.username, password=row.password)

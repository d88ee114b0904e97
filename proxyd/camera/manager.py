"""Owner of all running cameras: makes what runs equal to what the store says, and tells everybody what changed.

Everything that changes the store calls `refresh()`. Refreshes never overlap; a camera that could not start is tried
again by itself (`fleet`), until the cause is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from proxyd.api import models as m
from proxyd.api.history import CameraHistory
from proxyd.api.ptz import CameraPtz
from proxyd.api.streams import StreamStatus
from proxyd.errors import Conflict, NotFound, ProxyError, UpstreamError
from proxyd.hub import Hub
from proxyd.onvif.nvr_faults import told_fault
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.plane import Plane
from proxyd.snapshot.fetch import SnapshotSource
from proxyd.snapshot.picture import SnapshotPicture
from proxyd.store.rows import CameraRow
from proxyd.store.store import Store

from .adoption import TAKE_OVER_AFTER
from .commands import Command
from .events import CameraEvent
from .fleet import Fleet
from .nvr_events import EventsChange
from .performer import Performer
from .ptz_pad import pad_call, preset_names, presets_call
from .recorders import Recorders
from .running import RunningCamera
from .sequences import Sequences
from .shown_interfaces import ShownInterfaces
from .spec import CameraSpec, NvrAccess
from .status import NvrHealth, state_of
from .stream_status import stream_models, streams_note
from .told import told
from .trace import Trace
from .traffic import Traffic
from .turns import HIDDEN
from .upstreams import Upstreams
from .view import Tenure, camera_model, facts_of, log_model, read_streams, spec_of

log = logging.getLogger(__name__)

_STATS_EVERY_S = 1.0


class CameraManager:
    def __init__(
        self,
        store: Store,
        hub: Hub,
        snapshots: SnapshotSource,
        *,
        health: Callable[[int], NvrHealth],
        report: Callable[[int, Exception | None], None],
        now: Callable[[], str],
        plane: Plane,
        limits: RtspLimits | None = None,
        address_words: Callable[[], Mapping[str, str]] = dict,
        tenures: Callable[[], Mapping[str, Tenure]] = dict,
        named: Callable[[Mapping[str, str]], None] = lambda names: None,
        events_changed: Callable[[EventsChange], Awaitable[None]] | None = None,
        take_over_after: timedelta = TAKE_OVER_AFTER,
    ) -> None:
        """`plane` carries the streams, within `limits`; `address_words`: by MAC, what keeps an interface from its
        address, and `tenures`, where it has it from; `named` is told cameras' names by MAC; `events_changed`: events of
        an NVR come otherwise than before; `take_over_after`: the silence of a recorder after which another has its
        cameras.
        """
        self._address_words = address_words
        self._named = named
        self._store = store
        self._hub = hub
        self._snapshots = snapshots
        self._health = health
        self._rows: dict[int, CameraRow] = {}
        self._recorders = Recorders(now, take_over_after)
        self._now = now
        self.traffic = Traffic()
        self._plane = plane
        self._limits = limits or RtspLimits()
        self._upstreams = Upstreams(deliver=self._deliver, report=report, logins=self._limits.logins)
        self.events = self._upstreams.events
        self._restart_soon: set[int] = set()  # recorders asked for it; done by the ticker
        self._performer = Performer(store, link=self._upstreams.link, kept=self._kept, restart=self._restart_soon.add)
        self._fleet = Fleet(self._make, started=self._started, stopped=self._performer.halt)
        self._events_changed = events_changed
        self._sequences = Sequences(store)
        self._shown: dict[int, m.Camera] = {}
        self._interfaces = ShownInterfaces(hub, address_words, tenures)
        self._lock = asyncio.Lock()
        self.findable: Callable[[CameraRow], bool | None] = lambda row: None  # laid over the camera's own setting
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._sequences.begin()
        await self.refresh()
        await self._performer.stop_left(self._rows.values())
        self._ticker = asyncio.create_task(self._tick(), name="camera manager")

    async def stop(self) -> None:
        if self._ticker:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        async with self._lock:
            await self.events.stop()
            await self._fleet.stop()
        await self._upstreams.stop()

    async def refresh(self, restart: Iterable[int] = ()) -> None:
        """Reads the store, stops, updates and starts what has to be; returns when that is done. `restart`: cameras
        whose connections are closed even if nothing about them changed."""
        async with self._lock:
            self._rows = {row.id: row for row in await self._store.cameras()}
            self._upstreams.know(self._rows.values())
            desired = {row.id: spec for row in self._rows.values() if row.enabled and (spec := self._spec(row))}
            await self._fleet.follow(desired, set(restart))
            self._forget_removed()
            others = await self._store.channels_without_camera()
            await self._upstreams.follow(self._rows.values(), self._fleet.running.keys(), others)
            self._interfaces.rows = await self._store.interfaces()
            self.publish()
        self._named({row.interface.mac: row.name for row in self._rows.values() if row.interface})

    def _spec(self, row: CameraRow) -> CameraSpec | None:
        spec, findable = spec_of(row), self.findable(row)
        return spec if spec is None or findable is None else replace(spec, discovery=findable)

    async def apply_findable(self) -> None:
        """`findable` may say something else than before: show or hide the cameras that run."""
        async with self._lock:
            for id_, camera in self._fleet.running.items():
                spec = self._spec(self._rows[id_]) if id_ in self._rows else None
                if spec is not None and spec.discovery != camera.spec.discovery:
                    camera.update(replace(camera.spec, discovery=spec.discovery))

    def _make(self, spec: CameraSpec) -> RunningCamera:
        return RunningCamera(
            spec,
            self.trace_of(spec.id),
            self._snapshots,
            self._upstreams.opener(spec.nvr_id),
            self._plane,
            partial(self._upstreams.heard, spec.nvr_id),
            limits=self._limits,
            sequence=self._sequences.of(spec.id),
            perform=partial(self._perform, spec.id),
            gone=partial(self._performer.client_gone, spec.id),
        )

    def _started(self, camera: RunningCamera) -> None:
        spec = camera.spec
        self.trace_of(spec.id).listens_on(spec.address)
        for event in self.events.present(spec.nvr_id, spec.id):
            camera.deliver(event)

    def _deliver(self, id_: int, event: CameraEvent) -> None:
        if camera := self._fleet.running.get(id_):
            camera.deliver(event)

    async def _perform(self, id_: int, command: Command, client: str) -> Any:
        """For the recorder at `client`. Raises ProxyError, or the fault where the NVR's reason may be told."""
        camera = self._fleet.running.get(id_)
        if camera is None:
            raise NotFound(f"There is no running camera {id_}.")
        try:
            return await self._performer.perform(camera.spec, command, client)
        except UpstreamError as error:
            if fault := told_fault(error):
                raise fault from None
            raise

    async def _kept(self, id_: int, words: str) -> None:
        """A recorder changed something in the store: follow it, without closing a connection."""
        async with self._lock:
            self._follow_row(await self._store.camera(id_))
        self.publish()
        self._hub.changed("log", log_model(await self._store.log("info", f"camera {id_}", words)))

    def _follow_row(self, row: CameraRow) -> None:
        """Without closing a connection, so not for what the listening sockets depend on."""
        self._rows[row.id] = row
        spec, camera = self._spec(row), self._fleet.running.get(row.id)
        if spec and camera:
            camera.update(spec)

    def _forget_removed(self) -> None:
        for id_ in self._shown.keys() - self._rows.keys():
            del self._shown[id_]
            self._recorders.drop(id_)
            self.traffic.forget(id_)
            self._sequences.drop(id_)
            self._fleet.forget(id_)
            self._hub.removed("camera", id_)

    def publish(self) -> None:
        """Tells subscribers of the cameras that look different from the last time."""
        for row in self._rows.values():
            model = self._model(row)
            if self._shown.get(row.id) != model:
                self._shown[row.id] = model
                self._hub.changed("camera", model)
        self._interfaces.publish()

    def _model(self, row: CameraRow) -> m.Camera:
        camera, trace = self._fleet.running.get(row.id), self._recorders.known(row.id)
        words = self._address_words().get(row.interface.mac, "") if row.interface else ""
        hidden = HIDDEN if self.findable(row) is False else ""
        stats = camera.stats() if camera else {}
        notes: tuple[str, ...] = ()
        if camera:
            sent = streams_note(told(camera.spec).streams, stats, row.nvr.name)
            notes = (camera.note, words, sent, self.events.note(row.nvr_id), hidden)
        state, reason = state_of(
            facts_of(
                row,
                running=camera is not None,
                failure=self._fleet.failure(row.id),
                nvr=self._health(row.nvr_id),
                moved_from=trace.moved_from if trace else "",
                waiting=words,
            )
        )
        return camera_model(
            row,
            state,
            reason,
            stats,
            trace.recorder if trace else None,
            https_port=camera.https_port if camera else 0,
            rtsps_port=camera.rtsps_port if camera else 0,
            note=" ".join(filter(None, notes)),
            last_event=self.events.last(row.id),
            picture=self._snapshots.told(row.id),
        )

    async def _tick(self) -> None:
        """Live figures once a second, and another try for cameras whose time has come."""
        while True:
            await asyncio.sleep(_STATS_EVERY_S)
            for camera in self._fleet.running.values():
                camera.tend()
            self.events.tend()
            self.traffic.tend(asyncio.get_running_loop().time(), self._now(), self._fleet.running)
            try:
                await self._watch_adoptions()
                for change in self.events.changes():
                    if self._events_changed:
                        await self._events_changed(change)
                if self._restart_soon:
                    due = set(self._restart_soon)
                    self._restart_soon -= due
                    await self.refresh(due)
                elif self._fleet.has_due():
                    await self.refresh()
                else:
                    self.publish()
            except ProxyError as error:
                log.warning("cannot refresh the cameras: %s", error)

    async def _watch_adoptions(self) -> None:
        """Keeps which recorder has which camera. Raises StoreError."""
        for id_, who in self._recorders.adopters(self._rows.values(), self._fleet.running).items():
            await self._adopted(self._rows[id_], who)

    async def _adopted(self, row: CameraRow, who: str) -> None:
        async with self._lock:  # a refresh under way has read the row before this change
            try:
                self._rows[row.id] = await self._store.set_adopted_by(row.id, who)
            except NotFound:
                return  # removed meanwhile
        words = f"{row.name} is adopted by {who}" + (f", before by {row.adopted_by}." if row.adopted_by else ".")
        self._hub.changed("log", log_model(await self._store.log("info", f"camera {row.id}", words)))

    # What the API asks for ---------------------------------------------------------------------------------------

    def cameras(self) -> list[m.Camera]:
        return [self._model(row) for row in self._rows.values()]

    def rows(self) -> list[CameraRow]:
        """In the order of ids."""
        return list(self._rows.values())

    def able(self) -> Collection[int]:
        """The cameras that run."""
        return self._fleet.running.keys()

    def camera(self, id_: int) -> m.Camera:
        return self._model(self.row(id_))

    def streams(self, id_: int) -> list[StreamStatus]:
        """What is seen of its streams; idle ones while it does not run. Raises NotFound."""
        row, camera = self.row(id_), self._fleet.running.get(id_)
        return stream_models(read_streams(row), camera.stats() if camera else {}, row.nvr.name)

    def history(self, id_: int) -> CameraHistory:
        """What passed in the last minutes. Raises NotFound."""
        return self.traffic.camera(id_, [stream.name for stream in read_streams(self.row(id_))])

    def row(self, id_: int) -> CameraRow:
        """Raises NotFound."""
        if id_ not in self._rows:
            raise NotFound(f"There is no camera {id_}.", "camera list shows all cameras.")
        return self._rows[id_]

    def interfaces(self) -> list[m.Interface]:
        return self._interfaces.models()

    async def move(self, wanted: CameraPtz) -> None:
        """Raises NotFound, Conflict, UpstreamError."""
        spec = self._movable(wanted.id)
        await self._performer.perform(spec, pad_call(spec, wanted), "the operator")

    async def presets(self, id_: int) -> list[str]:
        """Their names, asked of the NVR. Raises NotFound, Conflict, UpstreamError."""
        spec = self._movable(id_)
        return preset_names(await self._performer.perform(spec, presets_call(spec), "the operator"))

    def _movable(self, id_: int) -> CameraSpec:
        row, camera = self.row(id_), self._fleet.running.get(id_)
        if camera is None:
            hint = f"onviftui camera show {row.id} says why."
            raise Conflict(f"{row.name} does not run, so it cannot be moved.", hint)
        return camera.spec

    def know_account(self, nvr_id: int, access: NvrAccess) -> None:
        """The NVR has this address and account from now on; a refresh has to follow."""
        self._upstreams.know_account(nvr_id, access)

    async def try_account_again(self, nvr_id: int) -> None:
        """The NVR's account works (again), or the user said so: all of us may use it once more."""
        self._snapshots.forget_refusals(nvr_id)
        await self._upstreams.try_account_again(nvr_id)

    def diagnosis(self, id_: int) -> list[m.Finding]:
        """Why recorders do not adopt this camera, or that all is well. Raises NotFound."""
        row = self.row(id_)
        return self._recorders.diagnosis(row, self._model(row), self._fleet.running.get(id_))

    async def forget_adoption(self, ids: Iterable[int]) -> None:
        """And what recorders did so far: who comes now is met for the first time. Raises NotFound, StoreError."""
        for id_ in ids:
            async with self._lock:
                self._rows[id_] = await self._store.set_adopted_by(id_, "")
            self.trace_of(id_).meetings.clear()
        self.publish()

    def trace_of(self, id_: int) -> Trace:
        return self._recorders.trace(id_)

    async def snapshot_within(
        self, picture: SnapshotPicture, max_width: int | None
    ) -> tuple[SnapshotPicture, int, int]:
        """See `SnapshotSource.within`."""
        return await self._snapshots.within(picture, max_width)

    async def snapshot(self, id_: int) -> SnapshotPicture:
        """As the recorder gets it. Works for cameras that wait or are stopped, too, if the NVR gives pictures."""
        row = self.row(id_)
        if camera := self._fleet.running.get(id_):
            return await camera.snapshot()
        spec = self._spec(row)
        if spec is None:
            raise NotFound(f"{row.name} has no address yet, so it has no picture.", "Give it an interface first.")
        return await self._snapshots.picture(spec)

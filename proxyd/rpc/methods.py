"""One function per method of the table: checks what the parameters cannot say, acts, answers with fresh models.

Every change is written to the audit log with the caller's name before the answer goes out.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import SecretStr, ValidationError

from proxyd.api import models as m
from proxyd.api.methods import METHODS
from proxyd.camera.manager import CameraManager
from proxyd.camera.spec import NvrAccess
from proxyd.camera.view import log_model, nvr_model
from proxyd.errors import Conflict, InvalidInput, ProxyError, UpstreamAuthError
from proxyd.hub import Hub
from proxyd.jobs import Jobs
from proxyd.links.arm import ArmClient
from proxyd.nvr import discovery
from proxyd.nvr.monitor import NvrMonitor
from proxyd.nvr.scan import test
from proxyd.store.rows import NvrRow
from proxyd.store.store import Store

from .access import Caller
from .diagnosis import diagnosis, not_understood
from .server import Handler

_SNAPSHOT_LOG = 100
_SEARCHES_AT_ONCE = 2  # each opens a socket per interface; more wait


class Methods:
    """`status` builds the daemon's own facts for a caller's role; NVRs are searched on the interfaces `search_on`, None
    being all of the host's own."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        cameras: CameraManager,
        jobs: Jobs,
        monitor: NvrMonitor,
        status: Callable[[m.Role], m.Status],
        search_on: Sequence[str] | None = None,
        arm: ArmClient | None = None,
    ) -> None:
        self._store = store
        self._hub = hub
        self._cameras = cameras
        self._jobs = jobs
        self._monitor = monitor
        self._status = status
        self._searches = asyncio.Semaphore(_SEARCHES_AT_ONCE)
        self._search_on = search_on
        self._arm = arm

    def handlers(self) -> dict[str, Handler]:
        """Method nvr.add is nvr_add here, and so on for the whole table; `subscribe` is the connection's own."""
        return {name: getattr(self, name.replace(".", "_")) for name in METHODS if name != "subscribe"}

    async def snapshot(self, who: Caller) -> m.Snapshot:
        """`seq` is taken first: what changes meanwhile comes again as an event."""
        seq = self._hub.seq
        return m.Snapshot(
            seq=seq,
            status=self._status(who.role),
            nvrs=await self._nvrs(),
            cameras=self._cameras.cameras(),
            interfaces=self._cameras.interfaces(),
            jobs=self._jobs.jobs(),
            log=[log_model(row) for row in await self._store.log_tail(_SNAPSHOT_LOG, 0)],
        )

    # NVRs --------------------------------------------------------------------------------------------------------

    async def nvr_add(self, p: m.NvrAdd, who: Caller) -> m.Nvr:
        self._refuse_own_camera(p.host)
        row = await self._store.add_nvr(
            host=p.host, port=p.port, username=p.username, password=p.password.get_secret_value(), name=p.name
        )
        await self.log("info", f"nvr {row.id}", f"Added {row.name} at {row.host}.", who)
        self.watch(row)
        if p.scan:
            self._jobs.start_scan(row, start=True, restore=False)
        return self.show_nvr(row)

    async def nvr_list(self, p: m.NoParams, who: Caller) -> list[m.Nvr]:
        return await self._nvrs()

    async def nvr_get(self, p: m.ById, who: Caller) -> m.Nvr:
        return self._nvr_model(await self._store.nvr(p.id))

    async def nvr_update(self, p: m.NvrUpdate, who: Caller) -> m.Nvr:
        self._refuse_own_camera(p.host)
        row = await self._store.update_nvr(
            p.id, host=p.host, port=p.port, username=p.username, password=_reveal(p.password), name=p.name
        )
        changed = ", ".join(sorted(p.model_fields_set - {"id"})) or "nothing"
        await self.log("info", f"nvr {row.id}", f"Changed {changed} of {row.name}.", who)
        if p.username or p.password is not None:
            self._cameras.try_account_again(row.id)
        self.watch(row)
        await self._cameras.refresh()
        return self.show_nvr(row)

    async def nvr_remove(self, p: m.ById, who: Caller) -> m.Nvr:
        await self._store.nvr(p.id)
        await self._jobs.cancel_for(p.id)
        row, camera_ids = await self._store.remove_nvr(p.id)
        self._monitor.forget(p.id)
        await self._cameras.refresh()
        await self.log("warning", f"nvr {p.id}", f"Removed {row.name} with {len(camera_ids)} cameras.", who)
        self._hub.removed("nvr", p.id)
        return self._nvr_model(row)

    async def nvr_scan(self, p: m.NvrScan, who: Caller) -> m.Job:
        row = await self._store.nvr(p.id)
        job = self._jobs.start_scan(row, start=p.start, restore=p.restore)
        await self.log("info", f"nvr {row.id}", f"Scan of {row.name} asked for.", who)
        self.show_nvr(row)
        return job

    async def nvr_discover(self, p: m.NvrDiscover, who: Caller) -> list[m.FoundNvr]:
        ours = {text for i in self._cameras.interfaces() for text in (i.name, i.address) if text}
        async with self._searches:
            found = await discovery.search(p.timeout_s, p.probe, interfaces=self._search_on, own=ours)
        known = {(row.host, row.port): row.id for row in await self._store.nvrs()}
        return [
            item.model_copy(update={"known": known.get((item.host, item.port))})
            for item in found
            if item.host not in ours
        ]

    async def nvr_test(self, p: m.NvrTestParams, who: Caller) -> m.NvrTest:
        access = await self._access_to_test(p)
        try:
            identity = await test(access)
        except ProxyError as error:
            if isinstance(error, UpstreamAuthError):
                await self._account_tested(p, refused=True)
            return m.NvrTest(ok=False, message=error.message, hint=error.hint)
        await self._account_tested(p, refused=False)
        what = f"{identity.manufacturer} {identity.model}".strip() or "The device"
        how_many = f", {identity.channels} channels" if identity.channels else ""
        return m.NvrTest(
            ok=True,
            message=f"{what} accepts this account{how_many}.",
            manufacturer=identity.manufacturer,
            model=identity.model,
            channels=identity.channels,
            clock_offset_s=identity.clock_offset_s,
        )

    async def _account_tested(self, p: m.NvrTestParams, *, refused: bool) -> None:
        """A test of exactly what is stored tells something about the NVR, and all who look at it hear that."""
        if p.id is None or p.model_fields_set != {"id"}:
            return
        await self._store.set_auth_failed(p.id, refused)
        if not refused:
            self._cameras.try_account_again(p.id)
        row = await self._store.nvr(p.id)
        self.watch(row)
        self._cameras.publish()
        self.show_nvr(row)

    def _refuse_own_camera(self, host: str | None) -> None:
        """A camera that is its own NVR would ask itself in circles."""
        camera = next((camera for camera in self._cameras.cameras() if host and camera.address == host), None)
        if camera is not None:
            raise InvalidInput(
                f"{host} is the address of camera {camera.id} “{camera.name}”, which proxyd itself serves.",
                "Enter the address of the NVR.",
                {"host": "is the address of one of proxyd's own cameras"},
            )

    async def _access_to_test(self, p: m.NvrTestParams) -> NvrAccess:
        self._refuse_own_camera(p.host)
        known = (await self._store.nvr(p.id)).access if p.id is not None else None
        missing = {
            field: "is needed when no id is given"
            for field in ("host", "username", "password")
            if known is None and getattr(p, field) is None
        }
        if missing:
            raise InvalidInput("A test needs an id, or host, username and password.", fields=missing)
        password = _reveal(p.password)
        return NvrAccess(
            host=p.host or (known.host if known else ""),
            port=p.port or (known.port if known else 80),
            username=p.username or (known.username if known else ""),
            password=password if password is not None else (known.password if known else ""),
        )

    # Cameras -----------------------------------------------------------------------------------------------------

    async def camera_list(self, p: m.NoParams, who: Caller) -> list[m.Camera]:
        return self._cameras.cameras()

    async def camera_get(self, p: m.ById, who: Caller) -> m.Camera:
        return self._cameras.camera(p.id)

    async def camera_update(self, p: m.CameraUpdate, who: Caller) -> m.Camera:
        row = self._cameras.row(p.id)
        if p.name is not None:
            await self._store.rename_camera(p.id, p.name)
            await self.log("info", f"camera {p.id}", f"Renamed {row.name} to {p.name}.", who)
        if p.username is not None or p.password is not None:
            await self._store.set_credentials(p.id, p.username, _reveal(p.password))
            await self.log("info", f"camera {p.id}", f"Changed the credentials of {p.name or row.name}.", who)
        if p.discovery is not None:
            await self._cameras.set_discovery(p.id, p.discovery)
            switched = "on" if p.discovery else "off"
            await self.log("info", f"camera {p.id}", f"Switched discovery of {p.name or row.name} {switched}.", who)
        await self._cameras.refresh()
        return self._cameras.camera(p.id)

    async def camera_start(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, True, "Started", who)

    async def camera_stop(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, False, "Stopped", who)

    async def camera_restart(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, True, "Restarted", who, restart=True)

    async def _enable(
        self, ids: list[int], enabled: bool, verb: str, who: Caller, *, restart: bool = False
    ) -> list[m.Camera]:
        names = [self._cameras.row(id_).name for id_ in ids]
        await self._store.set_enabled(ids, enabled)
        await self._cameras.refresh(restart=ids if restart else ())
        await self.log("info", _subject(ids), f"{verb} {', '.join(names)}.", who)
        return [self._cameras.camera(id_) for id_ in ids]

    async def camera_remove(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        models = [self._cameras.camera(id_) for id_ in p.ids]
        await self._store.remove_camera(p.ids)
        # A freed interface may be what another camera waits for.
        await self._store.assign_interfaces()
        await self._cameras.refresh()
        await self.log("warning", _subject(p.ids), f"Removed {', '.join(model.name for model in models)}.", who)
        return models

    async def camera_snapshot(self, p: m.ById, who: Caller) -> m.Picture:
        picture = await self._cameras.snapshot(p.id)
        return m.Picture(
            content_type=picture.content_type,
            data=base64.b64encode(picture.data).decode(),
            fallback=picture.fallback,
        )

    async def camera_trace(self, p: m.TraceParams, who: Caller) -> list[m.TraceEntry]:
        self._cameras.row(p.id)
        return self._cameras.trace_of(p.id).last(p.limit)

    async def camera_credentials(self, p: m.ById, who: Caller) -> m.Credentials:
        row = self._cameras.row(p.id)
        return m.Credentials(camera=p.id, username=row.username, password=row.password)

    # The rest ----------------------------------------------------------------------------------------------------

    async def interface_list(self, p: m.NoParams, who: Caller) -> list[m.Interface]:
        return self._cameras.interfaces()

    async def interface_available(self, p: m.NoParams, who: Caller) -> list[m.Interface]:
        by_id = {interface.id: interface for interface in self._cameras.interfaces()}
        return [by_id[row.id] for row in await self._store.free_interfaces() if row.id in by_id]

    async def interface_add(self, p: m.InterfaceAdd, who: Caller) -> m.InterfaceChange:
        answer = await self._ask_arm("add", p, count=p.count, parent=p.parent)
        change = _interface_change(answer, p)
        if change.done:
            await self.log("info", "interfaces", f"Added {_names(change.added)}.", who)
        return change

    async def interface_remove(self, p: m.InterfaceRemove, who: Caller) -> m.InterfaceChange:
        self._require_free(p.names)
        change = _interface_change(await self._ask_arm("remove", p, names=p.names), p)
        if change.done:
            await self.log("warning", "interfaces", f"Removed {_names(change.removed)}.", who)
        return change

    async def interface_doctor(self, p: m.NoParams, who: Caller) -> list[m.Finding]:
        answer = await self._arm.call("doctor") if self._arm else None
        return diagnosis(answer, self._cameras.interfaces(), self._cameras.cameras())

    def _require_free(self, names: list[str]) -> None:
        taken = {interface.name: interface.camera for interface in self._cameras.interfaces() if interface.camera}
        for name in names:
            if camera := taken.get(name):
                raise Conflict(
                    f"{name} is in use by {self._cameras.row(camera).name}.",
                    f"Remove that camera first: onviftui camera remove {camera}",
                )

    async def _ask_arm(self, do: str, p: m.InterfaceAdd | m.InterfaceRemove, **fields: Any) -> dict[str, Any]:
        if self._arm is None:
            raise InvalidInput(
                "Interfaces are not made in this mode.", "Start proxyd without --loopback and --shared for that."
            )
        given = {**fields, "dry_run": p.dry_run, "digest": p.digest}
        return await self._arm.call(do, **{name: value for name, value in given.items() if value is not None})

    async def job_list(self, p: m.NoParams, who: Caller) -> list[m.Job]:
        return self._jobs.jobs()

    async def job_cancel(self, p: m.ById, who: Caller) -> m.Job:
        job = await self._jobs.cancel(p.id)
        await self.log("info", f"nvr {job.nvr}", f"{job.title} was cancelled.", who)
        return job

    async def log_tail(self, p: m.LogTail, who: Caller) -> list[m.LogEntry]:
        return [log_model(row) for row in await self._store.log_tail(p.limit, p.after)]

    async def status(self, p: m.NoParams, who: Caller) -> m.Status:
        return self._status(who.role)

    # Shared with the daemon --------------------------------------------------------------------------------------

    async def log(
        self, level: Literal["info", "warning", "error"], subject: str, message: str, who: Caller | None = None
    ) -> None:
        row = await self._store.log(level, subject, message, who.name if who else "")
        self._hub.changed("log", log_model(row))

    def watch(self, row: NvrRow) -> None:
        self._monitor.watch(row.id, row.name, row.access, auth_failed=row.auth_failed)

    def show_nvr(self, row: NvrRow) -> m.Nvr:
        model = self._nvr_model(row)
        self._hub.changed("nvr", model)
        return model

    def _nvr_model(self, row: NvrRow) -> m.Nvr:
        job = self._jobs.running_on(row.id)
        return nvr_model(row, self._monitor.health(row.id), job.id if job else None)

    async def _nvrs(self) -> list[m.Nvr]:
        return [self._nvr_model(row) for row in await self._store.nvrs()]


def _interface_change(answer: dict[str, Any], p: m.InterfaceAdd | m.InterfaceRemove) -> m.InterfaceChange:
    try:
        return m.InterfaceChange.model_validate({**answer, "done": not p.dry_run})
    except ValidationError:
        raise not_understood() from None


def _names(interfaces: list[m.PlannedInterface]) -> str:
    return ", ".join(interface.name for interface in interfaces)


def _subject(ids: list[int]) -> str:
    return f"camera {ids[0]}" if len(ids) == 1 else f"{len(ids)} cameras"


def _reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()

"""The store's face: every method is one transaction (or one consistent reading) on the one connection.

What a writing method returned is on disk. Raises only NotFound, Conflict and StoreError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from proxyd.api.models import ScanDiff
from proxyd.camera.features import ChannelFeatures
from proxyd.camera.settings import DEFAULT_SETTINGS, CameraUser, Certificate
from proxyd.camera.spec import StreamName, StreamSpec, StreamTransport
from proxyd.errors import Conflict
from proxyd.nvr.result import DeviceIdentity, ScannedChannel
from proxyd.sources.source import KnownSource, NewSource

from . import (
    accounts,
    camera_changes,
    cameras,
    credentials,
    interfaces,
    nvrs,
    scan,
    settings,
    sources,
    streams,
)
from .camera_changes import CameraChange
from .connection import Connection
from .housekeeping import Housekeeping, utc_now
from .migrations import migrate
from .rows import CameraRow, FoundInterface, InterfaceRow, NvrRow, Ports
from .secrets import Secrets


class Store(Housekeeping):
    """Opened by `Store.open`; must be closed."""

    @classmethod
    async def open(cls, path: Path, secrets: Secrets, *, now: Callable[[], datetime] = utc_now) -> Store:
        """Creates or migrates the file. Raises StoreError: newer, foreign or damaged file, wrong key."""
        connection = await Connection.open(path)
        try:
            await migrate(connection)
            async with connection.transaction() as db:
                await settings.check_key(db, secrets)
                if await credentials.default_pair(db, secrets) is None:
                    password = credentials.generate_password()
                    await credentials.add(db, secrets, "default", credentials.DEFAULT_USERNAME, password)
        except BaseException:
            await connection.close()
            raise
        return cls(connection, secrets, now)

    # NVRs -------------------------------------------------------------------------------------------------

    async def add_nvr(self, *, host: str, port: int, username: str, password: str, name: str | None = None) -> NvrRow:
        """Raises Conflict naming the NVR that already stands at that address or has that name."""
        async with self._connection.transaction() as db:
            nvr_id = await nvrs.add(
                db, self._secrets, host=host, port=port, username=username, password=password, name=name
            )
            return await nvrs.get(db, self._secrets, nvr_id)

    async def nvrs(self) -> list[NvrRow]:
        """In the order of ids."""
        async with self._connection.reading() as db:
            return await nvrs.all_nvrs(db, self._secrets)

    async def nvr(self, nvr_id: int) -> NvrRow:
        """Raises NotFound."""
        async with self._connection.reading() as db:
            return await nvrs.get(db, self._secrets, nvr_id)

    async def update_nvr(
        self,
        nvr_id: int,
        *,
        host: str | None = None,
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        name: str | None = None,
        transport: StreamTransport | None = None,
    ) -> NvrRow:
        """None leaves as it is. Naming address or account clears auth_failed; upstream URIs move with the host."""
        async with self._connection.transaction() as db:
            await nvrs.update(
                db,
                self._secrets,
                nvr_id,
                host=host,
                port=port,
                username=username,
                password=password,
                name=name,
                transport=transport,
            )
            return await nvrs.get(db, self._secrets, nvr_id)

    async def set_auth_failed(self, nvr_id: int, failed: bool) -> None:
        """Remembered over restarts, so that a wrong password is not tried again (lock-out counters)."""
        async with self._connection.transaction() as db:
            await nvrs.set_auth_failed(db, nvr_id, failed)

    async def set_identity(self, nvr_id: int, identity: DeviceIdentity, at: str) -> None:
        """What the NVR says it is; `at` becomes its last_scan."""
        async with self._connection.transaction() as db:
            await nvrs.set_identity(db, nvr_id, identity, at)

    async def remove_nvr(self, nvr_id: int) -> tuple[NvrRow, list[int]]:
        """The NVR that was, and the ids of its cameras, which went with it; their interfaces are free."""
        async with self._connection.transaction() as db:
            nvr = await nvrs.get(db, self._secrets, nvr_id)
            own = [row for row in await cameras.all_cameras(db, self._secrets) if row.nvr_id == nvr_id]
            await cameras.remove(db, own)
            await nvrs.remove(db, nvr_id)
            return nvr, [row.id for row in own]

    async def apply_scan(
        self,
        nvr_id: int,
        channels: Sequence[ScannedChannel],
        *,
        complete: bool,
        start: bool,
        restore: bool,
        ports: Ports,
        dry_run: bool = False,
        expected: ScanDiff | None = None,
    ) -> ScanDiff:
        """Adds and updates channels, cameras and streams; marks missing only when `complete`. See scan.py.

        `dry_run`: says what would become different, and changes nothing. `expected`: what somebody has agreed to;
        raises Conflict when it would be something else by now.
        """
        try:
            async with self._connection.transaction() as db:
                diff = await scan.apply(
                    db,
                    self._secrets,
                    nvr_id,
                    channels,
                    complete=complete,
                    start=start,
                    restore=restore,
                    ports=ports,
                )
                if dry_run:
                    raise scan.OnlyTried(diff)
                scan.require(diff, expected)
                return diff
        except scan.OnlyTried as tried:
            return tried.diff

    async def add_sources(self, new: Sequence[NewSource], *, start: bool, ports: Ports) -> list[NvrRow]:
        """All or none, as cameras whose streams were not read yet. The rows of kind rtsp that have them now; raises
        Conflict, see sources.py."""
        async with self._connection.transaction() as db:
            ids = await sources.add(db, self._secrets, new, start=start, ports=ports)
            return [await nvrs.get(db, self._secrets, id_) for id_ in ids]

    async def change_source(
        self, camera_id: int, new: NewSource, *, name: str | None = None
    ) -> tuple[CameraRow, int | None]:
        """The camera gets these addresses and this account, a name if one is given, and keeps all that is its own.
        With the id of the row of NVRs that was left empty by it and is gone. Raises Conflict, see sources.py and
        camera_changes.py."""
        async with self._connection.transaction() as db:
            row = (await cameras.get(db, self._secrets, [camera_id]))[0]
            if name is not None and name != row.name:
                await camera_changes.require_names(db, {camera_id: name})
            emptied = await sources.change(db, self._secrets, row.nvr_id, row.channel_id, new)
            if name is not None:
                await cameras.rename(db, camera_id, name)
            return (await cameras.get(db, self._secrets, [camera_id]))[0], emptied

    async def sources(self, nvr_id: int) -> list[KnownSource]:
        """The channels of a row of kind rtsp, by number."""
        async with self._connection.reading() as db:
            return await sources.known(db, self._secrets, nvr_id)

    # Cameras ----------------------------------------------------------------------------------------------

    async def cameras(self) -> list[CameraRow]:
        """In the order of ids, each with all that a camera needs to run."""
        async with self._connection.reading() as db:
            return await cameras.all_cameras(db, self._secrets)

    async def channels_without_camera(self) -> dict[int, list[ChannelFeatures]]:
        """What is known of the channels whose camera the user removed, by NVR."""
        async with self._connection.reading() as db:
            return await cameras.channels_without(db)

    async def camera(self, camera_id: int) -> CameraRow:
        """Raises NotFound."""
        async with self._connection.reading() as db:
            return (await cameras.get(db, self._secrets, [camera_id]))[0]

    async def change_cameras(self, changes: Sequence[CameraChange]) -> list[CameraRow]:
        """All or none, in one transaction: what recorders or others set at the same time of anything else stays.
        Raises NotFound, and Conflict for a name that another camera has."""
        async with self._connection.transaction() as db:
            return await camera_changes.apply(db, self._secrets, changes)

    async def change_camera(self, change: CameraChange) -> CameraRow:
        """See change_cameras."""
        return (await self.change_cameras([change]))[0]

    async def set_enabled(self, camera_ids: Collection[int], enabled: bool) -> None:
        """All or none: raises NotFound before the first is touched."""
        async with self._connection.transaction() as db:
            await cameras.get(db, self._secrets, camera_ids)
            await cameras.set_enabled(db, camera_ids, enabled)

    async def change_stream(self, camera_id: int, name: StreamName, change: Callable[[StreamSpec], StreamSpec]) -> None:
        """What the NVR says of a stream now; its token and address there stay. Without effect when there is none."""
        async with self._connection.transaction() as db:
            row = (await cameras.get(db, self._secrets, [camera_id]))[0]
            known = (await streams.known(db, self._secrets, row.nvr_id)).get(row.channel_id, ())
            for stream in known:
                if stream.spec.name == name:
                    changed = streams.within_limits(replace(stream, spec=change(stream.spec)))
                    await streams.put(db, self._secrets, row.channel_id, changed)

    async def set_users(
        self, camera_id: int, users: Sequence[CameraUser], *, before: Sequence[CameraUser] | None = None
    ) -> CameraRow:
        """The accounts besides the camera's own: exactly these. Raises Conflict when `before` is given and they are
        others now."""
        async with self._connection.transaction() as db:
            row = (await cameras.get(db, self._secrets, [camera_id]))[0]
            if before is not None and row.users != tuple(before):
                raise Conflict("The accounts were changed at the same time.", "Read them again, then try again.")
            await accounts.set_users(db, self._secrets, camera_id, users)
            return (await cameras.get(db, self._secrets, [camera_id]))[0]

    async def set_certificate(
        self,
        camera_id: int,
        certificate: Certificate | None,
        name: str = DEFAULT_SETTINGS.certificate_id,
        *,
        only_first: bool = False,
    ) -> CameraRow:
        """The certificate of HTTPS and what recorders call it; None: there is none any more. `only_first`: one that is
        there stays."""
        async with self._connection.transaction() as db:
            row = (await cameras.get(db, self._secrets, [camera_id]))[0]
            if only_first and row.certificate is not None:
                return row
            await cameras.set_settings(db, camera_id, replace(row.settings, certificate_id=name))
            await accounts.set_certificate(db, self._secrets, camera_id, certificate)
            return (await cameras.get(db, self._secrets, [camera_id]))[0]

    async def set_adopted_by(self, camera_id: int, recorder: str) -> CameraRow:
        """The recorder that took the camera in; "" forgets it."""
        async with self._connection.transaction() as db:
            await cameras.get(db, self._secrets, [camera_id])
            await cameras.set_adopted_by(db, camera_id, recorder)
            return (await cameras.get(db, self._secrets, [camera_id]))[0]

    async def remove_camera(self, camera_ids: Collection[int]) -> list[CameraRow]:
        """The cameras as they were. Rescans do not bring them back; their interfaces are given out last."""
        async with self._connection.transaction() as db:
            rows = await cameras.get(db, self._secrets, camera_ids)
            await cameras.remove(db, rows)
            return rows

    # Interfaces -------------------------------------------------------------------------------------------

    async def register_interfaces(self, found: Sequence[FoundInterface], *, complete: bool = True) -> None:
        """Adds and updates by MAC, never takes one from a camera. `complete`: `found` is all there is; others
        are remembered, but not given out until they are found again."""
        async with self._connection.transaction() as db:
            await interfaces.register(db, found, complete=complete)

    async def assign_interfaces(self) -> list[int]:
        """Free interfaces to cameras without one, in the order of ids. Returns the cameras that got one."""
        async with self._connection.transaction() as db:
            return await interfaces.assign(db)

    async def interfaces(self) -> list[InterfaceRow]:
        """Absent ones, too, in the order of ids."""
        async with self._connection.reading() as db:
            return await interfaces.all_interfaces(db)

    async def free_interfaces(self) -> list[InterfaceRow]:
        """Next first: never used ones, then those freed longest ago (contract 1)."""
        async with self._connection.reading() as db:
            return await interfaces.free(db)

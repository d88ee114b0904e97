"""Methods of the noun nvr."""

from __future__ import annotations

import asyncio
import time

from proxyd.api import models as m
from proxyd.camera.spec import NvrAccess
from proxyd.errors import InvalidInput, ProxyError, UpstreamAuthError
from proxyd.nvr import discovery
from proxyd.nvr.refusals import NOT_TRIED_AGAIN
from proxyd.nvr.refused_tries import words_of
from proxyd.nvr.scan import test
from proxyd.sources.scan import probe_source
from proxyd.store.undoing import CAMERA_TABLES, NVR_TABLES, recording

from .access import Caller
from .parts import Parts, reveal

_SEARCHES_AT_ONCE = 2  # each opens a socket per interface; more wait


class NvrMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._searches = asyncio.Semaphore(_SEARCHES_AT_ONCE)

    async def nvr_add(self, p: m.NvrAdd, who: Caller) -> m.Nvr:
        self._parts.refuse_own_camera(p.host)
        row = await self._parts.store.add_nvr(
            host=p.host, port=p.port, username=p.username, password=p.password.get_secret_value(), name=p.name
        )
        await self._parts.log("info", f"nvr {row.id}", f"Added {row.name} at {row.host}.", who)
        self._parts.watch(row)
        if p.scan:
            self._parts.jobs.start_scan(row, start=True, restore=False)
        return self._parts.show_nvr(row)

    async def nvr_list(self, p: m.NoParams, who: Caller) -> list[m.Nvr]:
        return await self._parts.nvrs()

    async def nvr_get(self, p: m.ById, who: Caller) -> m.Nvr:
        return self._parts.nvr_model(await self._parts.store.nvr(p.id))

    async def nvr_update(self, p: m.NvrUpdate, who: Caller) -> m.Nvr:
        self._parts.refuse_own_camera(p.host)
        before = await self._parts.store.nvr(p.id)
        with recording(("credentials", "nvrs")) as recorder:
            row = await self._parts.store.update_nvr(
                p.id,
                host=p.host,
                port=p.port,
                username=p.username,
                password=reveal(p.password),
                name=p.name,
                transport=p.transport,
            )
        # In one go: what still tries the old account must not be counted against the new one.
        self._parts.cameras.know_account(row.id, row.access)
        self._parts.watch(row)
        if row.access != before.access:
            self._parts.jobs.forget_for(row.id)
        changed = ", ".join(sorted(p.model_fields_set - {"id"})) or "nothing"
        what = f"Changed {changed} of {row.name}."
        await self._parts.log("info", f"nvr {row.id}", what, who)
        self._parts.note(who, "nvr.update", what, recorder)
        await self._parts.cameras.refresh()
        if row.access == before.access and (p.username or p.password is not None):
            await self._parts.cameras.try_account_again(row.id)
        return self._parts.show_nvr(row)

    async def nvr_remove(self, p: m.ById, who: Caller) -> m.Nvr:
        await self._parts.store.nvr(p.id)
        await self._parts.jobs.cancel_for(p.id)
        with recording((*NVR_TABLES, *CAMERA_TABLES)) as recorder:
            row, camera_ids = await self._parts.store.remove_nvr(p.id)
        self._parts.monitor.forget(p.id)
        await self._parts.cameras.refresh()
        what = f"Removed {row.name} with {len(camera_ids)} cameras."
        await self._parts.log("warning", f"nvr {p.id}", what, who)
        self._parts.note(who, "nvr.remove", what, recorder)
        self._parts.hub.removed("nvr", p.id)
        return self._parts.nvr_model(row)

    async def nvr_scan(self, p: m.NvrScan, who: Caller) -> m.Job:
        row = await self._parts.store.nvr(p.id)
        job = self._parts.jobs.start_scan(row, start=p.start, restore=p.restore, preview=p.preview)
        await self._parts.log("info", f"nvr {row.id}", f"Scan of {row.name} asked for.", who)
        self._parts.show_nvr(row)
        return job

    async def nvr_discover(self, p: m.NvrDiscover, who: Caller) -> list[m.FoundNvr]:
        ours = {text for i in self._parts.cameras.interfaces() for text in (i.name, i.address) if text}
        async with self._searches:
            found = await discovery.search(p.timeout_s, p.probe, interfaces=self._parts.search_on, own=ours)
        known = {(row.host, row.port): row.id for row in await self._parts.store.nvrs() if row.kind == "onvif"}
        return [
            item.model_copy(update={"known": known.get((item.host, item.port))})
            for item in found
            if item.host not in ours
        ]

    async def nvr_test(self, p: m.NvrTestParams, who: Caller) -> m.NvrTest:
        access = await self._access_to_test(p, who)
        if p.id is not None and (await self._parts.store.nvr(p.id)).kind == "rtsp":
            return await self._test_sources(p, p.id, access)
        try:
            identity = await test(access)
        except ProxyError as error:
            return await self._test_failed(p, access, error)
        await self._account_tested(p, access, refused=False)
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

    async def _test_sources(self, p: m.NvrTestParams, nvr_id: int, access: NvrAccess) -> m.NvrTest:
        """The first camera of those that are known by their streams stands for all: they have one account."""
        sources = [source for source in await self._parts.store.sources(nvr_id) if not source.ignored]
        try:
            words = await probe_source(access, sources[0]) if sources else "no camera is left here"
        except ProxyError as error:
            return await self._test_failed(p, access, error)
        await self._account_tested(p, access, refused=False)
        return m.NvrTest(ok=True, message=f"{access.host} gives its streams: {words}.", channels=len(sources))

    async def _test_failed(self, p: m.NvrTestParams, access: NvrAccess, error: ProxyError) -> m.NvrTest:
        if not isinstance(error, UpstreamAuthError):
            return m.NvrTest(ok=False, message=error.message, hint=error.hint)
        await self._account_tested(p, access, refused=True)
        count = self._parts.refused_tries.refused(access, time.monotonic())
        hint = f"{error.hint.removesuffix(NOT_TRIED_AGAIN).strip()} {words_of(count)}"
        return m.NvrTest(ok=False, message=error.message, hint=hint.strip(), refused=count)

    async def _account_tested(self, p: m.NvrTestParams, access: NvrAccess, *, refused: bool) -> None:
        """A test of exactly what is stored tells something about the NVR, and all who look at it hear that."""
        if not refused:
            self._parts.refused_tries.accepted(access)
        if p.id is None or p.model_fields_set != {"id"}:
            return
        await self._parts.store.set_auth_failed(p.id, refused)
        if not refused:
            await self._parts.cameras.try_account_again(p.id)
        row = await self._parts.store.nvr(p.id)
        self._parts.watch(row)
        self._parts.cameras.publish()
        self._parts.show_nvr(row)

    async def _access_to_test(self, p: m.NvrTestParams, who: Caller) -> NvrAccess:
        self._parts.refuse_own_camera(p.host)
        known = (await self._parts.store.nvr(p.id)).access if p.id is not None else None
        if known is not None and p.password is None:
            moved = (p.host or known.host, p.port or known.port) != (known.host, known.port)
            if moved:  # whoever chooses where a stored password goes could choose himself
                who.require(m.Role.ADMIN, "testing a stored password at another address")
        missing = {
            field: "is needed when no id is given"
            for field in ("host", "username", "password")
            if known is None and getattr(p, field) is None
        }
        if missing:
            raise InvalidInput("A test needs an id, or host, username and password.", fields=missing)
        password = reveal(p.password)
        return NvrAccess(
            host=p.host or (known.host if known else ""),
            port=p.port or (known.port if known else 80),
            username=p.username or (known.username if known else ""),
            password=password if password is not None else (known.password if known else ""),
            transport=known.transport if known else "auto",
        )

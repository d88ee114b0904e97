"""Methods of the noun source: cameras that are known by their stream addresses alone, one by one or from lists."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from proxyd.api import models as m
from proxyd.camera.spec import NvrAccess
from proxyd.errors import Conflict, InvalidInput, ProxyError, UpstreamError
from proxyd.sources.address import without_secrets
from proxyd.sources.imports.entry import BadList, Listed, Listing
from proxyd.sources.scan import probe_source
from proxyd.sources.source import BadSource, KnownSource, NewSource, new_source
from proxyd.store.rows import CameraRow, NvrRow
from proxyd.store.undoing import SOURCE_TABLES, recording
from proxyd.store.uris import move_uri

from .access import Caller
from .parts import Parts, reveal


class SourceMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._importing = asyncio.Lock()  # a large file costs a second of a core

    async def source_list(self, p: m.NoParams, who: Caller) -> list[m.Source]:
        cameras = {(camera.nvr, camera.channel): camera.id for camera in self._parts.cameras.cameras()}
        return [
            _model(row, known, cameras.get((row.id, known.number)))
            for row in await self._rows()
            for known in await self._parts.store.sources(row.id)
        ]

    async def source_test(self, p: m.SourceTest, who: Caller) -> m.NvrTest:
        source = self._source(p, "")
        known = await self._stored_password_differs(source)
        if known is not None:
            return m.NvrTest(ok=False, message=known.message, hint=known.hint)
        channel = source.channel(1, "")
        host, port, username = source.place
        try:
            words = await probe_source(
                NvrAccess(host, port, username, source.password),
                KnownSource(channel.key, 1, "", channel.streams),
            )
        except ProxyError as error:
            return m.NvrTest(ok=False, message=error.message, hint=error.hint)
        return m.NvrTest(ok=True, message=f"{host} gives its streams: {words}.", channels=1)

    async def source_add(self, p: m.SourceAdd, who: Caller) -> m.Source:
        source = self._source(p, p.name or "")
        rows = await self._store([source], p.scan)
        known = next(one for one in await self._parts.store.sources(rows[0].id) if one.key == source.key)
        await self._parts.log("info", f"nvr {rows[0].id}", f"Added {known.name} at {source.main.host} by RTSP.", who)
        camera = next(
            (c.id for c in self._parts.cameras.cameras() if (c.nvr, c.channel) == (rows[0].id, known.number)), None
        )
        return _model(rows[0], known, camera)

    async def source_update(self, p: m.SourceUpdate, who: Caller) -> m.Source:
        camera, known = await self._known(p.camera)
        row = camera.nvr
        source = self._changed(p, row, known)
        if p.test and p.model_fields_set - {"camera", "name", "test"}:
            await self._try(source, known)
        await self._parts.jobs.cancel_for(row.id)  # what it read of the old addresses must not be stored later
        with recording(SOURCE_TABLES) as recorder:
            camera, emptied = await self._parts.store.change_source(p.camera, source, name=p.name)
        if emptied is not None:
            self._parts.monitor.forget(emptied)
            self._parts.hub.removed("nvr", emptied)
        changed = ", ".join(sorted(p.model_fields_set - {"camera", "test"})) or "nothing"
        what = f"Changed {changed} of the source {source.name}."
        await self._parts.log("info", f"camera {camera.id}", what, who)
        self._parts.note(who, "source.update", what, recorder, sources=(row.id, camera.nvr.id))
        self._parts.cameras.know_account(camera.nvr.id, camera.nvr.access)
        self._parts.watch(camera.nvr)
        await self._parts.cameras.refresh()
        if camera.nvr.access == row.access and (p.username or p.password is not None):
            await self._parts.cameras.try_account_again(camera.nvr.id)
        self._parts.jobs.start_scan(camera.nvr, start=True, restore=False, again=True)
        self._parts.show_nvr(camera.nvr)
        if emptied is None and camera.nvr.id != row.id:
            self._parts.show_nvr(await self._parts.store.nvr(row.id))
        now = next(one for one in await self._parts.store.sources(camera.nvr.id) if one.key == source.key)
        return _model(camera.nvr, now, camera.id)

    async def _known(self, camera_id: int) -> tuple[CameraRow, KnownSource]:
        """Raises NotFound, and InvalidInput for a camera that an NVR has."""
        camera = await self._parts.store.camera(camera_id)
        if camera.nvr.kind != "rtsp":
            raise InvalidInput(
                f"Camera {camera.id} “{camera.name}” is channel {camera.channel_number} of {camera.nvr.name}, which "
                "knows its stream addresses itself.",
                f"Address and account of that NVR: onviftui nvr edit {camera.nvr.id}",
                {"camera": "was not added by RTSP addresses"},
            )
        known = await self._parts.store.sources(camera.nvr.id)
        return camera, next(one for one in known if one.number == camera.channel_number)

    def _changed(self, p: m.SourceUpdate, row: NvrRow, known: KnownSource) -> NewSource:
        """What is stored with what was typed laid over it. Raises InvalidInput naming the field."""
        old = {stream.spec.name: stream.spec.upstream_url for stream in known.streams}
        main, sub, snapshot = reveal(p.main), reveal(p.sub), reveal(p.snapshot)
        with _naming_fields():
            place = new_source(main=main if main is not None else old["main"] or "").main

            def moved(stored: str | None) -> str | None:
                return stored and move_uri(stored, old=(row.host, row.port), new=(place.host, place.port))

            source = new_source(
                main=main if main is not None else old["main"] or "",
                sub=sub if sub is not None else moved(old.get("sub")),
                snapshot=snapshot if snapshot is not None else moved(known.snapshot_uri),
                username=p.username,
                password=reveal(p.password),
                name=p.name or known.name,
            )
        self._parts.refuse_own_camera(source.main.host, "main")
        if not source.username and p.username is None:
            source = replace(source, username=row.username, password=row.password)
        if p.password is not None:
            source = replace(source, password=p.password.get_secret_value())
        elif source.username == row.username and not source.password:
            source = replace(source, password=row.password)
        if source.password and not source.username:
            raise InvalidInput("Whose password is it?", "Name the user, too.", {"username": "is missing"})
        return source

    async def _try(self, source: NewSource, known: KnownSource) -> None:
        """Raises the UpstreamError that it meets, saying that nothing was changed."""
        channel = source.channel(known.number, known.name)
        host, port, username = source.place
        try:
            await probe_source(
                NvrAccess(host, port, username, source.password),
                KnownSource(channel.key, known.number, known.name, channel.streams),
            )
        except UpstreamError as error:
            said = f"{known.name} stays as it was: {error.message}"
            raise type(error)(said, error.hint) from None

    async def source_import(self, p: m.SourceImport, who: Caller) -> m.SourceImported:
        async with self._importing:
            try:
                listing = await asyncio.to_thread(_read_list, p)
            except BadList as error:
                raise InvalidInput(str(error), error.hint) from None
            known = {row.place: (row, await self._names(row)) for row in await self._rows()}
            ours = {camera.address for camera in self._parts.cameras.cameras()}
            planned = [_planned(item, known, ours) for item in listing.items]
            new = [item.source for item, plan in zip(listing.items, planned, strict=True) if plan.state == "new"]
            touched: list[NvrRow] = []
            if not p.dry_run and new:
                touched = await self._store([source for source in new if source is not None], p.scan)
                count = "1 camera" if len(new) == 1 else f"{len(new)} cameras"
                words = f"Added {count} by RTSP from a list ({listing.format})."
                await self._parts.log("info", "daemon", words, who)
        return m.SourceImported(
            format=listing.format,
            sources=planned,
            notes=list(listing.notes),
            nvrs=[row.id for row in touched],
            done=not p.dry_run,
        )

    async def _rows(self) -> list[NvrRow]:
        return [row for row in await self._parts.store.nvrs() if row.kind == "rtsp"]

    def _source(self, p: m.SourceTest, name: str) -> NewSource:
        """Raises InvalidInput naming the field."""
        with _naming_fields():
            source = new_source(
                main=p.main.get_secret_value(),
                sub=reveal(p.sub),
                snapshot=reveal(p.snapshot),
                username=p.username,
                password=reveal(p.password),
                name=name,
            )
        self._parts.refuse_own_camera(source.main.host, "main")
        return source

    async def _stored_password_differs(self, source: NewSource) -> Conflict | None:
        """Trying another password for a known account could lock it for the cameras that use it."""
        for row in await self._rows():
            if row.place == source.place and row.password != source.password:
                return Conflict(
                    f"“{row.name}” has another password for user {row.username!r}.",
                    f"Change it there if it is wrong: onviftui nvr edit {row.id} --password-stdin",
                )
        return None

    async def _store(self, sources: Sequence[NewSource], scan: bool) -> list[NvrRow]:
        """All or none; then they are watched, run and, if wished, read."""
        rows = await self._parts.store.add_sources(sources, start=True, ports=self._parts.jobs.ports)
        for row in rows:
            self._parts.watch(row)
            if scan:
                self._parts.jobs.start_scan(row, start=True, restore=False, again=True)
            self._parts.show_nvr(row)
        await self._parts.cameras.refresh()
        return rows

    async def _names(self, row: NvrRow) -> dict[str, str]:
        """By key, of the cameras that are there."""
        return {one.key: one.name for one in await self._parts.store.sources(row.id) if not one.ignored}


@contextmanager
def _naming_fields() -> Iterator[None]:
    """A BadSource becomes an InvalidInput that names the field."""
    try:
        yield
    except BadSource as error:
        what = {"main": "main stream's", "sub": "sub stream's", "snapshot": "picture's"}[error.part]
        raise InvalidInput(f"The {what} address {error}.", fields={error.part: str(error)}) from None


def _read_list(p: m.SourceImport) -> Listing:
    """CPU work: call it in a thread. Raises BadList."""
    # Here, since a list is read once, and its readers (YAML) stay for good.
    from proxyd.sources.imports.reader import read_list

    return read_list(p.text.get_secret_value(), p.format, username=p.username or "", password=reveal(p.password) or "")


def _planned(
    item: Listed, known: Mapping[tuple[str, int, str], tuple[NvrRow, Mapping[str, str]]], ours: Collection[str | None]
) -> m.PlannedSource:
    """`known`: the rows with the names of their cameras, by place; `ours`: addresses that proxyd itself serves."""
    source = item.source
    if source is None:
        return m.PlannedSource(name=item.name, state="unusable", why=item.problem, notes=list(item.notes))
    plan = m.PlannedSource(
        name=item.name,
        state="new",
        host=source.main.host,
        username=source.username,
        main=source.main.shown,
        sub=source.sub.shown if source.sub else None,
        snapshot=source.snapshot.shown if source.snapshot else None,
        notes=list(item.notes),
    )
    row, names = known.get(source.place, (None, {}))
    if source.main.host in ours:
        plan.state, plan.why = "unusable", "it is one of proxyd's own cameras"
    elif source.key in names:
        plan.state, plan.why = "known", f"it is there already as “{names[source.key]}”"
    elif row is not None and row.password != source.password:
        plan.state, plan.why = "unusable", f"“{row.name}” has another password for its account"
    return plan


def _model(row: NvrRow, known: KnownSource, camera: int | None) -> m.Source:
    addresses = {s.spec.name: without_secrets(s.spec.upstream_url) for s in known.streams if s.spec.upstream_url}
    return m.Source(
        nvr=row.id,
        channel=known.number,
        name=known.name,
        camera=camera,
        main=addresses.get("main", ""),
        sub=addresses.get("sub"),
        snapshot=without_secrets(known.snapshot_uri) if known.snapshot_uri else None,
    )

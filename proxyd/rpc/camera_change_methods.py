"""Methods of the noun camera that change cameras. Each is one transaction, and the journal can take it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from proxyd.api import models as m
from proxyd.api.bulk import SWITCHES, CamerasUpdated, CameraUpdateAll, Renamed
from proxyd.api.params import CameraChanges
from proxyd.api.renaming import Subject, name_problems, new_names, pattern_problem
from proxyd.errors import InvalidInput
from proxyd.store.camera_changes import CameraChange
from proxyd.store.rows import CameraRow
from proxyd.store.undoing import CAMERA_TABLES, recording

from .access import Caller
from .parts import Parts, listed, reveal, subject

_SAID = {
    ("discovery", True): "Switched discovery of {} on.",
    ("discovery", False): "Switched discovery of {} off.",
    ("https", True): "Switched HTTPS of {} on.",
    ("https", False): "Switched HTTPS of {} off.",
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
_TOUCHED = ("credentials", "cameras", "camera_users")
_MOST_NAMED = 6  # in one sentence
_MOST_PROBLEMS = 12


class CameraChangeMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def camera_update(self, p: m.CameraUpdate, who: Caller) -> m.Camera:
        row = self._parts.cameras.row(p.id)
        name = p.name or row.name
        said = [f"Renamed {row.name} to {name}."] if name != row.name else []
        said += _said(p, name)
        settings: dict[str, Any] = {}
        if p.notify is not None:
            settings["notify"] = tuple(p.notify)
            said.append(f"Notifications of {name} may go to {', '.join(p.notify) or 'its own LAN alone'}.")
        if p.clock_window_s is not None:
            settings["clock_window_s"] = p.clock_window_s
            said.append(f"The clock of a recorder of {name} may differ by {p.clock_window_s} s.")
        if p.drop_accounts:
            said.append(f"Removed the accounts that recorders made on {name}.")
        change = _change(p, p.id, p.name)
        change = replace(change, settings={**change.settings, **settings}, drop_users=p.drop_accounts)
        await self._apply([change], "camera.update", said, who)
        return self._parts.cameras.camera(p.id)

    async def camera_update_all(self, p: CameraUpdateAll, who: Caller) -> CamerasUpdated:
        rows = [self._parts.cameras.row(id_) for id_ in dict.fromkeys(p.ids)]
        names = self._names(p.pattern, rows) if p.pattern is not None else {}
        renamed = [Renamed(camera=row.id, before=row.name, after=names[row.id]) for row in rows if row.id in names]
        if p.dry_run:
            return self._updated(rows, renamed, done=False)
        them = listed([names.get(row.id, row.name) for row in rows], _MOST_NAMED)
        said = _said(p, them)
        if renamed:
            said.append(f"Renamed {listed([f'{one.before} to {one.after}' for one in renamed], _MOST_NAMED)}.")
        if not said:
            if p.pattern is None:
                raise InvalidInput("Nothing is to be changed.", "Name a switch, an account or a pattern of names.")
            return self._updated(rows, [], done=True)
        changes = [_change(p, row.id, names.get(row.id)) for row in rows]
        await self._apply(changes, "camera.update_all", said, who)
        return self._updated(rows, renamed, done=True)

    async def _apply(self, changes: list[CameraChange], method: str, said: list[str], who: Caller) -> None:
        with recording(_TOUCHED) as recorder:
            await self._parts.store.change_cameras(changes)
        await self._parts.cameras.refresh()
        for words in said:
            await self._parts.log("info", subject([change.id for change in changes]), words, who)
        self._parts.note(who, method, " ".join(said), recorder)

    def _updated(self, rows: list[CameraRow], renamed: list[Renamed], *, done: bool) -> CamerasUpdated:
        cameras = [self._parts.cameras.camera(row.id) for row in rows]
        return CamerasUpdated(names=renamed, cameras=cameras, done=done)

    def _names(self, pattern: str, rows: list[CameraRow]) -> dict[int, str]:
        """New names by camera, those alone that change. Raises InvalidInput with all that is wrong."""
        if problem := pattern_problem(pattern):
            raise InvalidInput(f"The pattern {problem}.", fields={"pattern": problem})
        names = new_names(pattern, [Subject(row.id, row.name, row.nvr.name, row.channel_number) for row in rows])
        problems = name_problems(names, {row.id: row.name for row in self._parts.cameras.rows()})
        if problems:
            shown = " ".join(problems[:_MOST_PROBLEMS])
            more = f" And {len(problems) - _MOST_PROBLEMS} more." if len(problems) > _MOST_PROBLEMS else ""
            raise InvalidInput(
                f"Nothing was changed. {shown}{more}", "Use {n} or {ch} to tell names apart.", {"pattern": shown + more}
            )
        return {row.id: names[row.id] for row in rows if names[row.id] != row.name}

    async def camera_start(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, True, "Started", who)

    async def camera_stop(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, False, "Stopped", who)

    async def camera_restart(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        return await self._enable(p.ids, True, "Restarted", who, restart=True)

    async def _enable(
        self, ids: list[int], enabled: bool, verb: str, who: Caller, *, restart: bool = False
    ) -> list[m.Camera]:
        what = f"{verb} {', '.join(self._parts.cameras.row(id_).name for id_ in ids)}."
        with recording(("cameras",)) as recorder:
            await self._parts.store.set_enabled(ids, enabled)
        await self._parts.cameras.refresh(restart=ids if restart else ())
        await self._parts.log("info", subject(ids), what, who)
        self._parts.note(who, "camera.start", what, recorder)
        return [self._parts.cameras.camera(id_) for id_ in ids]

    async def camera_remove(self, p: m.ByIds, who: Caller) -> list[m.Camera]:
        models = [self._parts.cameras.camera(id_) for id_ in p.ids]
        with recording(CAMERA_TABLES) as recorder:
            await self._parts.store.remove_camera(p.ids)
        # A freed interface may be what another camera waits for.
        await self._parts.store.assign_interfaces()
        await self._parts.cameras.refresh()
        what = f"Removed {', '.join(model.name for model in models)}."
        await self._parts.log("warning", subject(p.ids), what, who)
        self._parts.note(who, "camera.remove", what, recorder)
        return models


def _said(p: CameraChanges, them: str) -> list[str]:
    """For the log, a sentence for each change of these cameras."""
    said = [_SAID[switch, on].format(them) for switch in SWITCHES if (on := getattr(p, switch)) is not None]
    if p.username is not None or p.password is not None:
        said.append(f"Changed the credentials of {them}.")
    return said


def _change(p: CameraChanges, camera: int, name: str | None) -> CameraChange:
    switches = {switch: on for switch in SWITCHES if (on := getattr(p, switch)) is not None and switch != "discovery"}
    return CameraChange(
        camera,
        name=name,
        discovery=p.discovery,
        username=p.username,
        password=reveal(p.password),
        settings=switches,
    )

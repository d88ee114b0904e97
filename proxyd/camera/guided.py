"""The guided adoption at work: watches the cameras whose turn it is, and goes on by itself.

What is hidden is laid over the cameras' own settings and never written into them: whatever ends the daemon, nothing has
to be put back. The plan is in the store before anybody is told of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

from proxyd.api import models as m
from proxyd.errors import Conflict, ProxyError
from proxyd.hub import Hub
from proxyd.store.rows import CameraRow
from proxyd.store.store import Store

from .manager import CameraManager
from .meeting import Meeting
from .turns import Plan, advance, format_plan, parse_plan, skip
from .urls import typed_place

log = logging.getLogger(__name__)

SETTING = "adoption.plan"
_EVERY_S = 0.5
_NONE = m.Adoption(state="none")


class GuidedAdoption:
    """`load` before the cameras start, so that none is found whose turn it is not; `start` after."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        cameras: CameraManager,
        *,
        now: Callable[[], str],
        say: Callable[[Literal["info", "warning"], str, str], Awaitable[None]],
    ) -> None:
        """`now`: RFC 3339; `say(level, subject, words)` writes the log of the UI."""
        self._store = store
        self._hub = hub
        self._cameras = cameras
        self._now = now
        self._say = say
        self._plan: Plan | None = None
        self._since: dict[int, str] = {}  # when the turn of a camera began
        self._shown = _NONE
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Raises StoreError."""
        self._plan = parse_plan(await self._store.setting(SETTING))
        self._cameras.findable = self._findable

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="guided adoption")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._step()
            except ProxyError as error:
                log.warning("guided adoption: %s", error)
            await asyncio.sleep(_EVERY_S)

    async def _step(self) -> None:
        async with self._lock:
            plan = self._plan
            if plan is None or not plan.active:
                return
            after = advance(plan, {row.id: row.adopted_by for row in self._cameras.rows()})
            if after != plan:
                await self._keep(after)
            await self._cameras.apply_findable()
            self._publish()
        for id_ in after.adopted.keys() - plan.adopted.keys():
            words = f"Guided adoption: {self._cameras.row(id_).name} is adopted by {after.adopted[id_]}."
            await self._say("info", f"camera {id_}", words)
        if after.state == "done" and plan.state != "done":
            await self._say("info", "adoption", f"Guided adoption has ended: {_counted(after)}.")

    async def _keep(self, plan: Plan) -> None:
        await self._store.set_setting(SETTING, format_plan(plan))
        self._plan = plan

    def _findable(self, row: CameraRow) -> bool | None:
        if self._plan is None:
            return None
        return self._plan.findable(row.id, adopted=bool(row.adopted_by), able=self._cameras.able())

    # What the API asks for ---------------------------------------------------------------------------------------

    async def begin(self, ids: list[int] | None, at_once: int) -> m.Adoption:
        """`ids` None: all that should run and that nobody has adopted. Raises NotFound, Conflict, StoreError."""
        async with self._lock:
            if self._plan is not None and self._plan.active:
                raise Conflict(
                    f"A guided adoption is under way: {_counted(self._plan)}.",
                    "Cancel it first: onviftui adoption cancel",
                )
            if ids is None:
                ids = [row.id for row in self._cameras.rows() if row.enabled and not row.adopted_by]
            ids = [self._cameras.row(id_).id for id_ in dict.fromkeys(ids)]
            plan = Plan("running", at_once, tuple(ids), started=self._now())
            if not plan.cameras:
                raise Conflict(
                    "There is no camera that waits for its adoption.", "onviftui camera list shows who has them."
                )
            return await self._changed(advance(plan, {row.id: row.adopted_by for row in self._cameras.rows()}))

    async def pause(self) -> m.Adoption:
        """Nobody's turn for now. Raises Conflict, StoreError."""
        async with self._lock:
            return await self._changed(replace(self._active(), state="paused"))

    async def resume(self) -> m.Adoption:
        """Raises Conflict, StoreError."""
        async with self._lock:
            return await self._changed(replace(self._active(), state="running"))

    async def cancel(self) -> m.Adoption:
        """All cameras as they are set themselves. Raises Conflict, StoreError."""
        async with self._lock:
            return await self._changed(replace(self._active(), state="cancelled"))

    async def skip(self, camera: int) -> m.Adoption:
        """Raises NotFound, Conflict, StoreError."""
        async with self._lock:
            row, plan = self._cameras.row(camera), self._active()
            if camera not in plan.waiting:
                raise Conflict(f"{row.name} does not wait for its turn.", "onviftui adoption show says who does.")
            adopters = {row.id: row.adopted_by for row in self._cameras.rows()}
            return await self._changed(advance(skip(plan, camera), adopters))

    def _active(self) -> Plan:
        if self._plan is None or not self._plan.active:
            raise Conflict("No guided adoption is under way.", "Begin one: onviftui adoption start")
        return self._plan

    async def _changed(self, plan: Plan) -> m.Adoption:
        await self._keep(plan)
        await self._cameras.apply_findable()
        self._publish()
        return self._shown

    # What is shown -----------------------------------------------------------------------------------------------

    def model(self) -> m.Adoption:
        plan = self._plan
        if plan is None:
            return _NONE
        rows = {row.id: row for row in self._cameras.rows()}
        turns = plan.now(self._cameras.able())
        self._since = {id_: self._since.get(id_) or self._now() for id_ in turns}
        steps = [self._step_model(plan, rows[id_], turn=id_ in turns) for id_ in plan.cameras if id_ in rows]
        return m.Adoption(state=plan.state, at_once=plan.at_once, started=plan.started, steps=steps)

    def _step_model(self, plan: Plan, row: CameraRow, *, turn: bool) -> m.AdoptionStep:
        state: Literal["waiting", "now", "adopted", "skipped"] = "now" if turn else "waiting"
        if row.id in plan.adopted:
            state = "adopted"
        elif row.id in plan.skipped:
            state = "skipped"
        address = row.interface.address if row.interface else None
        step = m.AdoptionStep(
            camera=row.id,
            name=row.name,
            address=typed_place(address, row.http_port) if address else None,
            state=state,
            by=plan.adopted.get(row.id, ""),
            since=self._since.get(row.id),
        )
        if state in ("adopted", "skipped"):
            return step
        best = max(self._cameras.trace_of(row.id).meetings.all(), key=_progress, default=None)
        problem = next((one for one in self._cameras.diagnosis(row.id) if one.severity == "problem"), None)
        return step.model_copy(
            update={
                "recorder": best.address if best and best.asked else "",
                "reached": bool(best and best.asked),
                "signed_in": bool(best and best.signed_in_at),
                "asked_streams": bool(best and best.streams_at),
                "trouble": f"{problem.what} {problem.todo}".strip() if problem else "",
            }
        )

    def _publish(self) -> None:
        model = self.model()
        if model != self._shown:
            self._shown = model
            self._hub.changed("adoption", model)


def _progress(meeting: Meeting) -> tuple[bool, bool, bool, bool]:
    return bool(meeting.played_at), bool(meeting.streams_at), bool(meeting.signed_in_at), bool(meeting.asked)


def _counted(plan: Plan) -> str:
    skipped = f", {len(plan.skipped)} skipped" if plan.skipped else ""
    return f"{len(plan.adopted)} of {len(plan.cameras)} cameras adopted{skipped}"

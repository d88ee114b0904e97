"""The guided adoption as data: which cameras may be found by searching now, one after another. Pure.

Some recorders take in one camera at a time, and show all that they find as an unsorted heap. So only the cameras whose
turn it is can be found, and those that are adopted already: to a recorder, a camera that it has must not vanish.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

MAX_CAMERAS = 1024
MAX_AT_ONCE = 64
HIDDEN = "Hidden from searches until its turn in the guided adoption."
PlanState = Literal["running", "paused", "done", "cancelled"]


@dataclass(frozen=True, slots=True)
class Plan:
    """`cameras` in the order of their turns; `adopted`: by camera, the recorder that took it in."""

    state: PlanState
    at_once: Annotated[int, Field(ge=1, le=MAX_AT_ONCE)]
    cameras: Annotated[tuple[int, ...], Field(max_length=MAX_CAMERAS)]
    adopted: Mapping[int, str] = field(default_factory=dict)
    skipped: Annotated[tuple[int, ...], Field(max_length=MAX_CAMERAS)] = ()
    started: str = ""

    @property
    def active(self) -> bool:
        return self.state in ("running", "paused")

    @property
    def waiting(self) -> tuple[int, ...]:
        """Neither adopted nor skipped."""
        return tuple(id_ for id_ in self.cameras if id_ not in self.adopted and id_ not in self.skipped)

    def now(self, able: Collection[int]) -> tuple[int, ...]:
        """Whose turn it is, of those that are `able` (run at all)."""
        if self.state != "running":
            return ()
        return tuple(id_ for id_ in self.waiting if id_ in able)[: self.at_once]

    def findable(self, camera: int, *, adopted: bool, able: Collection[int]) -> bool | None:
        """Whether searches may find this camera, in the plan or not; None: as it is set itself."""
        if not self.active or adopted or camera in self.adopted:
            return None
        return camera in self.now(able)


def advance(plan: Plan, adopters: Mapping[int, str]) -> Plan:
    """`adopters`: of all cameras there are, who has them ("" for nobody). What is adopted stays ticked off."""
    if not plan.active:
        return plan
    cameras = tuple(id_ for id_ in plan.cameras if id_ in adopters)
    taken = {id_: who for id_, who in plan.adopted.items() if id_ in adopters}
    taken |= {id_: adopters[id_] for id_ in cameras if adopters[id_] and id_ not in taken}
    skipped = tuple(id_ for id_ in plan.skipped if id_ in adopters and id_ not in taken)
    after = replace(plan, cameras=cameras, adopted=taken, skipped=skipped)
    return after if after.waiting else replace(after, state="done")


def skip(plan: Plan, camera: int) -> Plan:
    """The next takes its turn."""
    return replace(plan, skipped=(*plan.skipped, camera)) if camera in plan.waiting else plan


_PLAN = TypeAdapter(Plan)


def format_plan(plan: Plan) -> str:
    return _PLAN.dump_json(plan).decode()


def parse_plan(text: str | None) -> Plan | None:
    """None for no plan, and for what is none: then nothing is hidden, and the user begins anew."""
    if not text:
        return None
    try:
        return _PLAN.validate_json(text)
    except ValidationError:
        return None

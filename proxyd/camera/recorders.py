"""What recorders do with the cameras: each camera's conversation, who has adopted it, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from proxyd.api import models as m
from proxyd.store.rows import CameraRow

from .adoption import TAKE_OVER_AFTER, adopter
from .diagnosis import diagnose
from .running import RunningCamera
from .situation import Situation
from .trace import Trace, moment


class Recorders:
    """Of all cameras, for as long as the daemon runs. `now`: RFC 3339; `take_over_after`: the silence of a recorder
    after which another has its cameras."""

    def __init__(self, now: Callable[[], str], take_over_after: timedelta = TAKE_OVER_AFTER) -> None:
        self._now = now
        self._take_over_after = take_over_after
        self._traces: dict[int, Trace] = {}

    def trace(self, id_: int) -> Trace:
        return self._traces.setdefault(id_, Trace(self._now))

    def known(self, id_: int) -> Trace | None:
        """None while the camera has never run."""
        return self._traces.get(id_)

    def drop(self, id_: int) -> None:
        """The camera has been removed."""
        self._traces.pop(id_, None)

    def adopters(self, rows: Iterable[CameraRow], running: Mapping[int, RunningCamera]) -> dict[int, str]:
        """The cameras that another recorder has now than their rows say, and which."""
        now, changed = moment(self._now()), {}
        for row in rows:
            trace, camera = self._traces.get(row.id), running.get(row.id)
            if trace is None or camera is None:
                continue
            who = adopter(
                row.adopted_by,
                trace.meetings.all(),
                playing=camera.playing(),
                since=trace.since,
                now=now,
                take_over_after=self._take_over_after,
            )
            if who != row.adopted_by:
                changed[row.id] = who
        return changed

    def diagnosis(self, row: CameraRow, model: m.Camera, camera: RunningCamera | None) -> list[m.Finding]:
        """The worst first; `model` is the camera as it is shown."""
        trace = self.trace(row.id)
        situation = Situation(
            camera=model,
            prefix_length=row.interface.prefix_length if row.interface else 32,
            http_port=row.http_port,
            rtsp_port=row.rtsp_port,
            playing=camera.playing() if camera else frozenset(),
            moved_from=trace.moved_from,
            adopted_by=row.adopted_by,
            now=moment(self._now()),
        )
        return diagnose(situation, trace.meetings.all())

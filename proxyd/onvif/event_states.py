"""How things stand at one camera: the last value of each property, for those who come later. Pure and bounded."""

from __future__ import annotations

from datetime import datetime

from proxyd.camera.events import CameraEvent, Items

from .motion import motion_events

MAX_STATES = 128


class EventStates:
    """By topic and source (ONVIF Core section 9.4.2). Motion always has a state: "no", until something is known."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, Items], CameraEvent] = {}

    def note(self, event: CameraEvent) -> None:
        if not event.state:
            return
        key = event.topic, event.source
        self._last.pop(key, None)
        if event.operation != "Deleted":
            self._last[key] = event
        if len(self._last) > MAX_STATES:  # the one that has not changed for the longest time
            del self._last[next(iter(self._last))]

    def present(self, now: datetime) -> list[CameraEvent]:
        """Motion first, then the others by when they last changed."""
        last = dict(self._last)
        known = {event.topic for event in last.values()}
        motion = [event for event in motion_events(False, now) if event.topic not in known]
        return [*motion, *last.values()]

"""What happens before the simulated cameras, in the words of one dialect. Pure.

Remembers the state of each property, because a new subscription is told all of them (ONVIF Core section 9.6).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from proxyd.simulator.event_forms import FORMS, KINDS, EventForm, EventKind, Items
from proxyd.simulator.faults import Faults
from proxyd.simulator.layout import Layout, SimProfile

_DEVICE_WIDE: tuple[EventKind, ...] = ("storage",)


@dataclass(frozen=True, slots=True)
class Happening:
    """`state` is what it is from now on; kinds that just happen ignore it."""

    channel: int
    kind: EventKind
    state: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """One notification message on the device's clock; `operation` "" for what is no property."""

    topic: str
    at: datetime
    source: Items
    data: Items
    operation: Literal["Initialized", "Changed", ""]


def parse_happening(wanted: object) -> Happening:
    """From {"channel": 3, "kind": "motion", "state": true}. Raises ValueError in words."""
    if not isinstance(wanted, dict) or wanted.keys() - {"channel", "kind", "state"}:
        raise ValueError('an event is {"channel": 1, "kind": "motion", "state": true}')
    raw: dict[str, Any] = wanted
    channel, kind, state = raw.get("channel", 1), raw.get("kind"), raw.get("state", True)
    if isinstance(channel, bool) or not isinstance(channel, int):
        raise ValueError("channel is a number from 1")
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    if not isinstance(state, bool):
        raise ValueError("state is true or false")
    return Happening(channel, kind, state)


class Happenings:
    """One device from one start to the next."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, Items], Items] = {}
        self._counts: Counter[int] = Counter()

    def messages(self, happening: Happening, layout: Layout, faults: Faults, now: datetime) -> list[Message]:
        """What the device sends for it. Raises ValueError when this dialect or layout has no such event."""
        forms = [form for form in FORMS[layout.dialect.name] if form.kind == happening.kind]
        if not forms:
            raise ValueError(f"{layout.dialect.name} has no event {happening.kind}")
        fields = self._fields(happening, layout, faults)
        made = []
        for form in forms:
            if form.state and not happening.state and (not form.clears or faults.events_only_true):
                continue
            source, data = _filled(form.source, fields), _filled(form.data, fields)
            topic = form.topic.format_map(fields)
            if form.state:
                self._states[topic, source] = data
            made.append(Message(topic, now, source, data, "Changed" if form.state else ""))
        return made

    def present(self, layout: Layout, faults: Faults, now: datetime) -> list[Message]:
        """All properties as they are: the first messages of a subscription."""
        if faults.no_first_states:
            return []
        told: list[tuple[str, Items, Items]] = []
        mains = _main_profiles(layout)
        for profile in mains:
            for form in FORMS[layout.dialect.name]:
                if form.kind in ("motion", "person", "tamper") and form.clears and not faults.events_only_true:
                    # One message per camera, even from a device that calls all of them channel 1.
                    fields = _fields_of(mains[0] if faults.events_as_channel_1 else profile, "false", 0, faults)
                    topic, source = form.topic.format_map(fields), _filled(form.source, fields)
                    told.append((topic, source, self._states.get((topic, source), _filled(form.data, fields))))
        known = {(topic, source) for topic, source, _ in told}
        told += [
            (topic, source, data) for (topic, source), data in self._states.items() if (topic, source) not in known
        ]
        return [Message(topic, now, source, data, "Initialized") for topic, source, data in told]

    def _fields(self, happening: Happening, layout: Layout, faults: Faults) -> dict[str, object]:
        channel = happening.channel
        if happening.kind == "count":
            self._counts[channel] += 1
        named = 1 if faults.events_as_channel_1 or happening.kind in _DEVICE_WIDE else channel
        profile = next((p for p in _main_profiles(layout) if p.channel == named), None)
        if profile is None or (named != channel and not any(p.channel == channel for p in layout.profiles)):
            raise ValueError(f"there is no channel {channel}")
        return _fields_of(profile, "true" if happening.state else "false", self._counts[channel], faults)


def forms_of(layout: Layout) -> tuple[EventForm, ...]:
    return FORMS[layout.dialect.name]


def _main_profiles(layout: Layout) -> list[SimProfile]:
    return [p for p in layout.profiles if p.media.name == "main"]


def _fields_of(profile: SimProfile, state: str, count: int, faults: Faults) -> dict[str, object]:
    same = faults.events_source
    return {
        "source": same or profile.source,
        "listed_source": same or profile.listed_source,
        "source_config": same or profile.source_config,
        "profile": same or profile.token,
        "ch": profile.channel,
        "state": state,
        "count": count,
    }


def _filled(items: Items, fields: dict[str, object]) -> Items:
    return tuple((name, value.format_map(fields)) for name, value in items)

"""From what an NVR says to what its cameras say, with memory: motion from several topics is one motion, what never
ends is ended here, and what was said before is not news. Pure; both clocks come in as arguments.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from proxyd.camera.events import CameraEvent, Items
from proxyd.camera.features import ChannelTokens
from proxyd.nvr.events.parse import NvrEvent
from proxyd.nvr.events.route import Router, named_alike
from proxyd.nvr.events.suspicion import Suspicion
from proxyd.nvr.events.translate import MOTION_TOPICS, active, motion_of, passes, translate
from proxyd.onvif.motion import motion_events

CLEAR_AFTER_S = 30.0
MAX_STATES = 4096  # properties of one NVR
OLDEST = timedelta(minutes=5)  # an event that claims to be older happened now
_TRUES_IN_A_ROW = 3
_MAX_TOPICS = 8  # of one kind of trouble, to be named
_FIRST_S = 1.0  # the first messages of a subscription may come in several answers
# What may be on for hours on an honest device: only one that was seen to repeat itself and never to end is cleared.
_LASTING = ("VideoSource/", "Device/")

Told = tuple[int, CameraEvent]  # camera, event


@dataclass(slots=True)
class _State:
    """One property: what the camera said last, and since when (monotonic) nothing has confirmed that it is on."""

    camera: int
    topic: str
    on: bool
    said: CameraEvent | None  # None for motion
    confirmed_s: float
    trues: int = 0


class EventMapper:
    """For one NVR."""

    def __init__(self, clear_after_s: float = CLEAR_AFTER_S) -> None:
        self._clear_after_s = clear_after_s
        self._router = Router({})
        self._tokens: dict[int, ChannelTokens] = {}
        self._others: tuple[ChannelTokens, ...] = ()
        self._names: frozenset[str] = frozenset()  # all tokens of the NVR
        self._single = False
        self._states: OrderedDict[tuple[str, Items], _State] = OrderedDict()
        self._moving: dict[int, bool] = {}
        self._ends: set[str] = set()  # topics whose end was seen: this device tells it
        self._first: list[NvrEvent] | None = None
        self._first_s = 0.0
        self._alike = False
        self._doubt_s = 0.0  # what was said before may have changed unheard
        self._away = False
        self._ambiguous: set[str] = set()  # topics
        self._unknown = False  # channels were named that no scan has found
        self._suspicion = Suspicion()
        self.of_no_channel: Counter[str] = Counter()  # events by topic that belong to the NVR as a whole

    @property
    def note(self) -> str:
        """What cannot be told apart, in words; "" when all is well."""
        if self._is_alike:
            return (
                "This NVR names the same channel in the events of all its channels, so they cannot be told apart and "
                "are not passed on. Newer firmware may help."
            )
        if self._unknown:
            return (
                "Events of this NVR name a channel that its last scan did not find; they are not passed on. Scan it "
                "again. If that does not help, its events cannot be told apart by channel."
            )
        if self._ambiguous:
            return (
                "This NVR does not say to which channel some of its events belong "
                f"({_listed(self._ambiguous)}); those are not passed on."
            )
        if self._suspicion.likely and not self._single:
            return (
                "This NVR has named one channel in all its events so far. If other cameras saw something meanwhile, "
                "its events cannot be told apart by channel: do not rely on them."
            )
        return ""

    @property
    def aside(self) -> str:
        """Which events no camera can have, because they belong to the NVR as a whole; "" when there were none."""
        if not self.of_no_channel:
            return ""
        return f"events of the NVR itself, which no camera tells: {_listed(self.of_no_channel)}"

    @property
    def _is_alike(self) -> bool:
        return not self._single and (self._alike or self._suspicion.proven)

    @property
    def knows_channels(self) -> bool:
        """False: no scan has told by which names this NVR calls its channels, so that nothing can be told apart."""
        return self._single or any(t.source_token or t.profiles for t in self._tokens.values())

    def follow(
        self, channels: Mapping[int, ChannelTokens], others: Sequence[ChannelTokens] = (), *, single: bool = False
    ) -> None:
        """The cameras of the NVR and its channels without one, as they are from now on. `single`: it has one channel;
        an NVR of which one camera is left may well have more."""
        if (channels, tuple(others), single) == (self._tokens, self._others, self._single):
            return
        self._tokens, self._others, self._single = dict(channels), tuple(others), single
        self._router = Router(channels, others, single=single)
        self._names = frozenset[str]().union(*(tokens.all() for tokens in (*channels.values(), *others)))
        self._ambiguous.clear()
        self._unknown, self._suspicion = False, Suspicion()
        self.of_no_channel.clear()
        for key, state in list(self._states.items()):
            if state.camera not in channels:
                del self._states[key]
        self._moving = {camera: moving for camera, moving in self._moving.items() if camera in channels}

    def begin(self, now_s: float) -> None:
        """A new subscription: the next messages tell the states, from most devices."""
        self._first, self._first_s = [], 0.0
        if not self._away:
            self._doubt_s = now_s
        self._away = False

    def take(self, events: Sequence[NvrEvent], at: datetime, now_s: float, clock_offset_s: float = 0.0) -> list[Told]:
        """`at` and `now_s`: our two clocks; `clock_offset_s`: the NVR's minus ours."""
        self._look_for_alike(events, now_s)
        told: list[Told] = []
        for event in events:
            if not event.topic:
                continue
            channel = self._router.channel_of(event)
            if channel is None:
                self._note_lost(event)
                continue
            self._suspect(event, channel, now_s)
            if channel not in self._tokens or self._is_alike:
                continue
            camera = channel
            moment = _when(event, at, clock_offset_s)
            if event.topic in MOTION_TOPICS:
                told += self._motion(camera, event, moment, now_s)
            else:
                told += self._property(camera, event, moment, now_s)
        return told

    def present(self, camera: int, at: datetime) -> list[CameraEvent]:
        """How things stand at a camera that starts only now; motion that is not, is not mentioned."""
        told = list(motion_events(True, at)) if self._moving.get(camera) else []
        known = [s.said for s in self._states.values() if s.camera == camera and s.said is not None]
        return [replace(event, operation="Initialized") for event in (*told, *known)]

    def expire(self, at: datetime, now_s: float) -> list[Told]:
        """What has to be ended because its device never says so, or has been away for long."""
        told: list[Told] = []
        for key, state in list(self._states.items()):
            if not state.on or not self._is_over(state, now_s):
                continue
            state.on = False
            if state.said is None:
                told += self._motion_now(state.camera, at)
            else:
                state.said = _off(state.said, at)
                told.append((state.camera, state.said))
            self._states[key] = state
        return told

    def lost(self, now_s: float) -> None:
        """The NVR does not tell anything any more: what is on ends in a while."""
        if not self._away:
            self._away, self._doubt_s = True, now_s

    def _note_lost(self, event: NvrEvent) -> None:
        """It would have been told, had it named its channel."""
        if not passes(event.topic) and event.topic not in MOTION_TOPICS:
            return
        why = self._router.why_not(event)
        if why == "unknown":
            self._unknown = True
        elif why == "several":
            if len(self._ambiguous) < _MAX_TOPICS:
                self._ambiguous.add(event.topic)
        elif event.topic in self.of_no_channel or len(self.of_no_channel) < _MAX_TOPICS:
            self.of_no_channel[event.topic] += 1

    def _suspect(self, event: NvrEvent, channel: int, now_s: float) -> None:
        if self._single or self._suspicion.apart:
            return
        before = self._suspicion.proven
        self._suspicion.note(event, channel)
        if self._suspicion.proven and not before:
            self._doubt_s = now_s  # what is on belongs to nobody knows which camera, so it ends

    def _look_for_alike(self, events: Sequence[NvrEvent], now_s: float) -> None:
        """Only in the first messages: later, a device may well tell its states once more."""
        initial = [event for event in events if event.operation == "Initialized"]
        if self._first is None or not initial:
            return
        self._first_s = self._first_s or now_s
        if now_s - self._first_s > _FIRST_S:
            self._first = None
            return
        self._first += initial[: MAX_STATES - len(self._first)]
        self._alike = not self._single and named_alike(self._first)

    def _motion(self, camera: int, event: NvrEvent, moment: datetime, now_s: float) -> Iterable[Told]:
        on = motion_of(event)
        if on is None:
            return ()
        self._note(camera, event, on, None, now_s)
        return self._motion_now(camera, moment)

    def _motion_now(self, camera: int, moment: datetime) -> list[Told]:
        moving = any(s.on for s in self._states.values() if s.camera == camera and s.said is None)
        if self._moving.get(camera, False) == moving:
            return []
        self._moving[camera] = moving
        return [(camera, event) for event in motion_events(moving, moment)]

    def _property(self, camera: int, event: NvrEvent, moment: datetime, now_s: float) -> list[Told]:
        if not self._names.isdisjoint(event.topic.split("/")):
            return []  # its topic would tell a recorder what the NVR calls a channel, whatever its source says
        said = translate(event, moment)
        if said is None:
            return []
        if not said.state:
            return [(camera, said)]
        known = self._states.get(event.key)
        if said.operation == "Deleted":
            self._states.pop(event.key, None)
            return [(camera, said)] if known else []
        if said.operation == "Initialized" and known is not None and known.said is not None:
            if known.said.data == said.data:
                known.confirmed_s = now_s
                return []
            said = replace(said, operation="Changed")  # it changed while nobody listened
        self._note(camera, event, active(said.data) or False, said, now_s)
        return [(camera, said)]

    def _note(self, camera: int, event: NvrEvent, on: bool, said: CameraEvent | None, now_s: float) -> None:
        state = self._states.get(event.key)
        if state is None:
            if len(self._states) >= MAX_STATES:
                self._states.popitem(last=False)
            state = self._states[event.key] = _State(camera, event.topic, False, said, now_s)
        if state.on and not on and event.operation != "Initialized":
            self._ends.add(event.topic)
        state.trues = state.trues + 1 if on else 0
        state.camera, state.on, state.said, state.confirmed_s = camera, on, said, now_s

    def _is_over(self, state: _State, now_s: float) -> bool:
        if state.confirmed_s <= self._doubt_s:
            return now_s - self._doubt_s >= self._clear_after_s
        if state.topic in self._ends or now_s - state.confirmed_s < self._clear_after_s:
            return False
        lasting = state.topic.startswith(_LASTING) and state.topic not in MOTION_TOPICS
        return not lasting or state.trues >= _TRUES_IN_A_ROW


def _when(event: NvrEvent, at: datetime, clock_offset_s: float) -> datetime:
    """The NVR's time by our clock where it makes sense; the first messages are of now."""
    if event.at is None or event.operation == "Initialized":
        return at
    try:
        moment = event.at - timedelta(seconds=clock_offset_s)
    except OverflowError:
        return at
    return moment if at - OLDEST <= moment <= at else at


def _listed(topics: Iterable[str]) -> str:
    found = sorted(topics)
    return ", ".join(found[:3]) + (" and others" if len(found) > 3 else "")


def _off(event: CameraEvent, at: datetime) -> CameraEvent:
    data = tuple((name, "false" if value == "true" else value) for name, value in event.data)
    return replace(event, at=at, data=data, operation="Changed")

"""Who wants to hear of one camera's events, and how long: pull points and notifications. Pure; names and time come in.

ONVIF Core sections 9.1 (basic notification) and 9.2 (pull points). Bounded: so many of each kind at once, `MAX_QUEUED`
messages each, lifetime between `MIN_LIFETIME_S` and `MAX_LIFETIME_S`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from proxyd.camera.events import CameraEvent

from .event_filter import EventFilter
from .event_messages import Message, initialized
from .event_queue import EventQueue
from .event_states import EventStates

MAX_PULL_POINTS = 16
MAX_NOTIFIED = 10
MIN_LIFETIME_S = 10.0
DEFAULT_LIFETIME_S = 60.0
MAX_LIFETIME_S = 3600.0


Watcher = Callable[[Sequence[Message]], None]


@dataclass(slots=True, eq=False)
class Subscription:
    """`client` is the address it was made from, `consumer` the URL that gets the messages ("": a pull point).
    `changed_only`: no Initialized and no Deleted (ONVIF Core section 9.1.2). `listeners` are called when somebody who
    waits should look again."""

    id: str
    client: str
    lifetime_s: float
    expires: datetime
    wanted: EventFilter
    consumer: str = field(default="", repr=False)  # may hold a secret of the recorder's
    changed_only: bool = False
    queue: EventQueue = field(default_factory=EventQueue)
    listeners: set[Callable[[], None]] = field(default_factory=set)
    closed: bool = False

    def offer(self, message: Message) -> None:
        if self.wanted.matches(message.event) and not (self.changed_only and _is_frame(message.event)):
            self.queue.append(message)
            self._wake()

    def put_back(self, messages: Iterable[Message]) -> None:
        """What was taken and could not be sent, before all others."""
        self.queue.put_back(messages)
        self._wake()

    def synchronize(self, states: Iterable[CameraEvent]) -> None:
        """How things stand is told behind what waits already (ONVIF Core section 9.1.3, SetSynchronizationPoint)."""
        self.queue.drop_initialized()
        for event in states:
            self.offer(initialized(event))

    def extend(self, lifetime_s: float, now: datetime) -> None:
        """Live for `lifetime_s` from now on; shorter is allowed too (Renew)."""
        self.lifetime_s = _bounded(lifetime_s)
        self.expires = now + timedelta(seconds=self.lifetime_s)
        self._wake()

    def keep_alive(self, now: datetime) -> None:
        """A pull proves that somebody is there: live at least one lifetime longer."""
        self.expires = max(self.expires, now + timedelta(seconds=self.lifetime_s))

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        for listener in tuple(self.listeners):
            listener()


class Subscriptions:
    """All of one camera, and the states that a new one begins with. `new_id` gives names that nobody can guess;
    `overflows(subscription)` is told when one begins to lose messages; `is_own_address` knows this host's addresses."""

    def __init__(
        self,
        new_id: Callable[[], str],
        *,
        overflows: Callable[[Subscription], None] = lambda subscription: None,
        is_own_address: Callable[[str], bool] = lambda address: False,
    ) -> None:
        self.is_own_address = is_own_address
        self._new_id = new_id
        self._overflows = overflows
        self._by_id: dict[str, Subscription] = {}
        self._states = EventStates()
        self._watchers: list[Watcher] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def deliver(self, event: CameraEvent, now: datetime) -> None:
        """To all who want to hear of it."""
        self.purge(now)
        self._states.note(event)
        message = Message(event)
        for watcher in self._watchers:
            watcher([message])
        for subscription in self._by_id.values():
            lost = subscription.queue.lost
            subscription.offer(message)
            if not lost and subscription.queue.lost:
                self._overflows(subscription)

    def watch(self, watcher: Watcher) -> None:
        """It gets every event from now on."""
        self._watchers.append(watcher)

    def present(self, now: datetime) -> list[Message]:
        """How things stand, as the first messages of a subscription tell it."""
        return [initialized(event) for event in self._states.present(now)]

    def tell_watchers(self, now: datetime) -> None:
        """How things stand once more (SetSynchronizationPoint of the media services)."""
        states = self.present(now)
        for watcher in self._watchers:
            watcher(states)

    def create(
        self,
        *,
        client: str,
        lifetime_s: float,
        wanted: EventFilter,
        now: datetime,
        consumer: str = "",
        changed_only: bool = False,
    ) -> Subscription | None:
        """With the present state in its queue; None when all places of its kind are taken."""
        self.purge(now)
        taken = sum(bool(other.consumer) == bool(consumer) for other in self._by_id.values())
        if taken >= (MAX_NOTIFIED if consumer else MAX_PULL_POINTS):
            return None
        lifetime_s = _bounded(lifetime_s)
        subscription = Subscription(
            self._new_id(),
            client,
            lifetime_s,
            now + timedelta(seconds=lifetime_s),
            wanted,
            consumer=consumer,
            changed_only=changed_only,
        )
        self.synchronize(subscription, now)
        self._by_id[subscription.id] = subscription
        return subscription

    def synchronize(self, subscription: Subscription, now: datetime) -> None:
        subscription.synchronize(self._states.present(now))

    def get(self, subscription_id: str, now: datetime) -> Subscription | None:
        self.purge(now)
        return self._by_id.get(subscription_id)

    def remove(self, subscription_id: str) -> None:
        if subscription := self._by_id.pop(subscription_id, None):
            subscription.close()

    def purge(self, now: datetime) -> None:
        """Drop what has expired; a pull point with a pull in progress lives on until that is answered."""
        for one in [s for s in self._by_id.values() if s.expires < now and (s.consumer or not s.listeners)]:
            self.remove(one.id)

    def close(self) -> None:
        """Wake everybody who waits; used when the camera stops."""
        for subscription_id in list(self._by_id):
            self.remove(subscription_id)


def _is_frame(event: CameraEvent) -> bool:
    return event.state and event.operation != "Changed"


def _bounded(lifetime_s: float) -> float:
    return min(max(lifetime_s, MIN_LIFETIME_S), MAX_LIFETIME_S)

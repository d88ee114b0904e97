"""The device's subscriptions: pull points and consumers of Basic Notification. Pure; they die unless renewed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from proxyd.simulator.happenings import Message
from proxyd.simulator.services.context import Context
from proxyd.simulator.soap import Fault

MAX_QUEUED = 20_000


@dataclass(slots=True)
class Subscription:
    """`path` is where its address points; it dies at `until` on the device's clock unless renewed. `consumer`: where
    notifications go, "" for a pull point. `wake` is called when there is something new."""

    path: str
    until: datetime
    consumer: str = ""
    queue: deque[Message] = field(default_factory=lambda: deque(maxlen=MAX_QUEUED))
    wake: Callable[[], None] | None = None

    def add(self, messages: Iterable[Message]) -> None:
        self.queue.extend(messages)
        if self.queue and self.wake is not None:
            self.wake()

    def take(self, limit: int) -> list[Message]:
        return [self.queue.popleft() for _ in range(min(limit, len(self.queue)))]


class Subscriptions:
    """As many as the dialect allows, forgotten when they end or the device restarts."""

    def __init__(self) -> None:
        self._live: dict[str, Subscription] = {}
        self._next_id = 1

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(tuple(self._live.values()))

    def find(self, path_and_query: str, now: datetime) -> Subscription | None:
        self._expire(now)
        return self._live.get(path_and_query)

    def create(self, context: Context, until: datetime, consumer: str = "") -> Subscription:
        """Raises the fault that an NVR gives when its few pull points are used up (with an empty reason)."""
        self._expire(context.now)
        if len(self._live) >= context.dialect.max_pull_points or context.faults.pull_points_full:
            raise Fault("Receiver", ("ter:Action", "ter:BlockedThreadUpperLimit"), "")
        path = context.dialect.paths.subscription.format(id=self._next_id)
        self._next_id += 1
        self._live[path] = Subscription(path, until, consumer)
        return self._live[path]

    def remove(self, subscription: Subscription) -> None:
        self._live.pop(subscription.path, None)

    def forget_all(self) -> None:
        self._live.clear()

    def publish(self, messages: list[Message], now: datetime) -> None:
        self._expire(now)
        for subscription in self._live.values():
            subscription.add(messages)

    def _expire(self, now: datetime) -> None:
        for path in [p for p, subscription in self._live.items() if subscription.until <= now]:
            del self._live[path]

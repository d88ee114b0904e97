"""Pull points of one camera: their lifetime, filter and queue. Pure; time and names come in as arguments.

Source: ONVIF Core section 9.2 (real-time pull-point notification). Bounded: `MAX_PULL_POINTS` at once, `MAX_QUEUED`
messages each (the oldest fall out), lifetime between `MIN_LIFETIME_S` and `MAX_LIFETIME_S`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

MAX_PULL_POINTS = 16
MAX_QUEUED = 100
MIN_LIFETIME_S = 10.0
DEFAULT_LIFETIME_S = 60.0
MAX_LIFETIME_S = 3600.0
MAX_FILTER_CHARS = 2048

Items = tuple[tuple[str, str], ...]
_PREFIX = re.compile(r"[A-Za-z_][\w.-]*:")


@dataclass(frozen=True, slots=True)
class Notification:
    """One message. `topic` with the prefix tns1 on its root, as it is written on the wire."""

    topic: str
    at: datetime
    operation: Literal["Initialized", "Changed"]
    source: Items
    data: Items


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """Concrete and ConcreteSet expressions: `a/b`, `a//.` (a and all below), `*` for one level, joined by `|`."""

    patterns: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def parse(cls, expressions: Iterable[str]) -> TopicFilter:
        """Raises ValueError when there is too much of it."""
        text = "|".join(expressions)
        if len(text) > MAX_FILTER_CHARS:
            raise ValueError("the topic filter is too long")
        parts = (part for part in re.split(r"[|\s]+", _PREFIX.sub("", text)) if part)
        return cls(tuple(tuple(part.replace("//.", "/**").split("/")) for part in parts))

    def matches(self, topic: str) -> bool:
        levels = tuple(_PREFIX.sub("", topic).split("/"))
        return not self.patterns or any(_matches(pattern, levels) for pattern in self.patterns)


def _matches(pattern: tuple[str, ...], levels: tuple[str, ...]) -> bool:
    if pattern and pattern[-1] == "**":
        pattern = pattern[:-1]
        levels = levels[: len(pattern)]
    return len(pattern) == len(levels) and all(p in ("*", level) for p, level in zip(pattern, levels, strict=True))


@dataclass(slots=True)
class PullPoint:
    """One subscription. `listeners` are called when a waiting pull should look again."""

    id: str
    lifetime_s: float
    expires: datetime
    topics: TopicFilter
    queue: deque[Notification] = field(default_factory=lambda: deque(maxlen=MAX_QUEUED))
    listeners: set[Callable[[], None]] = field(default_factory=set)
    closed: bool = False

    def synchronize(self, state: Iterable[Notification]) -> None:
        """Forget what waits and queue the present state (SetSynchronizationPoint, and the first messages)."""
        self.queue.clear()
        self.queue.extend(message for message in state if self.topics.matches(message.topic))
        self._wake()

    def take(self, limit: int) -> list[Notification]:
        return [self.queue.popleft() for _ in range(min(limit, len(self.queue)))]

    def extend(self, lifetime_s: float, now: datetime) -> None:
        """Live for `lifetime_s` from now on; shorter is allowed too (Renew)."""
        self.lifetime_s = _bounded(lifetime_s)
        self.expires = now + timedelta(seconds=self.lifetime_s)

    def keep_alive(self, now: datetime) -> None:
        """A pull proves that somebody is there: live at least one lifetime longer."""
        self.expires = max(self.expires, now + timedelta(seconds=self.lifetime_s))

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        for listener in tuple(self.listeners):
            listener()


class PullPoints:
    """All pull points of one camera. `new_id` gives names that nobody can guess."""

    def __init__(self, new_id: Callable[[], str], limit: int = MAX_PULL_POINTS) -> None:
        self._new_id = new_id
        self._limit = limit
        self._by_id: dict[str, PullPoint] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def create(
        self, *, lifetime_s: float, topics: TopicFilter, state: Iterable[Notification], now: datetime
    ) -> PullPoint | None:
        """A new pull point with the present state in its queue; None when all places are taken."""
        self.purge(now)
        if len(self._by_id) >= self._limit:
            return None
        lifetime_s = _bounded(lifetime_s)
        point = PullPoint(self._new_id(), lifetime_s, now + timedelta(seconds=lifetime_s), topics)
        point.synchronize(state)
        self._by_id[point.id] = point
        return point

    def get(self, point_id: str, now: datetime) -> PullPoint | None:
        self.purge(now)
        return self._by_id.get(point_id)

    def remove(self, point_id: str) -> None:
        if point := self._by_id.pop(point_id, None):
            point.close()

    def purge(self, now: datetime) -> None:
        """Drop what has expired; one with a pull in progress lives on until that is answered."""
        for point in [p for p in self._by_id.values() if p.expires < now and not p.listeners]:
            self.remove(point.id)

    def close(self) -> None:
        """Wake every waiting pull; used when the camera stops."""
        for point_id in list(self._by_id):
            self.remove(point_id)


def _bounded(lifetime_s: float) -> float:
    return min(max(lifetime_s, MIN_LIFETIME_S), MAX_LIFETIME_S)

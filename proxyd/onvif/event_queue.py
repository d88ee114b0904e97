"""Messages that wait for one subscriber: in order, bounded, and no state left wrong when it fetches too slowly. Pure.

When the queue is full, the oldest message goes whose loss leaves no state wrong: something that happened, or a state of
which a newer value waits behind it. So whoever was slow misses what was between, and knows how things stand.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from .event_messages import Message

MAX_QUEUED = 500


class EventQueue:
    """`lost` counts what had to go since the queue was last empty."""

    def __init__(self, limit: int = MAX_QUEUED) -> None:
        self._limit = limit
        self._messages: deque[Message] = deque()
        self._waiting: Counter[object] = Counter()  # values of each state in the queue
        self.lost = 0

    def __len__(self) -> int:
        return len(self._messages)

    def append(self, message: Message) -> None:
        self._messages.append(message)
        if message.event.state:
            self._waiting[message.key] += 1
        if len(self._messages) > self._limit:
            self._drop_one()

    def take(self, limit: int) -> list[Message]:
        taken = [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]
        for message in taken:
            self._forget(message)
        if not self._messages:
            self.lost = 0
        return taken

    def put_back(self, messages: Iterable[Message]) -> None:
        """Before all others; for a delivery that failed. What does not fit any more is lost."""
        newer = list(self._messages)
        self._messages.clear()
        self._waiting.clear()
        for message in (*messages, *newer):
            self.append(message)

    def drop_initialized(self) -> None:
        """Present states that nobody has fetched yet: newer ones are about to be queued."""
        kept = [message for message in self._messages if message.event.operation != "Initialized"]
        self._messages.clear()
        self._waiting.clear()
        for message in kept:
            self.append(message)

    def _drop_one(self) -> None:
        index = next((i for i, message in enumerate(self._messages) if self._replaceable(message)), 0)
        message = self._messages[index]
        del self._messages[index]
        self._forget(message)
        self.lost += 1

    def _replaceable(self, message: Message) -> bool:
        return not message.event.state or self._waiting[message.key] > 1

    def _forget(self, message: Message) -> None:
        if message.event.state:
            self._waiting[message.key] -= 1
            if not self._waiting[message.key]:
                del self._waiting[message.key]

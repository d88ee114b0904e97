"""Event hub: numbers every change and hands it to subscribers, who may be slow but never slow anyone down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Literal

from proxyd.api.codec import encode_event
from proxyd.api.models import Event, Model

Kind = Literal["nvr", "camera", "interface", "job", "log", "adoption"]
BACKLOG = 4096  # events one subscriber may be behind before it is cut off


class Subscriber:
    """A bounded queue of encoded events. `overrun` is final: the connection must be closed."""

    def __init__(self) -> None:
        self._queue: deque[str] = deque()
        self._wake = asyncio.Event()
        self.overrun = False

    def put(self, text: str) -> None:
        if len(self._queue) >= BACKLOG:
            self.overrun = True
        elif not self.overrun:
            self._queue.append(text)
        self._wake.set()

    async def take(self) -> list[str]:
        """All waiting events, at least one; empty after an overrun."""
        await self._wake.wait()
        self._wake.clear()
        if self.overrun:
            return []
        texts = list(self._queue)
        self._queue.clear()
        return texts


class Hub:
    """`publish` is synchronous and cheap; `seq` is the number of the last event."""

    def __init__(self) -> None:
        self.seq = 0
        self._subscribers: set[Subscriber] = set()

    def subscribe(self) -> Subscriber:
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)

    def changed(self, kind: Kind, model: Model) -> None:
        self._publish(kind, "changed", model.model_dump(mode="json"))

    def removed(self, kind: Kind, id_: int) -> None:
        self._publish(kind, "removed", {"id": id_})

    def _publish(self, kind: Kind, action: Literal["changed", "removed"], data: Mapping[str, Any]) -> None:
        self.seq += 1
        if not self._subscribers:
            return
        text = encode_event(Event(seq=self.seq, kind=kind, action=action, data=dict(data)))
        for subscriber in self._subscribers:
            subscriber.put(text)

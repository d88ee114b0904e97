"""The calls of one connection that run now: which of them stop when nobody waits any more, and which go on.

A call that only looks (a test, a search, a picture) is stopped with everything that it has begun. One that changes
something is never left half done: it goes on to its end, also when its caller is gone.
"""

from __future__ import annotations

import asyncio
from functools import partial

from proxyd.api.codec import Request
from proxyd.api.methods import only_looks


class RunningCalls:
    """Bounded by the calls that a connection may have at once."""

    def __init__(self) -> None:
        self._looking: dict[int | str, asyncio.Task[None]] = {}
        self._changing: set[asyncio.Task[None]] = set()
        self._stopped: set[asyncio.Task[None]] = set()

    def began(self, request: Request) -> None:
        """The task that runs now answers this request."""
        task = asyncio.current_task()
        assert task is not None
        if not only_looks(request.method):
            self._changing.add(task)
            task.add_done_callback(self._changing.discard)
        elif request.id is not None:
            self._looking[request.id] = task
            task.add_done_callback(partial(self._ended, request.id))

    def _ended(self, id_: int | str, task: asyncio.Task[None]) -> None:
        self._stopped.discard(task)
        if self._looking.get(id_) is task:
            del self._looking[id_]

    def stop(self, id_: int | str) -> None:
        """Its caller does not wait any more. Does nothing where it is unknown, has ended, or changes something."""
        task = self._looking.get(id_)
        if task is not None:
            self._stopped.add(task)
            task.cancel()

    def was_stopped(self, task: asyncio.Task[None] | None) -> bool:
        """It was `stop` that cancelled it, nobody else."""
        return task in self._stopped

    def changing(self) -> set[asyncio.Task[None]]:
        """Those that go on when the connection ends."""
        return set(self._changing)

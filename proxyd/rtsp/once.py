"""What several ask for at the same time is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class Cancelled(Exception):
    """The step was ended by `cancel`, not its caller."""


class Once:
    """Steps by name. A step goes on when who asked for it is gone: another may want it."""

    def __init__(self, owner: str, failed: Callable[[BaseException], None]) -> None:
        """`failed` is told of each step's error, once."""
        self._owner = owner
        self._failed = failed
        self._running: dict[str, asyncio.Task[Any]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._running

    async def do(self, name: str, step: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """The result of the step, or of the one that runs. Raises Cancelled, and what the step raises."""
        task = self._running.get(name)
        if task is None:
            task = asyncio.create_task(step(), name=f"{name} {self._owner}")
            self._running[name] = task
            task.add_done_callback(lambda done: self._done(name, done))
        try:
            result: _T = await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            raise Cancelled from None
        return result

    async def cancel(self) -> None:
        """Ends all that runs, but not the caller."""
        tasks = [task for task in self._running.values() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, name: str, task: asyncio.Task[Any]) -> None:
        self._running.pop(name, None)
        if not task.cancelled() and (error := task.exception()):
            self._failed(error)  # there may be nobody any more who asked

"""What the events service needs of the world: waiting for messages, sending them, and saying who is too slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from proxyd.camera.events import CameraEvent
from proxyd.camera.spec import CameraSpec, RecordExchange
from proxyd.camera.urls import bracketed

from .notifier import Notifier, is_own_address
from .services.event_subscriptions import Notify
from .services.events import Pull
from .subscriptions import Subscription, Subscriptions


class EventRim:
    """Of one camera. `spec()` is asked each time, because settings change."""

    def __init__(
        self,
        spec: Callable[[], CameraSpec],
        *,
        record: RecordExchange,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._record = record
        self._now = now
        self.subscriptions = Subscriptions(new_id, overflows=self._overflows, is_own_address=is_own_address)
        self._notifier = Notifier(spec, self.subscriptions, record=record, now=now)
        self._turns = _Turns()

    def deliver(self, event: CameraEvent) -> None:
        """Something happened at this camera: keep it, and tell all who want to know."""
        self.subscriptions.deliver(event, self._now())

    async def perform(self, command: Pull | Notify) -> datetime | str:
        """The result that the command says it has."""
        if isinstance(command, Notify):
            return await self._notifier.admit(command.subscription)
        await self._wait(command)
        return self._now()

    async def _wait(self, pull: Pull) -> None:
        """Until there is a message, the subscription has ended, or the time is over."""
        if pull.ready:
            return
        over = asyncio.get_running_loop().create_future()
        give_up = self.wait(pull, lambda: over.set_result(None))
        try:
            await over
        finally:
            give_up()

    def wait(self, pull: Pull, done: Callable[[], None]) -> Callable[[], None]:
        """Calls `done` when there is a message, the subscription has ended, or the time is over; never at once. What it
        returns gives that up."""
        return _Wait(pull, self._turns, done).give_up

    async def stop(self) -> None:
        self.subscriptions.close()
        await self._notifier.stop()

    def _overflows(self, subscription: Subscription) -> None:
        self._record(
            client=bracketed(subscription.client),
            protocol="onvif",
            operation="Notify" if subscription.consumer else "PullMessages",
            ok=False,
            reason="the recorder fetches its events too slowly: old ones are left out, present states stay right",
        )


class _Turns:
    """One long poll of this camera per turn of the event loop: when all channels have news for many recorders at once,
    video and the NVR's next events must not wait until all of them are answered."""

    def __init__(self) -> None:
        self._waiting: dict[_Wait, None] = {}  # in order, each once

    def ask_for(self, wait: _Wait) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        self._waiting[wait] = None

    def _next(self) -> None:
        wait = next(iter(self._waiting))
        del self._waiting[wait]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        wait.look()


class _Wait:
    """One long poll."""

    __slots__ = ("_done", "_over", "_pull", "_timer", "_turns")

    def __init__(self, pull: Pull, turns: _Turns, done: Callable[[], None]) -> None:
        self._pull = pull
        self._turns = turns
        self._done = done
        self._over = False
        self._timer = asyncio.get_running_loop().call_later(pull.timeout_s, self._end)
        pull.subscription.listeners.add(self._wake)

    def _wake(self) -> None:
        self._turns.ask_for(self)

    def look(self) -> None:
        if not self._over and self._pull.ready:  # another pull may have been quicker
            self._end()

    def _end(self) -> None:
        self.give_up()
        self._done()

    def give_up(self) -> None:
        self._over = True
        self._timer.cancel()
        self._pull.subscription.listeners.discard(self._wake)

"""What the events service needs of the world: waiting for messages, sending them, and saying who is too slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

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
        self._to_wake: dict[asyncio.Event, None] = {}  # in order, each once

    def deliver(self, event: CameraEvent) -> None:
        """Something happened at this camera: keep it, and tell all who want to know."""
        self.subscriptions.deliver(event, self._now())

    async def perform(self, command: Pull | Notify) -> datetime:
        """The time when it was done."""
        if isinstance(command, Pull):
            await self._wait(command)
        else:
            self._notifier.start(command.subscription)
        return self._now()

    async def _wait(self, pull: Pull) -> None:
        """Until there is a message, the subscription has ended, or the time is over."""
        subscription = pull.subscription
        if subscription.queue or subscription.closed:
            return
        changed = asyncio.Event()
        listener = partial(self._wake_in_turn, changed)
        subscription.listeners.add(listener)
        try:
            async with asyncio.timeout(pull.timeout_s):
                while not subscription.queue and not subscription.closed:  # another pull may have been quicker
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            pass
        finally:
            subscription.listeners.discard(listener)

    def _wake_in_turn(self, changed: asyncio.Event) -> None:
        """One long poll of this camera per turn of the event loop: when all channels have news for many recorders at
        once, video and the NVR's next events must not wait until all of them are answered."""
        if not self._to_wake:
            asyncio.get_running_loop().call_soon(self._wake_next)
        self._to_wake[changed] = None

    def _wake_next(self) -> None:
        changed = next(iter(self._to_wake))
        del self._to_wake[changed]
        changed.set()
        if self._to_wake:
            asyncio.get_running_loop().call_soon(self._wake_next)

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

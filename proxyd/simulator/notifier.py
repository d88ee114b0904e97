"""Basic Notification of the simulated device: one task per consumer sends what its subscription holds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

import aiohttp

from proxyd.simulator.services.events import notify
from proxyd.simulator.services.subscriptions import Subscription, Subscriptions
from proxyd.simulator.soap import envelope

_log = logging.getLogger(__name__)
_MOST_AT_ONCE = 100
_DEADLINE_S = 3.0
_LOOK_S = 1.0  # how often a quiet subscription is looked at for its end


class Notifier:
    """Sends from the time a subscription with a consumer is made until it is gone. `soap_prefix` is the dialect's."""

    def __init__(self, subscriptions: Subscriptions, soap_prefix: str, now: Callable[[], datetime]) -> None:
        self._subscriptions = subscriptions
        self._soap_prefix = soap_prefix
        self._now = now
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def serve(self, own_address: str) -> None:
        """To be called after each request, which came to `own_address`: starts the task of a new consumer."""
        for path, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[path]
        for subscription in self._subscriptions:
            if subscription.consumer and subscription.path not in self._tasks:
                self._tasks[subscription.path] = asyncio.create_task(
                    self._send(subscription, own_address), name=f"simulated NVR notifies {subscription.path}"
                )

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def _send(self, subscription: Subscription, own_address: str) -> None:
        news = asyncio.Event()
        subscription.wake = news.set
        timeout = aiohttp.ClientTimeout(total=_DEADLINE_S)
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        connector = aiohttp.TCPConnector(local_addr=(own_address, 0))
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            while self._subscriptions.find(subscription.path, self._now()) is subscription:
                if messages := subscription.take(_MOST_AT_ONCE):
                    body = envelope(self._soap_prefix, notify(messages))
                    try:
                        async with session.post(subscription.consumer, data=body, headers=headers) as answer:
                            await answer.read()
                    except (aiohttp.ClientError, TimeoutError):
                        _log.info("a consumer of notifications does not answer")
                    continue
                news.clear()
                try:
                    async with asyncio.timeout(_LOOK_S):
                        await news.wait()
                except TimeoutError:
                    continue

"""How an NVR lets itself be subscribed to: by a pull point, else by Basic Notification to a port of our own; with or
without WS-Addressing headers, with or without a wish for the lifetime.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable
from proxyd.nvr.addresses import BadAddress, port_of, with_port
from proxyd.nvr.envelope import Element, SoapCall
from proxyd.nvr.events import subscription as sub
from proxyd.nvr.events.consumer import Consumer
from proxyd.nvr.events.parse import NvrEvent
from proxyd.nvr.refusals import RightsMissing, SoapFault, refusal_error

log = logging.getLogger(__name__)

_SUBSCRIBE = "subscribe to its events"

Mode = Literal["pull point", "notification"]


class Link(Protocol):
    """The open conversation with the NVR (nvr/link.py)."""

    @property
    def access(self) -> NvrAccess: ...

    async def exchange(self, call: SoapCall, step: str, *, wait_s: float = 0.0) -> Element: ...

    async def address_of(self, service: str) -> str | None: ...

    def on_typed_host(self, raw: str) -> str: ...


class NoEventsError(Exception):
    """The NVR has no events for us; in words for people."""


@dataclass(slots=True)
class Subscription:
    at: SoapCall
    lifetime_s: float
    expires_s: float  # by the loop's clock
    mode: Mode
    renewable: bool = True
    proven: bool = False  # something has come through it


class Subscriber:
    """For one NVR. What it sends is `heard`; `name` is for words."""

    def __init__(self, link: Link, name: str, heard: Callable[[list[NvrEvent]], None]) -> None:
        self._link = link
        self._name = name
        self._heard = heard
        self._manner = sub.MANNERS[0]
        self._consumer: Consumer | None = None

    async def stop(self) -> None:
        """Nothing can be sent to us any more."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def subscribe(self) -> Subscription:
        """Raises NoEventsError, UpstreamError."""
        address = await self._link.address_of("events")
        if address is None:
            raise NoEventsError("the NVR has no event service; enable events in its ONVIF settings, if it has that")
        made = await self._first_manner(lambda manner: sub.create_pull_point(address, manner), "pull point")
        if made is not None:
            return made
        if self._consumer is None:
            self._consumer = Consumer(self._link.access.host, self._heard)
        try:
            consumer = await self._consumer.start()
        except (OSError, TimeoutError) as error:
            raise NoEventsError(f"the NVR can only send events, and no port can be opened for them: {error}") from None
        made = await self._first_manner(lambda manner: sub.subscribe(address, consumer, manner), "notification")
        if made is not None:
            return made
        raise NoEventsError("the NVR gives neither pull points nor notifications; update its firmware")

    async def _first_manner(self, ask: Callable[[sub.Manner], SoapCall], mode: Mode) -> Subscription | None:
        """The way in which this NVR lets itself be asked; None when it does not have this at all."""
        refused: str = ""
        for manner in sorted(sub.MANNERS, key=lambda m: m != self._manner):
            try:
                answer = await self._link.exchange(ask(manner), _SUBSCRIBE)
            except SoapFault as fault:
                if sub.is_full(fault):
                    raise NoEventsError(
                        "too many event subscriptions are open on the NVR: restart it, or close programs that listen "
                        "to its events. It is tried again every two minutes"
                    ) from None
                if fault.is_missing_operation:
                    return None
                refused = str(refusal_error(fault, where=self._name, step=_SUBSCRIBE))
                continue
            except RightsMissing as error:
                raise NoEventsError(str(error)) from None
            except (UpstreamUnreachable, UpstreamAuthError):
                raise
            except UpstreamError as error:
                refused = str(error)
                continue
            granted = sub.granted(answer)
            if granted is None:
                refused = "the NVR gave a subscription without an address"
                continue
            self._manner = manner
            return self._made(granted, manner, mode)
        log.info("%s: no %s: %s", self._name, mode, refused)
        if mode == "notification":
            raise NoEventsError(refused)
        return None

    def _made(self, granted: sub.Granted, manner: sub.Manner, mode: Mode) -> Subscription:
        try:
            address = self._link.on_typed_host(granted.address)
        except BadAddress as error:
            raise NoEventsError(f"the NVR gave {error} for a subscription") from None
        at = sub.manage(address, granted.references, manner)
        return Subscription(at, granted.lifetime_s, _now() + granted.lifetime_s, mode)

    def try_typed_port(self, subscription: Subscription) -> None:
        """Behind a port forward the subscription's own port may be closed to us; the typed one may lead there."""
        port = self._link.access.port
        if not subscription.proven and port_of(subscription.at.address) != port:
            moved = with_port(subscription.at.address, port)
            subscription.at = sub.manage(moved, subscription.at.references, self._manner)


def _now() -> float:
    return asyncio.get_running_loop().time()

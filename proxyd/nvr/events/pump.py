"""Fetches the events of one NVR for as long as it runs: one subscription, kept alive and made anew by itself.

A pull point where the NVR has them, else Basic Notification. Only our own clock counts. A refused password ends all
tries until somebody says that they may go on; everything else is tried again with a growing, jittered pause.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass
from typing import Literal, Protocol

from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable
from proxyd.nvr.events import subscription as sub
from proxyd.nvr.events.parse import NvrEvent, parse_messages
from proxyd.nvr.events.subscriber import Link, Mode, NoEventsError, Subscriber, Subscription
from proxyd.nvr.refusals import SoapFault

log = logging.getLogger(__name__)

PULL_S = 30.0
MAX_PER_PULL = 200
_FIRST_PULL_S = 2.0  # an NVR where nothing happens shall not look as if it did not answer
_MODEST_S, _MODEST_LIMIT = 5.0, 10  # for devices that refuse more instead of giving less
_CUT_S = 1.0
_PACE_S = 0.02  # between pulls that bring events: a flood comes in batches
_PACE_PER_ELEMENT_S = 1e-5  # of XML, some times what reading it costs: one NVR's flood leaves time for all others
_IMPATIENT_S = 1.0  # between pulls of a device that never waits
_RETRY_FIRST_S, _RETRY_MOST_S = 1.0, 60.0
_LASTED_S = 10.0  # a subscription that lived so long is replaced at once; some devices forget each after one answer
_REFUSED_S = 120.0  # until a device that will not tell events is asked again
_MANY = 10
_FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How events come from an NVR; `reason` in words when they do not. `refused`: it answers, but has none for us."""

    mode: Mode | Literal["starting", "none"]
    reason: str = ""
    refused: bool = False

    def __str__(self) -> str:
        return f"{self.mode}: {self.reason}" if self.reason else self.mode


class Listener(Protocol):
    """Who wants the events."""

    def begin(self) -> None:
        """A new subscription: its first messages tell all states."""

    def heard(self, events: list[NvrEvent]) -> None: ...

    def lost(self) -> None:
        """Nothing is heard from the NVR for now."""

    def stands(self, standing: Standing) -> None:
        """Called when it changes."""

    def report(self, error: Exception | None) -> None:
        """Whether the NVR answers, and takes the account."""


class _SubscriptionGoneError(Exception):
    """The NVR does not know our subscription (any more)."""


class EventPump:
    """start() and stop() are idempotent; `name` is for the names of tasks and for the log."""

    def __init__(self, link: Link, name: str, listener: Listener, *, pull_s: float = PULL_S) -> None:
        self._link = link
        self._name = name
        self._listener = listener
        self._pull_s = pull_s
        self._limit = MAX_PER_PULL
        self._subscriber = Subscriber(link, name, listener.heard)
        self._subscription: Subscription | None = None
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._worked = False  # since the last failure
        self._lasted_s = 0.0  # by the loop's clock: a subscription that ends before this did not last
        self.standing = Standing("starting")

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"events of {self._name}")

    async def stop(self) -> None:
        """Gives the subscription back, if the NVR answers at once."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self._give_back()
        await self._subscriber.stop()

    def wake(self) -> None:
        """Try now: the account, the address or the NVR's settings may be others."""
        self._woken.set()

    async def _run(self) -> None:
        failures = 0
        while True:
            self._worked = False
            pause_s = min(_RETRY_FIRST_S * 2**failures, _RETRY_MOST_S)
            try:
                await self._follow()
            except UpstreamAuthError as error:
                self._fail("the NVR refuses the account; see the state of the NVR", error)
                self._woken.clear()
                await self._woken.wait()
                continue
            except _SubscriptionGoneError:
                log.info("%s: its event subscription is gone; a new one is made", self._name)
                self._subscription = None
                self._worked = self._worked and _now() >= self._lasted_s
                pause_s = 0.0 if self._worked else pause_s
            except NoEventsError as error:
                self._fail(str(error), None, refused=True)
                pause_s = _REFUSED_S
            except UpstreamError as error:
                self._fail(str(error), error)
                if not isinstance(error, UpstreamUnreachable) or self._is_expired():
                    await self._give_back()
            except Exception:
                log.exception("%s: a bug in the event pump", self._name)
                self._fail("a bug ended it; proxyd's log has details", None)
                await self._give_back()
            failures = 0 if self._worked else min(failures + 1, _MANY)
            await self._rest(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - not for secrets

    def _fail(self, reason: str, error: UpstreamError | None, *, refused: bool = False) -> None:
        self._listener.lost()
        self._listener.report(error)
        self._stand(Standing("none", reason, refused))

    def _stand(self, standing: Standing) -> None:
        if standing != self.standing:
            self.standing = standing
            self._listener.stands(standing)

    def _is_expired(self) -> bool:
        return self._subscription is not None and self._subscription.expires_s <= _now()

    async def _rest(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._woken.wait()
        self._woken.clear()

    async def _follow(self) -> None:
        """Until something goes wrong, which is raised."""
        if self._subscription is None:
            # A subscription that outlived a broken connection is used on: NVRs have few, and this one is ours.
            self._subscription = await self._subscriber.subscribe()
            self._lasted_s = _now() + min(_LASTED_S, self._subscription.lifetime_s / 2)
            self._listener.begin()
        subscription = self._subscription
        while True:
            if subscription.mode == "pull point":
                await self._pull(subscription)
            self._worked = True
            self._stand(Standing(subscription.mode))
            self._listener.report(None)
            if subscription.mode == "notification":
                await self._rest(min(subscription.lifetime_s / 3, PULL_S))
            await self._keep(subscription)

    async def _pull(self, subscription: Subscription) -> None:
        remaining_s = subscription.expires_s - _now()
        wait_s = min(self._pull_s if subscription.proven else _FIRST_PULL_S, max(remaining_s / 2, 1.0))
        started_s = _now()
        try:
            answer = await self._link.exchange(
                sub.pull(subscription.at, wait_s, self._limit), "tell its events", wait_s=wait_s
            )
        except SoapFault as fault:
            if self._limit == MAX_PER_PULL and "InvalidArgVal" not in fault.codes and not subscription.proven:
                self._pull_s, self._limit = min(self._pull_s, _MODEST_S), _MODEST_LIMIT
                return
            raise _SubscriptionGoneError from None
        except UpstreamUnreachable:
            self._subscriber.try_typed_port(subscription)
            if _now() - started_s >= _CUT_S:  # some web servers do not bear long answers: ask for shorter ones
                self._pull_s = max(self._pull_s / 2, _CUT_S)
            raise
        events = parse_messages(answer)
        subscription.proven = True
        if (lifetime_s := sub.lifetime_of(answer)) is not None:
            subscription.expires_s = _now() + lifetime_s
        self._listener.heard(events)
        took_s = _now() - started_s
        if events:
            await self._rest(max(_PACE_S, _PACE_PER_ELEMENT_S * sum(1 for _ in answer.iter())))
        elif took_s < min(wait_s / 2, _IMPATIENT_S):
            await self._rest(_IMPATIENT_S - took_s)

    async def _keep(self, subscription: Subscription) -> None:
        """Renews at half of the lifetime; what cannot be renewed and nears its end is given back and made anew."""
        remaining_s = subscription.expires_s - _now()
        if remaining_s > subscription.lifetime_s / 2:
            return
        if subscription.renewable:
            try:
                answer = await self._link.exchange(sub.renew(subscription.at), "keep its event subscription")
            except SoapFault as fault:
                if not fault.is_missing_operation:
                    raise _SubscriptionGoneError from None
                subscription.renewable = False
            else:
                subscription.lifetime_s = sub.lifetime_of(answer) or subscription.lifetime_s
                subscription.expires_s = _now() + subscription.lifetime_s
                return
        if remaining_s < min(subscription.lifetime_s / 4, 10.0):
            await self._give_back()
            raise _SubscriptionGoneError

    async def _give_back(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is None:
            return
        with contextlib.suppress(UpstreamError, SoapFault, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._link.exchange(sub.unsubscribe(subscription.at), "end its event subscription")


def _now() -> float:
    return asyncio.get_running_loop().time()

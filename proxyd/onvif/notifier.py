"""Basic notification on the wire (ONVIF Core section 9.1): one task per subscription POSTs messages to its consumer.

Bounded effort: three tries per batch under a deadline each; after `MAX_FAILED_BATCHES` in a row the subscription ends,
and the recorder learns it from Renew. Sent from the camera's own address (where it has one of that kind), without
following redirects, and only as long as the policy allows the address. A name is resolved for each try, and the address
that was judged is the one that is called: so nobody can say one thing and mean another.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from proxyd.camera.spec import CameraSpec, RecordExchange
from proxyd.camera.urls import bracketed

from .event_messages import Message, notify_document
from .names import Resolve, SystemNames
from .notify_policy import Address, consumer_of, plain_address, refusal
from .soap import CONTENT_TYPE
from .subscriptions import Subscription, Subscriptions

POST_TIMEOUT_S = 5.0
PAUSES_S: Sequence[float] = (1.0, 3.0, 6.0)  # after the first, second and third failed try
GRACE_S = 0.2  # many consumers understand nothing before they have read the answer to Subscribe
MAX_FAILED_BATCHES = 3
MAX_BATCH = 50
_log = logging.getLogger(__name__)


def is_own_address(address: str) -> bool:
    """Whether this host has it: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


class Notifier:
    """Of one camera. `spec()` is asked each time, because settings change."""

    def __init__(
        self,
        spec: Callable[[], CameraSpec],
        subscriptions: Subscriptions,
        *,
        record: RecordExchange,
        now: Callable[[], datetime],
        pauses_s: Sequence[float] = PAUSES_S,
        grace_s: float = GRACE_S,
        post_timeout_s: float = POST_TIMEOUT_S,
        resolve: Resolve | None = None,
    ) -> None:
        """`resolve` gives the addresses of a name; by default what this host's resolver says."""
        self._spec = spec
        self._subscriptions = subscriptions
        self._record = record
        self._now = now
        self._pauses_s = pauses_s
        self._grace_s = grace_s
        self._post_timeout_s = post_timeout_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}  # by whether they are bound to the camera's address
        self._resolve = resolve or SystemNames()

    async def admit(self, subscription: Subscription) -> str:
        """Starts it if its consumer may be called. Why not, and then it is removed; "" when it may."""
        target: Address | str = ""
        try:
            target = await self._target(subscription)
        finally:
            if isinstance(target, str):  # also when the recorder has hung up meanwhile
                self._subscriptions.remove(subscription.id)
        if isinstance(target, str):
            return target
        if subscription.closed:
            return "the camera stops"
        self.start(subscription)
        return ""

    def start(self, subscription: Subscription) -> None:
        name = f"camera {self._spec().id}: notifications for {subscription.client}"
        task = asyncio.create_task(self._serve(subscription), name=name)
        self._tasks[subscription.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(subscription.id, None))

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def _serve(self, subscription: Subscription) -> None:
        """Until the subscription has ended, by itself or after too many failures."""
        failed_batches, told = 0, False
        try:
            await asyncio.sleep(self._grace_s)
            while await self._has_messages(subscription):
                messages = subscription.queue.take(MAX_BATCH)
                error = await self._deliver(subscription, messages)
                if not error:
                    if failed_batches or not told:
                        self._tell(subscription, "events are sent", ok=True)
                    failed_batches, told = 0, True
                    continue
                failed_batches += 1
                if failed_batches >= MAX_FAILED_BATCHES:
                    self._tell(subscription, f"the subscription ends, since nothing arrives at the recorder: {error}")
                    return
                self._tell(subscription, f"events do not arrive at the recorder: {error}")
                subscription.queue.put_back(messages)
        except Exception:
            _log.exception("camera %d: a bug ends a subscription for notifications", self._spec().id)
        finally:
            self._subscriptions.remove(subscription.id)

    async def _has_messages(self, subscription: Subscription) -> bool:
        """Waits for some; False when the subscription has ended."""
        while not subscription.closed:
            left_s = (subscription.expires - self._now()).total_seconds()
            if left_s <= 0:
                return False
            if subscription.queue:
                return True
            changed = asyncio.Event()
            subscription.listeners.add(changed.set)
            try:
                async with asyncio.timeout(left_s):
                    await changed.wait()
            except TimeoutError:
                pass  # it may have been renewed meanwhile
            finally:
                subscription.listeners.discard(changed.set)
        return False

    async def _deliver(self, subscription: Subscription, messages: list[Message]) -> str:
        """Why the batch did not arrive, in words; "" when it did."""
        body = notify_document(subscription.consumer, f"urn:uuid:{uuid.uuid4()}", messages)
        error = ""
        for pause_s in self._pauses_s:
            error = await self._post(subscription, body)
            if not error or subscription.closed:
                break
            await asyncio.sleep(pause_s)
        return error

    async def _target(self, subscription: Subscription) -> Address | str:
        """The address to call now, or why none may be. Judged each time: settings change, an address may have become
        one of this host's, and a name may mean another one."""
        consumer, spec = consumer_of(subscription.consumer), self._spec()
        if isinstance(consumer, str):
            return consumer
        if consumer.address is not None:
            return refusal(consumer.address, subscription.client, spec, is_own_address) or consumer.address
        try:
            found = await self._resolve(consumer.name)
        except TimeoutError:
            return f"nobody says in time which address {consumer.name} has; check the name server of this host"
        except (OSError, UnicodeError):
            return f"{consumer.name} has no address here; check the name, or the name server of this host"
        why = f"{consumer.name} has no address that can be called"
        addresses = [address for text in found if (address := plain_address(text)) is not None]
        for address in sorted(addresses, key=lambda one: one.version != ip_address(spec.address).version):
            if not (refused := refusal(address, subscription.client, spec, is_own_address)):
                return address
            why = f"{consumer.name}: {refused}"
        return why

    async def _post(self, subscription: Subscription, body: bytes) -> str:
        target = await self._target(subscription)
        if isinstance(target, str):
            return target
        url = URL(subscription.consumer)
        host = urlsplit(subscription.consumer).netloc
        try:
            async with self._open_session(target).post(
                url.with_host(str(target)),
                data=body,
                headers={"Content-Type": CONTENT_TYPE, "Host": host},
                allow_redirects=False,
            ) as response:
                status = response.status
        except TimeoutError:
            return f"no answer within {self._post_timeout_s:g} s"
        except (aiohttp.ClientError, OSError) as error:
            return f"it cannot be reached ({type(error).__name__})"
        return "" if 200 <= status < 300 else f"it answers with HTTP {status}"

    def _open_session(self, target: Address) -> aiohttp.ClientSession:
        own = self._spec().address
        bound = ip_address(own).version == target.version  # the other kind the camera does not have
        if bound not in self._sessions:
            local = (own, 0) if bound else None
            self._sessions[bound] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(local_addr=local, limit=16, use_dns_cache=False),
                timeout=aiohttp.ClientTimeout(total=self._post_timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "onviftui"},
                trust_env=False,
                max_line_size=4096,
                max_field_size=4096,
            )
        return self._sessions[bound]

    def _tell(self, subscription: Subscription, reason: str, *, ok: bool = False) -> None:
        """A recorder is its address in the trace, also when it goes by a name."""
        parts = urlsplit(subscription.consumer)
        host = parts.hostname or ""
        client = f"{bracketed(subscription.client if plain_address(host) is None else host)}:{parts.port or 80}"
        self._record(client=client, protocol="onvif", operation="Notify", ok=ok, reason=reason)

"""What the arm says all the time: words for cameras that wait for an address, notices for the log; and what we tell
it: the cameras' names. Connects again by itself; without an arm everything else goes on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from proxyd.errors import ProxyError

from .arm import ArmCamera, ArmClient, ArmNotice, ArmStatus

log = logging.getLogger(__name__)

_RETRY_FIRST_S, _RETRY_MOST_S = 1.0, 15.0


class ArmWatch:
    """`client` None: there is no arm, and nothing happens here. `changed` is called when `words` may be others;
    `noticed` gets each notice once, those from before the first connection excepted."""

    def __init__(
        self,
        client: ArmClient | None,
        *,
        changed: Callable[[], Awaitable[None]],
        noticed: Callable[[ArmNotice], Awaitable[None]],
    ) -> None:
        self._client = client
        self._changed = changed
        self._noticed = noticed
        self._status: ArmStatus | None = None
        self._seen: tuple[str, int] | None = None  # instance and last notice
        self._names: dict[str, str] = {}
        self._new_names = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self._client:
            self._task = asyncio.create_task(self._watch(self._client), name="arm watch")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def words(self) -> Mapping[str, str]:
        """By MAC: what keeps an interface from its address, or threatens it. Empty without an arm."""
        if self._status is None:
            return {}
        return {camera.mac: _words(camera) for camera in self._status.cameras if camera.message}

    def standing(self) -> Mapping[str, ArmCamera]:
        """By MAC: all that the arm says. Empty without an arm."""
        return {camera.mac: camera for camera in self._status.cameras} if self._status else {}

    def name_cameras(self, names: Mapping[str, str]) -> None:
        """By MAC: what DHCP servers shall show. Told to the arm now and after every reconnect."""
        if names != self._names:
            self._names = dict(names)
            self._new_names.set()

    async def _watch(self, client: ArmClient) -> None:
        pause_s = _RETRY_FIRST_S
        while True:
            try:
                async with contextlib.aclosing(client.watch()) as statuses:  # type: ignore[type-var]  # a generator, typed as AsyncIterator
                    async for status in statuses:
                        pause_s = _RETRY_FIRST_S
                        await self._arrived(client, status)
            except ProxyError as error:
                log.debug("%s", error)
            except Exception:  # of those whom we tell: the watch must go on
                log.exception("a bug in what follows from netsetup's words")
            finally:
                await self._end_telling()
            if self._status is not None:
                log.warning("lost netsetup's arm at %s; trying again", client.path)
                self._status = None
                await self._changed()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _RETRY_MOST_S)

    async def _arrived(self, client: ArmClient, status: ArmStatus) -> None:
        before, self._status = self._status, status
        if before is None:
            log.info("connected to netsetup's arm at %s", client.path)
            self._telling = asyncio.create_task(self._tell_names(client), name="arm names")
        for notice in self._unseen(status):
            await self._noticed(notice)
        if before is None or before.cameras != status.cameras:
            await self._changed()

    def _unseen(self, status: ArmStatus) -> list[ArmNotice]:
        seen, newest = self._seen, max((notice.id for notice in status.notices), default=0)
        self._seen = (status.instance, newest)
        if seen is None:
            return []
        last = seen[1] if seen[0] == status.instance else 0
        return [notice for notice in status.notices if notice.id > last]

    async def _tell_names(self, client: ArmClient) -> None:
        """As long as the arm is there; a refusal is tried again with the next change."""
        self._new_names.set()
        while True:
            await self._new_names.wait()
            self._new_names.clear()
            if self._names:
                try:
                    await client.call("hostnames", names=self._names)
                except ProxyError as error:
                    log.info("netsetup's arm did not take the cameras' names: %s", error)

    async def _end_telling(self) -> None:
        if self._telling:
            self._telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._telling
            self._telling = None


def _words(camera: ArmCamera) -> str:
    """With the moment instead of a countdown, which would be another text every second."""
    if not camera.waiting or camera.next_try is None:
        return camera.message
    try:
        return f"{camera.message} Next try at {time.strftime('%H:%M:%S', time.localtime(camera.next_try))}."
    except (OverflowError, ValueError, OSError):  # no moment
        return camera.message

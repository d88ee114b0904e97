"""The dead man's switch: what a client set in motion is stopped at the NVR when its time is over or the client gone.

NVRs differ in whether they stop by themselves, so it is always done here, too. One entry per camera and service (PTZ,
focus); calls of one entry reach the NVR in the order in which they came, so of two clients the last one wins. A mark
that outlives the daemon says what may move: when it was killed, the next one stops that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

from proxyd.errors import ProxyError

from .commands import NvrCall

log = logging.getLogger(__name__)

GONE_AFTER_S = 2.0  # a client that closes each connection may come back to stop, or to move on
FAREWELL_S = 3.0  # for a last stop, when the camera goes
_TRY_S = 5.0
_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0)  # before each try to stop


class NvrCalls(Protocol):
    """The open conversation with one NVR (nvr/link.py)."""

    async def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Any: ...


Mark = Callable[[int, str, NvrCall | None], Awaitable[None]]


async def _no_mark(camera: int, service: str, stop: NvrCall | None) -> None:
    pass


class Motions:
    """Of all cameras. One camera's never waits for another's. `mark(camera, service, stop)` is awaited before something
    may move, with what would stop it, and with None when it stands."""

    def __init__(self, mark: Mark = _no_mark) -> None:
        self._mark = mark
        self._moving: dict[tuple[int, str], _Motion] = {}

    async def call(self, camera: int, call: NvrCall, client: str, link: NvrCalls) -> Any:
        """Makes the call, and sees to its end if it moves something. Raises UpstreamError."""
        if call.stop is None and not call.ends_motion:
            return await link.call(call.service, call.operation, call.parameters)
        return await self._motion(camera, call.service).call(call, client, link)

    def stop_left(self, camera: int, stop: NvrCall, link: NvrCalls) -> None:
        """Somebody before us set it in motion; it is stopped in the background, with several tries."""
        self._motion(camera, stop.service).stop_left(stop, link)

    def _motion(self, camera: int, service: str) -> _Motion:
        mark = partial(self._mark, camera, service)
        return self._moving.setdefault((camera, service), _Motion(camera, mark))

    def client_gone(self, camera: int, client: str) -> None:
        for motion in self._of(camera):
            motion.client_gone(client)

    async def halt(self, camera: int) -> None:
        """Returns within FAREWELL_S or little more, whatever the NVR does."""
        await asyncio.gather(*(motion.halt() for motion in self._of(camera)))
        for key in [key for key in self._moving if key[0] == camera]:
            del self._moving[key]

    def _of(self, camera: int) -> list[_Motion]:
        return [motion for key, motion in self._moving.items() if key[0] == camera]


class _Motion:
    """`_stop` is what would end it, None when nothing moves."""

    def __init__(self, camera: int, mark: Callable[[NvrCall | None], Awaitable[None]]) -> None:
        self._camera = camera
        self._mark = mark
        self._marked: NvrCall | None = None
        self._turn = asyncio.Lock()
        self._latest = 0  # number of the last call that moves or stops
        self._latest_end = 0
        self._stop: NvrCall | None = None
        self._link: NvrCalls | None = None
        self._client = ""
        self._alarm: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def call(self, call: NvrCall, client: str, link: NvrCalls) -> Any:
        self._latest += 1
        number = self._latest
        if call.stop is None:
            self._latest_end = number
        else:
            # Before it is sent: an answer that does not come says nothing of whether the camera moves.
            self._stop, self._link, self._client = call.stop, link, client
            # What moves in another direction meanwhile keeps its time; the NVR is told both.
            self._set_alarm(call.stop_after_s if call.ends_motion else max(call.stop_after_s, self._remaining_s()))
        async with self._turn:
            if call.stop is not None and number < self._latest_end:
                return None  # stopped before it was its turn
            await self._note()
            result = await link.call(call.service, call.operation, call.parameters)
            if call.stop is None and number == self._latest:
                self._forget()
            await self._note()
        return result

    def stop_left(self, stop: NvrCall, link: NvrCalls) -> None:
        if self._stop is None:
            self._stop, self._link, self._marked = stop, link, stop
            self._begin_stop()

    def client_gone(self, client: str) -> None:
        if self._stop is not None and self._client == client and self._alarm is not None:
            self._set_alarm(min(GONE_AFTER_S, self._remaining_s()))

    async def halt(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._stopping is not None:
            self._stopping.cancel()
            await asyncio.gather(self._stopping, return_exceptions=True)
        stop, link = self._stop, self._link
        self._forget()
        if stop is not None and link is not None:
            try:
                async with asyncio.timeout(FAREWELL_S):
                    await link.call(stop.service, stop.operation, stop.parameters)
            except (ProxyError, TimeoutError) as error:
                self._say_moving(error)
                return  # marked still: the next start tries again
        await self._note()

    async def _note(self) -> None:
        """Keeps what would stop it for those who come after us. Moving is worth more than the note."""
        if self._marked == self._stop:
            return
        self._marked = self._stop
        try:
            await self._mark(self._stop)
        except ProxyError as error:
            log.warning("camera %d: not noted whether it moves: %s", self._camera, error)

    def _remaining_s(self) -> float:
        return 0.0 if self._alarm is None else self._alarm.when() - asyncio.get_running_loop().time()

    def _set_alarm(self, after_s: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(max(after_s, 0.0), self._begin_stop)

    def _begin_stop(self) -> None:
        self._alarm = None
        if self._stopping is None or self._stopping.done():
            self._stopping = asyncio.create_task(self._do_stop(), name=f"camera {self._camera}: stop moving")

    async def _do_stop(self) -> None:
        """Until the NVR took it, somebody else has moved or stopped the camera, or enough was tried."""
        failure: Exception = TimeoutError()
        for pause_s in _PAUSES_S:
            await asyncio.sleep(pause_s)
            async with self._turn:
                stop, link, number = self._stop, self._link, self._latest
                if stop is None or link is None or self._alarm is not None:
                    return
                try:
                    async with asyncio.timeout(_TRY_S):
                        await link.call(stop.service, stop.operation, stop.parameters)
                except (ProxyError, TimeoutError) as error:
                    failure = error  # after a refused password the link only says so again, without a login
                    continue
                if number == self._latest:
                    self._forget()
                    await self._note()
                    return
        if self._stop is not None and self._alarm is None:
            self._forget()
            self._say_moving(failure)

    def _say_moving(self, error: Exception) -> None:
        words = str(error) or "the NVR did not answer in time."
        log.warning("camera %d: it may still be moving, it could not be stopped: %s", self._camera, words)

    def _forget(self) -> None:
        self._stop = self._link = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

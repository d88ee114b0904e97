"""The data plane as the daemon sees it: media processes that are kept up, and a place in one for each feed of an NVR.

A process takes feeds until it has enough, then the next one is started, at most one per processor. When a process dies
its feeds and outlets end as lost, and another takes its place at once; if that dies, too, after a growing pause.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from dataclasses import dataclass, field

from proxyd.rtsp.carried import Feed, FeedOwner, Home
from proxyd.rtsp.media_process import MediaSettings, MediaUnavailable

_log = logging.getLogger(__name__)

_CHECK_EVERY_S = 1.0
_PLACE_S = 5.0
_STEADY_S = 10.0  # who ran so long is started again without a pause
_PAUSES_S = (0.1, 0.5, 2.0, 10.0)


@dataclass(frozen=True, slots=True)
class PlaneSettings:
    """`processes`: the most there may be, 0 for one per processor; `feeds_each`: how many feeds one takes before the
    next is started; `outlets_each`: the most recorders that one serves, of all cameras."""

    processes: int = 0
    feeds_each: int = 64
    outlets_each: int = 2048
    media: MediaSettings = field(default_factory=MediaSettings)


class Plane:
    """`start` and `stop` are idempotent. One per daemon."""

    def __init__(self, settings: PlaneSettings | None = None) -> None:
        self._settings = settings or PlaneSettings()
        self._most = self._settings.processes or os.cpu_count() or 1
        self._homes: list[Home] = []
        self._numbers = itertools.count(1)
        self._starting: asyncio.Task[None] | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._died = asyncio.Event()
        self._endings: set[asyncio.Task[None]] = set()
        self._quick_deaths = 0

    @property
    def pids(self) -> list[int]:
        """Of the processes that run."""
        return [home.process.pid for home in self._homes]

    async def start(self) -> None:
        """The first process; if that fails it is tried again, and nothing can be played meanwhile."""
        if self._supervisor is None:
            try:
                await self._add()
            except MediaUnavailable as error:
                _log.error("%s", error)
                self._quick_deaths = 2
                self._died.set()
            self._supervisor = asyncio.create_task(self._supervise(), name="media processes")

    async def stop(self) -> None:
        tasks = [task for task in (self._supervisor, self._starting) if task is not None]
        self._supervisor = self._starting = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        homes, self._homes = self._homes, []
        await asyncio.gather(*(home.process.stop() for home in homes), *self._endings)
        for home in homes:
            home.end_all()

    def kill_all(self) -> None:
        """As a crash of each of them would."""
        for home in self._homes:
            home.process.kill()

    async def feed(self, owner: FeedOwner) -> Feed:
        """A new feed in the process that suits best; `open` follows. Raises MediaUnavailable."""
        home = await self._place()
        feed = Feed(next(self._numbers), owner, home, self._numbers)
        home.feeds[feed.id] = feed
        return feed

    async def _place(self) -> Home:
        """Nothing waits behind the choice: of two who come at once the second sees what the first has taken."""
        while self._supervisor is not None:
            home = min(self._homes, key=lambda home: len(home.feeds), default=None)
            if home is None or (len(home.feeds) >= self._settings.feeds_each and len(self._homes) < self._most):
                starting = self._start_one()
                home = home or await self._first(starting)
            if home.feeds or home.process.awake:  # the supervisor sees to those that have feeds
                return home
            await home.process.ask()
        raise MediaUnavailable("is not started")

    # Processes ----------------------------------------------------------------------------------------------

    async def _first(self, starting: asyncio.Task[None]) -> Home:
        await asyncio.wait([starting], timeout=_PLACE_S)
        if not self._homes:
            raise MediaUnavailable("has just ended")
        return self._homes[0]

    def _start_one(self) -> asyncio.Task[None]:
        """At most one at a time, whoever wants it."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._add(), name="start of a media process")
            self._starting.add_done_callback(self._has_started)
        return self._starting

    async def _add(self) -> None:
        home = Home(self._settings.media, self._settings.outlets_each, self._has_died)
        await home.process.start()
        self._homes.append(home)

    def _has_started(self, task: asyncio.Task[None]) -> None:
        self._starting = None
        if not task.cancelled() and (error := task.exception()):
            _log.warning("%s", error)

    def _has_died(self, home: Home) -> None:
        if home not in self._homes:
            return  # everything stops
        self._homes.remove(home)
        ran_s = asyncio.get_running_loop().time() - home.started_at
        self._quick_deaths = 0 if ran_s >= _STEADY_S else self._quick_deaths + 1
        ending = asyncio.create_task(home.process.stop(), name="end of a media process")
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        self._died.set()
        home.end_all()

    async def _supervise(self) -> None:
        """Another process for each that died, and an end for those that hang."""
        while True:
            try:
                async with asyncio.timeout(_CHECK_EVERY_S):
                    await self._died.wait()
            except TimeoutError:
                for home in list(self._homes):
                    if home.feeds:
                        home.process.check()
                continue
            self._died.clear()
            if self._quick_deaths > 1:
                await asyncio.sleep(_PAUSES_S[min(self._quick_deaths - 2, len(_PAUSES_S) - 1)])
            if self._homes or self._starting is not None:
                continue  # the next one starts when it is needed
            starting = self._start_one()
            await asyncio.wait([starting])
            if starting.cancelled() or starting.exception():
                self._quick_deaths += 1
                self._died.set()

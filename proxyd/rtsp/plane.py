"""The data plane as the daemon sees it: feeds of NVRs and outlets of recorders, in media processes that are kept up.

A process takes feeds until it has enough, then the next one is started, at most one per processor. When a process dies
its feeds and outlets end as lost, and another takes its place at once; if that dies, too, after a growing pause.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from proxyd.media.wire import (
    CloseFeed,
    EndOutlet,
    Event,
    FeedLost,
    FeedMessage,
    FeedStats,
    Leg,
    OpenFeed,
    OpenOutlet,
    OutletEnded,
    OutletStats,
    ParameterSet,
    StartOutlet,
    Stats,
    StopOutlet,
    Track,
    WriteOutlet,
)
from proxyd.rtsp.media_process import MediaProcess, MediaSettings, MediaUnavailable

_log = logging.getLogger(__name__)

PROCESS_ENDED = "process"  # besides the reasons of FeedLost and OutletEnded
_CHECK_EVERY_S = 1.0
_PLACE_S = 5.0
_STEADY_S = 10.0  # who ran so long is started again without a pause
_PAUSES_S = (0.1, 0.5, 2.0, 10.0)
_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class PlaneSettings:
    """`processes`: the most there may be, 0 for one per processor; `feeds_each`: how many feeds one takes before the
    next is started; `outlets_each`: the most recorders that one serves, of all cameras."""

    processes: int = 0
    feeds_each: int = 64
    outlets_each: int = 2048
    media: MediaSettings = field(default_factory=MediaSettings)


class FeedOwner(Protocol):
    """Who hears of a feed."""

    def feed_message(self, data: bytes) -> None:
        """A whole RTSP message of the NVR."""

    def feed_lost(self, why: str) -> None:
        """As in FeedLost; the feed may be opened again. PROCESS_ENDED: it is over, outlets too."""

    def feed_measured(self, before: FeedStats, stats: FeedStats) -> None:
        """About once a second: the last figures and those of now."""

    def feed_parameters(self, track: int, parameter_set: bytes) -> None:
        """A sequence parameter set that differs from the last."""


class OutletOwner(Protocol):
    """Who hears of an outlet."""

    def outlet_ended(self, why: str) -> None:
        """As in OutletEnded, or PROCESS_ENDED; not called for `end`."""

    def outlet_measured(self, before: OutletStats, stats: OutletStats) -> None:
        """About once a second, and before the end: the last figures and those of now."""


class Feed:
    """One stream of an NVR. Commands to a feed whose process is gone do nothing."""

    def __init__(self, id_: int, owner: FeedOwner, home: _Home, numbers: itertools.count[int]) -> None:
        self.id = id_
        self.owner = owner
        self.is_open = False  # connected to the NVR, as far as we know
        self.stats = FeedStats(id_)
        self._home: _Home | None = home
        self._numbers = numbers

    @property
    def alive(self) -> bool:
        return self._home is not None

    def open(
        self, tracks: tuple[Track, ...], cname: str, descriptors: Sequence[int], data: bytes = b"", *, udp: bool = False
    ) -> None:
        """The NVR's sockets, which belong to the media process from now on; again after a loss."""
        self.is_open = True
        self._send(OpenFeed(self.id, tracks, cname, udp, data), descriptors)

    def close(self) -> None:
        """The NVR's sockets are closed; outlets wait for the next `open`."""
        self.is_open = False
        self._send(CloseFeed(self.id))

    def end(self) -> None:
        """With all its outlets."""
        self.is_open = False
        self._send(CloseFeed(self.id, end=True))
        if self._home is not None:
            self._home.feeds.pop(self.id, None)
            self._home = None

    def outlet(self, owner: OutletOwner) -> Outlet:
        """A recorder that is to get this. Raises MediaUnavailable."""
        if self._home is None:
            raise MediaUnavailable("has ended")
        if len(self._home.outlets) >= self._home.most_outlets:
            raise MediaUnavailable(f"serves {self._home.most_outlets} recorders already", "Close some of them.")
        return Outlet(next(self._numbers), self, owner, self._home)

    def process_ended(self) -> None:
        self._home, self.is_open = None, False
        self.owner.feed_lost(PROCESS_ENDED)

    def _send(self, command: OpenFeed | CloseFeed, descriptors: Sequence[int] = ()) -> None:
        if self._home is not None:
            self._home.process.send(command, descriptors)
        else:
            for one in descriptors:
                os.close(one)


class Outlet:
    """One recorder. Commands to an outlet that has ended do nothing."""

    def __init__(self, id_: int, feed: Feed, owner: OutletOwner, home: _Home) -> None:
        self.id = id_
        self.owner = owner
        self.stats = OutletStats(id_)
        self._feed = feed
        self._home = home
        self._ended = asyncio.Event()
        self._asked = False
        home.outlets[id_] = self

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def open(
        self, legs: tuple[Leg, ...], descriptors: Sequence[int] = (), *, udp: bool = False, keep: bool = False
    ) -> None:
        """The recorder's sockets, which belong to the media process from now on. A second time for other legs: a
        connection is not given again, UDP sockets are. `keep` as in OpenOutlet."""
        self._home.process.send(OpenOutlet(self.id, self._feed.id, legs, udp, keep), descriptors)

    def write(self, data: bytes) -> None:
        """An answer, between two packets."""
        for at in range(0, len(data), _ANSWER_BYTES):
            self._send(WriteOutlet(self.id, data[at : at + _ANSWER_BYTES]))

    def start(self, *, at_key: bool) -> None:
        self._send(StartOutlet(self.id, at_key))

    def stop(self) -> None:
        self._send(StopOutlet(self.id))

    async def end(self, wait_s: float) -> None:
        """Its owner hears no more of it. What was written still goes out; returns when the media process has let go of
        the sockets, or after `wait_s`."""
        if not self._asked:
            self._asked = True
            self._send(EndOutlet(self.id))
        try:
            async with asyncio.timeout(wait_s):
                await self._ended.wait()
        except TimeoutError:
            pass  # it forgets them by itself

    def has_ended(self, why: str) -> None:
        self._ended.set()
        if not self._asked:
            self.owner.outlet_ended(why)

    def _send(self, command: WriteOutlet | StartOutlet | StopOutlet | EndOutlet) -> None:
        if not self.ended:
            self._home.process.send(command)


class _Home:
    """A process, and what lives in it."""

    def __init__(self, settings: PlaneSettings, died: Callable[[_Home], None]) -> None:
        self.most_outlets = settings.outlets_each
        self.process = MediaProcess(settings.media, on_event=self._heard, on_end=lambda _: died(self))
        self.started_at = asyncio.get_running_loop().time()
        self.feeds: dict[int, Feed] = {}
        self.outlets: dict[int, Outlet] = {}

    def end_all(self) -> None:
        """The process is gone."""
        outlets, feeds = list(self.outlets.values()), list(self.feeds.values())
        self.outlets.clear()
        self.feeds.clear()
        for outlet in outlets:
            outlet.has_ended(PROCESS_ENDED)
        for feed in feeds:
            feed.process_ended()

    def _heard(self, event: Event) -> None:
        match event:
            case FeedMessage():
                feed = self.feeds.get(event.feed)
                if feed is not None and feed.is_open:
                    feed.owner.feed_message(event.data)
            case FeedLost():
                feed = self.feeds.get(event.feed)
                if feed is not None and feed.is_open:
                    feed.is_open = False
                    feed.owner.feed_lost(event.why)
            case OutletEnded():
                if outlet := self.outlets.pop(event.outlet, None):
                    outlet.has_ended(event.why)
            case ParameterSet():
                if feed := self.feeds.get(event.feed):
                    feed.owner.feed_parameters(event.track, event.data)
            case Stats():
                self._measured(event)

    def _measured(self, event: Stats) -> None:
        for stats in event.feeds:
            if feed := self.feeds.get(stats.feed):
                before, feed.stats = feed.stats, stats
                feed.owner.feed_measured(before, stats)
        for measured in event.outlets:
            if outlet := self.outlets.get(measured.outlet):
                last, outlet.stats = outlet.stats, measured
                outlet.owner.outlet_measured(last, measured)


class Plane:
    """`start` and `stop` are idempotent. One per daemon."""

    def __init__(self, settings: PlaneSettings | None = None) -> None:
        self._settings = settings or PlaneSettings()
        self._most = self._settings.processes or os.cpu_count() or 1
        self._homes: list[_Home] = []
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

    async def _place(self) -> _Home:
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

    async def _first(self, starting: asyncio.Task[None]) -> _Home:
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
        home = _Home(self._settings, self._has_died)
        await home.process.start()
        self._homes.append(home)

    def _has_started(self, task: asyncio.Task[None]) -> None:
        self._starting = None
        if not task.cancelled() and (error := task.exception()):
            _log.warning("%s", error)

    def _has_died(self, home: _Home) -> None:
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

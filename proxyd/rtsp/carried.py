"""What media processes carry: feeds of NVRs, outlets of recorders, and the home of both, which is one process.

A command goes to the process, what that says goes to the owner. When the process ends, everything in it has ended.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Sequence
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

PROCESS_ENDED = "process"  # besides the reasons of FeedLost and OutletEnded
_ANSWER_BYTES = 64 * 1024


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

    def __init__(self, id_: int, owner: FeedOwner, home: Home, numbers: itertools.count[int]) -> None:
        self.id = id_
        self.owner = owner
        self.is_open = False  # connected to the NVR, as far as we know
        self.stats = FeedStats(id_)
        self._home: Home | None = home
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

    def __init__(self, id_: int, feed: Feed, owner: OutletOwner, home: Home) -> None:
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


class Home:
    """A process, and what lives in it."""

    def __init__(self, settings: MediaSettings, most_outlets: int, died: Callable[[Home], None]) -> None:
        self.most_outlets = most_outlets
        self.process = MediaProcess(settings, on_event=self._heard, on_end=lambda _: died(self))
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

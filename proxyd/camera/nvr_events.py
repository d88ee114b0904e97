"""Owner of the event pumps: one for each NVR that has running cameras. Sorts what comes and hands it to the cameras.

Nothing here waits for a camera, and what a camera's recorders do never reaches a pump.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from proxyd.nvr.events.mapper import CLEAR_AFTER_S, EventMapper, Told
from proxyd.nvr.events.parse import NvrEvent
from proxyd.nvr.events.pump import EventPump, Standing
from proxyd.nvr.link import NvrLink
from proxyd.store.rows import CameraRow

from .events import CameraEvent
from .features import ChannelFeatures, ChannelTokens
from .spec import NvrAccess

log = logging.getLogger(__name__)

MAX_HISTORY = 200  # events kept per camera, to look at
_SCAN_AGAIN = "Scan this NVR again: it is not known yet by which names its events call the channels."


@dataclass(frozen=True, slots=True)
class Followed:
    """One NVR. `cameras` are all of its cameras; events are fetched while some of them run."""

    access: NvrAccess
    cameras: Mapping[int, ChannelTokens]
    running: bool
    single: bool = False  # it has one channel
    others: Sequence[ChannelTokens] = ()  # channels without a camera


@dataclass(frozen=True, slots=True)
class EventsChange:
    """Events of an NVR come otherwise than before. `words` for the UI; `warning`: somebody should do something."""

    nvr_id: int
    words: str
    warning: bool


def followed(
    rows: Iterable[CameraRow], running: Collection[int], others: Mapping[int, Sequence[ChannelFeatures]]
) -> dict[int, Followed]:
    """What the store says about whom to follow; `others`: channels without a camera, by NVR."""
    by_nvr: dict[int, list[CameraRow]] = {}
    for row in rows:
        if row.nvr.kind == "onvif":
            by_nvr.setdefault(row.nvr_id, []).append(row)
    return {
        nvr_id: Followed(
            cameras[0].nvr.access,
            {row.id: row.features.tokens for row in cameras},
            any(row.id in running for row in cameras),
            cameras[0].nvr.channels == 1,
            [features.tokens for features in others.get(nvr_id, ())],
        )
        for nvr_id, cameras in by_nvr.items()
    }


class NvrEvents:
    """`deliver` is called for each event of a camera, whether it runs or not. What a device never ends is ended
    `clear_after_s` after it was said last."""

    def __init__(
        self,
        *,
        link: Callable[[int], NvrLink],
        deliver: Callable[[int, CameraEvent], None],
        report: Callable[[int, Exception | None], None],
        clear_after_s: float = CLEAR_AFTER_S,
    ) -> None:
        self._link = link
        self._deliver = deliver
        self._report = report
        self._clear_after_s = clear_after_s
        self._feeds: dict[int, _Feed] = {}
        self._history: dict[int, deque[CameraEvent]] = {}

    async def drop(self, accesses: Mapping[int, NvrAccess]) -> None:
        """Ends the pumps of NVRs that are gone or have another account or address: before their link does."""
        gone = [id_ for id_, feed in self._feeds.items() if accesses.get(id_) != feed.access]
        await asyncio.gather(*(self._feeds.pop(id_).pump.stop() for id_ in gone))

    async def follow(self, nvrs: Mapping[int, Followed]) -> None:
        """Starts and stops pumps, and tells them which cameras there are. Call `drop` first."""
        idle = [id_ for id_ in self._feeds if id_ not in nvrs or not nvrs[id_].running]
        await asyncio.gather(*(self._feeds.pop(id_).pump.stop() for id_ in idle))
        for id_, nvr in nvrs.items():
            if nvr.running:
                feed = self._feeds.get(id_)
                if feed is None:
                    mapper = EventMapper(self._clear_after_s)
                    feed = self._feeds[id_] = _Feed(id_, nvr.access, self._link(id_), mapper, self._take, self._report)
                    feed.pump.start()
                feed.mapper.follow(nvr.cameras, nvr.others, single=nvr.single)
        cameras = {camera for nvr in nvrs.values() for camera in nvr.cameras}
        for camera in self._history.keys() - cameras:
            del self._history[camera]

    async def stop(self) -> None:
        feeds, self._feeds = self._feeds, {}
        await asyncio.gather(*(feed.pump.stop() for feed in feeds.values()))

    def wake(self, nvr_id: int) -> None:
        """The NVR may answer differently now: ask it at once."""
        if feed := self._feeds.get(nvr_id):
            feed.pump.wake()

    def tend(self) -> None:
        """To be called about once a second: ends what no device ends."""
        for feed in self._feeds.values():
            self._take(feed.mapper.expire(_utc(), time.monotonic()))

    def present(self, nvr_id: int, camera: int) -> list[CameraEvent]:
        """How things stand, for a camera that starts only now."""
        feed = self._feeds.get(nvr_id)
        return feed.mapper.present(camera, _utc()) if feed else []

    def standing(self, nvr_id: int) -> Standing | None:
        """How events come from an NVR; None while none of its cameras runs."""
        feed = self._feeds.get(nvr_id)
        return feed.pump.standing if feed else None

    def note(self, nvr_id: int) -> str:
        """What is wrong with the events of an NVR although they come; "" when all is well."""
        feed = self._feeds.get(nvr_id)
        return feed.note if feed else ""

    def words(self, nvr_id: int) -> str:
        """All of it in one, with what no camera can tell; "" while none of its cameras runs."""
        feed = self._feeds.get(nvr_id)
        return "; ".join(filter(None, (str(feed.pump.standing), feed.note, feed.mapper.aside))) if feed else ""

    def changes(self) -> list[EventsChange]:
        """What is told otherwise than at the last call."""
        found = []
        for nvr_id, feed in self._feeds.items():
            words = self.words(nvr_id)
            if words != feed.told and feed.pump.standing.mode != "starting":
                feed.told = words
                found.append(EventsChange(nvr_id, words, bool(feed.note) or feed.pump.standing.refused))
        return found

    def history(self, camera: int) -> list[CameraEvent]:
        """The last events of a camera, oldest first."""
        return list(self._history.get(camera, ()))

    def last(self, camera: int) -> CameraEvent | None:
        kept = self._history.get(camera)
        return kept[-1] if kept else None

    def _take(self, told: list[Told]) -> None:
        for camera, event in told:
            if event.operation == "Changed":
                self._history.setdefault(camera, deque(maxlen=MAX_HISTORY)).append(event)
            self._deliver(camera, event)


class _Feed:
    """One NVR's pump with its mapper; the pump's listener."""

    def __init__(
        self,
        nvr_id: int,
        access: NvrAccess,
        link: NvrLink,
        mapper: EventMapper,
        take: Callable[[list[Told]], None],
        report: Callable[[int, Exception | None], None],
    ) -> None:
        self.nvr_id = nvr_id
        self.access = access
        self.told = ""
        self.mapper = mapper
        self._link = link
        self._take = take
        self._report = report
        self.pump = EventPump(link, f"nvr {nvr_id}", self)

    @property
    def note(self) -> str:
        return self.mapper.note or ("" if self.mapper.knows_channels else _SCAN_AGAIN)

    def begin(self) -> None:
        self.mapper.begin(time.monotonic())

    def heard(self, events: list[NvrEvent]) -> None:
        self._take(self.mapper.take(events, _utc(), time.monotonic(), self._link.clock_offset_s))

    def lost(self) -> None:
        self.mapper.lost(time.monotonic())

    def stands(self, standing: Standing) -> None:
        log.info("nvr %d: events: %s", self.nvr_id, standing)

    def report(self, error: Exception | None) -> None:
        self._report(self.nvr_id, error)


def _utc() -> datetime:
    return datetime.now(UTC)

"""Pictures of cameras: the NVR's, else one made of a key frame, else the fallback picture. Never an error, never a long
wait.

One fetch at a time per camera and few per NVR; results live for a moment, so that many recorders cost one fetch.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import aiohttp

from proxyd.camera.spec import CameraSpec, NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError, UpstreamUnreachable

from .cache import Outcome, PictureCache
from .decoding import Decoder
from .fallback import fallback_picture, fallback_size, picture_size
from .from_stream import Looks, StreamPictures
from .http import NoConnection, get_picture, open_session
from .image import NotAPicture, as_jpeg, within
from .picture import SnapshotPicture

log = logging.getLogger(__name__)

_PER_NVR = 4  # small NVRs answer with errors when asked for more at once
_IMAGES_AT_ONCE = 2  # decoding holds up to 100 MB for a moment
_MAX_NVRS = 256
_OLDEST_S = 30.0
_MAX_TOLD = 4096
_FROM_NVR = "from the NVR"


@dataclass(frozen=True, slots=True)
class SnapshotLimits:
    deadline_s: float = 8.0  # one fetch, and how long a caller waits at most
    fresh_s: float = 1.0  # at least; what took longer, because many ask at once, counts for as long as it took
    failed_s: float = 2.0  # how long a failure counts, so that a dead NVR is not asked by every request


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a picture comes from, and how large it shall be: another address or account is another source."""

    camera: int
    url: str = field(repr=False)
    access: NvrAccess
    size: tuple[int, int] | None


@dataclass(slots=True)
class _Nvr:
    """What is known about one NVR's account. `accepted`: it gave a picture, so a refusal concerns one channel.
    `works`: the last one came."""

    access: NvrAccess
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PER_NVR))
    # Held by each fetch until one was accepted: four wrong passwords at once could lock the account.
    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    down_until: float = 0.0
    accepted: bool = False
    works: bool = False
    refused: bool = False
    refused_urls: set[str] = field(default_factory=set, repr=False)
    failures: dict[int, str] = field(default_factory=dict)  # by camera: why its last picture did not come


class SnapshotSource:
    """Shared by all cameras. `report(nvr_id, error)` hears what every fetch saw of the NVR: None when it worked."""

    def __init__(
        self,
        *,
        report: Callable[[int, Exception | None], None] | None = None,
        limits: SnapshotLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        decoder: Decoder | None = None,
    ) -> None:
        self._report = report
        self._limits = limits or SnapshotLimits()
        self._clock = clock
        self._cache = PictureCache()
        self._fetches: dict[_Source, asyncio.Task[Outcome]] = {}
        self._nvrs: OrderedDict[int, _Nvr] = OrderedDict()
        self._images = asyncio.Semaphore(_IMAGES_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._streams = StreamPictures(self._as_jpeg, clock, decoder)
        self._told: OrderedDict[int, str] = OrderedDict()  # by camera
        self._closed = False

    async def picture(self, spec: CameraSpec, looks: Looks | None = None) -> SnapshotPicture:
        """In the size of the main stream, at most `fresh_s` old, or as old as it took to get: from the NVR, else of a
        stream that `looks` reads; the fallback picture when there is none within the deadline."""
        try:
            async with asyncio.timeout(self._limits.deadline_s):
                outcome, told = await self._taken(spec, looks)
        except TimeoutError:
            outcome, told = None, "none came in time"
        self._told[spec.id] = told if outcome is not None or not told else f"none: {told}"
        self._told.move_to_end(spec.id)
        if len(self._told) > _MAX_TOLD:
            self._told.popitem(last=False)
        if outcome is not None:
            return outcome
        width, height = fallback_size(spec)
        async with self._images:
            return await asyncio.to_thread(fallback_picture, spec.name, width, height)

    async def within(self, picture: SnapshotPicture, max_width: int | None) -> tuple[SnapshotPicture, int, int]:
        """`picture`, made smaller where it is wider than that, and the width and height that it has itself."""
        async with self._images:
            data, width, height = await asyncio.to_thread(within, picture.data, max_width)
        return (picture if data is picture.data else replace(picture, data=data)), width, height

    def told(self, camera: int) -> str:
        """Where the camera's last picture came from, or why there was none; "" before the first."""
        return self._told.get(camera, "")

    def forget_refusals(self, nvr_id: int) -> None:
        """The user did something about the account (or entered the same one again): it may be tried once more."""
        self._nvrs.pop(nvr_id, None)

    async def close(self) -> None:
        """Ends all fetches; later calls get the fallback picture. Idempotent."""
        self._closed = True
        fetches = list(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)
        await self._streams.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _taken(self, spec: CameraSpec, looks: Looks | None) -> tuple[Outcome, str]:
        """A picture and where it is from, or none and why."""
        if self._closed:
            return None, ""
        outcome, told, may_open = None, "the NVR offers none", True
        if spec.snapshot_upstream:
            # Who has to wait for the NVR shall have time left to look at the stream.
            wait_s = self._limits.deadline_s / (1 if looks is None else 2)
            outcome, told, may_open = await self._from_nvr(spec, wait_s)
        if outcome is not None or looks is None:
            return outcome, told
        taken = await self._streams.picture(spec.id, picture_size(spec), looks, may_open=may_open)
        return taken.picture, taken.told if taken.picture is not None else f"{told}. {taken.told}"

    async def _from_nvr(self, spec: CameraSpec, wait_s: float) -> tuple[Outcome, str, bool]:
        """A picture and where it is from, or none and why, and whether a stream may be opened instead: not with a
        password that was just refused, and not by all who wait when many ask at once."""
        assert spec.snapshot_upstream is not None
        source = _Source(spec.id, spec.snapshot_upstream, spec.nvr, picture_size(spec))
        fresh, outcome = self._cache.get(source, now=self._clock())
        nvr = self._nvr(spec)
        if fresh:
            return outcome, _FROM_NVR if outcome is not None else nvr.failures.get(spec.id, ""), not nvr.refused
        if nvr.refused:
            return None, "the NVR refused the password", False
        if source.url in nvr.refused_urls or self._clock() < nvr.down_until:
            return None, nvr.failures.get(spec.id, "the NVR does not answer"), True
        fetch = self._fetches.get(source)
        if fetch is None:
            fetch = asyncio.create_task(self._fetch(spec, source, nvr), name=f"snapshot of camera {spec.id}")
            self._fetches[source] = fetch
            fetch.add_done_callback(lambda _: self._fetches.pop(source, None))
        # wait() leaves the fetch alone when this caller is cancelled: others may wait for it.
        done, _ = await asyncio.wait({fetch}, timeout=wait_s)
        outcome = fetch.result() if done and not fetch.cancelled() else None
        if outcome is not None:
            return outcome, _FROM_NVR, True
        known = nvr.failures.get(spec.id)
        return None, known or "the NVR is slow", known is not None and not nvr.refused

    async def _fetch(self, spec: CameraSpec, source: _Source, nvr: _Nvr) -> Outcome:
        """Never raises, except when cancelled."""
        asked_at = self._clock()
        if not nvr.accepted:
            async with nvr.first:
                if not nvr.accepted:
                    return await self._fetch_now(spec, source, nvr, asked_at)
        async with nvr.slots:
            return await self._fetch_now(spec, source, nvr, asked_at)

    async def _fetch_now(self, spec: CameraSpec, source: _Source, nvr: _Nvr, asked_at: float) -> Outcome:
        now = self._clock()
        # While this one stood in line another fetch may have met trouble. Its callers may be gone; while pictures come
        # it is got for those who ask again: else the last in line would never have theirs.
        late = now - asked_at >= self._limits.deadline_s
        if nvr.refused or now < nvr.down_until or (late and not nvr.works):
            return None
        outcome: Outcome = None
        error: UpstreamError | None = None
        try:
            data = await self._ask(source)
            outcome = await self._made(data, source)
            nvr.accepted = nvr.works = True
            nvr.failures.pop(spec.id, None)
        except UpstreamError as caught:
            error = self._note(caught, source, nvr)
            log.debug("camera %d: no picture: %s", spec.id, error)
            nvr.works = False
            nvr.failures[spec.id] = error.message.rstrip(".")
        now = self._clock()
        took_s = min(now - asked_at, _OLDEST_S)
        lifetime_s = self._limits.failed_s if outcome is None else max(self._limits.fresh_s, took_s)
        self._cache.put(source, outcome, now=now, lifetime_s=lifetime_s)
        if self._report is not None:
            self._report(spec.nvr_id, error)
        return outcome

    async def _ask(self, source: _Source) -> bytes:
        try:
            async with asyncio.timeout(self._limits.deadline_s):
                if self._session is None:
                    self._session = open_session()
                return await get_picture(self._session, source.url, source.access)
        except TimeoutError:
            raise UpstreamUnreachable(
                f"{source.access.host} gave no picture within {self._limits.deadline_s:g} s.",
                "Check its load and network.",
            ) from None

    async def _made(self, data: bytes, source: _Source) -> SnapshotPicture:
        """In line with all others, which is nothing to reproach the NVR with: so it has no part in its deadline."""
        try:
            return SnapshotPicture("image/jpeg", await self._as_jpeg(data, source.size))
        except NotAPicture as error:
            raise UpstreamProtocolError(
                f"{source.access.host} sent {error} instead of a picture.",
                "Look at the channel's picture on its web page.",
            ) from None

    async def _as_jpeg(self, data: bytes, size: tuple[int, int] | None) -> bytes:
        """Raises NotAPicture."""
        async with self._images:
            return await asyncio.to_thread(as_jpeg, data, size)

    def _note(self, error: UpstreamError, source: _Source, nvr: _Nvr) -> UpstreamError:
        """Remembers refusals: asking again with the same account would count towards the NVR's lock-out."""
        if isinstance(error, UpstreamAuthError):
            if nvr.accepted:
                nvr.refused_urls.add(source.url)
                return UpstreamError(error.message, "The user may lack the right to see this channel.")
            nvr.refused = True
        if isinstance(error, NoConnection):
            nvr.down_until = self._clock() + self._limits.failed_s
        return error

    def _nvr(self, spec: CameraSpec) -> _Nvr:
        known = self._nvrs.get(spec.nvr_id)
        if known is None or known.access != spec.nvr:
            known = self._nvrs[spec.nvr_id] = _Nvr(spec.nvr)
        self._nvrs.move_to_end(spec.nvr_id)
        if len(self._nvrs) > _MAX_NVRS:
            self._nvrs.popitem(last=False)
        return known

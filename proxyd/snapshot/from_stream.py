"""Pictures made of key frames: one at a time per camera, kept for a moment, and never an error.

For cameras whose NVR gives no picture. Getting one may take long (the stream has to be opened, and its next key frame
waited for), so it goes on when its callers have gone, and those who ask again have it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from proxyd.camera.spec import Codec
from proxyd.errors import ProxyError

from .cache import PictureCache
from .decoding import Decoder, NotDecoded
from .image import NotAPicture
from .picture import SnapshotPicture
from .stream_look import Look, NoDecoder

_log = logging.getLogger(__name__)

_DEADLINE_S = 20.0  # some encoders make a key frame every ten seconds
_TRIES = 3  # key frames that cannot be decoded
_FRESH_S = 1.0
_OLDEST_S = 30.0
_FAILED_S = 10.0
_MAX_TOLD = 4096
_WITHOUT_DECODER: tuple[Codec, ...] = ("JPEG",)
_WITH_DECODER: tuple[Codec, ...] = ("H264", "H265", "JPEG")


class Looks(Protocol):
    """Who can look at the streams of a camera; as StreamLook."""

    async def look(self, codecs: tuple[Codec, ...], *, may_open: bool) -> Look: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture and `told`: where it is from; or none and why."""

    picture: SnapshotPicture | None
    told: str


_Key = tuple[int, tuple[int, int] | None]  # camera, size


class StreamPictures:
    """`as_jpeg(data, size)` checks a picture and gives it that size; raises NotAPicture."""

    def __init__(
        self,
        as_jpeg: Callable[[bytes, tuple[int, int] | None], Awaitable[bytes]],
        clock: Callable[[], float],
        decoder: Decoder | None = None,
    ) -> None:
        self._as_jpeg = as_jpeg
        self._clock = clock
        self._decoder = decoder or Decoder()
        self._cache = PictureCache(max_bytes=32 * 1024 * 1024)
        self._told: OrderedDict[int, str] = OrderedDict()  # by camera
        self._fetches: dict[tuple[_Key, bool], asyncio.Task[Taken]] = {}
        self._warned = False

    async def picture(self, camera: int, size: tuple[int, int] | None, looks: Looks, *, may_open: bool) -> Taken:
        """Without `may_open` only from a stream that runs. Takes as long as it takes: callers have their deadline."""
        key, now = (camera, size), self._clock()
        picture = self._cache.get(key, now=now)[1]
        if picture is not None or self._cache.get((key, may_open), now=now)[0]:
            return Taken(picture, self._told.get(camera, ""))
        fetch = self._fetches.get((key, may_open))
        if fetch is None:
            fetch = asyncio.create_task(self._fetch(key, looks, may_open), name=f"key frame of camera {camera}")
            self._fetches[key, may_open] = fetch
            fetch.add_done_callback(lambda _: self._fetches.pop((key, may_open), None))
        # wait() leaves the fetch alone when this caller is cancelled: others may wait for it.
        await asyncio.wait({fetch})
        return fetch.result() if not fetch.cancelled() else Taken(None, "")

    async def close(self) -> None:
        """Idempotent."""
        fetches = list(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)
        await self._decoder.close()

    async def _fetch(self, key: _Key, looks: Looks, may_open: bool) -> Taken:
        """Never raises, except when cancelled."""
        asked_at = self._clock()
        try:
            async with asyncio.timeout(_DEADLINE_S):
                taken = await self._made(key[1], looks, may_open)
        except TimeoutError:
            taken = Taken(None, f"no key frame came within {_DEADLINE_S:g} s")
        except NoDecoder as error:
            taken = Taken(None, str(error))  # with what to install
        except ProxyError as error:
            taken = Taken(None, error.message)
        except (NotDecoded, NotAPicture) as error:
            taken = Taken(None, f"its key frame is of no use: {error}")
        now = self._clock()
        if taken.picture is None:
            self._cache.put((key, may_open), None, now=now, lifetime_s=_FAILED_S)
            _log.debug("camera %d: no key frame: %s", key[0], taken.told)
        else:
            lifetime_s = max(_FRESH_S, min(now - asked_at, _OLDEST_S))
            self._cache.put(key, taken.picture, now=now, lifetime_s=lifetime_s)
        self._told[key[0]] = taken.told
        if len(self._told) > _MAX_TOLD:
            self._told.popitem(last=False)
        return taken

    async def _made(self, size: tuple[int, int] | None, looks: Looks, may_open: bool) -> Taken:
        """Of a key frame that can be decoded; one that cannot is given up for the next."""
        codecs = _WITH_DECODER if self._decoder.available else _WITHOUT_DECODER
        for left in reversed(range(_TRIES)):
            look = await self._look(looks, codecs, may_open)
            try:
                data = look.frame.data
                if look.frame.codec != "JPEG":
                    data = await self._decoder.jpeg(look.frame, size)
                picture = SnapshotPicture("image/jpeg", await self._as_jpeg(data, size))
            except (NotDecoded, NotAPicture):
                if not left:
                    raise
            else:
                return Taken(picture, f"from a key frame of the {look.stream} stream")
        raise AssertionError("the last try raises")

    async def _look(self, looks: Looks, codecs: tuple[Codec, ...], may_open: bool) -> Look:
        try:
            return await looks.look(codecs, may_open=may_open)
        except NoDecoder as error:
            if not self._warned:
                self._warned = True
                _log.warning("%s", error)
            raise

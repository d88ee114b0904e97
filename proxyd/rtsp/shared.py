"""One stream of the NVR for all recorders that want it: opened, ended, and fetched again when it is lost.

The first who asks opens it, and for a while after the last one it goes on. What is asked of it at the same time is done
once. Recorders keep their sessions while a lost stream is fetched again, up to a limit.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from proxyd.camera.spec import NvrAccess, StreamSpec
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError
from proxyd.media.wire import Leg
from proxyd.rtsp.carried import Feed
from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.headers import RtpInfo
from proxyd.rtsp.media_process import MediaUnavailable
from proxyd.rtsp.once import Cancelled, Once
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.upstream_feed import UpstreamFeed

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

StreamError = UpstreamError | MediaUnavailable


class Holder(Protocol):
    """A recorder that has the stream."""

    @property
    def playing(self) -> bool: ...

    def stream_interrupted(self, error: UpstreamError) -> None:
        """It is fetched again; the session stays."""

    def stream_resumed(self, after_s: float) -> None: ...

    def stream_ended(self, error: StreamError) -> None:
        """It does not come back by itself."""


class SharedStream:
    """`ended` is called once, when nothing of it is left. What waits for the NVR raises StreamError."""

    def __init__(
        self, context: CameraContext, stream: StreamSpec, ended: Callable[[SharedStream], None], *, linger_s: float
    ) -> None:
        self.stream = stream
        self.access = context.spec.nvr
        self.audio = context.spec.settings.audio
        self._context = context
        self._ended = ended
        self._linger_s = linger_s
        self._loop = asyncio.get_running_loop()
        self._name = f"camera {context.spec.id} {stream.name}"
        self._figures = context.figures_of(stream.name)
        self._holders: dict[Holder, None] = {}
        self._source = UpstreamFeed(context, self._figures, self._upstream_lost, self._process_ended)
        self._lost_at: float | None = None  # the stream is fetched again
        self._once = Once(self._name, self._step_failed)
        self._restoring: asyncio.Task[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """It ends, or has ended: another one has to be made."""
        return self._closing is not None

    @property
    def usable(self) -> bool:
        """The NVR's session stands, or is fetched again."""
        return not self.over and (self.interrupted or self._source.usable)

    @property
    def interrupted(self) -> bool:
        return self._lost_at is not None

    @property
    def begun(self) -> bool:
        """Packets flow or are about to: who comes now begins with a key frame."""
        return self._source.begun or self.interrupted

    @property
    def is_played(self) -> bool:
        return any(holder.playing for holder in self._holders)

    def matches(self) -> bool:
        """Whether it is what the camera's spec says now."""
        spec = self._context.spec
        stream = spec.stream(self.stream.name)
        return (
            stream is not None
            and stream.upstream_url == self.stream.upstream_url
            and spec.nvr == self.access
            and spec.settings.audio == self.audio
        )

    # What recorders ask for -----------------------------------------------------------------------------------

    def hold(self, holder: Holder) -> None:
        """It stays at least until `release`."""
        self._holders[holder] = None
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    async def release(self, holder: Holder) -> None:
        """The last one ends it, after the linger; without one this returns when it has ended."""
        self._holders.pop(holder, None)
        if self._holders or self.over:
            if self._closing is not None:
                await asyncio.shield(self._closing)
            return
        if self._linger_s > 0 and self._source.opened and not self.interrupted:
            self._linger = self._loop.call_later(self._linger_s, self._close)
        else:
            await asyncio.shield(self._close())

    async def describe(self) -> list[Media]:
        """The tracks; from memory while it runs."""
        if not self.interrupted and not self._source.usable:
            await self._do_once("open", self._open)
        return self._source.media

    async def setup(self, track: int) -> None:
        """All tracks are set up at the NVR at once: which ones the next recorder wants nobody knows."""
        if not self.interrupted and not self._source.is_set_up:
            await self._do_once("setup", self._set_up_all)
        if error := self._source.track_errors.get(track):
            raise error

    async def ready(self) -> Feed:
        """The feed, to which an outlet may be added: nothing flows yet unless `begun`."""
        if not self.interrupted and not self._source.connected:
            await self._do_once("ready", self._make_ready)
        if self._source.feed is None:
            raise MediaUnavailable("has just ended")
        return self._source.feed

    def legs(self, channels: dict[int, tuple[int, int]]) -> tuple[Leg, ...]:
        """For an outlet: our track number → the recorder's channels. In the order of `channels`."""
        return self._source.legs(channels)

    async def begin(self) -> dict[int, RtpInfo]:
        """Packets flow when this returns; by track what the NVR says of the first ones, if that is what comes out."""
        if self.interrupted or (self._source.begun and "begin" not in self._once):
            return {}
        self._source.begun = True
        information = await self._do_once("begin", self._source.play)
        return information if self._source.connections == 1 else {}

    async def pause(self) -> None:
        """One recorder has paused: the NVR does, too, when nobody plays. One that cannot goes on, for nobody."""
        if self._source.playing and not self.interrupted and not self.is_played:
            await self._do_once("pause", self._source.pause)

    async def close(self) -> None:
        """Ends it for all, with TEARDOWN; bounded."""
        await asyncio.shield(self._close())

    # Steps, each at most once at a time -------------------------------------------------------------------------

    async def _do_once(self, name: str, step: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        if self.over:
            raise _just_ended()
        try:
            return await self._once.do(name, step)
        except Cancelled:
            raise _just_ended() from None

    def _step_failed(self, error: BaseException) -> None:
        if isinstance(error, UpstreamError):
            self._context.opener.failed(error, self.access)

    async def _open(self) -> None:
        await self._source.drop()
        async with self._context.opener.login(self.stream, audio=self.audio) as upstream:
            if not self._source.continues(upstream):
                self._end_all(self._changed())
                raise self._changed()
            self._source.take(upstream)

    async def _set_up_all(self) -> None:
        await self.describe()
        await self._source.set_up()

    async def _make_ready(self) -> None:
        if not self._source.usable or not self._source.is_set_up:
            await self._do_once("setup", self._set_up_all)
        await self._source.connect()

    # Loss and return --------------------------------------------------------------------------------------------

    def _process_ended(self) -> None:
        self._end_all(MediaUnavailable("has ended"))

    def _upstream_lost(self, error: UpstreamError, access: NvrAccess) -> None:
        if self.over or self.interrupted:
            return
        self._context.opener.failed(error, access)
        if not self._source.playing:
            return  # the next request opens it again, or the one under way fails of it
        self._context.report(error)
        if not self.is_played or isinstance(error, UpstreamAuthError):
            self._end_all(error)
            return
        self._lost_at = self._loop.time()
        self._restoring = asyncio.create_task(self._restore(error), name=f"restore {self._name}")
        for holder in list(self._holders):
            holder.stream_interrupted(error)

    async def _restore(self, error: StreamError) -> None:
        """Tries to get the stream again, at growing distances, as long as recorders keep their sessions."""
        limits = self._context.limits
        assert self._lost_at is not None
        lost_at, pause_s = self._lost_at, limits.reconnect_s[0]
        try:
            async with asyncio.timeout_at(lost_at + limits.keep_s):
                while True:
                    await self._source.drop()
                    await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
                    pause_s = min(pause_s * 2, limits.reconnect_s[1])
                    try:
                        await self._fetch_again()
                        break
                    except (UpstreamAuthError, _Changed):
                        raise
                    except (UpstreamError, MediaUnavailable) as why:
                        error = why
                        _log.debug("%s: not yet: %s", self._name, why)
        except TimeoutError:
            self._give_up(error)
        except (UpstreamAuthError, _Changed) as why:
            self._give_up(why)
        else:
            self._lost_at = None
            self._figures.reconnects += 1
            self._context.report(None)
            for holder in list(self._holders):
                holder.stream_resumed(self._loop.time() - lost_at)

    def _give_up(self, error: StreamError) -> None:
        if isinstance(error, UpstreamError):
            self._context.report(error)  # not always what it was lost with: the password may be wrong by now
        self._end_all(error)

    async def _fetch_again(self) -> None:
        """The same stream, connected again, and packets come. Raises StreamError."""
        numbers = self._source.numbers
        async with self._context.opener.login(self.stream, audio=self.audio, patient=True) as upstream:
            if not self._source.continues(upstream):
                raise self._changed()
            self._source.take(upstream)
            await self._source.set_up()
            await self._source.connect()
            if self._source.numbers != numbers:
                raise self._changed()
            await self._source.play()
        await self._source.first_packets()

    def _changed(self) -> _Changed:
        return _Changed(
            f"{self.access.host} sends another kind of video or sound now.",
            "Recorders have to connect again to learn it; most do so by themselves.",
        )

    # The end ------------------------------------------------------------------------------------------------------

    def _end_all(self, error: StreamError) -> None:
        holders = list(self._holders)
        self._close()
        for holder in holders:
            holder.stream_ended(error)

    def _close(self) -> asyncio.Task[None]:
        if self._closing is None:
            self._closing = asyncio.create_task(self._finish(), name=f"end {self._name}")
        return self._closing

    async def _finish(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        if self._restoring is not None:
            self._restoring.cancel()
            await asyncio.gather(self._restoring, return_exceptions=True)
        await self._once.cancel()
        try:
            await self._source.drop()
        finally:
            self._source.end()
            self._ended(self)


def _just_ended() -> UpstreamError:
    return UpstreamError("The stream has just ended.", "The recorder has to connect again.")


class _Changed(UpstreamProtocolError):
    """The stream came back as another one."""

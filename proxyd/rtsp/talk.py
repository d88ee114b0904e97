"""What one recorder says, from its first packet until it is silent: a session at the NVR."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from proxyd.allowance import Allowance
from proxyd.camera.spec import StreamSpec
from proxyd.errors import UpstreamAuthError, UpstreamError
from proxyd.rtsp.backchannel import same_ways
from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.upstream import Upstream
from proxyd.rtsp.upstream_errors import MayNotSpeak

_MOST_BYTES_PER_S = 128 * 1024  # more than the widest codec has
_MOST_WAITING_BYTES = 16 * 1024  # until the NVR's session is open: two seconds of G.711


class Talker(Protocol):
    """A recorder that may speak."""

    def talk_begun(self) -> None:
        """The NVR hears it."""

    def talk_over(self, packets: int, dropped: int) -> None:
        """It is silent or gone, or the NVR ended it, and another may speak."""

    def talk_failed(self, error: UpstreamError) -> None:
        """The NVR does not hear it; it is tried again while the recorder goes on speaking."""


@dataclass(frozen=True, slots=True)
class Way:
    """Track `number` of those that the NVR described for `stream`."""

    stream: StreamSpec
    media: list[Media]
    number: int


class Talk:
    """Begins at once; `task` ends with it. Then `failed` says whether the NVR was the reason, `forbidden` whether it
    does not let this account speak, and `changed` whether it does not take the same kinds of sound any more. `packets`
    went to the NVR, `dropped` did not."""

    def __init__(self, context: CameraContext, talker: Talker, way: Way) -> None:
        self.talker = talker
        self.way = way
        self.failed = self.forbidden = self.changed = False
        self.packets = self.dropped = 0
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._allowance = Allowance(_MOST_BYTES_PER_S)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._upstream: Upstream | None = None  # that takes packets
        self._said_at = self._loop.time()
        self._over = asyncio.Event()
        self._error: UpstreamError | None = None
        self.task = asyncio.create_task(self._run(), name=f"talk camera {context.spec.id} {way.stream.name}")

    def say(self, packet: bytes, now: float) -> None:
        """One RTP packet; dropped when there is too much, here or in the NVR's connection."""
        self._said_at = now
        if not self._allowance.take(len(packet), now):
            self.dropped += 1
        elif self._upstream is not None:
            self._send(self._upstream, packet)
        elif self._waiting_bytes + len(packet) <= _MOST_WAITING_BYTES:
            self._waiting.append(packet)
            self._waiting_bytes += len(packet)
        else:
            self.dropped += 1

    def finish(self) -> None:
        """Nothing more is said: it ends when what was said is with the NVR."""
        self._over.set()

    def _send(self, upstream: Upstream, packet: bytes) -> None:
        if upstream.send(self.way.number, packet):
            self.packets += 1
        else:
            self.dropped += 1

    async def _run(self) -> None:
        upstream: Upstream | None = None
        access = self._context.spec.nvr
        try:
            async with self._context.opener.login(self.way.stream, back=True) as upstream:
                upstream.on_lost = self._upstream_lost
                if not same_ways(self.way.media, upstream.media):
                    self.changed = True
                    raise UpstreamError(
                        f"{access.host} takes other kinds of sound now, or none.", "The recorder has to connect again."
                    )
                await upstream.setup(self.way.number)
                await upstream.play()
            self.talker.talk_begun()
            for packet in self._waiting:
                self._send(upstream, packet)
            self._waiting.clear()
            self._upstream = upstream
            await self._until_silent()
            if self._error is not None:
                raise self._error
        except (UpstreamAuthError, MayNotSpeak):
            self.forbidden = True
            self.talker.talk_failed(MayNotSpeak(access.host))
        except UpstreamError as error:
            self.failed = True
            self._context.opener.failed(error, access)
            self.talker.talk_failed(error)
        finally:
            self._upstream = None
            if upstream is not None:
                await upstream.close()

    async def _until_silent(self) -> None:
        """Or until the NVR ends it."""
        while (rest_s := self._said_at + self._context.limits.silent_talk_s - self._loop.time()) > 0:
            try:
                async with asyncio.timeout(rest_s):
                    await self._over.wait()
                return
            except TimeoutError:
                continue  # something may have been said meanwhile

    def _upstream_lost(self, error: UpstreamError) -> None:
        self._error = error
        self._over.set()

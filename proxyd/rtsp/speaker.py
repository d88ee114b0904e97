"""The loudspeaker that the NVR has for a camera. One recorder at a time speaks, in a session of its own at the NVR.

That session is opened by the first packet and ends when nothing more is said: many recorders set up the way back and
never use it, while an NVR, too, has one speaker for all of them. The streams are never touched.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from proxyd.camera.spec import NvrAccess, StreamSpec
from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.sdp import Media
from proxyd.rtsp.talk import Talk, Talker, Way
from proxyd.rtsp.upstream_errors import MayNotSpeak

_KEPT_S = 300.0  # how long it is believed what the NVR said


@dataclass(frozen=True, slots=True)
class _Known:
    """`forbidden`: the account may not ask."""

    url: str | None
    access: NvrAccess
    media: list[Media]
    forbidden: bool
    until: float


class Speaker:
    """Of one camera."""

    def __init__(self, context: CameraContext) -> None:
        self._context = context
        self._known: dict[str, _Known] = {}  # by stream
        self._asking = asyncio.Lock()
        self._talk: Talk | None = None
        self._spoke_as: NvrAccess | None = None
        self._not_before = 0.0  # with the same account, after a failure

    @property
    def possible(self) -> bool:
        """By what the scan found; whether a source has one, known by its RTSP address alone, shows when it is asked."""
        spec = self._context.spec
        return spec.settings.audio and (spec.features.speaker or not spec.features.tokens.profiles)

    async def tracks(self, stream: StreamSpec) -> list[Media]:
        """What the NVR takes, none when it has no loudspeaker. Raises UpstreamError, MayNotSpeak among them."""
        async with self._asking:  # who waited finds the answer
            known = self._known.get(stream.name)
            now, access = asyncio.get_running_loop().time(), self._context.spec.nvr
            if known is None or now > known.until or (known.url, known.access) != (stream.upstream_url, access):
                media, forbidden = await self._ask(stream)
                known = _Known(stream.upstream_url, access, media, forbidden, now + _KEPT_S)
                self._known[stream.name] = known
        if known.forbidden:
            raise MayNotSpeak(access.host)
        return known.media

    async def _ask(self, stream: StreamSpec) -> tuple[list[Media], bool]:
        try:
            async with self._context.opener.login(stream, back=True) as upstream:
                media = upstream.media
        except MayNotSpeak:
            return [], True
        await upstream.close()
        return media, False

    def free_for(self, talker: Talker) -> bool:
        """Nobody else speaks."""
        return self._talk is None or self._talk.talker is talker

    def say(self, talker: Talker, way: Way, packet: bytes) -> bool:
        """One RTP packet. False when somebody else speaks. It is lost where the NVR could not be had just now, or where
        there are too many."""
        now = asyncio.get_running_loop().time()
        access = self._context.spec.nvr
        if self._talk is None and (now >= self._not_before or access != self._spoke_as):
            self._spoke_as = access
            self._talk = talk = Talk(self._context, talker, way)
            talk.task.add_done_callback(lambda _: self._ended(talk))
        if not self.free_for(talker):
            return False
        if self._talk is not None:
            self._talk.say(packet, now)
        return True

    async def release(self, talker: Talker) -> None:
        """It speaks no more; bounded."""
        talk = self._talk
        if talk is not None and talk.talker is talker:
            talk.finish()
            _, late = await asyncio.wait([talk.task], timeout=self._context.limits.upstream.close_s)
            if late:
                talk.task.cancel()
                await asyncio.wait(late)

    def _ended(self, talk: Talk) -> None:
        self._talk = None
        now = asyncio.get_running_loop().time()
        if talk.failed:
            self._not_before = now + self._context.limits.talk_again_s
        if talk.forbidden:
            self._not_before = now + _KEPT_S  # NVRs count wrong passwords
        if talk.changed:
            self._known.pop(talk.way.stream.name, None)
        if talk.packets:
            talk.talker.talk_over(talk.packets, talk.dropped)

"""Whether a channel takes sound: asked by RTSP, which is how sound would go there. By ONVIF many NVRs configure a
loudspeaker for channels that have none.
"""

from __future__ import annotations

import asyncio

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamError
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.upstream import Upstream


async def takes_sound(url: str, access: NvrAccess, timeouts: UpstreamTimeouts | None = None) -> bool:
    """By what the NVR says of this stream. Raises UpstreamError when it says nothing."""
    upstream = Upstream(url, access, timeouts, back=True)
    await upstream.open()
    await upstream.close()
    return bool(upstream.media)


class LoudspeakerCheck:
    """Of one scan. One channel is asked at a time, and none any more after trouble: 64 channels would wait for it, or a
    wrong password would be tried as often."""

    def __init__(self, access: NvrAccess) -> None:
        self._access = access
        self._one = asyncio.Lock()
        self._given_up = False

    async def denies(self, url: str) -> bool:
        """The NVR says that it takes no sound there."""
        async with self._one:
            if not self._given_up:
                try:
                    return not await takes_sound(url, self._access)
                except UpstreamError:
                    self._given_up = True
        return False

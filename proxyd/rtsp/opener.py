"""Opens upstream sessions with one NVR account, and keeps an account that was refused from being tried again.

Shared by all cameras of an NVR. NVRs count wrong passwords and lock the account, also for the user's other programs: so
while nobody knows whether the account is good, one attempt at a time is made, and after a refusal none until the
credentials change or somebody says that they may be tried once more. Any failure puts the account in doubt again: after
a restart with another password, sixteen cameras coming back must not be sixteen wrong tries.
"""

from __future__ import annotations

import asyncio

from proxyd.camera.spec import NvrAccess, StreamSpec
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.upstream import Upstream


class UpstreamOpener:
    def __init__(self, access: NvrAccess, timeouts: UpstreamTimeouts | None = None) -> None:
        self._access = access
        self._timeouts = timeouts or UpstreamTimeouts()
        self._first = asyncio.Lock()
        self._proven = False
        self._refused: UpstreamAuthError | None = None

    def update(self, access: NvrAccess) -> None:
        """Other credentials, or another address, may be tried again."""
        if access != self._access:
            self._access = access
            self.forget()

    def forget(self) -> None:
        """The same account may be tried once more: the user says so, or it just worked elsewhere."""
        self._proven, self._refused = False, None

    def failed(self, error: UpstreamError, access: NvrAccess) -> None:
        """A session of this account broke; of no interest when another account is in use by now."""
        if access == self._access:
            self._proven = False
            if isinstance(error, UpstreamAuthError):
                self._refused = error

    async def open(self, stream: StreamSpec, *, audio: bool = True) -> Upstream:
        """A described upstream session, with sound or without. Raises UpstreamError."""
        if self._proven:
            return await self._open(stream, audio)
        try:
            async with asyncio.timeout(self._timeouts.answer_s):
                await self._first.acquire()
        except TimeoutError:
            raise UpstreamUnreachable(
                f"The NVR at {self._access.host} does not answer, others wait for it already.",
                "Check that the NVR is switched on and that its RTSP port can be reached.",
            ) from None
        try:
            if not self._proven:
                return await self._open(stream, audio)
        finally:
            self._first.release()
        return await self._open(stream, audio)  # proven while this one stood in line

    async def _open(self, stream: StreamSpec, audio: bool) -> Upstream:
        if self._refused is not None:
            raise self._refused
        access = self._access
        upstream = Upstream(stream.upstream_url or "", access, self._timeouts, audio=audio)
        try:
            await upstream.open()
        except UpstreamError as error:
            self.failed(error, access)
            raise
        self._proven = self._proven or access == self._access
        return upstream

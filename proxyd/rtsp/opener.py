"""Opens upstream sessions for one camera, and keeps an account that the NVR refused from being tried again.

NVRs count wrong passwords and lock the account, also for the user's other programs: so while nobody knows whether the
account is good, one attempt at a time is made, and after a refusal none until the credentials change.
"""

from __future__ import annotations

import asyncio

from proxyd.camera.spec import CameraSpec, NvrAccess, StreamSpec
from proxyd.errors import UpstreamAuthError, UpstreamUnreachable
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.upstream import Upstream


class UpstreamOpener:
    def __init__(self, spec: CameraSpec, timeouts: UpstreamTimeouts) -> None:
        self._access = spec.nvr
        self._timeouts = timeouts
        self._first = asyncio.Lock()
        self._proven = False
        self._refused: UpstreamAuthError | None = None

    def update(self, spec: CameraSpec) -> None:
        """Other credentials, or another NVR, may be tried again."""
        if spec.nvr != self._access:
            self._access, self._proven, self._refused = spec.nvr, False, None

    def refuse(self, error: UpstreamAuthError, access: NvrAccess) -> None:
        """The NVR refused this account; of no interest when another is in use by now."""
        if access == self._access:
            self._refused = error

    async def open(self, stream: StreamSpec) -> Upstream:
        """A described upstream session. Raises UpstreamError."""
        if self._proven:
            return await self._open(stream)
        try:
            async with asyncio.timeout(self._timeouts.answer_s):
                await self._first.acquire()
        except TimeoutError:
            raise UpstreamUnreachable(
                f"The NVR at {self._access.host} does not answer, others wait for it already.",
                "Check that the NVR is switched on and that its RTSP port can be reached.",
            ) from None
        try:
            return await self._open(stream)
        finally:
            self._first.release()

    async def _open(self, stream: StreamSpec) -> Upstream:
        if self._refused is not None:
            raise self._refused
        access = self._access
        upstream = Upstream(stream.upstream_url or "", access, self._timeouts)
        try:
            await upstream.open()
        except UpstreamAuthError as error:
            self.refuse(error, access)
            raise
        self._proven = self._proven or access == self._access
        return upstream

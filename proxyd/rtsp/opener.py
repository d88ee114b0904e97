"""Opens upstream sessions with one NVR's account. Shared by all cameras of an NVR."""

from __future__ import annotations

from proxyd.camera.spec import NvrAccess, StreamSpec
from proxyd.errors import UpstreamError
from proxyd.nvr.account import Account
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.upstream import Upstream


class UpstreamOpener:
    def __init__(self, account: Account, timeouts: UpstreamTimeouts | None = None) -> None:
        self._account = account
        self._timeouts = timeouts or UpstreamTimeouts()

    def update(self, access: NvrAccess) -> None:
        """The camera's NVR has this account now."""
        self._account.update(access)

    def failed(self, error: UpstreamError, access: NvrAccess) -> None:
        """A session of this account broke."""
        self._account.failed("streams", error, access)

    async def open(self, stream: StreamSpec, *, audio: bool = True) -> Upstream:
        """A described upstream session. Raises UpstreamError."""
        async with self._account.attempt("streams", self._timeouts.answer_s) as access:
            upstream = Upstream(stream.upstream_url or "", access, self._timeouts, audio=audio)
            await upstream.open()
            return upstream

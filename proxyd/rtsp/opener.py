"""Opens upstream sessions with one NVR's account, a few at a time. Shared by all cameras of an NVR."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxyd.camera.spec import NvrAccess, StreamSpec
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable
from proxyd.nvr.account import Account
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.giving_way import GivingWay
from proxyd.rtsp.upstream import Upstream
from proxyd.rtsp.upstream_errors import MayNotSpeak


class UpstreamOpener:
    """`logins`: how many at the same time."""

    def __init__(self, account: Account, timeouts: UpstreamTimeouts | None = None, *, logins: int = 4) -> None:
        self._account = account
        self._timeouts = timeouts or UpstreamTimeouts()
        self._logins = asyncio.Semaphore(logins)
        self.giving_way = GivingWay()
        self.one_look = asyncio.Lock()  # who want a stream for a picture alone log in one at a time

    def update(self, access: NvrAccess) -> None:
        """The camera's NVR has this account now."""
        self._account.update(access)

    def failed(self, error: UpstreamError, access: NvrAccess) -> None:
        """A session of this account broke."""
        self._account.failed("streams", error, access)
        self.giving_way.failed(error, asyncio.get_running_loop().time())

    @asynccontextmanager
    async def login(
        self,
        stream: StreamSpec,
        *,
        audio: bool = True,
        back: bool = False,
        metadata: bool = False,
        patient: bool = False,
    ) -> AsyncIterator[Upstream]:
        """A described upstream session (`audio`, `back`, `metadata` as there), which is the caller's if the block ends
        well, and ended otherwise. What is done inside counts as part of the login: others wait for it, `patient` ones
        as long as it takes. Raises UpstreamError."""
        if patient:
            await self._logins.acquire()
        else:
            await self._stand_in_line()
        try:
            upstream = await self._open(stream, audio, back, metadata)
            try:
                yield upstream
            except BaseException:
                await upstream.close()
                raise
        finally:
            self._logins.release()

    async def _open(self, stream: StreamSpec, audio: bool, back: bool, metadata: bool) -> Upstream:
        async with self._account.attempt("streams", self._timeouts.answer_s) as access:
            url = stream.upstream_url or ""
            upstream = Upstream(url, access, self._timeouts, audio=audio, back=back, metadata=metadata)
            try:
                await upstream.open()
            except UpstreamAuthError:
                if back:  # the streams would stop, which this account may have
                    raise MayNotSpeak(access.host) from None
                raise
            return upstream

    async def _stand_in_line(self) -> None:
        try:
            async with asyncio.timeout(self._timeouts.answer_s):
                await self._logins.acquire()
        except TimeoutError:
            raise UpstreamUnreachable(
                f"{self._account.access.host} does not answer, others wait for it already.",
                "Check that it is switched on and that its RTSP port can be reached.",
            ) from None

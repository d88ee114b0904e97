"""One account of an NVR, as all parts of proxyd use it: known to be good, in doubt, or refused.

NVRs count wrong passwords and lock the account, also for the user's other programs. So while nobody knows whether it is
good one attempt at a time is made, by whichever way, and after a refusal none until the credentials change or somebody
says that they may be tried once more. Any failure puts it in doubt again: after a restart with another password,
sixteen cameras coming back must not be sixteen wrong tries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable

Way = Literal["streams", "services"]  # NVRs may have users of their own for either


class Account:
    """`refused`: what is known from before; nobody tries it then."""

    def __init__(self, access: NvrAccess, *, refused: UpstreamAuthError | None = None) -> None:
        self.access = access
        self._refused = refused
        self._proven: set[Way] = set()
        self._first = asyncio.Lock()

    def update(self, access: NvrAccess) -> None:
        """Other credentials, or another address, may be tried again."""
        before, self.access = self.access, access
        if replace(before, transport=access.transport) != access:
            self.forget()

    def forget(self) -> None:
        """The same account may be tried once more: the user says so, or it just worked elsewhere."""
        self._refused = None
        self._proven.clear()

    @property
    def refused(self) -> bool:
        return self._refused is not None

    def check(self) -> None:
        """Raises what is known to be wrong with it."""
        if self._refused is not None:
            raise self._refused

    def failed(self, way: Way, error: UpstreamError, access: NvrAccess) -> None:
        """Something that used `access` broke; of no interest when another account is in use by now."""
        if access == self.access:
            self._proven.discard(way)
            if isinstance(error, UpstreamAuthError):
                self._refused = error

    @asynccontextmanager
    async def attempt(self, way: Way, wait_s: float) -> AsyncIterator[NvrAccess]:
        """Around everything that shows the password to the NVR. Alone while in doubt; waits at most `wait_s` for that.
        Raises UpstreamError."""
        if way in self._proven:
            alone = False
        else:
            await self._stand_in_line(wait_s)
            alone = way not in self._proven  # else it was proven meanwhile
            if not alone:
                self._first.release()
        access = self.access
        try:
            self.check()
            yield access
        except UpstreamError as error:
            self.failed(way, error, access)
            raise
        else:
            if access == self.access:
                self._proven.add(way)
        finally:
            if alone:
                self._first.release()

    async def _stand_in_line(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._first.acquire()
        except TimeoutError:
            raise UpstreamUnreachable(
                f"{self.access.host} does not answer, others wait for it already.",
                "Check that it is switched on and that its RTSP port can be reached.",
            ) from None

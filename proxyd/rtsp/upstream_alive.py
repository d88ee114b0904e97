"""Keeps an NVR's session alive while it plays, by what the NVR understands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable
from proxyd.rtsp.messages import Response
from proxyd.rtsp.upstream_errors import refused

_log = logging.getLogger(__name__)
_MAX_PAUSE_S = 30.0
_NOT_UNDERSTOOD = (400, 405, 501, 551)


class KeepAlive:
    """`ask(method)` makes a request of the session at `host`, `report` sends its receiver reports; `flows_since(t)`
    says whether the connection stands and media came after loop time t. `public` is what the NVR says it understands.

    The first way that works: GET_PARAMETER where `public` has it, OPTIONS, else receiver reports; these always where
    media comes by UDP.
    """

    def __init__(
        self,
        host: str,
        ask: Callable[[str], Awaitable[Response]],
        report: Callable[[], None],
        flows_since: Callable[[float], bool],
        *,
        public: str,
        udp: bool,
    ) -> None:
        self._host = host
        self._ask = ask
        self._report = report
        self._flows_since = flows_since
        self._ways = [*(["GET_PARAMETER"] if "GET_PARAMETER" in public else []), "OPTIONS"]
        self._udp = udp

    async def run(self, session_timeout_s: float) -> NoReturn:
        """Raises UpstreamError when the session is over."""
        while True:
            await asyncio.sleep(min(session_timeout_s / 2, _MAX_PAUSE_S))
            if not self._ways or self._udp:
                self._report()
            if self._ways and not await self._understands(self._ways[0]):
                self._ways.pop(0)

    async def _understands(self, method: str) -> bool:
        """False when this way does not work with this NVR. Raises UpstreamError when the session is over."""
        asked = asyncio.get_running_loop().time()
        try:
            response = await self._ask(method)
        except UpstreamAuthError as error:
            # The same password opened this session. If it was changed since then the next login says so, and it is
            # made only once for all streams.
            raise UpstreamError(
                f"{self._host} does not accept the session's authentication any more.", error.hint
            ) from None
        except UpstreamUnreachable as error:
            if not self._flows_since(asked):
                raise
            _log.debug("keep-alive unanswered while media flows: %s", error.message)
            self._report()  # some devices never answer; whether they count it nobody knows
            return True
        if response.status == 454:
            raise refused(self._host, 454, method)
        return response.status not in _NOT_UNDERSTOOD

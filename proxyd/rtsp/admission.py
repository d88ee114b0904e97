"""Which requests of a recorder are answered at all: what we understand, who may ask it, and in which session.

Passwords are looked at in their turn (camera/guess_line), so that who guesses waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxyd.camera.accounts import accounts
from proxyd.rtsp.auth import RecorderAuth
from proxyd.rtsp.backchannel import FEATURE, NO_LOUDSPEAKER
from proxyd.rtsp.context import CameraContext, shown
from proxyd.rtsp.headers import parse_session
from proxyd.rtsp.messages import VERSION, Request
from proxyd.rtsp.session import (
    KNOWN_BUT_REFUSED,
    METHODS,
    PUBLIC,
    Refused,
    SessionTable,
    unsupported_features,
)


class Admission:
    """Of one connection from `host`. `table` says which session it has, `features` what may be required in it."""

    def __init__(
        self,
        context: CameraContext,
        host: str,
        table: Callable[[], SessionTable | None],
        features: Callable[[], frozenset[str]],
    ) -> None:
        self._context = context
        self._host = host
        self._table = table
        self._features = features
        self._auth = RecorderAuth(context.verifier, context.guesses, host)

    @property
    def scheme(self) -> str:
        """How the last request proved who it is from."""
        return self._auth.scheme

    @property
    def exhausted(self) -> bool:
        """It was refused too often."""
        return self._auth.exhausted

    def understand(self, request: Request) -> None:
        """Raises Refused for what nobody may ask."""
        if request.version != VERSION:
            raise Refused(505, f"{request.version} is not spoken here")
        if "CSeq" not in request.headers:
            raise Refused(400, "CSeq is missing")
        if request.method in KNOWN_BUT_REFUSED:
            raise Refused(405, "a camera cannot do this", ("Allow", PUBLIC))
        if request.method not in METHODS:
            raise Refused(501, "unknown method", ("Public", PUBLIC))
        required = request.headers.get_all("Require") + request.headers.get_all("Proxy-Require")
        features = ", ".join(unsupported_features(required, self._features()))
        if features:
            reason = NO_LOUDSPEAKER if features == FEATURE else f"requires {shown(features)}"
            raise Refused(551, reason, ("Unsupported", features))

    async def admit(self, request: Request) -> None:
        """Raises Refused without the right password, or in a session that there is not."""
        if (username := self._auth.waits_as(request)) is None:
            self._check_password(request)
        else:
            async with self._context.line.turn(self._host, username):
                self._check_password(request)
        self._check_session(request)

    def _check_password(self, request: Request) -> None:
        known, now = accounts(self._context.spec), asyncio.get_running_loop().time()
        self._auth.check(request, known, now, in_session=self._table() is not None)

    def _check_session(self, request: Request) -> None:
        stated, table = request.headers.get("Session"), self._table()
        if stated is not None and (table is None or parse_session(stated)[0] != table.id):
            raise Refused(454, "the session is unknown or has ended")
        if table is None and request.method in ("PLAY", "PAUSE", "TEARDOWN"):
            raise Refused(454, "there is no session")

"""Who may talk to the camera: the recorder's Digest or Basic authorization on one connection. Pure."""

from __future__ import annotations

from proxyd.digest import DigestVerifier
from proxyd.rtsp.messages import Request
from proxyd.rtsp.session import Refused

MAX_WRONG_PASSWORDS = 5  # per connection


class RecorderAuth:
    def __init__(self, verifier: DigestVerifier) -> None:
        self._verifier = verifier
        self._passed = False
        self._wrong = 0
        self.scheme = ""  # what the recorder used last, for the trace

    @property
    def exhausted(self) -> bool:
        """Too many wrong passwords: the connection should end."""
        return self._wrong >= MAX_WRONG_PASSWORDS

    def check(self, request: Request, username: str, password: str, now: float, *, in_session: bool) -> None:
        """Raises Refused(401) with fresh challenges.

        Inside a session that this connection has set up, a missing or aged authorization is not asked for again:
        several clients cannot answer a challenge in the middle.
        """
        header = request.headers.get("Authorization")
        if header is None:
            if self._passed and in_session:
                return
            raise self._refusal(now, "")
        verdict = self._verifier.verify(
            header, method=request.method, uri=request.uri, username=username, password=password, now=now, basic=True
        )
        self.scheme = verdict.scheme
        if verdict.ok or (verdict.stale and self._passed and in_session):
            self._passed = True
            return
        if verdict.stale:
            raise self._refusal(now, "", stale=True)
        self._wrong += 1
        raise self._refusal(now, verdict.reason)

    def _refusal(self, now: float, reason: str, *, stale: bool = False) -> Refused:
        # SHA-256 first, MD5 last: FFmpeg takes the last Digest and knows only MD5. No qop: few RTSP clients know it.
        values = self._verifier.challenges(now, basic=True, qop=False, stale=stale)
        return Refused(401, reason, *(("WWW-Authenticate", value) for value in values))

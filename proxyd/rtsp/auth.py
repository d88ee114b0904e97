"""Who may talk to the camera: the recorder's Digest or Basic authorization on one connection. Pure."""

from __future__ import annotations

from proxyd.camera.accounts import Account, named
from proxyd.camera.guesses import Guesses
from proxyd.digest import DigestVerifier, username_of
from proxyd.rtsp.messages import Request
from proxyd.rtsp.session import Refused

MAX_WRONG_PASSWORDS = 5  # per connection


class RecorderAuth:
    """`client` is the recorder's address; `guesses` counts its wrong passwords, whatever it asked for."""

    def __init__(self, verifier: DigestVerifier, guesses: Guesses, client: str) -> None:
        self._verifier = verifier
        self._guesses = guesses
        self._client = client
        self._passed = False
        self._proved: str | None = None  # the name of the account whose password was right on this connection last
        self._wrong = 0
        self.scheme = ""  # what the recorder used last, for the trace

    @property
    def exhausted(self) -> bool:
        """Too many wrong passwords: the connection should end."""
        return self._wrong >= MAX_WRONG_PASSWORDS

    def waits_as(self, request: Request) -> str | None:
        """The user name in whose line (`GuessLine`) this request has to wait for its `check`; None: no need to wait. A
        connection that proved itself does not wait as the same account again: it guesses nothing that it does not know.
        """
        header = request.headers.get("Authorization")
        if header is None or (username := username_of(header)[:64]) == self._proved:
            return None
        return username if self._guesses.delay(self._guesses.budget(self._client, username)) else None

    def check(self, request: Request, known: tuple[Account, ...], now: float, *, in_session: bool) -> None:
        """Raises Refused(401) with fresh challenges. All levels of accounts may watch (READ_MEDIA).

        Inside a session that this connection has set up, a missing or aged authorization is not asked for again:
        several clients cannot answer a challenge in the middle.
        """
        header = request.headers.get("Authorization")
        if header is None:
            if self._passed and in_session:
                return
            raise self._refusal(now, "")
        account = named(known, username_of(header))
        verdict = self._verifier.verify(
            header,
            method=request.method,
            uri=request.uri,
            username=account.username,
            password=account.password,
            now=now,
            basic=True,
        )
        self.scheme = verdict.scheme
        if verdict.ok:
            self._proved = account.username[:64]
            self._guesses.right(self._client, account.username)
        elif verdict.guess:
            self._proved = None
            self._guesses.wrong(self._client, username_of(header)[:64])
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

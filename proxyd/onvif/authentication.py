"""Who a request comes from: HTTP Digest or UsernameToken for services, Digest or Basic for the picture. Pure.

Either way of a service request suffices. The same accounts open both, and passwords are looked at no faster than
`Guesses` allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from proxyd.camera.accounts import Account, accounts, named
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec
from proxyd.digest import DigestVerifier, Verdict, username_of

from .exchange import Call, Headers, Later, Reply, plain, refusal, unless_asked
from .faults import not_authorized
from .security import TokenVerifier
from .soap import SoapRequest, UsernameToken, Version

REALM = "onviftui"
_MAX_NAME_CHARS = 64
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class Grant:
    """A client that proved itself: as whom, and how ("Digest MD5")."""

    account: Account
    scheme: str


class Authenticator:
    def __init__(self, spec: CameraSpec, *, secret: bytes, guesses: Guesses) -> None:
        self._tokens = TokenVerifier()
        # One realm for SOAP and the picture, since clients carry a nonce from one to the other.
        self._digest = DigestVerifier(REALM, secret)
        self._guesses = guesses
        self.update(spec)

    def update(self, spec: CameraSpec) -> None:
        self._known = accounts(spec)
        self._window_s = spec.settings.clock_window_s

    def in_turn(
        self, call: Call, token: UsernameToken | None, check: Callable[[datetime], _Outcome], now: datetime
    ) -> _Outcome | Later[_Outcome]:
        """What `check(now)` says, unless the credentials of this request have to wait before they are looked at. A
        connection that proved itself does not wait as the same account again: it guesses nothing that it does not know.
        """
        if call.authorization is None and token is None:
            return check(now)
        for username in _claimed(call, token):
            if username != call.proof.username and self._guesses.delay(self._guesses.budget(call.client, username)):
                return Later(call.client, username, check)
        return check(now)

    def check(self, call: Call, request: SoapRequest, now: datetime) -> Grant | Reply:
        """For services. No credentials: HTTP 401 with challenges and a fault; a bad token: HTTP 400."""
        http, account = self._check_http(call, now, basic=False)
        if http.ok:
            return self._let_in(call, account, http)
        if http.guess:
            self._wrong(call, username_of(call.authorization or ""))
        if request.security is None:
            return self._challenge(call, http, request.operation, request.version, now)
        verdict, account = self._check_token(call, request.security, now)
        if verdict.ok:
            return self._let_in(call, account, verdict)
        if verdict.guess:
            self._wrong(call, request.security.username)
        return refusal(
            not_authorized(), request.operation, verdict.reason, auth=verdict.scheme, version=request.version
        )

    def invite(self, call: Call, now: datetime) -> Reply:
        """For a request without anything in it: libcurl, told to use Digest, sends its body only after the challenge
        (RFC 9110 section 11.6.1 allows it)."""
        verdict, _ = self._check_http(call, now, basic=False)
        return self._challenge(call, verdict, call.path.rpartition("/")[2], "1.2", now)

    def check_picture(self, call: Call, now: datetime) -> Grant | Reply:
        verdict, account = self._check_http(call, now, basic=True)
        if verdict.ok:
            return self._let_in(call, account, verdict)
        if verdict.guess:
            self._wrong(call, username_of(call.authorization or ""))
        headers = self._challenges(now, stale=verdict.stale, basic=True)
        text = "user name and password of the camera are needed"
        return unless_asked(plain(401, text, verdict.reason, headers, verdict.scheme), call.authorization)

    def _check_http(self, call: Call, now: datetime, *, basic: bool) -> tuple[Verdict, Account]:
        header = call.authorization
        if header is None:
            return Verdict(False, "asked for user name and password"), self._known[0]
        account = named(self._known, username_of(header))
        verdict = self._digest.verify(
            header,
            method=call.method,
            uri=call.target,
            username=account.username,
            password=account.password,
            now=now.timestamp(),
            basic=basic,
        )
        return verdict, account

    def _check_token(self, call: Call, token: UsernameToken, now: datetime) -> tuple[Verdict, Account]:
        account = named(self._known, token.username)
        verdict = self._tokens.verify(
            token,
            username=account.username,
            password=account.password,
            now=now,
            window_s=self._window_s,
            encrypted=call.reached.tls,
        )
        return verdict, account

    def _challenge(self, call: Call, http: Verdict, operation: str, version: Version, now: datetime) -> Reply:
        headers = self._challenges(now, stale=http.stale, basic=False)
        reply = refusal(not_authorized(401), operation, http.reason, auth=http.scheme, headers=headers, version=version)
        return unless_asked(reply, call.authorization)

    def _challenges(self, now: datetime, *, stale: bool, basic: bool) -> Headers:
        values = self._digest.challenges(now.timestamp(), stale=stale, basic=basic)
        return tuple(("WWW-Authenticate", value) for value in values)

    def _let_in(self, call: Call, account: Account, verdict: Verdict) -> Grant:
        self._guesses.right(call.client, account.username)
        call.proof.username = account.username[:_MAX_NAME_CHARS]
        return Grant(account, verdict.scheme)

    def _wrong(self, call: Call, username: str) -> None:
        call.proof.username = None
        self._guesses.wrong(call.client, username[:_MAX_NAME_CHARS])


def _claimed(call: Call, token: UsernameToken | None) -> Iterator[str]:
    """Both ways of one request may be tried, each with a name of its own."""
    if call.authorization is not None:
        yield username_of(call.authorization)[:_MAX_NAME_CHARS]
    if token is not None:
        yield token.username[:_MAX_NAME_CHARS]

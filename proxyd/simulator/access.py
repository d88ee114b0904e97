"""Who may do what on the simulated device: UsernameToken, HTTP Digest and the lock-out, as the dialect has them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from proxyd.digest import DigestVerifier
from proxyd.simulator.dialect import Dialect
from proxyd.simulator.faults import Faults
from proxyd.simulator.security import TokenVerifier
from proxyd.simulator.seen import Seen
from proxyd.simulator.services.device import OPEN
from proxyd.simulator.soap import NAMESPACES, Fault, Request, fault

SOAP_TYPE = "application/soap+xml"
_UNAUTHORIZED_PAGE = "<!DOCTYPE html><html><body><h1>401 Unauthorized</h1></body></html>"
_OPEN_SERVICES = (NAMESPACES["tds"], NAMESPACES["trt"], NAMESPACES["tr2"], NAMESPACES["tev"])


@dataclass(frozen=True, slots=True)
class Account:
    """The one user of the device."""

    username: str
    password: str = field(repr=False)


class AccessControl:
    """The device's gate from one start to the next: a restart forgets nonces and the lock-out."""

    def __init__(self, dialect: Dialect, account: Account, faults: Faults, seen: Seen) -> None:
        self._dialect = dialect
        self._account = account
        self._faults = faults
        self._seen = seen
        self._wrong_since_start = 0
        self._tokens = TokenVerifier()
        self._digest = DigestVerifier(dialect.digest.realm, secrets.token_bytes(32))

    def check(self, http: web.Request, request: Request, now: datetime) -> web.Response | None:
        """None when the request may go on, else the refusal. Raises Fault for a refusal in SOAP."""
        bare = request.security is None and "Authorization" not in http.headers
        is_open = request.operation in OPEN and request.namespace in _OPEN_SERVICES
        if request.operation == "GetSystemDateAndTime" and self._faults.time_needs_auth:
            if bare:
                return _unauthorized_page()
            is_open = False
        if is_open and (bare or not self._dialect.checks_open or self.locked_out()):
            return None
        if self.locked_out():
            raise self._not_authorized()
        if request.security is not None and "wsse" in self._dialect.auth:
            account = self._account
            verdict = self._tokens.verify(
                request.security, username=account.username, password=account.password, now=now
            )
            if verdict.wrong_password:
                self.note_wrong_password()
            if not verdict.ok:
                raise self._not_authorized()
            return None
        if "digest" not in self._dialect.auth:
            raise self._not_authorized()
        return self._check_digest(http)

    def check_picture(self, http: web.Request) -> web.Response | None:
        """Snapshots are behind HTTP Digest on every dialect."""
        return _unauthorized_page() if self.locked_out() else self._check_digest(http)

    def challenge(self, *, stale: bool = False) -> web.Response:
        """401 with Digest challenges; the body is a fault only where the device speaks WS-Security too."""
        style = self._dialect.digest
        if "wsse" in self._dialect.auth:
            body = fault(self._dialect.soap_prefix, self._not_authorized())
            response = web.Response(body=body, status=401, content_type=SOAP_TYPE, charset="utf-8")
        else:
            response = _unauthorized_page()
        for value in self._digest.challenges(time.time(), algorithms=style.algorithms, qop=style.qop, stale=stale):
            response.headers.add("WWW-Authenticate", value)
        return response

    def note_wrong_password(self) -> None:
        """One more towards the lock-out; called for RTSP too."""
        self._seen.wrong_passwords += 1
        self._wrong_since_start += 1

    def locked_out(self) -> bool:
        """Whether everybody is refused because of too many wrong passwords."""
        limit = self._faults.lockout_after
        return limit > 0 and self._wrong_since_start >= limit

    def _check_digest(self, http: web.Request) -> web.Response | None:
        authorization = http.headers.get("Authorization", "")
        if not authorization:
            return self.challenge()
        verdict = self._digest.verify(
            authorization,
            method=http.method,
            uri=http.raw_path,
            username=self._account.username,
            password=self._account.password,
            now=time.time(),
        )
        if verdict.ok:
            return None
        if verdict.reason in ("wrong password", "unknown user"):
            self.note_wrong_password()
        return self.challenge(stale=verdict.stale)

    def _not_authorized(self) -> Fault:
        dialect = self._dialect
        return Fault("Sender", ("ter:NotAuthorized",), dialect.refusal_reason, dialect.refusal_status)


def _unauthorized_page() -> web.Response:
    return web.Response(text=_UNAUTHORIZED_PAGE, status=401, content_type="text/html")

"""The simulated device's HTTP side: SOAP dispatch, authentication, snapshots and the faults that concern them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from proxyd.digest import DigestVerifier
from proxyd.simulator.dialect import Dialect
from proxyd.simulator.faults import Faults
from proxyd.simulator.layout import Layout
from proxyd.simulator.pictures import snapshot_jpeg
from proxyd.simulator.security import TokenVerifier
from proxyd.simulator.services.context import Answer, Context
from proxyd.simulator.services.device import DEVICE, OPEN
from proxyd.simulator.services.events import PullPoints, answer_event, pull_wait_s
from proxyd.simulator.services.media import MEDIA
from proxyd.simulator.services.media2 import MEDIA2
from proxyd.simulator.soap import (
    MAX_REQUEST_BYTES,
    NAMESPACES,
    BadRequest,
    Element,
    Fault,
    Request,
    envelope,
    fault,
    parse_request,
)

_SOAP_TYPE = "application/soap+xml"
_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Web Service</title></head><body>Please log in.</body></html>"
_UNAUTHORIZED_PAGE = "<!DOCTYPE html><html><body><h1>401 Unauthorized</h1></body></html>"
_TABLES = {NAMESPACES["tds"]: DEVICE, NAMESPACES["trt"]: MEDIA, NAMESPACES["tr2"]: MEDIA2}
_EVENT_NAMESPACES = (NAMESPACES["tev"], NAMESPACES["wsnt"])


@dataclass(slots=True)
class Account:
    """The one user of the device."""

    username: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Ports:
    """Bound at the first start, the same after every restart."""

    http: int = 0
    web: int = 0
    rtsp: int = 0


@dataclass(slots=True)
class Seen:
    """What tests count. `requests` by operation; Media2's as `Media2.GetProfiles`, pictures as `Snapshot`."""

    requests: Counter[str] = field(default_factory=Counter)
    wrong_passwords: int = 0
    parallel: int = 0
    peak_parallel: int = 0


class DeviceHttp:
    """Answers requests of one running device. A restart makes a new one: sessions, nonces and the lock-out are
    forgotten, `seen` and `faults` stay."""

    def __init__(
        self,
        dialect: Dialect,
        layout: Callable[[], Layout],
        account: Account,
        faults: Faults,
        ports: Ports,
        seen: Seen,
    ) -> None:
        self._dialect = dialect
        self._layout = layout
        self._account = account
        self._faults = faults
        self._ports = ports
        self._seen = seen
        self._wrong_since_start = 0
        self._tokens = TokenVerifier()
        self._digest = DigestVerifier(dialect.digest.realm, secrets.token_bytes(32))
        self._points = PullPoints()
        self._closing = asyncio.Event()

    def app(self) -> web.Application:
        """The application for the device's port (SOAP and snapshots)."""
        made = web.Application(client_max_size=MAX_REQUEST_BYTES)
        made.router.add_route("*", "/{tail:.*}", self._handle)
        made.on_shutdown.append(self._on_shutdown)
        return made

    async def _on_shutdown(self, _: web.Application) -> None:
        self._closing.set()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._faults.down:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)  # goes nowhere: the connection is gone
        if request.method == "GET":
            response = self._snapshot(request)
        elif request.method == "POST":
            self._seen.parallel += 1
            self._seen.peak_parallel = max(self._seen.peak_parallel, self._seen.parallel)
            try:
                response = await self._soap(request)
            finally:
                self._seen.parallel -= 1
        else:
            response = web.Response(status=405, headers={"Allow": "GET, POST"})
        response.headers["Server"] = self._dialect.server_header
        return response

    async def _soap(self, http: web.Request) -> web.Response:
        try:
            data = await http.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        if self._faults.slow_s:
            await asyncio.sleep(self._faults.slow_s)
        try:
            request = parse_request(data)
        except BadRequest:
            if not data and not http.headers.get("Authorization") and "digest" in self._dialect.auth:
                return self._challenge(stale=False)  # clients ask for the challenge with an empty POST
            return web.Response(status=400)  # seen in the field: an empty 400
        self._seen.requests[_counted_as(request)] += 1
        if self._faults.html:
            return web.Response(text=_LOGIN_PAGE, content_type="text/html")
        context = self._context(http)
        try:
            refusal = self._check_access(http, request, context)
            if refusal is not None:
                return refusal
            answer = await self._answer(http, request, context)
        except Fault as error:
            return self._fault(error)
        body = envelope(self._dialect.soap_prefix, answer)
        return web.Response(body=body, content_type=_SOAP_TYPE, charset="utf-8")

    async def _answer(self, http: web.Request, request: Request, context: Context) -> Element:
        paths = self._dialect.paths
        if request.namespace in _EVENT_NAMESPACES:
            if request.operation == "PullMessages" and self._points.find(http.path_qs, context.now):
                await self._wait_for_event(pull_wait_s(request))
                context = self._context(http)
            return answer_event(context, request, self._points, http.path_qs)
        path_of = {
            NAMESPACES["tds"]: paths.device,
            NAMESPACES["trt"]: paths.media,
            NAMESPACES["tr2"]: context.media2_path,
        }
        table: dict[str, Answer] = _TABLES.get(request.namespace, {})
        here = http.path in (path_of.get(request.namespace), "/onvif/device_service")
        # Devices answer Device operations at the standard path whatever their XAddr says; Media only at its own.
        if request.namespace != NAMESPACES["tds"]:
            here = http.path == path_of.get(request.namespace)
        operation = table.get(request.operation) if here else None
        if operation is None:
            raise Fault("Receiver", ("ter:ActionNotSupported",), "Optional Action Not Implemented")
        return operation(context, request)

    async def _wait_for_event(self, wait_s: float) -> None:
        """Nothing ever happens here; a restart of the device ends the wait."""
        try:
            async with asyncio.timeout(wait_s):
                await self._closing.wait()
        except TimeoutError:
            pass

    # Authentication

    def _check_access(self, http: web.Request, request: Request, context: Context) -> web.Response | None:
        """None when the request may go on, else the refusal. Raises Fault for a refusal in SOAP."""
        authorization = http.headers.get("Authorization", "")
        bare = not authorization and request.security is None
        is_open = request.operation in OPEN and request.namespace in _TABLES
        if request.operation == "GetSystemDateAndTime" and self._faults.time_needs_auth:
            if bare:
                return self._unauthorized_page()
            is_open = False
        if self.locked_out():
            if not is_open:
                raise self._not_authorized()
            return None
        if is_open and (bare or not self._dialect.checks_open):
            return None
        if request.security is not None and "wsse" in self._dialect.auth:
            verdict = self._tokens.verify(
                request.security,
                username=self._account.username,
                password=self._account.password,
                now=context.now,
            )
            if verdict.wrong_password:
                self.note_wrong_password()
            if not verdict.ok:
                raise self._not_authorized()
            return None
        if "digest" not in self._dialect.auth:
            raise self._not_authorized()
        ok, stale = self._check_digest(http, authorization)
        return None if ok else self._challenge(stale)

    def _check_digest(self, http: web.Request, authorization: str) -> tuple[bool, bool]:
        if not authorization:
            return False, False
        verdict = self._digest.verify(
            authorization,
            method=http.method,
            uri=http.raw_path,
            username=self._account.username,
            password=self._account.password,
            now=time.time(),
        )
        if not verdict.ok and verdict.reason in ("wrong password", "unknown user"):
            self.note_wrong_password()
        return verdict.ok, verdict.stale

    def _challenge(self, stale: bool) -> web.Response:
        """401 with Digest challenges; the body is a fault only where the device speaks WS-Security too."""
        style = self._dialect.digest
        values = self._digest.challenges(time.time(), algorithms=style.algorithms, qop=style.qop, stale=stale)
        if "wsse" in self._dialect.auth:
            error = self._not_authorized()
            response = web.Response(
                body=fault(self._dialect.soap_prefix, error),
                status=401,
                content_type=_SOAP_TYPE,
                charset="utf-8",
            )
        else:
            response = web.Response(text=_UNAUTHORIZED_PAGE, status=401, content_type="text/html")
        for value in values:
            response.headers.add("WWW-Authenticate", value)
        return response

    def _unauthorized_page(self) -> web.Response:
        return web.Response(text=_UNAUTHORIZED_PAGE, status=401, content_type="text/html")

    def _not_authorized(self) -> Fault:
        return Fault("Sender", ("ter:NotAuthorized",), self._dialect.refusal_reason, self._dialect.refusal_status)

    def note_wrong_password(self) -> None:
        """One more towards the lock-out."""
        self._seen.wrong_passwords += 1
        self._wrong_since_start += 1

    def locked_out(self) -> bool:
        """Whether everybody is refused because of too many wrong passwords; on RTSP too."""
        limit = self._faults.lockout_after
        return limit > 0 and self._wrong_since_start >= limit

    # Answers

    def _fault(self, error: Fault) -> web.Response:
        body = fault(self._dialect.soap_prefix, error)
        return web.Response(body=body, status=error.status, content_type=_SOAP_TYPE, charset="utf-8")

    def _snapshot(self, http: web.Request) -> web.Response:
        profile = self._layout().by_snapshot(http.path_qs)
        if profile is None:
            return web.Response(status=404)
        self._seen.requests["Snapshot"] += 1
        if self.locked_out():
            return self._unauthorized_page()
        ok, stale = self._check_digest(http, http.headers.get("Authorization", ""))
        if not ok:
            return self._challenge(stale)
        if self._faults.no_snapshot:
            return web.Response(status=404)
        media = profile.media
        body = snapshot_jpeg(media.channel, media.width, media.height)
        return web.Response(body=body, content_type="image/jpeg")

    def _context(self, http: web.Request) -> Context:
        sockname = http.transport.get_extra_info("sockname") if http.transport else None
        host = self._faults.wrong_xaddr_host or (sockname[0] if sockname else "127.0.0.1")
        return Context(
            dialect=self._dialect,
            layout=self._layout(),
            faults=self._faults,
            host=f"[{host}]" if ":" in host else host,
            port=self._ports.http,
            web_port=self._ports.web,
            rtsp_port=self._ports.rtsp,
            now=device_clock(datetime.now(UTC), self._faults.clock_year),
        )


def device_clock(now: datetime, year: int) -> datetime:
    """The device's idea of the time: `year` 0 means that its clock is right."""
    if not year:
        return now
    if (now.month, now.day) == (2, 29):
        now = now.replace(day=28)
    return now.replace(year=year)


def _counted_as(request: Request) -> str:
    return ("Media2." if request.namespace == NAMESPACES["tr2"] else "") + request.operation

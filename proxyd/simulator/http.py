"""The simulated device's HTTP side: SOAP dispatch, snapshots and the faults that concern them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from proxyd.camera.urls import bracketed
from proxyd.simulator.access import SOAP_TYPE, AccessControl
from proxyd.simulator.dialect import Dialect
from proxyd.simulator.faults import Faults
from proxyd.simulator.happenings import Happening, Happenings
from proxyd.simulator.layout import Layout
from proxyd.simulator.notifier import Notifier
from proxyd.simulator.optics import Optics
from proxyd.simulator.pictures import snapshot_jpeg
from proxyd.simulator.seen import Seen
from proxyd.simulator.services.analytics import ANALYTICS
from proxyd.simulator.services.context import Answer, Context
from proxyd.simulator.services.device import DEVICE
from proxyd.simulator.services.events import answer_event, pull_wait_s
from proxyd.simulator.services.imaging import IMAGING
from proxyd.simulator.services.media import MEDIA
from proxyd.simulator.services.media2 import MEDIA2
from proxyd.simulator.services.ptz import PTZ
from proxyd.simulator.services.subscriptions import Subscription, Subscriptions
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

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Web Service</title></head><body>Please log in.</body></html>"
_TABLES = {
    NAMESPACES["tds"]: DEVICE,
    NAMESPACES["trt"]: MEDIA,
    NAMESPACES["tr2"]: MEDIA2,
    NAMESPACES["tptz"]: PTZ,
    NAMESPACES["timg"]: IMAGING,
    NAMESPACES["tan"]: ANALYTICS,
}
_OPTICS_NAMESPACES = (NAMESPACES["tptz"], NAMESPACES["timg"])
_EVENT_NAMESPACES = (NAMESPACES["tev"], NAMESPACES["wsnt"])


@dataclass(slots=True)
class Ports:
    """Bound at the first start, the same after every restart."""

    http: int = 0
    web: int = 0
    rtsp: int = 0
    rtsp_tls: bool = False


class DeviceHttp:
    """Answers requests of one running device. A restart makes a new one: sessions, nonces and the lock-out are
    forgotten, `seen`, `faults` and `optics` stay."""

    def __init__(
        self,
        dialect: Dialect,
        layout: Callable[[], Layout],
        access: AccessControl,
        faults: Faults,
        ports: Ports,
        seen: Seen,
        optics: Optics,
    ) -> None:
        self._dialect = dialect
        self._layout = layout
        self._access = access
        self._faults = faults
        self._ports = ports
        self._seen = seen
        self._optics = optics
        self._subscriptions = Subscriptions()
        self._happenings = Happenings()
        self._notifier = Notifier(self._subscriptions, dialect.soap_prefix, self._now)
        self._closing = asyncio.Event()

    def app(self) -> web.Application:
        """The application for the device's port (SOAP and snapshots)."""
        made = web.Application(client_max_size=MAX_REQUEST_BYTES)
        made.router.add_route("*", "/{tail:.*}", self._handle)
        made.on_shutdown.append(self._on_shutdown)
        return made

    def happen(self, happening: Happening) -> None:
        """Tells every subscriber. Raises ValueError when this device has no such event or channel."""
        now = self._now()
        messages = self._happenings.messages(happening, self._layout(), self._faults, now)
        self._subscriptions.publish(messages, now)

    def forget_subscriptions(self) -> None:
        """As some devices do without a restart."""
        self._subscriptions.forget_all()

    async def _on_shutdown(self, _: web.Application) -> None:
        self._closing.set()
        await self._notifier.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._faults.down:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)  # goes nowhere: the connection is gone
        port = _sockname(request)[1]
        response: web.Response
        if request.method == "GET":
            response = self._snapshot(request) if port == self._ports.web else web.Response(status=404)
        elif request.method == "POST" and port != self._ports.http:
            response = web.Response(status=404)
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
                return self._access.challenge()  # clients ask for the challenge with an empty POST
            return web.Response(status=400)  # seen in the field: an empty 400
        self._seen.count(_counted_as(request))
        if self._faults.html:
            return web.Response(text=_LOGIN_PAGE, content_type="text/html")
        if self._faults.action_required and not _names_action(http, request):
            return web.Response(status=400)
        context = self._context(http)
        try:
            refusal = self._access.check(http, request, context.now)
            if refusal is not None:
                return refusal
            answer = await self._answer(http, request, context)
        except Fault as error:
            return self._fault(error)
        body = envelope(self._dialect.soap_prefix, answer)
        return web.Response(body=body, content_type=SOAP_TYPE, charset="utf-8")

    async def _answer(self, http: web.Request, request: Request, context: Context) -> Element:
        paths = self._dialect.paths
        if self._faults.no_addressing and request.addressed:
            raise Fault("Sender", ("ter:WellFormed",), "")
        if request.namespace in _EVENT_NAMESPACES:
            if self._faults.no_events:
                raise Fault("Receiver", ("ter:ActionNotSupported",), "Optional Action Not Implemented")
            if request.operation == "PullMessages":
                point = self._subscriptions.find(http.path_qs, context.now)
                if point is not None and not point.queue and not self._faults.impatient_pulls:
                    wait_s, cut_s = pull_wait_s(request), self._faults.cut_pulls_s
                    await self._wait_for_event(point, min(wait_s, cut_s or wait_s))
                    if cut_s and wait_s >= cut_s and not point.queue and http.transport is not None:
                        http.transport.abort()  # as the web servers of some devices do
                    context = self._context(http)
            answer = answer_event(context, request, self._subscriptions, self._happenings, http.path_qs)
            self._notifier.serve(_sockname(http)[0])
            return answer
        # Device operations are answered at the standard path whatever XAddr says, the others only at their own.
        places = {
            NAMESPACES["tds"]: (paths.device, "/onvif/device_service"),
            NAMESPACES["trt"]: (paths.media,),
            NAMESPACES["tr2"]: (context.media2_path,),
            NAMESPACES["tptz"]: (paths.ptz,),
            NAMESPACES["timg"]: (paths.imaging,),
            NAMESPACES["tan"]: (paths.analytics,),
        }
        here = http.path in places.get(request.namespace, ())
        table: dict[str, Answer] = _TABLES.get(request.namespace, {})
        operation = table.get(request.operation) if here else None
        broken = self._faults.broken_optics and request.namespace in _OPTICS_NAMESPACES
        broken = broken or (self._faults.broken_media2 and request.namespace == NAMESPACES["tr2"])
        if operation is None or broken:
            raise Fault("Receiver", ("ter:ActionNotSupported",), "Optional Action Not Implemented")
        return operation(context, request)

    async def _wait_for_event(self, point: Subscription, wait_s: float) -> None:
        """An event or a restart of the device ends the wait."""
        loop = asyncio.get_running_loop()
        news = loop.create_future()
        point.wake = lambda: None if news.done() else news.set_result(None)
        closing = asyncio.create_task(self._closing.wait(), name="simulated NVR closes")
        try:
            await asyncio.wait((news, closing), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            point.wake = None
            closing.cancel()

    def _fault(self, error: Fault) -> web.Response:
        body = fault(self._dialect.soap_prefix, error)
        return web.Response(body=body, status=error.status, content_type=SOAP_TYPE, charset="utf-8")

    def _snapshot(self, http: web.Request) -> web.Response:
        profile = self._layout().by_snapshot(http.path_qs)
        if profile is None:
            return web.Response(status=404)
        self._seen.count("Snapshot")
        refusal = self._access.check_picture(http)
        if refusal is not None:
            return refusal
        if self._faults.no_snapshot:
            return web.Response(status=404)
        media = profile.media
        body = snapshot_jpeg(media.channel, media.width, media.height)
        return web.Response(body=body, content_type="image/jpeg")

    def _context(self, http: web.Request) -> Context:
        host = self._faults.wrong_xaddr_host or _sockname(http)[0]
        return Context(
            dialect=self._dialect,
            layout=self._layout(),
            faults=self._faults,
            host=bracketed(host),
            port=self._ports.http,
            web_port=self._ports.web,
            rtsp_port=self._ports.rtsp,
            rtsp_tls=self._ports.rtsp_tls,
            now=self._now(),
            optics=self._optics,
        )

    def _now(self) -> datetime:
        return device_clock(datetime.now(UTC), self._faults.clock_year)


def device_clock(now: datetime, year: int) -> datetime:
    """The device's idea of the time: `year` 0 means that its clock is right."""
    if not year:
        return now
    if (now.month, now.day) == (2, 29):
        now = now.replace(day=28)
    return now.replace(year=year)


def _names_action(http: web.Request, request: Request) -> bool:
    """SOAP 1.2 part 2 section 6.5: the action parameter of application/soap+xml."""
    content_type = http.headers.get("Content-Type", "")
    return f'action="{request.namespace}/{request.operation}"' in content_type


def _sockname(http: web.Request) -> tuple[str, int]:
    """Our own address of this connection: the one by which the client came."""
    name = http.transport.get_extra_info("sockname") if http.transport else None
    return (str(name[0]), int(name[1])) if name else ("127.0.0.1", 0)


def _counted_as(request: Request) -> str:
    return ("Media2." if request.namespace == NAMESPACES["tr2"] else "") + request.operation

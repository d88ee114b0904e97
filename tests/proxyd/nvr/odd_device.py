"""A device on a real socket that answers as each test wants: one function per operation, or raw bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from proxyd.camera.spec import NvrAccess

Answer = web.StreamResponse | str
Handler = Callable[[web.Request, str], Awaitable[Answer]]

_OPERATION = re.compile(r"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)")
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:ter="http://www.onvif.org/ver10/error">'
    "<s:Body>{}</s:Body></s:Envelope>"
)
TIME = (
    "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
    "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
    "<tt:Time><tt:Hour>{0:%H}</tt:Hour><tt:Minute>{0:%M}</tt:Minute><tt:Second>{0:%S}</tt:Second></tt:Time>"
    "<tt:Date><tt:Year>{0:%Y}</tt:Year><tt:Month>{0:%m}</tt:Month><tt:Day>{0:%d}</tt:Day></tt:Date>"
    "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
)
INFORMATION = (
    "<tds:GetDeviceInformationResponse><tds:Manufacturer>Odd</tds:Manufacturer><tds:Model>One</tds:Model>"
    "<tds:FirmwareVersion>1</tds:FirmwareVersion><tds:SerialNumber>2</tds:SerialNumber>"
    "<tds:HardwareId>3</tds:HardwareId></tds:GetDeviceInformationResponse>"
)


def fault(code: str, reason: str = "", *, status: int = 400, headers: dict[str, str] | None = None) -> web.Response:
    body = (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>'
    )
    return soap(body, status=status, headers=headers)


def soap(body: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=ENVELOPE.format(body), status=status, headers=headers, content_type="application/soap+xml")


def profile(token: str, source: str, *, width: int = 1920, codec: str = "H264", name: str = "") -> str:
    return (
        f'<trt:Profiles token="{token}"><tt:Name>{name or token}</tt:Name>'
        f'<tt:VideoSourceConfiguration token="c{source}"><tt:Name>c</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:SourceToken>{source}</tt:SourceToken></tt:VideoSourceConfiguration>"
        f'<tt:VideoEncoderConfiguration token="e{token}"><tt:Name>e</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{codec}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>"
        f"<tt:Height>{width * 9 // 16}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>"
        f"</tt:VideoEncoderConfiguration></trt:Profiles>"
    )


class OddDevice:
    """Answers like a plain four-stream NVR unless `handlers[operation]` says otherwise."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers = handlers
        self.requests: Counter[str] = Counter()
        self.signed: Counter[str] = Counter()  # requests that carried a password, in either way
        self.services = {"http://www.onvif.org/ver10/media/wsdl": "/media"}
        self.port = 0
        self.service_port = 0  # what XAddrs name, when not the real port
        self._runner: web.AppRunner | None = None

    @property
    def access(self) -> NvrAccess:
        return NvrAccess("127.0.0.1", self.port, "admin", "right")

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        found = _OPERATION.search(text)
        operation = found.group(1) if found else request.method
        self.requests[operation] += 1
        if "UsernameToken" in text or "Authorization" in request.headers:
            self.signed[operation] += 1
        handler = self.handlers.get(operation) or self.handlers.get("any_operation")
        answer = await handler(request, text) if handler else self.plain(operation, text)
        return soap(answer) if isinstance(answer, str) else answer

    def plain(self, operation: str, text: str) -> str:
        if operation == "GetSystemDateAndTime":
            return TIME.format(datetime.now(UTC))
        if operation == "GetServices":
            at = f"http://10.9.8.7:{self.service_port or self.port}"
            services = "".join(
                f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{at}{path}</tds:XAddr>"
                "<tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>"
                for namespace, path in self.services.items()
            )
            return f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>"
        if operation == "GetDeviceInformation":
            return INFORMATION
        if operation == "GetProfiles":
            profiles = "".join(
                profile(f"P{c}{s}", f"S{c}", width=1920 // s, name=f"Yard {c} stream {s}")
                for c in (1, 2)
                for s in (1, 2)
            )
            return f"<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"
        token = re.search(r"ProfileToken>([^<]*)<", text)
        path = token.group(1) if token else ""
        scheme = "rtsp" if operation == "GetStreamUri" else "http"
        return (
            f"<trt:{operation}Response><trt:MediaUri><tt:Uri>{scheme}://10.9.8.7/{path}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
            f"<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:{operation}Response>"
        )

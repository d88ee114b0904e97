"""One simulated NVR: owns its ports, starts and stops its servers, keeps what survives a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from proxyd.camera.spec import NvrAccess
from proxyd.camera.urls import bracketed
from proxyd.simulator.access import AccessControl, Account
from proxyd.simulator.control import control_app
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.discovery import DiscoveryResponder
from proxyd.simulator.faults import Faults
from proxyd.simulator.flood import Flood
from proxyd.simulator.happenings import Happening
from proxyd.simulator.http import DeviceHttp, Ports
from proxyd.simulator.layout import Layout, lay_out, with_rates
from proxyd.simulator.optics import Optics
from proxyd.simulator.ports import PortReservation
from proxyd.simulator.rtsp_server import RtspSimulator
from proxyd.simulator.seen import Seen
from proxyd.simulator.services.context import uuid_of
from proxyd.simulator.services.device import scopes
from proxyd.simulator.streams import MAX_CHANNEL, SimStream
from proxyd.tls.certificate import device_certificate, server_context

_log = logging.getLogger(__name__)

_SHUTDOWN_S = 0.1  # a device that loses its power does not finish its answers


class SimulatedNvr:
    """A real ONVIF NVR on real ports of `host`. Port 0 takes any free one; the attributes say which.

    Use as `async with SimulatedNvr(channels=8, dialect="hikvision") as nvr:` or start/stop.
    `faults` may be changed at any time; "down" through `set_fault`, which closes the ports.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rtsp_port: int = 0,
        rtsps: bool = False,
        discovery_port: int | None = None,
        channels: int = 8,
        dialect: str = "hikvision",
        username: str = "admin",
        password: str | None = None,
        faults: Faults | None = None,
        bitrate_kbps: int | None = None,
    ) -> None:
        """`rtsps`: streams by TLS only. Raises ValueError for an unknown dialect or a number of channels outside
        1–64."""
        if dialect not in DIALECTS:
            raise ValueError(f"unknown dialect {dialect!r}; known: {', '.join(DIALECTS)}")
        if not 1 <= channels <= MAX_CHANNEL:
            raise ValueError(f"{channels} channels are outside 1–{MAX_CHANNEL}")
        self.host = host
        self.port = port
        self.rtsp_port = rtsp_port
        self._tls: ssl.SSLContext | None = None
        if rtsps:
            self._tls = server_context(device_certificate("network video recorder", host, datetime.now(UTC)))
        self.web_port = 0
        self.discovery_port = discovery_port
        self.control_port = 0
        self.channels = channels
        self.dialect = dialect
        self.username = username
        self.password = password or secrets.token_urlsafe(12)
        self.faults = faults or Faults()
        self.seen = Seen()
        self.optics = Optics(time.monotonic)
        self._bitrate_kbps = bitrate_kbps
        self._lifetime = AsyncExitStack()  # ports and control endpoint: until stop
        self._running: AsyncExitStack | None = None  # the device's servers: until down or restart
        self._restart: asyncio.Task[None] | None = None
        self._counts_from = 0.0  # frames are numbered by the time since then, over restarts too
        self._rtsp: RtspSimulator | None = None
        self._http: DeviceHttp | None = None
        self._flood = Flood(channels, self._count_one)
        self._stopping = asyncio.Event()
        self._switching = asyncio.Lock()

    @property
    def requests(self) -> Counter[str]:
        """Number of requests by operation, refused ones included; Media2's as `Media2.<operation>`."""
        return self.seen.requests

    @property
    def wrong_passwords(self) -> int:
        return self.seen.wrong_passwords

    @property
    def peak_parallel(self) -> int:
        """The most SOAP requests that were in work at the same time."""
        return self.seen.peak_parallel

    @property
    def rtsp_sessions(self) -> int:
        """RTSP sessions that are set up at this moment."""
        return self._rtsp.sessions if self._rtsp else 0

    @property
    def rtsp_scheme(self) -> str:
        return "rtsps" if self._tls else "rtsp"

    @property
    def onvif_url(self) -> str:
        return f"http://{bracketed(self.host)}:{self.port}/onvif/device_service"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.control_port}/"

    @property
    def layout(self) -> Layout:
        """What the device has at this moment, faults included."""
        faults = self.faults
        made = lay_out(
            DIALECTS[self.dialect],
            self.channels,
            faults.offline,
            faults.gaps,
            faults.media2_only_h265,
            self._bitrate_kbps,
        )
        return with_rates(made, self.optics.rates)

    @property
    def access(self) -> NvrAccess:
        """What an installer would type."""
        return NvrAccess(self.host, self.port, self.username, self.password)

    @property
    def is_up(self) -> bool:
        return self._running is not None

    async def start(self) -> None:
        """Binds all ports and serves. Raises OSError; nothing stays open then."""
        if self.control_port:
            return
        self._counts_from = asyncio.get_running_loop().time()
        try:
            await self._bind()
            if not self.faults.down:
                await self._open()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Closes everything, also in the middle of a restart."""
        if self._restart is not None:
            self._stopping.set()  # not cancelled: it may be closing servers at this moment
            await asyncio.gather(self._restart, return_exceptions=True)
            self._restart = None
            self._stopping.clear()
        self._flood.stop()
        await self._close()
        await self._lifetime.aclose()
        self.control_port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def rtsp(self) -> RtspSimulator | None:
        """The media server, as it runs or ran last."""
        return self._rtsp

    async def set_fault(self, item: str) -> None:
        """Switches one fault as `--fault` does and opens or closes the ports when it is "down". Raises ValueError."""
        self.faults.set(item)
        if self.faults.down:
            await self._close()
        elif self.control_port and (self._restart is None or self._restart.done()):
            await self._open()

    async def restart(self, down_s: float) -> None:
        """A reboot as seen from outside: ports closed, everything forgotten, then back at the same ports."""
        self.begin_restart(down_s)
        assert self._restart is not None
        await asyncio.shield(self._restart)

    def happen(self, happening: Happening) -> None:
        """Something happens before a camera: whoever has subscribed is told. Raises ValueError when this dialect has
        no such event, or this NVR no such channel."""
        if self._http is not None:
            self._http.happen(happening)

    def set_event_rate(self, per_s: float) -> None:
        """So many events each second from now on, each a count of its channel; 0 ends it. Raises ValueError."""
        self._flood.set_rate(per_s)

    @property
    def events_sent(self) -> int:
        """How many the present or last event rate has brought."""
        return self._flood.sent

    def forget_subscriptions(self) -> None:
        """As some devices do without a restart."""
        if self._http is not None:
            self._http.forget_subscriptions()

    def _count_one(self, happening: Happening) -> None:
        if self.is_up and happening.channel not in self.faults.gaps:
            self.happen(happening)

    def begin_restart(self, down_s: float) -> None:
        """Starts a restart in the background; one that is under way goes on."""
        if self._restart is None or self._restart.done():
            self._restart = asyncio.create_task(self._do_restart(down_s), name="simulated NVR restart")

    async def _do_restart(self, down_s: float) -> None:
        await self._close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(down_s):
                await self._stopping.wait()
        if self._stopping.is_set() or self.faults.down:
            return
        try:
            await self._open()
        except OSError:
            _log.exception("the simulated NVR cannot come back at %s", self.onvif_url)
            raise

    async def _bind(self) -> None:
        dialect = DIALECTS[self.dialect]
        reserved = PortReservation(self.host, self.port)
        self._lifetime.callback(reserved.close)
        self.port = reserved.port
        rtsp = PortReservation(self.host, self.rtsp_port)
        self._lifetime.callback(rtsp.close)
        self.rtsp_port = rtsp.port
        if dialect.uris.web_port:
            pictures = PortReservation(self.host, self.web_port)
            self._lifetime.callback(pictures.close)
        self.web_port = pictures.port if dialect.uris.web_port else reserved.port
        runner = web.AppRunner(control_app(self), access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        self._lifetime.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.control_port = int(runner.addresses[0][1])

    async def _open(self) -> None:
        async with self._switching:
            if self._running is not None:
                return
            async with AsyncExitStack() as stack:
                await self._start_servers(stack)
                self._running = stack.pop_all()
            _log.info("simulated NVR up at %s", self.onvif_url)

    async def _start_servers(self, stack: AsyncExitStack) -> None:
        dialect = DIALECTS[self.dialect]
        ports = Ports(self.port, self.web_port, self.rtsp_port, self._tls is not None)
        account = Account(self.username, self.password)
        access = AccessControl(dialect, account, self.faults, self.seen)
        http = DeviceHttp(dialect, lambda: self.layout, access, self.faults, ports, self.seen, self.optics)
        self._http = http
        runner = web.AppRunner(http.app(), access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        for port in sorted({self.port, self.web_port}):
            await web.TCPSite(runner, self.host, port, reuse_address=True).start()
        rtsp = RtspSimulator(
            self.host,
            self.rtsp_port,
            resolve=self._resolve,
            username=self.username,
            password=self.password,
            faults=self.faults,
            realm=dialect.digest.realm,
            server_header=dialect.rtsp_server,
            bitrate_kbps=self._bitrate_kbps,
            control_style=dialect.rtsp_control,
            locked_out=access.locked_out,
            on_wrong_password=access.note_wrong_password,
            counts_from=self._counts_from,
            tls=self._tls,
        )
        await rtsp.start()
        stack.push_async_callback(rtsp.stop)
        self._rtsp = rtsp
        if self.discovery_port is not None:
            responder = DiscoveryResponder(
                self.host, self.discovery_port, endpoint=uuid_of(dialect, self.port), describe=self._describe
            )
            self.discovery_port = await responder.start()
            stack.callback(responder.stop)

    async def _close(self) -> None:
        async with self._switching:
            running, self._running = self._running, None
            if running is not None:
                await running.aclose()
                self.optics.halt()
                _log.info("simulated NVR down at %s", self.onvif_url)

    def _describe(self, host: str) -> tuple[str, list[str]]:
        dialect = DIALECTS[self.dialect]
        host = self.faults.wrong_xaddr_host or host
        return f"http://{host}:{self.port}{dialect.paths.device}", scopes(dialect)

    def _resolve(self, path_and_query: str) -> SimStream | None:
        """The stream at an RTSP address, None for what the device does not have."""
        profile = self.layout.by_rtsp(path_and_query)
        return profile.media if profile else None

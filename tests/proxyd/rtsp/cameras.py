"""What the RTSP tests share: a simulated NVR, one camera's RTSP server in front of it, and a raw recorder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from proxyd.camera.spec import CameraSpec, NvrAccess, StreamSpec
from proxyd.digest import authorization, choose, parse_challenges
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.media_process import MediaSettings
from proxyd.rtsp.messages import Interleaved, Request, Response, format_request
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.parser import RtspParser
from proxyd.rtsp.plane import Plane, PlaneSettings
from proxyd.rtsp.server import RtspServer
from proxyd.simulator.faults import Faults
from proxyd.simulator.rtsp_server import RtspSimulator
from proxyd.simulator.streams import SimStream, stream_for

NVR_HOST = "127.0.77.9"
CAMERA_HOST = "127.0.2.1"
NVR_USER, NVR_PASSWORD = "nvr-admin", "nvr-s3cret"
USER, PASSWORD = "recorder", "cam-s3cret"
PATHS = {"/cam/realmonitor?channel=3&subtype=0": "main", "/cam/realmonitor?channel=3&subtype=1": "sub"}
DEADLINE_S = 15
AT_ONCE = RtspLimits(linger_s=0)  # the NVR's session ends with the last recorder's


def resolve(target: str) -> SimStream | None:
    """Channel 3 of the simulated NVR, by its path and query."""
    name = PATHS.get(target)
    return stream_for(3, "main" if name == "main" else "sub") if name else None


def camera_spec(port: int, **changes: Any) -> CameraSpec:
    """A camera for channel 3 of the NVR at `port`."""
    streams = tuple(
        StreamSpec(
            name="main" if name == "main" else "sub",
            codec="H264",
            width=1280,
            height=720,
            fps=25,
            bitrate_kbps=96,
            upstream_url=f"rtsp://{NVR_HOST}:{port}{path}",
        )
        for path, name in PATHS.items()
    )
    spec = CameraSpec(
        id=7,
        name="Yard",
        uuid="6ad0ae9e-0c05-4c9d-9b0a-6a4e4b5b0d6f",
        serial="OT000007",
        nvr_id=1,
        channel=3,
        address=CAMERA_HOST,
        prefix_length=8,
        mac="02:00:00:00:00:07",
        interface="demo7",
        http_port=8080,
        rtsp_port=0,
        username=USER,
        password=PASSWORD,
        streams=streams,
        snapshot_upstream=None,
        nvr=NvrAccess(NVR_HOST, 80, NVR_USER, NVR_PASSWORD),
    )
    return replace(spec, **changes)


@dataclass
class Seen:
    """What the server recorded and reported; `changed` is set at each."""

    trace: list[dict[str, Any]] = field(default_factory=list)
    reports: list[Exception | None] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, **entry: Any) -> None:
        self.trace.append(entry)
        self.changed.set()

    def report(self, error: Exception | None) -> None:
        self.reports.append(error)
        self.changed.set()

    def refusals(self) -> list[str]:
        return [f"{entry['operation']}: {entry['reason']}" for entry in self.trace if not entry["ok"]]

    async def until_done(self, operation: str) -> bool:
        """Waits for an operation that succeeded."""
        async with asyncio.timeout(DEADLINE_S):
            while not any(entry["ok"] and entry["operation"] == operation for entry in self.trace):
                self.changed.clear()
                await self.changed.wait()
        return True

    async def until_refusal(self, words: str) -> str:
        """Waits for a refusal whose text contains `words`."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for text in self.refusals():
                    if words in text:
                        return text
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def simulated_nvr(faults: Faults | None = None, **options: Any) -> AsyncIterator[RtspSimulator]:
    nvr = RtspSimulator(
        NVR_HOST,
        0,
        resolve=resolve,
        username=NVR_USER,
        password=NVR_PASSWORD,
        faults=faults or Faults(),
        **options,
    )
    await nvr.start()
    try:
        yield nvr
    finally:
        await nvr.stop()


@asynccontextmanager
async def running_plane(**media: Any) -> AsyncIterator[Plane]:
    """With one media process; `media` as in MediaSettings."""
    plane = Plane(PlaneSettings(processes=1, media=MediaSettings(**media)))
    await plane.start()
    try:
        yield plane
    finally:
        await plane.stop()


@asynccontextmanager
async def camera(
    port: int,
    limits: RtspLimits = AT_ONCE,
    opener: UpstreamOpener | None = None,
    plane: Plane | None = None,
    **changes: Any,
) -> AsyncIterator[tuple[RtspServer, Seen, str]]:
    """(server, what it recorded, its base URL); with a data plane of its own unless one is given."""
    seen = Seen()
    async with AsyncExitStack() as stack:
        if plane is None:
            plane = await stack.enter_async_context(running_plane(blocked_s=limits.blocked_s))
        server = RtspServer(
            camera_spec(port, **changes),
            record=seen.record,
            report=seen.report,
            plane=plane,
            limits=limits,
            opener=opener,
        )
        await server.start()
        stack.push_async_callback(server.stop)
        yield server, seen, f"rtsp://{CAMERA_HOST}:{server.port}"


class Recorder:
    """A client that shows everything: all bytes it got are in `wire`, packets in `packets`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.wire = bytearray()
        self.packets: list[Interleaved] = []
        self._parser = RtspParser()
        self._responses: list[Response] = []
        self._cseq = 0

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> bool:
        """One read; False at the end of the connection."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                data = await self.reader.read(65536)
            except ConnectionError:
                data = b""
        self.wire += data
        for event in self._parser.feed(data):
            if isinstance(event, Response):
                self._responses.append(event)
            elif isinstance(event, Interleaved):
                self.packets.append(event)
        return bool(data)

    async def response(self) -> Response:
        while not self._responses:
            assert await self.receive(), "the connection was closed"
        return self._responses.pop(0)

    async def until_closed(self) -> None:
        while await self.receive():
            pass

    async def until_packets(self, count: int) -> None:
        while len(self.packets) < count:
            assert await self.receive(), "the connection was closed"

    async def ask(
        self, method: str, url: str, *, password: str = PASSWORD, log_in: bool = True, **headers: str
    ) -> Response:
        """The answer; a challenge is answered once."""
        response = await self._once(method, url, headers)
        challenge = choose(parse_challenges(response.headers.get_all("WWW-Authenticate")))
        if response.status == 401 and challenge is not None and log_in:
            value = authorization(challenge, method=method, uri=url, username=USER, password=password, cnonce="c")
            response = await self._once(method, url, headers | {"Authorization": value})
        return response

    async def _once(self, method: str, url: str, headers: dict[str, str]) -> Response:
        self._cseq += 1
        items = [("CSeq", str(self._cseq)), *((name.replace("_", "-"), v) for name, v in headers.items())]
        await self.send(format_request(Request(method, url, Headers(items))))
        response = await self.response()
        assert response.headers.get("CSeq") == str(self._cseq)
        return response

    async def start(self, url: str, *, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> str:
        """DESCRIBE, SETUP of the first track, PLAY; returns the session id."""
        assert (await self.ask("DESCRIBE", url)).status == 200
        setup = await self.ask("SETUP", f"{url}/trackID=0", Transport=transport)
        assert setup.status == 200
        session = (setup.headers.get("Session") or "").split(";")[0]
        assert (await self.ask("PLAY", url, Session=session)).status == 200
        return session


@asynccontextmanager
async def recorder(server: RtspServer, host: str = "127.0.0.1") -> AsyncIterator[Recorder]:
    reader, writer = await asyncio.open_connection(CAMERA_HOST, server.port, local_addr=(host, 0))
    try:
        yield Recorder(reader, writer)
    finally:
        writer.transport.abort()

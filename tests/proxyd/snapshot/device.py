"""A small HTTP device for snapshots on a real socket; each test scripts its answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from proxyd.camera.spec import CameraSpec, NvrAccess, StreamSpec
from proxyd.digest import DigestVerifier

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

PASSWORD = "right-password"


@dataclass(slots=True)
class Device:
    """`requests` are paths with query as they came; `authorizations` the headers beside them."""

    port: int = 0
    requests: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    parallel: int = 0
    peak_parallel: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/snap") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def access(self, password: str = PASSWORD) -> NvrAccess:
        return NvrAccess("127.0.0.1", self.port, "admin", password)


@asynccontextmanager
async def running_device(answer: Answer) -> AsyncIterator[Device]:
    device = Device()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request)
        device.requests.append(request.path_qs)
        device.authorizations.append(request.headers.get("Authorization", ""))
        device.parallel += 1
        device.peak_parallel = max(device.peak_parallel, device.parallel)
        device.arrived.set()
        try:
            return await answer(request)
        finally:
            device.parallel -= 1

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        device.port = runner.addresses[0][1]
        yield device
    finally:
        await runner.cleanup()


def guarded(answer: Answer, *, basic_only: bool = False) -> Answer:
    """`answer` behind Digest, or behind Basic alone."""
    verifier = DigestVerifier("device", b"signing key of this test", 300)

    async def check(request: web.Request) -> web.StreamResponse:
        offers = verifier.challenges(0.0, algorithms=() if basic_only else ("SHA-256", "MD5"), basic=basic_only)
        verdict = verifier.verify(
            request.headers.get("Authorization", ""),
            method=request.method,
            uri=request.raw_path,
            username="admin",
            password=PASSWORD,
            now=0.0,
            basic=basic_only,
        )
        if verdict.ok:
            return await answer(request)
        response = web.Response(status=401, text="<html>no</html>", content_type="text/html")
        for offer in offers:
            response.headers.add("WWW-Authenticate", offer)
        return response

    return check


def sends(data: bytes, content_type: str = "image/jpeg") -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=data, content_type=content_type)

    return answer


def camera_spec(
    access: NvrAccess, url: str | None, *, camera_id: int = 1, width: int = 640, height: int = 360
) -> CameraSpec:
    stream = StreamSpec("main", "H264", width, height, 25, 4096, "rtsp://127.0.0.1/x")
    return CameraSpec(
        id=camera_id,
        name="Front gate",
        uuid="00000000-0000-4000-8000-000000000001",
        serial="OT0000000001",
        nvr_id=1,
        channel=camera_id,
        address="127.0.0.2",
        prefix_length=8,
        mac="02:00:00:00:00:01",
        interface="lo",
        http_port=8080,
        rtsp_port=8554,
        username="onvif",
        password="camera-password",
        streams=(stream,),
        snapshot_upstream=url,
        nvr=access,
    )

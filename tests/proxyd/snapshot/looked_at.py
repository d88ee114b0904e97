"""A camera of the simulated NVR whose pictures come from its streams."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageChops, ImageStat

from proxyd.camera.spec import CameraSpec, Codec
from proxyd.nvr.account import Account
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.plane import Plane
from proxyd.rtsp.server import RtspServer
from proxyd.simulator.faults import Faults
from proxyd.simulator.pictures import draw_channel
from proxyd.simulator.rtsp_server import RtspSimulator
from proxyd.simulator.streams import SimCodec, stream_for
from proxyd.snapshot.fetch import SnapshotLimits, SnapshotSource
from proxyd.snapshot.picture import SnapshotPicture
from proxyd.snapshot.stream_look import StreamLook
from tests.proxyd.rtsp.cameras import AT_ONCE, NVR_HOST, NVR_PASSWORD, NVR_USER, PATHS, Seen, camera_spec


@dataclass
class LookedAt:
    nvr: RtspSimulator
    server: RtspServer
    spec: CameraSpec
    source: SnapshotSource
    look: StreamLook
    seen: Seen

    @property
    def url(self) -> str:
        return f"rtsp://{self.spec.address}:{self.server.port}"

    async def picture(self) -> SnapshotPicture:
        return await self.source.picture(self.spec, self.look)

    @property
    def told(self) -> str:
        return self.source.told(self.spec.id)


@asynccontextmanager
async def looked_at(
    codec: SimCodec = "H264",
    *,
    faults: Faults | None = None,
    limits: SnapshotLimits | None = None,
    rtsp: RtspLimits = AT_ONCE,
    kept_s: float = 600.0,
    source: SnapshotSource | None = None,
    **changes: Any,
) -> AsyncIterator[LookedAt]:
    """The NVR's picture is fetched from `snapshot_upstream`, if that is among `changes`."""
    nvr = RtspSimulator(
        NVR_HOST,
        0,
        resolve=lambda target: stream_for(3, "main" if PATHS[target] == "main" else "sub", codec),
        username=NVR_USER,
        password=NVR_PASSWORD,
        faults=faults or Faults(),
    )
    async with AsyncExitStack() as stack:
        await nvr.start()
        stack.push_async_callback(nvr.stop)
        plane = Plane()
        await plane.start()
        stack.push_async_callback(plane.stop)
        spec = camera_spec(nvr.port)
        told: Codec = codec
        spec = replace(spec, streams=tuple(replace(one, codec=told) for one in spec.streams))
        spec = replace(spec, **changes)
        seen = Seen()
        opener = UpstreamOpener(Account(spec.nvr), rtsp.upstream)
        server = RtspServer(spec, record=seen.record, report=seen.report, plane=plane, opener=opener, limits=rtsp)
        await server.start()
        stack.push_async_callback(server.stop)
        look = StreamLook(server.streams, opener, seen.report, kept_s=kept_s)
        stack.push_async_callback(look.close)
        source = source or SnapshotSource(limits=limits)
        stack.push_async_callback(source.close)
        yield LookedAt(nvr, server, spec, source, look, seen)


def shows_channel(data: bytes, size: tuple[int, int], words: str) -> bool:
    """Whether it is the simulated picture of channel 3 in that size, apart from the square that runs along it."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    wanted = draw_channel(3, words, *size)
    if image.size != size:
        return False
    top = (0, 0, size[0], size[1] * 8 // 10)
    difference = ImageStat.Stat(ImageChops.difference(image.crop(top), wanted.crop(top)))
    return max(difference.mean) < 8

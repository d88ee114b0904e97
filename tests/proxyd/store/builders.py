"""Scanned channels, interfaces and NVRs as the tests of the store need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proxyd.api.models import ScanDiff
from proxyd.camera.spec import StreamSpec
from proxyd.nvr.result import ScannedChannel, ScannedStream
from proxyd.store.rows import FoundInterface, NvrRow, Ports
from proxyd.store.store import Store

PORTS = Ports(http=8080, rtsp=8554)


def stream(name: str, channel: int, *, token: str | None = None, width: int | None = None) -> ScannedStream:
    assert name in ("main", "sub")
    main = name == "main"
    spec = StreamSpec(
        name="main" if main else "sub",
        codec="H264",
        width=width or (1920 if main else 640),
        height=1080 if main else 360,
        fps=25,
        bitrate_kbps=4096 if main else 512,
        upstream_url=f"rtsp://192.0.2.10/{token or name}/{channel}?user=admin&password=hunter2",
    )
    return ScannedStream(spec, token or f"{name}{channel}")


def channel(
    number: int,
    *,
    key: str | None = None,
    name: str | None = None,
    online: bool = True,
    streams: Sequence[ScannedStream] | None = None,
) -> ScannedChannel:
    if streams is None:
        streams = (stream("main", number), stream("sub", number)) if online else ()
    return ScannedChannel(
        key=key or f"source{number}",
        number=number,
        name=name if name is not None else f"Camera {number}",
        online=online,
        streams=tuple(streams),
        snapshot_uri=f"http://192.0.2.10/snapshot/{number}?pwd=hunter2" if online else None,
    )


def channels(numbers: Iterable[int]) -> list[ScannedChannel]:
    return [channel(number) for number in numbers]


def interfaces(count: int, *, first: int = 1) -> list[FoundInterface]:
    return [
        FoundInterface(f"cam{n}", f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}", f"127.0.{n >> 8}.{n & 255}", 8, "loopback")
        for n in range(first, first + count)
    ]


async def add_nvr(store: Store, host: str = "192.0.2.10", **more: str) -> NvrRow:
    return await store.add_nvr(host=host, port=80, username="admin", password="nvr-secret-1", **more)


async def scan(
    store: Store,
    nvr_id: int,
    found: Sequence[ScannedChannel],
    *,
    complete: bool = True,
    start: bool = True,
    restore: bool = False,
) -> ScanDiff:
    return await store.apply_scan(nvr_id, found, complete=complete, start=start, restore=restore, ports=PORTS)

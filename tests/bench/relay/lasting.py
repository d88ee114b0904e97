"""Rows about the whole product: the first byte, memory, and a long time under load."""

from __future__ import annotations

import asyncio
import importlib.util
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench.measure import cpu_s, quantile, rss_mb, spread
from tests.player.watch import WatchResult, watch

from . import product
from .loads import FPS, Load, bursts
from .measuring import WARM_UP_S, goal
from .peers import Place
from .product import Camera, Product
from .programs import Sink
from .rtsp import Recorder
from .settings import Settings

_ALONE, _AMONG = 10, 30  # cameras asked for their first byte
_CAMERAS = 32
_STREAMING_S = 20.0
_RECORDED_PEER_MB = 525.0  # the npm-based onvif-server with 32 cameras, HTTP and SOAP only, as it was once measured
_PEER_UP_S = 60
_STREAMS, _MBIT_PER_S = 128, 4
_WATCHED = 2  # streams that a second, independent player looks at
_KEEP_ALIVE_S = 20.0
_SAMPLE_S = 10.0
_SETTLED = 0.1  # of the time: until then caches fill


async def first_byte(settings: Settings, place: Place) -> dict[str, object]:
    """From PLAY to the first byte of media, at the camera and at what it stands for: of some cameras while nothing else
    plays, and of others while the rest plays."""
    async with product.running(place.folder, bursts(_ALONE + _CAMERAS + _AMONG)) as daemon:
        alone = await asyncio.to_thread(_alone, daemon)
        among = await asyncio.to_thread(_among_others, daemon, place.folder)
    return {
        "alone": _taken(alone),
        f"while {_CAMERAS} others play": _taken(among),
        "goals": {
            "added from PLAY to the first byte, alone, ms": goal(_added_ms(alone), at_most=5),
            f"added from PLAY to the first byte, while {_CAMERAS} others play, ms": goal(_added_ms(among), at_most=5),
        },
    }


Taken = list[tuple[float, float]]  # seconds: the camera's own, and through the relay


def _alone(daemon: Product) -> Taken:
    taken = []
    for camera in daemon.cameras[:_ALONE]:
        taken.append(_compare(camera))
        daemon.wait_until_idle()
    return taken


def _among_others(daemon: Product, folder: Path) -> Taken:
    others = replace(daemon, cameras=daemon.cameras[_ALONE : _ALONE + _CAMERAS])
    load = replace(daemon.source.load, paced=_CAMERAS)
    with Sink(folder, load) as sink, others.playing(load, sink):
        time.sleep(WARM_UP_S)
        return [_compare(camera) for camera in daemon.cameras[_ALONE + _CAMERAS :]]


def _compare(camera: Camera) -> tuple[float, float]:
    with Recorder(camera.upstream_url) as recorder:
        own = _until_first_byte(recorder)
    with camera.recorder() as recorder:
        return own, _until_first_byte(recorder)


def _added_ms(taken: Taken) -> float:
    return statistics.median(relayed - own for own, relayed in taken) * 1000


def _taken(taken: Taken) -> dict[str, object]:
    added = [relayed - own for own, relayed in taken]
    return {
        "upstream_ms": spread([own * 1000 for own, _ in taken], 2),
        "onviftui_ms": spread([relayed * 1000 for _, relayed in taken], 2),
        "added_ms": spread([value * 1000 for value in added], 2) | {"p95": round(quantile(added, 0.95) * 1000, 2)},
    }


def _until_first_byte(recorder: Recorder) -> float:
    recorder.prepare()
    taken = recorder.play_until_first_byte()
    recorder.send("TEARDOWN")
    return taken


async def memory(settings: Settings, place: Place) -> dict[str, object]:
    """All processes of the daemon, its cameras streaming, beside what npm-based servers need for HTTP and SOAP."""
    load = bursts(_CAMERAS)
    async with product.running(place.folder, load) as daemon:
        idle = _memory(daemon)
        streaming = await asyncio.to_thread(_stream, daemon, load, place.folder)
    ours = sum(streaming.values())
    theirs, said = await asyncio.to_thread(_npm_memory, place)
    peer = theirs or _RECORDED_PEER_MB
    return {
        "onviftui_mb": {"idle": idle, "streaming": streaming, "total": round(ours, 1)},
        "npm soap, device and media service from their WSDLs": said,
        "recorded for onvif-server, MB": _RECORDED_PEER_MB,
        "goals": {
            "memory to onvif-server's 525 MB": goal(ours / _RECORDED_PEER_MB, at_most=0.25),
            "memory to the npm server of this run": goal(ours / peer, at_most=0.25),
        },
    }


def _memory(daemon: Product) -> dict[str, float]:
    """By process."""
    return {f"{Path(f'/proc/{pid}/comm').read_text().strip()} {pid}": rss_mb(pid) for pid in daemon.pids()}


def _stream(daemon: Product, load: Load, folder: Path) -> dict[str, float]:
    with Sink(folder, load) as sink, daemon.flow(load, sink):
        time.sleep(_STREAMING_S)
        return _memory(daemon)


def _npm_memory(place: Place) -> tuple[float | None, object]:
    """(MB, what to say of it)"""
    modules = place.modules.get("soap")
    package = importlib.util.find_spec("onvif")
    if modules is None or package is None or package.origin is None:
        return None, "absent"
    command = [
        "node",
        str(Path(__file__).with_name("npm_onvif.js")),
        str(_CAMERAS),
        str(Path(package.origin).with_name("wsdl")),
    ]
    with subprocess.Popen(command, env={"NODE_PATH": str(modules)}, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            timer = time.monotonic()
            process.stdout.readline()
            found = rss_mb(process.pid)
            started = {"rss_mb": found, "cpu_s": round(cpu_s(process.pid), 1), "up_s": round(time.monotonic() - timer)}
            return found, started
        finally:
            process.kill()


async def endurance(settings: Settings, place: Place) -> dict[str, object]:
    """128 streams for a long time. Every byte is checked, so every frame mark is; two streams are watched by a player
    that puts frames together and reads their marks (SEI)."""
    load, seconds = bursts(_STREAMS, _MBIT_PER_S), settings.minutes * 60
    async with product.running(place.folder, load) as daemon:
        watching = asyncio.gather(*(_watch(camera, seconds) for camera in daemon.cameras[:_WATCHED]))
        lasted = await asyncio.to_thread(_last, daemon, load, place.folder, seconds)
        watched = await watching
    wrong = lasted.lost + lasted.damaged + lasted.mixed
    wrong += sum(one.counter.lost_frames + one.counter.reordered_frames + one.counter.damaged for one in watched)
    return {
        "seconds": round(lasted.seconds),
        "gb": round(lasted.bytes / 1e9, 2),
        "frames": lasted.frames,
        "lost packets": lasted.lost,
        "connections that lost some": lasted.losers,
        "source_late_ms": lasted.source_late_ms,
        "damaged packets": lasted.damaged,
        "mixed packets": lasted.mixed,
        "closed connections": lasted.closed,
        "cpu_s_per_gb": round(lasted.cpu_s / (lasted.bytes / 1e9), 2),
        "p99_ms": lasted.p99_ms,
        "memory_mb": {"settled": lasted.settled_mb, "largest later": lasted.largest_mb, "end": lasted.memory_mb[-1]},
        "watched": [
            {
                "frames": one.counter.frames,
                "lost": one.counter.lost_frames,
                "reordered": one.counter.reordered_frames,
                "sources": sorted(one.counter.sources),
            }
            for one in watched
        ],
        "goals": {
            "lost, damaged and mixed up": goal(wrong + lasted.closed, at_most=0),
            "growth of memory, MB": goal(lasted.largest_mb - lasted.settled_mb, at_most=1),
        },
    }


@dataclass(slots=True)
class _Lasted:
    seconds: float = 0.0
    bytes: int = 0
    frames: int = 0
    lost: int = 0
    losers: int = 0
    source_late_ms: float = 0.0
    damaged: int = 0
    mixed: int = 0
    closed: int = 0
    cpu_s: float = 0.0
    p99_ms: float = 0.0
    memory_mb: list[float] = field(default_factory=list)  # of all processes, every _SAMPLE_S

    @property
    def settled_mb(self) -> float:
        return max(self.memory_mb[: int(len(self.memory_mb) * _SETTLED) + 1])

    @property
    def largest_mb(self) -> float:
        return max(self.memory_mb)


def _last(daemon: Product, load: Load, folder: Path, seconds: float) -> _Lasted:
    lasted = _Lasted()
    with Sink(folder, load) as sink, daemon.playing(load, sink) as recorders:
        time.sleep(WARM_UP_S)
        pids = daemon.pids()
        lasted.cpu_s = -sum(map(cpu_s, pids))
        daemon.source.state()
        sink.mark()
        began = kept_alive = time.monotonic()
        while (now := time.monotonic()) < began + seconds:
            if now > kept_alive + _KEEP_ALIVE_S:
                kept_alive = now
                for recorder in recorders:
                    recorder.send("GET_PARAMETER")
            lasted.memory_mb.append(round(sum(map(rss_mb, pids)), 1))
            time.sleep(min(_SAMPLE_S, max(0.0, began + seconds - now)))
        lasted.cpu_s += sum(map(cpu_s, pids))
        came = sink.mark()[0]
        lasted.seconds = time.monotonic() - began
        lasted.bytes, lasted.p99_ms = came.bytes, came.p99_us / 1000
        each = sink.each()
        lasted.frames = sum(one.frames for one in each)
        lasted.lost = sum(one.lost for one in each)
        lasted.losers = sum(one.lost > 0 for one in each)
        lasted.source_late_ms = daemon.source.state().latest_us / 1000
        lasted.damaged = sum(one.damaged for one in each)
        lasted.mixed = sum(one.mixed + (one.stream != one.id) for one in each)
        lasted.closed = sum(not one.open for one in each)
        print(f"  {lasted.bytes / 1e9:.1f} GB, {lasted.lost} packets lost", file=sys.stderr, flush=True)
    return lasted


async def _watch(camera: Camera, seconds: float) -> WatchResult:
    frames = max(1, int(seconds * FPS))
    return await watch(
        camera.url, username=camera.user, password=camera.password, frames=frames, deadline_s=seconds * 1.5 + 60
    )

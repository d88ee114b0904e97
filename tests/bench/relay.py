"""Relay: CPU seconds per GB delivered at 64 streams × 6 Mbit/s, beside a plain asyncio TCP pipe (what a byte-copying
proxy in the same language costs, without authentication, rewriting or limits)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

from proxyd.api import models as m
from tests.e2e.stack import NVR_PASSWORD, NVR_USER, credentials, running_stack, wait_for_states

from .measure import cpu_s, rss_mb

STREAMS, KBPS, SECONDS = 64, 6000, 20

_PIPE = """
import asyncio, sys
async def copy(r, w):
    try:
        while data := await r.read(1 << 16):
            w.write(data); await w.drain()
    except ConnectionError: pass
    finally: w.close()
async def serve(r, w):
    ur, uw = await asyncio.open_connection(sys.argv[2], int(sys.argv[3]))
    await asyncio.gather(copy(r, uw), copy(ur, w))
async def main():
    server = await asyncio.start_server(serve, sys.argv[2], int(sys.argv[1]))
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


async def run() -> dict[str, object]:
    options = ("--channels", str(STREAMS), "--bitrate", str(KBPS))
    async with running_stack(*options) as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        user, password = await credentials(client, cameras[0])
        assert stack.daemon is not None
        pid = stack.daemon.process.pid
        urls = [camera.streams[0].url for camera in cameras]
        ours = await _measure(pid, urls, user, password)
        ours["rss_mb"] = rss_mb(pid)
        async with _pipe(stack.said["host"], stack.said["rtsp_port"]) as (pipe_pid, pipe_port):
            upstream = [_upstream_url(stack.said, pipe_port, channel) for channel in range(1, STREAMS + 1)]
            peer = await _measure(pipe_pid, upstream, NVR_USER, NVR_PASSWORD)
    return {
        "streams": STREAMS,
        "kbit_per_s_each": KBPS,
        "proxyd": ours,
        "peer: asyncio TCP pipe": peer,
        "ratio_cpu_s_per_gb": round(ours["cpu_s_per_gb"] / peer["cpu_s_per_gb"], 2),
    }


def _upstream_url(said: dict[str, Any], port: int, channel: int) -> str:
    """The hikvision dialect's address of a main stream."""
    return f"rtsp://{said['host']}:{port}/Streaming/Channels/{channel}01"


async def _measure(pid: int, urls: list[str], user: str, password: str) -> dict[str, float]:
    order = json.dumps({"urls": urls, "username": user, "password": password, "seconds": SECONDS})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.sink",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    before = cpu_s(pid)
    out, _ = await asyncio.wait_for(process.communicate(order.encode()), SECONDS * 4)
    spent = cpu_s(pid) - before
    total = json.loads(out)
    return {
        "gb": round(total["bytes"] / 1e9, 3),
        "mbit_per_s": round(total["bytes"] * 8 / 1e6 / SECONDS, 1),
        "packets_lost": total["lost"],
        "cpu_s_per_gb": round(spent / (total["bytes"] / 1e9), 2),
    }


@contextlib.asynccontextmanager
async def _pipe(host: str, port: int) -> Any:
    listen = port + 1 if port < 65535 else port - 1
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PIPE, str(listen), host, str(port), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 10)
    try:
        yield process.pid, listen
    finally:
        process.terminate()
        await process.wait()

"""A camera with TLS on both sides, for tests: its certificate, and recorders that trust it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from proxyd.camera.settings import CameraSettings, Certificate
from proxyd.rtsp.server import RtspServer
from proxyd.simulator.rtsp_server import RtspSimulator
from proxyd.tls.certificate import device_certificate, self_signed, server_context

from .cameras import CAMERA_HOST, NVR_HOST, Recorder, camera_spec, simulated_nvr

ON = CameraSettings(https=True)


@cache
def certificate() -> Certificate:
    return self_signed(camera_spec(1), datetime.now(UTC))


def with_tls(**changes: Any) -> dict[str, Any]:
    """Changes for `camera`."""
    return {"settings": ON, "certificate": certificate(), "rtsps_port": 0} | changes


def trusting(its: Certificate | None = None) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=(its or certificate()).chain)


@asynccontextmanager
async def tls_recorder(
    server: RtspServer, its: Certificate | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Recorder]:
    reader, writer = await asyncio.open_connection(
        CAMERA_HOST, server.rtsps_port, ssl=trusting(its), local_addr=(host, 0)
    )
    try:
        yield Recorder(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def secure_nvr(**options: Any) -> AsyncIterator[RtspSimulator]:
    """A simulated NVR that serves streams by TLS only."""
    its = device_certificate("nvr", NVR_HOST, datetime.now(UTC))
    async with simulated_nvr(tls=server_context(its), **options) as nvr:
        yield nvr


def from_secure(nvr: RtspSimulator) -> dict[str, Any]:
    """Changes for a `camera` whose streams are that NVR's."""
    streams = camera_spec(nvr.port).streams
    return {"streams": tuple(replace(one, upstream_url=f"rtsps{(one.upstream_url or '')[4:]}") for one in streams)}

"""A camera with TLS on both sides, for tests: its certificate, and recorders that trust it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from proxyd.camera.settings import CameraSettings, Certificate
from proxyd.rtsp.server import RtspServer
from proxyd.tls.certificate import self_signed

from .cameras import CAMERA_HOST, Recorder, camera_spec

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

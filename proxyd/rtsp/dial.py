"""The way to an NVR's RTSP port, by TLS where the stream's address says rtsps.

NVRs have certificates of their own making, and their names are not what was typed: like their HTTPS this is encryption
towards the host that the user typed, not proof of who is there.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import cache

_SHUTDOWN_S = 2.0


async def dial(protocol: asyncio.Protocol, host: str, port: int, *, tls: bool) -> None:
    """Connects `protocol`. Raises OSError, ssl.SSLError among them; the caller has the deadline."""
    loop = asyncio.get_running_loop()
    if tls:
        await loop.create_connection(
            lambda: protocol, host, port, ssl=_context(), server_hostname=host, ssl_shutdown_timeout=_SHUTDOWN_S
        )
    else:
        await loop.create_connection(lambda: protocol, host, port)


def words(error: OSError) -> str:
    """What went wrong. asyncio puts the address that was tried in the place of the reason."""
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {(error.reason or 'handshake failed').replace('_', ' ').lower()}"
    number = error.errno or 0  # below zero: getaddrinfo's
    return os.strerror(number) if number > 0 else str(error.strerror or error)


@cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

"""Listening TCP sockets that somebody always owns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def listen(serve: Callable[[], asyncio.BaseProtocol], address: str, port: int, *, backlog: int) -> asyncio.Server:
    """`create_server`, save that no listener is left behind when this is cancelled: asyncio's already listens then, and
    nobody could ever close it, so that the port would be taken until the daemon ends. Raises OSError."""
    server = await asyncio.get_running_loop().create_server(
        serve, address, port, backlog=backlog, reuse_address=True, start_serving=False
    )
    try:
        await server.start_serving()
    except BaseException:
        server.close()
        raise
    return server


def host_of(transport: asyncio.BaseTransport | None) -> str:
    """The client's address; "" when it is gone."""
    peer = transport.get_extra_info("peername") if transport else None
    return str(peer[0]) if peer else ""

"""TLS in front of a camera's connections.

asyncio's own TLS server tells of a connection only when its handshake is done; here the ones before that are bounded,
too: `MAX_HANDSHAKES` at once, each `HANDSHAKE_TIMEOUT_S` at most; whoever holds the most gives up its oldest.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable

from proxyd.listening import host_of

MAX_HANDSHAKES = 32
HANDSHAKE_TIMEOUT_S = 5.0
_SHUTDOWN_TIMEOUT_S = 2.0


class Handshakes:
    """A protocol factory for `create_server`: each connection that completes its handshake goes to a protocol of
    `serve`, as if it had just been made."""

    def __init__(self, context: ssl.SSLContext, serve: Callable[[], asyncio.Protocol], owner: str) -> None:
        """`owner` names the tasks. `context` may be changed: for those who come after that."""
        self.context = context
        self._serve = serve
        self._owner = owner
        self._under_way: dict[asyncio.Transport, asyncio.Task[None]] = {}  # oldest first

    def __call__(self) -> asyncio.Protocol:
        return _Arrival(self._begin)

    async def stop(self) -> None:
        """End those that are not done."""
        tasks = list(self._under_way.values())
        for transport in list(self._under_way):
            transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, transport: asyncio.Transport) -> None:
        if len(self._under_way) >= MAX_HANDSHAKES:
            held = Counter(host_of(one) for one in self._under_way)
            most = max(held.values())
            spare = next(one for one in self._under_way if held[host_of(one)] == most)
            spare.abort()
            self._under_way.pop(spare).cancel()
        name = f"TLS handshake with {self._owner}"
        self._under_way[transport] = asyncio.get_running_loop().create_task(self._shake_hands(transport), name=name)

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        early = _Early()
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                transport,
                early,
                self.context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
                ssl_shutdown_timeout=_SHUTDOWN_TIMEOUT_S,
            )
        except (OSError, TimeoutError):
            transport.abort()  # a port scan, a client without TLS 1.2, or one that does not trust the certificate
            return
        finally:
            self._under_way.pop(transport, None)
        if encrypted is None or early.lost:
            transport.abort()
            return
        early.hand_over(encrypted, self._serve())


class _Arrival(asyncio.Protocol):
    """Until the handshake begins, which reads from the transport itself."""

    def __init__(self, begin: Callable[[asyncio.Transport], None]) -> None:
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # what create_server makes
        transport.pause_reading()
        self._begin(transport)


class _Early(asyncio.Protocol):
    """Keeps what arrives together with the end of the handshake: its task wakes up one turn of the loop later."""

    def __init__(self) -> None:
        self._received: list[bytes] = []
        self._ended = False
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self._received.append(data)

    def eof_received(self) -> None:
        self._ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def hand_over(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for data in self._received:
            protocol.data_received(data)
        if self._ended:
            protocol.eof_received()

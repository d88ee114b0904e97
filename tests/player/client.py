"""A plain RTSP client on asyncio streams: the daemon's own client must be judged by something else."""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from collections.abc import Callable

from proxyd.digest import Challenge, authorization, choose, parse_challenges
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Interleaved, Request, Response, format_interleaved, format_request
from proxyd.rtsp.parser import RtspParser

STEP_DEADLINE_S = 10.0
_READ_BYTES = 256 * 1024
_KEPT_BYTES = 200_000


class RtspClientError(Exception):
    """The server refused or fell silent. `status` is its RTSP status, 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class RtspClient:
    """One connection: requests in order, interleaved packets to `on_packet`. Not for concurrent use."""

    def __init__(self, username: str, password: str, on_packet: Callable[[int, bytes], None]) -> None:
        self._username = username
        self._password = password
        self._on_packet = on_packet
        self._parser = RtspParser()
        self._challenge: Challenge | None = None
        self._cseq = 0
        self._nonce_count = 0
        self._answered: list[Response] = []
        self.responses: list[Response] = []
        self.received = bytearray()  # the first bytes of the connection, as they came

    async def connect(self, host: str, port: int, source: str = "") -> None:
        """`source`: the address of this machine to come from."""
        async with asyncio.timeout(STEP_DEADLINE_S):
            self._reader, self._writer = await asyncio.open_connection(
                host, port, limit=_READ_BYTES, local_addr=(source, 0) if source else None
            )
        self.local_host: str = self._writer.get_extra_info("sockname")[0]

    async def close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(STEP_DEADLINE_S):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    def half_close(self) -> None:
        """It sends nothing more, and goes on listening."""
        self._writer.write_eof()

    def abort(self) -> None:
        """It is gone without a word, with RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def request(self, method: str, uri: str, **headers: str) -> Response:
        """The answer, with credentials given when they are asked for. Raises RtspClientError unless it is 2xx."""
        async with asyncio.timeout(STEP_DEADLINE_S):
            response = await self._exchange(method, uri, headers)
            if response.status == 401 and self._may_answer(response):
                response = await self._exchange(method, uri, headers)
        if not 200 <= response.status < 300:
            raise RtspClientError(f"{method} was answered {response.status} {response.reason}", response.status)
        return response

    def send(self, method: str, uri: str, **headers: str) -> None:
        """A request whose answer does not matter."""
        self._cseq += 1
        request = Request(method, uri, Headers([("CSeq", str(self._cseq))]))
        if self._challenge is not None:
            self._nonce_count += 1
            value = authorization(
                self._challenge,
                method=method,
                uri=uri,
                username=self._username,
                password=self._password,
                cnonce=secrets.token_hex(8),
                nc=self._nonce_count,
            )
            request.headers.add("Authorization", value)
        for name, value in headers.items():
            request.headers.add(name, value)
        self._writer.write(format_request(request))

    def send_packet(self, channel: int, packet: bytes) -> None:
        """One interleaved packet, such as a receiver report."""
        self._writer.write(format_interleaved(channel, packet))

    async def receive(self) -> None:
        """Read once. Raises RtspClientError when the server closed."""
        data = await self._reader.read(_READ_BYTES)
        if not data:
            raise RtspClientError("the server closed the connection")
        if len(self.received) < _KEPT_BYTES:
            self.received += data
        for event in self._parser.feed(data):
            if isinstance(event, Interleaved):
                self._on_packet(event.channel, event.payload)
            elif isinstance(event, Response):
                self._answered.append(event)
                self.responses.append(event)

    async def _exchange(self, method: str, uri: str, headers: dict[str, str]) -> Response:
        self.send(method, uri, **headers)
        await self._writer.drain()
        self._answered.clear()
        while not (mine := [r for r in self._answered if r.headers.get("CSeq") == str(self._cseq)]):
            await self.receive()
        return mine[0]

    def _may_answer(self, response: Response) -> bool:
        """Whether this challenge is worth an answer: the first one, or a nonce that grew old."""
        found = choose(parse_challenges(response.headers.get_all("WWW-Authenticate")))
        if found is None or (self._challenge is not None and not found.stale):
            return False
        self._challenge, self._nonce_count = found, 0
        return True

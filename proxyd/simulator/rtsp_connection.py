"""One client connection of the simulator's RTSP server: bytes to requests, answers to bytes, media in between."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import Protocol, cast

from proxyd.rtsp.messages import Interleaved, Request, Response, format_response
from proxyd.rtsp.parser import RtspParser, RtspSyntaxError
from proxyd.simulator.rtsp_requests import RequestHandler
from proxyd.simulator.rtsp_sinks import Address

_READ_PAUSE_BYTES = 1 << 20  # a client that lets so much pile up is not listened to either
_LINGER_RESET = struct.pack("ii", 1, 0)


class ConnectionOwner(Protocol):
    """What a connection tells its server, and asks it."""

    def admit(self, connection: RtspConnection) -> bool: ...

    def still_admits(self, connection: RtspConnection) -> bool: ...

    def answer_delay(self) -> float: ...

    def hear(self, connection: RtspConnection, packets: list[Interleaved]) -> None: ...

    def count_cut_off(self) -> None: ...

    def forget(self, connection: RtspConnection) -> None: ...


class RtspConnection(asyncio.Protocol):
    """One client. Requests are answered in order; what else it sends shows that it lives, and may be sound."""

    transport: asyncio.Transport
    peer: Address
    local: Address

    def __init__(self, server: ConnectionOwner, handler: RequestHandler) -> None:
        self._server = server
        self._handler = handler
        self._parser = RtspParser()
        self._loop = asyncio.get_running_loop()
        self.last_heard = self._loop.time()
        self._slow: deque[list[Request]] = deque()  # not answered yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.peer = transport.get_extra_info("peername")[:2]
        self.local = transport.get_extra_info("sockname")[:2]
        self.transport.set_write_buffer_limits(high=_READ_PAUSE_BYTES)
        if self._server.admit(self):
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if not self._server.still_admits(self):
            return
        self.last_heard = self._loop.time()
        fault: RtspSyntaxError | None = None
        try:
            events = self._parser.feed(data)
        except RtspSyntaxError as error:
            events, fault = error.events, error
        requests = [event for event in events if isinstance(event, Request)]
        if len(requests) < len(events):
            self._server.hear(self, [event for event in events if isinstance(event, Interleaved)])
        self._slow.append(requests)
        if len(self._slow) > 1 or self._server.answer_delay():
            self._loop.call_later(self._server.answer_delay(), self._answer)
        else:
            self._answer()
        if fault is not None and not self.transport.is_closing():
            self.transport.write(format_response(Response(fault.status)))
            self.transport.close()

    def _answer(self) -> None:
        """The oldest requests that wait."""
        requests = self._slow.popleft()
        if self.transport.is_closing():
            return
        answers = [format_response(self._handler.answer(request, self)) for request in requests]
        if answers and not self.transport.is_closing():
            self.transport.write(b"".join(answers))

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)

    def cut_off(self) -> None:
        """The client does not read what it asked for."""
        self._server.count_cut_off()
        self.transport.abort()

    def abort(self, *, reset: bool) -> None:
        if reset:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self.transport.abort()

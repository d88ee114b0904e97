"""An NVR with bad habits, scripted per test: what the simulated NVR does not do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from struct import pack

from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Interleaved, Request, Response, format_interleaved, format_response
from proxyd.rtsp.parser import RtspParser
from tests.proxyd.rtsp.cameras import NVR_HOST

SDP = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=5\r\n"
Answer = Callable[["OddNvr", Request], Response | None]


class OddNvr:
    """Answers as a small correct device; `habits` maps a method to a function whose answer is taken instead
    (None: no answer at all)."""

    def __init__(self, habits: dict[str, Answer]) -> None:
        self.habits = habits
        self.requests: list[Request] = []
        self.port = 0
        self.sent = 0  # packets
        self.packets: list[Interleaved] = []  # that came
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.tasks: list[asyncio.Task[object] | None] = []

    def send_packets(self, channel: int, count: int, size: int = 100) -> None:
        for _ in range(count):
            self.sent += 1
            head = pack(">BBHII", 0x80, 96, self.sent & 0xFFFF, self.sent * 3600 & 0xFFFFFFFF, 7)
            self.writers[-1].write(format_interleaved(channel, head.ljust(size, b"\0")))

    def send_key_frame(self, channel: int, size: int, writer: asyncio.StreamWriter | None = None) -> None:
        """H.264, in one packet; on the last connection unless another is named."""
        self.sent += 1
        head = pack(">BBHII", 0x80, 96 | 0x80, self.sent & 0xFFFF, self.sent * 3600 & 0xFFFFFFFF, 7)
        (writer or self.writers[-1]).write(format_interleaved(channel, (head + b"\x65").ljust(size, b"\0")))

    def asked(self, method: str) -> int:
        return sum(request.method == method for request in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        self.tasks.append(asyncio.current_task())
        parser = RtspParser()
        try:
            while data := await reader.read(65536):
                for event in parser.feed(data):
                    if isinstance(event, Request):
                        self.requests.append(event)
                        self._reply(event, writer)
                    elif isinstance(event, Interleaved):
                        self.packets.append(event)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _reply(self, request: Request, writer: asyncio.StreamWriter) -> None:
        habit = self.habits.get(request.method)
        response = habit(self, request) if habit else self.usual(request)
        if response is None:
            return
        if "CSeq" not in response.headers:
            response.headers.add("CSeq", request.headers.get("CSeq") or "")
        writer.write(format_response(response))

    def usual(self, request: Request) -> Response:
        match request.method:
            case "DESCRIBE":
                return Response(200, body=SDP)
            case "SETUP":
                wish = request.headers.get("Transport") or ""
                return Response(200, headers=Headers([("Transport", wish), ("Session", "odd; timeout=60")]))
            case "OPTIONS":
                return Response(200, headers=Headers([("Public", "DESCRIBE, SETUP, PLAY, GET_PARAMETER")]))
        return Response(200)


@asynccontextmanager
async def odd_nvr(**habits: Answer) -> AsyncIterator[OddNvr]:
    nvr = OddNvr(habits)
    server = await asyncio.start_server(nvr.serve, NVR_HOST, 0)
    nvr.port = server.sockets[0].getsockname()[1]
    try:
        yield nvr
    finally:
        server.close()
        for writer in nvr.writers:
            writer.transport.abort()
        await server.wait_closed()
        for task in nvr.tasks:
            if task is not None:
                await task

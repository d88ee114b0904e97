"""Play one URL and count its frame marks: for tests, benchmarks and acceptance checks of the relay."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal
from urllib.parse import urlsplit

from proxyd.rtsp.headers import parse_session
from proxyd.rtsp.messages import Response
from proxyd.rtsp.udp_pair import bind_udp_pair
from proxyd.simulator.frames import Codec
from tests.player.client import RtspClient, RtspClientError
from tests.player.marks import MarkCounter

KEEP_ALIVE_S = 20.0


@dataclass(slots=True)
class WatchResult:
    """What came: the marks, the SDP, all answers of the server, and its RTCP packets."""

    counter: MarkCounter
    sdp: str
    responses: list[Response]
    rtcp: list[bytes] = field(default_factory=list)


async def watch(
    url: str,
    *,
    username: str,
    password: str,
    frames: int,
    deadline_s: float,
    transport: Literal["tcp", "udp"] = "tcp",
) -> WatchResult:
    """Play `url` until `frames` frames came. Raises RtspClientError, OSError or TimeoutError; always tears down."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    counter: MarkCounter | None = None
    rtcp: list[bytes] = []
    enough = asyncio.Event()

    def on_packet(channel: int, payload: bytes) -> None:
        if channel == 1:
            rtcp.append(payload)
        elif channel == 0 and counter is not None and not enough.is_set():
            counter.feed(payload)
            if counter.frames >= frames:
                enough.set()

    client = RtspClient(username, password, on_packet)
    async with asyncio.timeout(deadline_s):
        await client.connect(host, parts.port or 554)
        ports: list[asyncio.DatagramTransport] = []
        try:
            described = await client.request("DESCRIBE", url, Accept="application/sdp")
            sdp = described.body.decode()
            codec, control = video_track(sdp)
            counter = MarkCounter(codec)
            base = described.headers.get("Content-Base") or url
            if transport == "udp":
                port, ports = await listen(client.local_host, on_packet)
                wish = f"RTP/AVP;unicast;client_port={port}-{port + 1}"
            else:
                wish = "RTP/AVP/TCP;unicast;interleaved=0-1"
            setup = await client.request("SETUP", join_control(base, control), Transport=wish)
            session, _ = parse_session(setup.headers.get("Session") or "")
            await client.request("PLAY", base, Session=session, Range="npt=0.000-")
            await _until(enough, client, base, session, read=transport == "tcp")
            await client.request("TEARDOWN", base, Session=session)
        finally:
            for endpoint in ports:
                endpoint.close()
            await client.close()
    return WatchResult(counter, sdp, client.responses, rtcp)


async def _until(enough: asyncio.Event, client: RtspClient, base: str, session: str, *, read: bool) -> None:
    """Wait for the media, and keep the session alive meanwhile."""
    loop = asyncio.get_running_loop()
    keep_alive_at = loop.time() + KEEP_ALIVE_S
    while not enough.is_set():
        try:
            async with asyncio.timeout_at(keep_alive_at):
                await (client.receive() if read else enough.wait())
        except TimeoutError:
            client.send("GET_PARAMETER", base, Session=session)
        if loop.time() >= keep_alive_at:
            keep_alive_at = loop.time() + KEEP_ALIVE_S


def video_track(sdp: str) -> tuple[Codec, str]:
    """(codec, a=control) of the first video track. Raises RtspClientError when there is none that can be counted."""
    for section in re.split(r"^m=", sdp, flags=re.MULTILINE)[1:]:
        codec = re.search(r"^a=rtpmap:\d+ (H26[45])/", section, re.MULTILINE)
        control = re.search(r"^a=control:(\S+)", section, re.MULTILINE)
        if section.startswith("video") and codec and control:
            return ("H265" if codec.group(1) == "H265" else "H264"), control.group(1)
    raise RtspClientError("the SDP offers no H.264 or H.265 video")


def join_control(base: str, control: str) -> str:
    """As common clients do: text after text, whatever is in the query."""
    if control.startswith("rtsp:"):
        return control
    return base.rstrip("/") + "/" + control


async def listen(host: str, on_packet: Callable[[int, bytes], None]) -> tuple[int, list[asyncio.DatagramTransport]]:
    """(RTP port, transports): packets go to `on_packet` as channels 0 (RTP) and 1 (RTCP)."""
    loop = asyncio.get_running_loop()
    sockets = bind_udp_pair(host, buffer_bytes=4 << 20)
    transports = []
    for channel, sock in enumerate(sockets):
        transport, _ = await loop.create_datagram_endpoint(partial(_Receiver, channel, on_packet), sock=sock)
        transports.append(transport)
    return sockets[0].getsockname()[1], transports


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, channel: int, on_packet: Callable[[int, bytes], None]) -> None:
        self._channel = channel
        self._on_packet = on_packet

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._on_packet(self._channel, data)

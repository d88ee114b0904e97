"""NVRs that send by UDP only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from struct import pack
from typing import Any, Literal

import pytest

from proxyd.camera.spec import NvrAccess, StreamTransport
from proxyd.rtsp.headers import Headers, Transport, format_transport, parse_transport
from proxyd.rtsp.messages import Request, Response
from proxyd.rtsp.udp_pair import bind_udp_pair
from proxyd.simulator.faults import Faults
from tests.player.watch import watch
from tests.proxyd.rtsp.cameras import (
    AT_ONCE,
    DEADLINE_S,
    NVR_HOST,
    PASSWORD,
    USER,
    camera,
    camera_spec,
    recorder,
    simulated_nvr,
)
from tests.proxyd.rtsp.odd_nvr import OddNvr, odd_nvr

OTHER_HOST = "127.0.77.10"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_a_stream_that_comes_by_udp_arrives_complete(transport: Literal["tcp", "udp"]) -> None:
    faults = Faults(rtsp_udp_only=True, udp_delays=7, udp_repeats=5)
    async with simulated_nvr(faults, audio=True) as nvr, camera(nvr.port) as (_, seen, url):
        result = await watch(
            f"{url}/main", username=USER, password=PASSWORD, frames=60, deadline_s=15, transport=transport
        )
        counter = result.counter
        assert counter.sources == {(3, 0)}
        assert (counter.lost_frames, counter.lost_packets, counter.unmarked_frames) == (0, 0, 0)
        assert await seen.until_done("TEARDOWN main")
        assert not seen.refusals()
        assert nvr.sessions == 0
        assert nvr.requests["SETUP"] == 3  # the refused one, video, sound


async def test_a_lost_connection_of_an_nvr_that_sends_by_udp_comes_back() -> None:
    limits = replace(AT_ONCE, reconnect_s=(0.05, 0.1))
    async with (
        simulated_nvr(Faults(rtsp_udp_only=True)) as nvr,
        camera(nvr.port, limits) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        await client.until_packets(20)
        await nvr.stop()
        assert await seen.until_refusal("Meanwhile the session is kept")
        await nvr.start()
        count = len(client.packets)
        await client.until_packets(count + 20)


# An NVR whose UDP is in the hands of the test -----------------------------------------------------------------


class UdpNvr:
    """Grants what the test says; `rtp` and `rtcp` are its ports."""

    def __init__(self) -> None:
        self.rtp, self.rtcp = bind_udp_pair(NVR_HOST, buffer_bytes=1 << 16)
        self.client = ("", 0)
        self.answer: Transport | None = None
        self.refusals: list[int] = []

    def setup(self, nvr: OddNvr, request: Request) -> Response:
        (wish,) = parse_transport(request.headers.get("Transport") or "")
        if self.refusals:
            return Response(self.refusals.pop(0))
        assert wish.client_port is not None
        self.client = (str(nvr.writers[-1].get_extra_info("peername")[0]), wish.client_port[0])
        ports = self.rtp.getsockname()[1], self.rtcp.getsockname()[1]
        granted = self.answer or Transport(client_port=wish.client_port, server_port=ports, source=OTHER_HOST)
        return Response(200, headers=Headers([("Transport", format_transport(granted)), ("Session", "odd; timeout=1")]))

    def send(self, numbers: Iterable[int], sock: socket.socket | None = None) -> None:
        for number in numbers:
            packet = pack(">BBHII", 0x80, 96 | 0x80, number, number * 3600, 7) + b"\x65" + bytes([number])
            (sock or self.rtp).sendto(packet, self.client)

    async def heard(self, sock: socket.socket) -> tuple[bytes, Any]:
        async with asyncio.timeout(DEADLINE_S):
            return await asyncio.get_running_loop().sock_recvfrom(sock, 2048)


@asynccontextmanager
async def udp_nvr(**habits: Any) -> AsyncIterator[tuple[UdpNvr, OddNvr]]:
    udp = UdpNvr()
    udp.refusals = [461]
    with closing(udp.rtp), closing(udp.rtcp):
        async with odd_nvr(SETUP=udp.setup, **habits) as nvr:
            yield udp, nvr


async def test_only_the_nvr_is_heard_and_only_from_its_ports() -> None:
    async with udp_nvr() as (udp, nvr), camera(nvr.port) as (server, _, url), recorder(server) as client:
        await client.start(f"{url}/main")
        assert await udp.heard(udp.rtp) == (pack(">BBHI", 0x80, 0, 0, 0) + (await ssrc_of(udp)), udp.client)
        with bind(NVR_HOST) as other_port, bind(OTHER_HOST) as other_host:
            for number in range(5):
                udp.send([100 + number], other_port)
                udp.send([200 + number], other_host)
                udp.send([number])
        await client.until_packets(5)
        assert [packet.payload[-1] for packet in client.packets] == [0, 1, 2, 3, 4]


async def ssrc_of(udp: UdpNvr) -> bytes:
    """From the report that opens the way for the NVR's."""
    report, sender = await udp.heard(udp.rtcp)
    assert sender == (udp.client[0], udp.client[1] + 1)
    return report[4:8]


def bind(host: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    return sock


async def test_the_nvr_gets_reports_of_what_came() -> None:
    async with udp_nvr() as (udp, nvr), camera(nvr.port) as (server, _, url), recorder(server) as client:
        await client.start(f"{url}/main")
        await ssrc_of(udp)
        udp.send(range(10, 13))
        await client.until_packets(3)
        source = 0, 0
        while source != (7, 12) or not nvr.asked(
            "GET_PARAMETER"
        ):  # which is sent beside; those before the first figures name no source
            report, _ = await udp.heard(udp.rtcp)
            source = int.from_bytes(report[8:12], "big"), int.from_bytes(report[16:20], "big")


@pytest.mark.parametrize(
    ("refusals", "answer", "words"),
    [
        ([461, 461], None, "neither inside the RTSP connection nor by UDP"),
        ([461, 453], None, "allows no more streams"),
        ([461], Transport(client_port=(5000, 5001)), "which ports"),
        ([461], Transport(client_port=(5000, 5001), server_port=(0, 1)), "which ports"),
        ([461], Transport(unicast=False, server_port=(5000, 5001)), "neither"),
    ],
)
async def test_what_does_not_work_is_said(refusals: list[int], answer: Transport | None, words: str) -> None:
    async with udp_nvr() as (udp, nvr), camera(nvr.port) as (server, seen, url), recorder(server) as client:
        udp.refusals, udp.answer = refusals, answer
        assert (await client.ask("DESCRIBE", f"{url}/main")).status == 200
        setup = await client.ask("SETUP", f"{url}/main/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1")
        assert setup.status == 503
        assert await seen.until_refusal(words)


@pytest.mark.parametrize(
    ("transport", "refusal", "words"),
    [("tcp", 461, "does not send video inside the RTSP connection"), ("udp", 461, "does not send video by UDP")],
)
async def test_what_the_operator_chose_is_asked_for_and_nothing_else(
    transport: StreamTransport, refusal: int, words: str
) -> None:
    access = NvrAccess(NVR_HOST, 80, "nvr-admin", "nvr-s3cret", transport)
    async with (
        udp_nvr() as (udp, nvr),
        camera(nvr.port, nvr=access) as (server, seen, url),
        recorder(server) as client,
    ):
        udp.refusals = [refusal]
        setup = await client.ask("SETUP", f"{url}/main/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1")
        assert setup.status == 503
        assert "--transport auto" in await seen.until_refusal(words)
        (asked,) = [request for request in nvr.requests if request.method == "SETUP"]
        (wish,) = parse_transport(asked.headers.get("Transport") or "")
        assert wish.tcp == (transport == "tcp")
        if transport == "udp":
            async with recorder(server) as again:
                await again.start(f"{url}/main")
                udp.send(range(5))
                await again.until_packets(5)


async def test_another_choice_of_the_operator_ends_what_came_by_the_old_one() -> None:
    only_udp = Faults(rtsp_udp_only=True)
    async with simulated_nvr(only_udp) as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        await client.start(f"{url}/main")
        spec = camera_spec(nvr.port)
        server.update(replace(spec, nvr=replace(spec.nvr, transport="tcp")))
        await client.until_closed()
        assert any("the stream or the NVR's account changed" in entry["reason"] for entry in seen.trace)
        async with recorder(server) as again:
            setup = await again.ask("SETUP", f"{url}/main/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1")
            assert setup.status == 503 and "inside the RTSP connection" in seen.refusals()[-1]
        server.update(spec)
        async with recorder(server) as again:
            await again.start(f"{url}/main")
            await again.until_packets(10)


async def test_udp_that_never_arrives_is_said() -> None:
    limits = replace(AT_ONCE, stall_timeout_s=0.5)
    async with udp_nvr() as (_, nvr), camera(nvr.port, limits) as (server, seen, url), recorder(server) as client:
        await client.start(f"{url}/main")
        assert "no video arrives by UDP" in await seen.until_refusal("stalled")

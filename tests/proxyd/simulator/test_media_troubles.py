"""What can be made to go wrong with the simulator's media, over real sockets: each does what its name says."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from proxyd.rtsp.headers import parse_transport
from proxyd.rtsp.parser import RtspSyntaxError
from proxyd.rtsp.udp_pair import bind_udp_pair
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.faults import Faults
from proxyd.simulator.rtp import parse_rtp
from proxyd.simulator.rtsp_server import RtspSimulator
from proxyd.sources import h264
from tests.player.client import RtspClientError
from tests.player.marks import MarkCounter
from tests.proxyd.simulator.media_server import Talk, running, talking, url

DEADLINE_S = 30


async def playing(server: RtspSimulator, talk: Talk, path: str = "1/main") -> str:
    """The session, once packets came."""
    session = await talk.setup(url(server, path))
    await talk.client.request("PLAY", url(server, path), Session=session)
    await talk.media(20)
    return session


async def refusal(talk: Talk, method: str, target: str, **headers: str) -> int:
    with pytest.raises(RtspClientError) as refused:
        await talk.client.request(method, target, **headers)
    return refused.value.status


async def until_broken(talk: Talk) -> type[Exception]:
    """Reads on; what it ended with."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                await talk.client.receive()
            except (RtspClientError, RtspSyntaxError, OSError) as error:
                return type(error)


async def test_one_channel_falls_silent_and_the_others_go_on() -> None:
    faults = Faults()
    async with running(faults=faults) as server, talking(server) as silent, talking(server) as other:
        await playing(server, silent)
        await playing(server, other, "2/main")
        faults.set("rtsp-silent=1")
        await other.media(10)
        assert await refusal(silent, "DESCRIBE", url(server, "99/main")) == 404  # behind all that was under way
        before = len(silent.packets)
        await other.media(20)
        assert await refusal(silent, "DESCRIBE", url(server, "99/main")) == 404
        assert len(silent.packets) == before
        faults.set("rtsp-silent=off")
        await silent.media(10)


async def test_answers_come_late_and_in_order() -> None:
    faults = Faults.parse(["rtsp-slow=0.2"])
    async with running(faults=faults) as server, talking(server) as talk:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        talk.client.send("OPTIONS", url(server))
        await talk.client.request("OPTIONS", url(server))
        assert loop.time() - begun >= 0.2
        assert [answer.headers.get("CSeq") for answer in talk.client.responses] == ["1", "2"]


@pytest.mark.parametrize(("value", "stale"), [("wrong", False), ("stale", True)])
async def test_logins_are_refused_for_good(value: str, stale: bool) -> None:
    faults = Faults()
    async with running(faults=faults) as server, talking(server) as talk:
        session = await playing(server, talk)
        faults.set(f"rtsp-refuses={value}")
        assert await refusal(talk, "GET_PARAMETER", url(server), Session=session) == 401
        assert ("stale=true" in (talk.client.responses[-1].headers.get("WWW-Authenticate") or "")) is stale
        faults.set("rtsp-refuses=off")
        await talk.client.request("GET_PARAMETER", url(server), Session=session)
        assert server.wrong_passwords == 0


async def test_nonces_grow_old_once() -> None:
    async with running() as server, talking(server) as talk:
        session = await playing(server, talk)
        server.befall("new-nonces")
        before = len(talk.client.responses)
        await talk.client.request("GET_PARAMETER", url(server), Session=session)
        assert [answer.status for answer in talk.client.responses[before:]] == [401, 200]
        assert server.wrong_passwords == 0


@pytest.mark.parametrize(("fault", "status"), [("rtsp-sessions=1", 453), ("rtsp-busy", 503), ("rtsp-udp-only", 461)])
async def test_setup_is_refused(fault: str, status: int) -> None:
    faults = Faults()
    async with running(faults=faults) as server, talking(server) as first, talking(server) as second:
        await playing(server, first)
        faults.set(fault)
        with pytest.raises(RtspClientError) as refused:
            await second.setup(url(server))
        assert refused.value.status == status
        faults.set(f"{fault.partition('=')[0]}=off")
        await playing(server, second)


async def test_another_picture_size_in_mid_stream() -> None:
    faults = Faults()
    async with running(faults=faults) as server, talking(server) as talk:
        await playing(server, talk)
        faults.set("rtsp-resized=1")
        async with asyncio.timeout(DEADLINE_S):
            while len(sizes := _sizes(talk)) < 2:
                await talk.client.receive()
        assert sizes == [(1280, 720), (640, 360)]
        described = await talk.client.request("DESCRIBE", url(server))
        assert "a=x-dimensions:640,360" in described.body.decode()
        faults.set("rtsp-resized=off")
        async with asyncio.timeout(DEADLINE_S):
            while len(sizes := _sizes(talk)) < 3:
                await talk.client.receive()
        assert sizes[2] == (1280, 720)
        counter = _counted(talk)
        assert counter.lost_frames == counter.lost_packets == counter.damaged == 0


def _sizes(talk: Talk) -> list[tuple[int, int]]:
    """Of the pictures, in the order in which they came."""
    sizes: list[tuple[int, int]] = []
    for channel, packet in talk.packets:
        nal = parse_rtp(packet).payload if channel == 0 else b""
        if nal and nal[0] & 0x1F == 7:
            found = h264.parse_sps(nal)
            if not sizes or sizes[-1] != (found.width, found.height):
                sizes.append((found.width, found.height))
    return sizes


def _counted(talk: Talk) -> MarkCounter:
    counter = MarkCounter("H264")
    for channel, packet in talk.packets:
        if channel == 0:
            counter.feed(packet)
    return counter


async def test_another_ssrc_in_mid_stream() -> None:
    async with running() as server, talking(server) as talk:
        await playing(server, talk)
        server.befall("new-ssrc")
        async with asyncio.timeout(DEADLINE_S):
            while len(_counted(talk).ssrcs) < 2:
                await talk.client.receive()
        await talk.media(20)
        counter = _counted(talk)
        assert counter.lost_frames == 0 < counter.lost_packets


async def test_garbage_between_packets() -> None:
    async with running() as server, talking(server) as talk:
        await playing(server, talk)
        server.befall("garbage")
        assert await until_broken(talk) is RtspSyntaxError


@pytest.mark.parametrize(
    ("trouble", "seen"), [("reset", ConnectionResetError), ("close", RtspClientError), ("half-close", RtspClientError)]
)
async def test_media_connections_end_and_new_ones_are_welcome(trouble: str, seen: type[Exception]) -> None:
    async with running() as server, talking(server) as talk, talking(server) as idle:
        session = await playing(server, talk)
        server.befall(trouble)
        assert await until_broken(talk) is seen
        assert server.connections == (2 if trouble == "half-close" else 1)
        if trouble == "half-close":  # it still listens
            talk.client.send("TEARDOWN", url(server), Session=session)
            async with asyncio.timeout(DEADLINE_S):
                while server.sessions:
                    await idle.client.request("OPTIONS", url(server))
        await playing(server, idle)


async def test_forgotten_sessions_are_unknown() -> None:
    async with running() as server, talking(server) as talk:
        session = await playing(server, talk)
        server.befall("forget-sessions")
        assert await refusal(talk, "GET_PARAMETER", url(server), Session=session) == 454
        assert (server.sessions, server.connections) == (0, 1)


async def test_an_unknown_trouble_is_refused() -> None:
    async with running() as server:
        with pytest.raises(ValueError, match="known: garbage, reset"):
            server.befall("earthquake")


@pytest.mark.parametrize("fault", ["udp-loses=7", "udp-delays=7", "udp-repeats=7"])
async def test_datagrams_on_a_bad_network(fault: str) -> None:
    """Until the fault shows; nothing else is wrong then."""
    numbers: list[int] = []
    async with running(faults=Faults.parse([fault])) as server, talking(server) as talk:
        rtp, rtcp = bind_udp_pair("127.0.0.1", buffer_bytes=1 << 20)
        with rtp, rtcp:
            session = await _setup_udp(talk, server, rtp)
            await talk.client.request("PLAY", url(server), Session=session)
            async with asyncio.timeout(DEADLINE_S):
                while len(numbers) < 40:
                    data = await asyncio.get_running_loop().sock_recv(rtp, 2048)
                    numbers.append(parse_rtp(data).sequence)
    base = numbers[0]
    steps = [((number - base + 100) & 0xFFFF) - 100 for number in numbers]
    if fault.startswith("udp-loses"):
        assert steps == sorted(set(steps)) and steps[-1] > len(steps) - 1
    elif fault.startswith("udp-delays"):
        assert steps != sorted(steps) and len(set(steps)) == len(steps)
    else:
        assert steps == sorted(steps) and len(set(steps)) < len(steps)


async def _setup_udp(talk: Talk, server: RtspSimulator, rtp: socket.socket) -> str:
    port = rtp.getsockname()[1]
    session = await talk.setup(url(server), f"RTP/AVP;unicast;client_port={port}-{port + 1}")
    assert parse_transport(talk.client.responses[-1].headers.get("Transport") or "")[0].server_port
    return session


async def test_logins_at_the_same_time_are_counted() -> None:
    async with running() as server:
        async with talking(server) as one, talking(server) as two:
            assert server.peak_logins == 0
            await one.client.request("DESCRIBE", url(server))
            await two.client.request("DESCRIBE", url(server))
            assert server.peak_logins == 2
            await playing(server, one)
        async with talking(server) as three:
            await playing(server, three)
        assert server.peak_logins == 2


async def test_the_control_endpoint_brings_and_shows_it() -> None:
    async with SimulatedNvr(channels=1) as nvr, aiohttp.ClientSession() as session:
        async with session.post(nvr.control_url, json={"media": "new-nonces"}) as reply:
            state = (await reply.json())["rtsp"]
        assert state == {"connections": 0, "sessions": 0, "playing": 0, "peak_logins": 0, "requests": {}, "heard": {}}
        for wrong in ("earthquake", 1):
            async with session.post(nvr.control_url, json={"media": wrong}) as reply:
                assert reply.status == 400

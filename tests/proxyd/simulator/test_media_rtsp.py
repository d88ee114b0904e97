"""The RTSP server's answers, limits and faults, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any, Literal

import pytest

from proxyd.digest import parse_challenges
from proxyd.rtsp.headers import parse_transport
from proxyd.simulator.faults import Faults
from proxyd.simulator.rtsp_server import RtspSimulator
from tests.player.client import RtspClientError
from tests.player.marks import MarkCounter
from tests.player.watch import watch
from tests.proxyd.simulator.media_server import PASSWORD, USER, Talk, running, talking, url

TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"


async def refusal(talk: Talk, method: str, target: str, **headers: str) -> int:
    """The status of a request that must fail."""
    with pytest.raises(RtspClientError) as refused:
        await talk.client.request(method, target, **headers)
    return refused.value.status


async def raw(server: RtspSimulator, data: bytes) -> bytes:
    """Everything the server says to these bytes until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    async with asyncio.timeout(30):
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def until_closed(talk: Talk) -> type[Exception]:
    """Read on; how the connection ended."""
    async with asyncio.timeout(30):
        while True:
            try:
                await talk.client.receive()
            except (RtspClientError, OSError) as error:
                return type(error)


@pytest.mark.parametrize(("algorithm", "shown"), [("MD5", ""), ("SHA-256", "SHA-256")])
async def test_digest_without_qop_as_nvrs_offer_it(algorithm: Literal["MD5", "SHA-256"], shown: str) -> None:
    async with running(algorithm=algorithm, realm="IP Camera(C1)") as server, talking(server) as talk:
        await talk.client.request("DESCRIBE", url(server))
        (challenge,) = parse_challenges(talk.client.responses[0].headers.get_all("WWW-Authenticate"))
        assert (challenge.realm, challenge.algorithm, challenge.qop) == ("IP Camera(C1)", shown, ())
        assert server.wrong_passwords == 0


@pytest.mark.parametrize(("username", "password"), [(USER, "wrong"), ("root", PASSWORD)])
async def test_wrong_credentials_get_401_and_are_counted(username: str, password: str) -> None:
    told = []
    async with running(on_wrong_password=lambda: told.append(1)) as server:
        async with talking(server, password, username) as talk:
            assert await refusal(talk, "DESCRIBE", url(server)) == 401
        assert server.wrong_passwords == len(told) == 1


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "RECORD"])
async def test_everything_but_options_wants_credentials(method: str) -> None:
    async with running() as server:
        head = f"{method} {url(server)} RTSP/1.0\r\nCSeq: 1\r\nTransport: {TCP}\r\nSession: x\r\n\r\n"
        assert (await raw(server, head.encode())).startswith(b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n")
        answer = await raw(server, f"OPTIONS {url(server)} RTSP/1.0\r\nCSeq: 7\r\n\r\n".encode())
        assert answer.startswith(b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nServer: Rtsp Server/3.0\r\nPublic: OPTIONS, ")
        assert server.sessions == 0


async def test_basic_only_where_it_is_offered() -> None:
    head = b"DESCRIBE /1/main RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Basic YWRtaW46bnZyLXBhc3N3b3Jk\r\n\r\n"
    async with running(basic=True) as server:
        assert b" 200 OK" in await raw(server, head)
        assert b"Basic realm=" in await raw(server, b"DESCRIBE /1/main RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    async with running() as server:
        answer = await raw(server, head)
        assert b" 401 " in answer
        assert b"Basic" not in answer


async def test_who_is_locked_out_gets_401_with_the_right_password_too() -> None:
    async with running(locked_out=lambda: True) as server, talking(server) as talk:
        assert await refusal(talk, "DESCRIBE", url(server)) == 401
        assert server.wrong_passwords == 0


async def test_streams_that_do_not_exist() -> None:
    faults = Faults(offline=frozenset({3}), gaps=frozenset({4}))
    async with running(faults=faults) as server, talking(server) as talk:
        for path in ("65/main", "3/main", "4/sub", "1/third", "", "1/main/more"):
            assert await refusal(talk, "DESCRIBE", url(server, path)) == 404
            assert await refusal(talk, "SETUP", url(server, f"{path}/trackID=0"), Transport=TCP) == 404
        await talk.client.request("DESCRIBE", url(server, "5/main"))
        assert server.requests["DESCRIBE"] == 8  # the first one twice: without credentials, then with


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("PLAY", {}, 454),
        ("PLAY", {"Session": "0123"}, 454),
        ("PAUSE", {"Session": "0123"}, 454),
        ("TEARDOWN", {"Session": "0123"}, 454),
        ("GET_PARAMETER", {"Session": "0123"}, 454),
        ("SETUP", {"Session": "0123", "Transport": TCP}, 454),
        ("SETUP", {}, 461),
        ("SETUP", {"Transport": "RTP/AVP;multicast"}, 461),
        ("SETUP", {"Transport": "RTP/AVP;unicast"}, 461),
        ("SETUP", {"Transport": "RTP/SAVP;unicast;client_port=5000-5001"}, 461),
        ("DESCRIBE", {"Accept": "application/rtsl"}, 406),
        ("DESCRIBE", {"Require": "www.onvif.org/ver20/backchannel"}, 551),
        ("ANNOUNCE", {}, 501),
        ("RECORD", {}, 501),
    ],
)
async def test_refusals(method: str, headers: dict[str, str], status: int) -> None:
    async with running() as server, talking(server) as talk:
        assert await refusal(talk, method, url(server), **headers) == status
        assert server.sessions == 0


async def test_states_of_a_session() -> None:
    async with running(audio=True) as server, talking(server) as talk, talking(server) as other:
        target = url(server)
        assert await refusal(talk, "SETUP", target, Transport=TCP) == 459  # which of its two tracks?
        assert await refusal(talk, "SETUP", f"{target}/trackID=2", Transport=TCP) == 404
        session = await talk.setup(target)
        second = await talk.setup(url(server, "2/main"), "RTP/AVP/TCP;unicast")
        answer = talk.client.responses[-1].headers.get("Transport") or ""
        assert parse_transport(answer)[0].interleaved == (2, 3), "the first two channels are taken"
        assert await refusal(talk, "SETUP", f"{target}/trackID=1", Session=session, Transport=f"{TCP[:-3]}2-3") == 461
        assert await refusal(talk, "SETUP", url(server, "3/main/trackID=0"), Session=session, Transport=TCP) == 459
        assert await refusal(other, "PLAY", target, Session=session) == 455
        await talk.client.request("PLAY", target, Session=session)
        await talk.client.request("PLAY", target, Session=session)
        assert await refusal(talk, "SETUP", f"{target}/trackID=1", Session=session, Transport=TCP) == 455
        assert server.sessions == 2
        await talk.client.request("SET_PARAMETER", target, Session=session)
        await talk.client.request("TEARDOWN", target, Session=session)
        assert await refusal(talk, "PLAY", target, Session=session) == 454
        await talk.client.request("TEARDOWN", target, Session=second)
        assert server.sessions == 0


async def test_too_many_sessions_get_453() -> None:
    async with running(max_sessions=1) as server, talking(server) as talk:
        await talk.setup(url(server))
        assert await refusal(talk, "SETUP", f"{url(server)}/trackID=0", Transport="RTP/AVP/TCP;unicast") == 453


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"RTSP/1.0 400 "),
        (b"\x00\xff" * 4000, b"RTSP/1.0 4"),
        (b"OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 505 "),
        (b"OPTIONS * RTSP/1.0\r\n\r\n", b"RTSP/1.0 400 "),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 999999999\r\n\r\n", b"RTSP/1.0 413 "),
        (b"OPTIONS rtsp://[ RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 "),
        (b"$\x00\xff\xffhalf a packet", b""),
        (b"", b""),
    ],
)
async def test_nonsense_gets_an_answer_and_the_others_go_on(data: bytes, answer: bytes) -> None:
    async with running() as server, talking(server) as talk:
        session = await talk.setup(url(server))
        await talk.client.request("PLAY", url(server), Session=session)
        assert (await raw(server, data)).startswith(answer)
        await talk.media(5)


async def test_a_uri_that_is_none_is_refused() -> None:
    async with running() as server, talking(server) as talk:
        assert await refusal(talk, "DESCRIBE", "rtsp://[nonsense") in (400, 401)


async def test_idle_connections_are_closed_and_too_many_refused() -> None:
    limits: dict[str, Any] = {"max_connections": 2, "idle_connection_s": 0.5}
    async with running(**limits) as server, talking(server) as one, talking(server) as two:
        session = await one.setup(url(server))
        await one.client.request("PLAY", url(server), Session=session)
        await two.client.request("DESCRIBE", url(server))
        with pytest.raises(ConnectionResetError):
            await raw(server, b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        assert await until_closed(two) is RtspClientError
        assert server.connections == server.sessions == 1


async def test_a_silent_session_expires() -> None:
    async with running(session_timeout_s=1) as server, talking(server) as talk:
        session = await talk.setup(url(server))
        await talk.client.request("PLAY", url(server), Session=session)
        assert await until_closed(talk) is RtspClientError
        assert server.sessions == 0


async def test_interleaved_receiver_reports_keep_a_session() -> None:
    async with running(session_timeout_s=1) as server, talking(server) as talk:
        session = await talk.setup(url(server))
        await talk.client.request("PLAY", url(server), Session=session)
        for _ in range(4):
            talk.client.send_packet(1, bytes([0x80, 201, 0, 1]) + bytes(4))
            await talk.media(15)
        assert server.sessions == 1


async def test_a_udp_session_outlives_its_connection_until_it_expires() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        port = receiver.getsockname()[1]
        async with running(session_timeout_s=1) as server:
            async with talking(server) as talk:
                session = await talk.setup(url(server), f"RTP/AVP;unicast;client_port={port}")
                transport = parse_transport(talk.client.responses[-1].headers.get("Transport") or "")[0]
                await talk.client.request("PLAY", url(server), Session=session)
            assert transport.server_port is not None
            assert transport.server_port[0] % 2 == 0
            async with asyncio.timeout(30):
                data, address = await asyncio.get_running_loop().sock_recvfrom(receiver, 2048)
                assert address == ("127.0.0.1", transport.server_port[0])
                assert server.sessions == 1
                while server.sessions:  # media goes on until the server gives the session up
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.3):
                            await asyncio.get_running_loop().sock_recvfrom(receiver, 2048)
        assert data[0] == 0x80


async def test_stall_stops_the_media_and_loses_nothing() -> None:
    faults = Faults()
    async with running(faults=faults) as server, talking(server) as talk:
        session = await talk.setup(url(server))
        await talk.client.request("PLAY", url(server), Session=session)
        await talk.media(20)
        faults.rtsp_stall = True
        await talk.client.request("GET_PARAMETER", url(server), Session=session)
        before = len(talk.packets)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await talk.media(1)
        assert len(talk.packets) == before
        faults.rtsp_stall = False
        await talk.media(20)
    assert_nothing_lost(talk)


async def test_a_channel_that_goes_offline_falls_silent() -> None:
    faults = Faults()
    async with running(faults=faults) as server, talking(server) as talk:
        session = await talk.setup(url(server))
        await talk.client.request("PLAY", url(server), Session=session)
        await talk.media(5)
        faults.offline = frozenset({1})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await talk.media(100)
        assert await refusal(talk, "DESCRIBE", url(server)) == 404
        faults.offline = frozenset()
        await talk.media(20)
    assert_nothing_lost(talk)


async def test_reset_strikes_running_connections_and_new_ones() -> None:
    faults = Faults()
    async with running(faults=faults) as server:
        async with talking(server) as playing, talking(server) as idle:
            session = await playing.setup(url(server))
            await playing.client.request("PLAY", url(server), Session=session)
            faults.rtsp_reset = True
            assert await until_closed(playing) is ConnectionResetError
            assert await until_closed(idle) is ConnectionResetError
        with pytest.raises(ConnectionResetError):
            await raw(server, b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        assert server.sessions == server.connections == 0
        faults.rtsp_reset = False
        result = await watch(url(server), username=USER, password=PASSWORD, frames=2, deadline_s=10)
        assert result.counter.began_with_key


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_lose_nothing() -> None:
    async with running(bitrate_kbps=120_000) as server, talking(server) as slow:
        session = await slow.setup(url(server, "1/main"))
        await slow.client.request("PLAY", url(server, "1/main"), Session=session)
        result = await watch(url(server, "1/main"), username=USER, password=PASSWORD, frames=60, deadline_s=30)
        assert result.counter.lost_frames == result.counter.lost_packets == 0
        async with asyncio.timeout(30):
            while server.cut_off == 0:
                await watch(url(server, "2/sub"), username=USER, password=PASSWORD, frames=5, deadline_s=10)
        assert server.sessions == 0


async def test_restart_at_the_same_port_forgets_everything() -> None:
    async with running() as server, talking(server) as talk:
        session = await talk.setup(url(server))
        await talk.client.request("PLAY", url(server), Session=session)
        await talk.media(3)
        port = server.port
        await server.stop()
        await server.stop()
        assert await until_closed(talk) in (RtspClientError, ConnectionResetError)
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
        assert await server.start() == port
        assert await server.start() == port
        assert server.sessions == 0
        result = await watch(url(server), username=USER, password=PASSWORD, frames=2, deadline_s=10)
        assert result.counter.first is not None
        assert result.counter.first.number < 50


async def test_a_port_in_use_is_an_error_that_leaves_nothing_open() -> None:
    async with running() as server:
        second = RtspSimulator(
            "127.0.0.1",
            server.port,
            resolve=lambda _: None,
            username=USER,
            password=PASSWORD,
            faults=Faults(),
        )
        with pytest.raises(OSError, match="address already in use"):
            await second.start()
        await second.stop()


async def test_no_secret_is_shown() -> None:
    async with running() as server:
        handler: Any = server
        assert PASSWORD not in repr(handler.__dict__)


def assert_nothing_lost(talk: Talk) -> None:
    counter = MarkCounter("H264")
    for channel, packet in talk.packets:
        if channel == 0:
            counter.feed(packet)
    assert counter.frames > 5
    assert counter.lost_frames == counter.lost_packets == counter.damaged == 0

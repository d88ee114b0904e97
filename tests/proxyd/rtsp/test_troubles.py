"""Recorders that do wrong, and an NVR in trouble: what is answered, what is in the trace, what is cut off."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from proxyd.camera.spec import NvrAccess
from proxyd.digest import DigestVerifier, authorization, choose, parse_challenges
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable
from proxyd.nvr.account import Account
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.headers import parse_transport
from proxyd.rtsp.messages import Request, Response
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.plane import Plane
from proxyd.simulator.faults import Faults
from tests.proxyd.rtsp.cameras import (
    AT_ONCE,
    CAMERA_HOST,
    DEADLINE_S,
    NVR_HOST,
    NVR_USER,
    PASSWORD,
    USER,
    camera,
    camera_spec,
    recorder,
    running_plane,
    simulated_nvr,
)
from tests.proxyd.rtsp.odd_nvr import OddNvr, odd_nvr

TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"
UDP = "RTP/AVP;unicast;client_port={0}-{1}"


# The recorder's password


async def test_a_wrong_password_is_refused_recorded_and_never_reaches_the_nvr() -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        response = await client.ask("DESCRIBE", f"{url}/main", password="wrong")
        assert response.status == 401
        offers = response.headers.get_all("WWW-Authenticate")
        assert [offer.split(" ")[0] for offer in offers] == ["Digest", "Digest", "Basic"]
        (entry,) = seen.trace
        assert entry["client"].startswith("127.0.0.1:") and entry["protocol"] == "rtsp" and not entry["ok"]
        assert (entry["operation"], entry["auth"]) == ("DESCRIBE main", "Digest SHA-256")
        assert entry["reason"] == "wrong password" and PASSWORD not in str(seen.trace)
        for _ in range(4):
            await client.ask("DESCRIBE", f"{url}/main", password="wrong")
        await client.until_closed()
        assert nvr.requests == []


async def test_a_challenge_is_no_refusal_and_options_is_open() -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        options = await client.ask("OPTIONS", f"{url}/main", log_in=False)
        assert options.status == 200 and "GET_PARAMETER" in (options.headers.get("Public") or "")
        for method in ("DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"):
            assert (await client.ask(method, f"{url}/main", log_in=False)).status == 401
        assert seen.trace == []


async def test_basic_works_and_user_info_in_the_url_does_not_count() -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        with_user = url.replace("rtsp://", "rtsp://recorder:cam-s3cret@")
        assert (await client.ask("DESCRIBE", f"{with_user}/main", log_in=False)).status == 401
        basic = "Basic cmVjb3JkZXI6Y2FtLXMzY3JldA=="
        assert (await client.ask("DESCRIBE", f"{with_user}/main", Authorization=basic)).status == 200
        assert seen.trace[-1]["auth"] == "Basic"


async def test_an_aged_nonce_is_asked_for_again_but_not_inside_a_session() -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        session = await client.start(f"{url}/main")
        now = asyncio.get_running_loop().time()
        aged = DigestVerifier("camera", b"x", nonce_lifetime_s=-10)
        server._context.verifier = aged
        for one in server._connections:
            assert one.conversation is not None
            one.conversation._admission._auth._verifier = aged
        first = choose(parse_challenges(aged.challenges(now)))
        assert first is not None
        value = authorization(first, method="PAUSE", uri=f"{url}/main", username=USER, password=PASSWORD, cnonce="c")
        async with recorder(server) as other:
            old = await other.ask("PAUSE", f"{url}/main", log_in=False, Authorization=value)
            assert old.status == 401 and "stale=true" in (old.headers.get("WWW-Authenticate") or "")
        again = await client.ask("PAUSE", f"{url}/main", log_in=False, Session=session, Authorization=value)
        assert again.status == 200
        assert seen.refusals() == []


# Requests that are refused


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "words"),
    [
        ("DESCRIBE", "/other", {}, 404, "the camera has: main, sub"),
        ("DESCRIBE", "/main", {"Accept": "text/html"}, 406, "SDP"),
        ("DESCRIBE", "/main", {"Require": "www.onvif.org/ver20/backchannel"}, 551, "loudspeaker"),
        ("RECORD", "/main", {}, 405, "cannot"),
        ("FETCH", "/main", {}, 501, "unknown method"),
        ("PLAY", "/main", {}, 454, "no session"),
        ("TEARDOWN", "/main", {"Session": "12345678"}, 454, "unknown"),
        ("SETUP", "/main", {"Transport": "RTP/AVP;multicast"}, 461, "multicast"),
        ("SETUP", "/main", {}, 461, "transport"),
        ("SETUP", "/main/trackID=7", {"Transport": TCP}, 404, "404"),
    ],
)
async def test_refused_requests(method: str, path: str, headers: dict[str, str], status: int, words: str) -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        response = await client.ask(method, url + path, log_in=True, password=PASSWORD, **headers)
        assert response.status == status
        (text,) = seen.refusals()
        assert words in text
        if status == 551:
            assert response.headers.get("Unsupported") == "www.onvif.org/ver20/backchannel"
        if status == 405:
            assert "PLAY" in (response.headers.get("Allow") or "")


async def test_states_of_a_session() -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        session = await client.start(f"{url}/main")
        wrong = [
            ("SETUP", f"{url}/main/trackID=0", {"Transport": TCP}, 455),
            ("SETUP", f"{url}/sub/trackID=0", {"Transport": TCP}, 459),
            ("DESCRIBE", f"{url}/sub", {}, 459),
            ("PLAY", f"{url}/sub", {}, 459),
            ("PLAY", f"{url}/main", {"Session": "other"}, 454),
        ]
        for method, target, headers, status in wrong:
            assert (await client.ask(method, target, log_in=False, **headers)).status == status, method
        assert (await client.ask("DESCRIBE", f"{url}/main", log_in=False)).status == 200
        assert nvr.asked("DESCRIBE") == 1
        assert (await client.ask("SET_PARAMETER", f"{url}/main", Session=session)).status == 200
        assert (await client.ask("PAUSE", "*")).status == 200
        assert len(seen.refusals()) == len(wrong)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"HEAD / HTTP/1.1\r\n\r\n", 400),
        (b"OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505),
        (b"OPTIONS * RTSP/1.0\r\n\r\n", 400),
        (b"DESCRIBE rtsp://h/" + b"x" * 5000, 414),
        (b"SET_PARAMETER * RTSP/1.0\r\nContent-Length: 99999\r\n\r\n", 413),
    ],
)
async def test_what_is_not_proper_rtsp(data: bytes, status: int) -> None:
    async with camera(1) as (server, seen, _), recorder(server) as client:
        await client.send(data)
        assert (await client.response()).status == status
        assert len(seen.refusals()) == 1


# Limits


async def test_connections_are_limited() -> None:
    limits = replace(AT_ONCE, connections=1)
    async with camera(1, limits) as (server, seen, _), recorder(server) as first:
        assert (await first.ask("OPTIONS", "*")).status == 200
        async with recorder(server) as second:
            assert (await second.response()).status == 503
            await second.until_closed()
            assert "too many connections" in seen.refusals()[0]
        assert (await first.ask("OPTIONS", "*")).status == 200


async def test_who_holds_all_places_without_a_session_gives_one_up() -> None:
    async with (
        odd_nvr() as nvr,
        camera(nvr.port, replace(AT_ONCE, connections=3)) as (server, seen, url),
        recorder(server, host="127.0.0.9") as served,
        recorder(server, host="127.0.0.9") as idle,
        recorder(server, host="127.0.0.9") as other,
    ):
        await served.start(f"{url}/main")
        for one in (idle, other):
            assert (await one.ask("OPTIONS", "*")).status == 200
        async with recorder(server) as late:
            assert (await late.ask("OPTIONS", "*")).status == 200
            await idle.until_closed()
            assert "too many connections from this address" in seen.refusals()[0]
            assert (await served.ask("GET_PARAMETER", f"{url}/main")).status == 200
            assert (await other.ask("OPTIONS", "*")).status == 200


async def test_one_recorder_does_not_get_all_places() -> None:
    """However many sessions it has: another one comes in."""
    limits = replace(AT_ONCE, connections=3, connections_each=2)
    async with (
        odd_nvr() as nvr,
        camera(nvr.port, limits) as (server, seen, url),
        recorder(server, host="127.0.0.9") as one,
        recorder(server, host="127.0.0.9") as two,
    ):
        for served in (one, two):
            await served.start(f"{url}/main")
        async with recorder(server, host="127.0.0.9") as third:
            assert (await third.response()).status == 503
        assert "too many connections" in seen.refusals()[0]
        async with recorder(server) as other:
            await other.start(f"{url}/main")


async def test_half_a_request_has_a_deadline() -> None:
    limits = replace(AT_ONCE, half_open_s=0.1, sweep_s=0.05)
    async with camera(1, limits) as (server, seen, _):
        async with recorder(server) as silent, recorder(server) as half:
            assert (await half.ask("OPTIONS", "*")).status == 200
            await half.send(b"OPTIONS * RT")
            await silent.until_closed()
            await half.until_closed()
        assert seen.refusals() == ["connection: closed: no complete request within 0.1 s"] * 2


async def test_idle_connections_end() -> None:
    limits = replace(AT_ONCE, idle_s=0.1, sweep_s=0.05)
    async with camera(1, limits) as (server, _, _url), recorder(server) as client:
        assert (await client.ask("OPTIONS", "*")).status == 200
        await client.until_closed()


async def test_a_flood_of_requests_is_cut_off() -> None:
    async with camera(1) as (server, seen, _), recorder(server) as client:
        await client.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 5000)
        await client.until_closed()
        assert "too many requests" in seen.refusals()[0]


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with camera(1) as (server, _, _url), recorder(server) as client:
        wanted = [str(n) for n in range(40)]
        await client.send(b"".join(b"OPTIONS * RTSP/1.0\r\nCSeq: %s\r\n\r\n" % n.encode() for n in wanted))
        assert [(await client.response()).headers.get("CSeq") for _ in wanted] == wanted


def memory_kib(plane: Plane) -> int:
    (pid,) = plane.pids
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])


async def test_a_recorder_that_does_not_read_is_cut_off_and_takes_little_memory() -> None:
    limits = replace(AT_ONCE, blocked_s=0.3, sweep_s=0.05)
    async with (
        odd_nvr() as nvr,
        running_plane(blocked_s=0.3) as plane,
        camera(nvr.port, limits, plane=plane) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        before_kib = memory_kib(plane)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # only in the type of the base class
        source = nvr.writers[-1]
        async with asyncio.timeout(DEADLINE_S):
            while not source.transport.is_closing() and not seen.refusals():
                nvr.send_packets(0, 20, 1400)
                await asyncio.sleep(0)  # drain lets nobody else run while there is room
                try:
                    async with asyncio.timeout(0.05):
                        await source.drain()
                except (TimeoutError, ConnectionError):
                    pass
                assert memory_kib(plane) < before_kib + 1024
        assert "read nothing for 0.3 s" in await seen.until_refusal("cut off")
        assert nvr.asked("TEARDOWN") <= 1


async def test_a_recorder_that_does_not_read_is_told_by_a_reset_when_the_camera_stops() -> None:
    """The camera's address may be gone in a moment, and with it every way to say so."""
    async with odd_nvr() as nvr, camera(nvr.port) as (server, _, url), recorder(server) as client:
        await client.start(f"{url}/main")
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # only in the type of the base class
        async with asyncio.timeout(DEADLINE_S):
            while not server.stats()["main"].clients[0].dropped:
                nvr.send_packets(0, 20, 1400)
                await nvr.writers[-1].drain()
                await asyncio.sleep(0)
        await server.stop()
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(ConnectionResetError):
                while await client.reader.read(65536):
                    pass


# Sessions over UDP


async def test_udp_sessions_live_by_receiver_reports() -> None:
    limits = replace(AT_ONCE, session_timeout_s=1, sweep_s=0.05)
    ours = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for one in ours:
        one.bind(("127.0.0.1", 0))
        one.setblocking(False)
    ports = [one.getsockname()[1] for one in ours]
    loop = asyncio.get_running_loop()
    try:
        async with odd_nvr() as nvr, camera(nvr.port, limits) as (server, seen, url), recorder(server) as client:
            assert (await client.ask("DESCRIBE", f"{url}/main")).status == 200
            wish = f"RTP/AVP;unicast;client_port={min(ports)}-{max(ports)}"
            ours.sort(key=lambda one: one.getsockname()[1])
            setup = await client.ask("SETUP", f"{url}/main/trackID=0", Transport=wish)
            (granted,) = parse_transport(setup.headers.get("Transport") or "")
            assert granted.server_port is not None and granted.server_port[0] % 2 == 0
            assert (await client.ask("PLAY", f"{url}/main")).status == 200
            nvr.send_packets(0, 1, 500)
            async with asyncio.timeout(DEADLINE_S):
                assert len(await loop.sock_recv(ours[0], 2048)) == 500
            started = loop.time()
            while loop.time() - started < 1.6:  # longer than the session's timeout
                await loop.sock_sendto(ours[1], b"\x80\xc9\x00\x01abcd", (CAMERA_HOST, granted.server_port[1]))
                nvr.send_packets(0, 1, 500)
                async with asyncio.timeout(DEADLINE_S):
                    await loop.sock_recv(ours[0], 2048)
                await asyncio.sleep(0.02)
            assert seen.refusals() == []
            # A stranger's packets do not keep it alive.
            stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with stranger:
                async with asyncio.timeout(DEADLINE_S):
                    while not seen.refusals():
                        stranger.sendto(b"\x80\xc9\x00\x01abcd", (CAMERA_HOST, granted.server_port[1]))
                        nvr.send_packets(0, 1, 100)
                        await asyncio.sleep(0.02)
            assert "session expired" in seen.refusals()[0]
            await client.until_closed()
    finally:
        for one in ours:
            one.close()


# The NVR


async def test_a_refused_account_is_tried_once_for_all_cameras_until_it_changes() -> None:
    wrong = NvrAccess(NVR_HOST, 80, NVR_USER, "guess")
    account = Account(wrong)
    opener = UpstreamOpener(account)
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, opener=opener, nvr=wrong) as (one, seen, url),
        camera(nvr.port, opener=opener, nvr=wrong) as (two, _, other_url),
        recorder(one) as first,
        recorder(one) as second,
        recorder(two) as third,
    ):
        answers = await asyncio.gather(
            first.ask("DESCRIBE", f"{url}/main"),
            second.ask("DESCRIBE", f"{url}/sub"),
            third.ask("DESCRIBE", f"{other_url}/main"),
        )
        assert [answer.status for answer in answers] == [503] * 3
        assert (await first.ask("DESCRIBE", f"{url}/main")).status == 503
        assert nvr.wrong_passwords == 1
        assert all(isinstance(report, UpstreamAuthError) for report in seen.reports)
        assert "guess" not in str(seen.trace) + str(seen.reports)
        account.forget()
        assert (await third.ask("DESCRIBE", f"{other_url}/main")).status == 503
        assert nvr.wrong_passwords == 2
        one.update(camera_spec(nvr.port))
        assert (await first.ask("DESCRIBE", f"{url}/main")).status == 200
        assert seen.reports[-1] is None
        assert nvr.wrong_passwords == 2


async def test_a_silent_nvr_is_not_waited_for_in_a_long_queue() -> None:
    limits = replace(AT_ONCE, upstream=UpstreamTimeouts(connect_s=1, answer_s=0.2, close_s=0.1))
    async with (
        odd_nvr(OPTIONS=lambda nvr, request: None) as nvr,
        camera(nvr.port, limits) as (server, seen, url),
        recorder(server) as first,
        recorder(server) as second,
        recorder(server) as third,
    ):
        asked = ((first, "main"), (second, "main"), (third, "sub"))
        await asyncio.gather(*(one.ask("DESCRIBE", f"{url}/{name}") for one, name in asked))
        assert len(seen.refusals()) == 3 and nvr.connections == 1
        assert any("others wait" in text for text in seen.refusals())


async def test_an_nvr_that_is_away() -> None:
    async with odd_nvr() as nvr:
        port = nvr.port
    limits = replace(AT_ONCE, upstream=UpstreamTimeouts(connect_s=1, answer_s=1, close_s=0.2))
    async with camera(port, limits) as (server, seen, url), recorder(server) as client:
        assert (await client.ask("DESCRIBE", f"{url}/main")).status == 503
        assert isinstance(seen.reports[-1], UpstreamUnreachable)
        assert "switched on" in seen.refusals()[0]
        assert NVR_HOST.encode() not in client.wire


async def test_a_stream_the_nvr_does_not_offer() -> None:
    spec = camera_spec(1)
    streams = (replace(spec.streams[0], upstream_url=None),)
    async with camera(1, streams=streams) as (server, seen, url), recorder(server) as client:
        assert (await client.ask("DESCRIBE", f"{url}/main")).status == 404
        assert "offers no such stream" in seen.refusals()[0]


async def test_no_more_streams() -> None:
    def full(nvr: OddNvr, request: Request) -> Response:
        return Response(453, "Only 4 viewers at 10.0.0.1")

    async with odd_nvr(PLAY=full) as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        await client.ask("SETUP", f"{url}/main", Transport=TCP)
        assert (await client.ask("PLAY", f"{url}/main")).status == 503
        assert "allows no more streams" in seen.refusals()[0]
        assert isinstance(seen.reports[-1], UpstreamError) and b"viewers" not in client.wire


async def test_a_stalled_stream_is_fetched_again_and_the_session_kept() -> None:
    faults = Faults()
    limits = replace(AT_ONCE, stall_timeout_s=0.4)
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, limits) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        await client.until_packets(20)
        assert seen.refusals() == []
        faults.rtsp_stall = True
        assert "stalled" in await seen.until_refusal("PLAY main")
        assert isinstance(seen.reports[-1], UpstreamUnreachable) and "stalled" in str(seen.reports[-1])
        assert server.stats()["main"].interrupted
        faults.rtsp_stall = False
        client.packets.clear()
        await client.until_packets(20)
        while not server.stats()["main"].reconnects:
            assert await client.receive()
        assert seen.trace[-1]["ok"] and "goes on after" in seen.trace[-1]["reason"]
        assert seen.reports[-1] is None and nvr.sessions == 1


async def test_a_lost_stream_that_does_not_come_back_ends_the_session() -> None:
    faults = Faults()
    limits = replace(AT_ONCE, keep_s=1, reconnect_s=(0.1, 0.2))
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, limits) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        await client.until_packets(5)
        faults.rtsp_reset = True
        assert "reset the connection" in await seen.until_refusal("PLAY main")
        assert isinstance(seen.reports[-1], UpstreamUnreachable)
        await client.until_closed()
        lines = [text for text in seen.refusals() if text.startswith("PLAY main")]
        assert len(lines) == 2 and "session is kept" in lines[0] and "session is kept" not in lines[1]
        faults.rtsp_reset = False
        async with recorder(server) as again:
            await again.start(f"{url}/main")
            await again.until_packets(5)


async def test_a_taken_port_is_an_oserror() -> None:
    async with camera(1) as (server, _, _url):
        with pytest.raises(OSError, match="in use"):
            async with camera(1, rtsp_port=server.port):
                pass

"""NVRs that answer strangely, wrongly or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Request, Response
from proxyd.rtsp.upstream import Upstream
from proxyd.rtsp.upstream_errors import NoPlace
from tests.proxyd.rtsp.cameras import (
    AT_ONCE,
    DEADLINE_S,
    NVR_HOST,
    NVR_PASSWORD,
    NVR_USER,
    camera,
    camera_spec,
    recorder,
)
from tests.proxyd.rtsp.odd_nvr import OddNvr, odd_nvr

QUICK = UpstreamTimeouts(connect_s=2, answer_s=0.3, close_s=0.3)
ACCESS = NvrAccess(NVR_HOST, 80, NVR_USER, NVR_PASSWORD)


def upstream(nvr: OddNvr, path: str = "/a", timeouts: UpstreamTimeouts = QUICK) -> Upstream:
    return Upstream(f"rtsp://{NVR_HOST}:{nvr.port}{path}", ACCESS, timeouts)


async def test_redirects_stay_on_the_typed_host() -> None:
    def moved(nvr: OddNvr, request: Request) -> Response:
        if request.uri.endswith("/new"):
            return nvr.usual(request)
        location = f"rtsp://10.99.99.99:{nvr.port}/new"
        return Response(302, headers=Headers([("Location", location)]))

    async with odd_nvr(DESCRIBE=moved) as nvr:
        session = upstream(nvr)
        await session.open()
        assert nvr.connections == 2
        await session.setup(0)
        assert nvr.requests[-1].uri == f"rtsp://{NVR_HOST}:{nvr.port}/new/trackID=5"
        await session.close()
        assert nvr.requests[-1].method == "TEARDOWN"


async def test_redirects_in_a_circle_end() -> None:
    def moved(nvr: OddNvr, request: Request) -> Response:
        return Response(301, headers=Headers([("Location", f"rtsp://elsewhere:{nvr.port}/a")]))

    async with odd_nvr(DESCRIBE=moved) as nvr:
        with pytest.raises(UpstreamProtocolError, match="circle"):
            await upstream(nvr).open()
        assert nvr.connections == 3


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (403, UpstreamError, "right to live video"),
        (404, UpstreamError, "an address that was typed has to be corrected"),
        (453, NoPlace, "no more streams"),
        (503, NoPlace, "no more streams"),
        (500, UpstreamProtocolError, "status 500"),
        (302, UpstreamProtocolError, "status 302"),
    ],
)
async def test_refusals_become_words(status: int, kind: type[UpstreamError], words: str) -> None:
    async with odd_nvr(DESCRIBE=lambda nvr, request: Response(status)) as nvr:
        with pytest.raises(kind) as caught:
            await upstream(nvr).open()
        assert type(caught.value) is kind and words in str(caught.value)
        assert NVR_PASSWORD not in str(caught.value)


async def test_a_second_401_is_final() -> None:
    challenge = Headers([("WWW-Authenticate", 'Digest realm="r", nonce="n", stale=true')])
    async with odd_nvr(OPTIONS=lambda nvr, request: Response(401, headers=challenge.copy())) as nvr:
        with pytest.raises(UpstreamAuthError, match="nvr-admin"):
            await upstream(nvr).open()
        assert len(nvr.requests) == 2


async def test_an_unknown_kind_of_authentication() -> None:
    async with odd_nvr(OPTIONS=lambda nvr, request: Response(401)) as nvr:
        with pytest.raises(UpstreamProtocolError, match="digest"):
            await upstream(nvr).open()


async def test_an_old_nonce_is_replaced_in_the_middle() -> None:
    def aged(nvr: OddNvr, request: Request) -> Response:
        used = request.headers.get("Authorization") or ""
        nonce = "two" if nvr.asked("DESCRIBE") else "one"
        if f'nonce="{nonce}"' in used:
            return nvr.usual(request)
        return Response(401, headers=Headers([("WWW-Authenticate", f'Digest realm="r", nonce="{nonce}"')]))

    async with odd_nvr(OPTIONS=aged, DESCRIBE=aged, SETUP=aged) as nvr:
        session = upstream(nvr)
        await session.open()
        await session.setup(0)
        assert [request.method for request in nvr.requests] == ["OPTIONS"] * 2 + ["DESCRIBE"] * 2 + ["SETUP"]
        await session.close()


async def test_silence_has_a_deadline() -> None:
    async with odd_nvr(DESCRIBE=lambda nvr, request: None) as nvr:
        with pytest.raises(UpstreamUnreachable, match="did not answer DESCRIBE"):
            await upstream(nvr).open()
    with pytest.raises(UpstreamUnreachable, match="cannot be reached"):
        await upstream(nvr).open()  # nobody listens there now


async def test_what_is_not_rtsp_is_said_to_be_so() -> None:
    def web_page(nvr: OddNvr, request: Request) -> None:
        nvr.writers[-1].write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with odd_nvr(OPTIONS=web_page) as nvr:
        with pytest.raises(UpstreamProtocolError, match="not RTSP"):
            await upstream(nvr).open()


async def test_a_flood_of_packets_ends_the_session_before_it_takes_the_daemon_s_time() -> None:
    lost: asyncio.Future[UpstreamError] = asyncio.get_running_loop().create_future()

    def flood(nvr: OddNvr, request: Request) -> Response:
        nvr.send_packets(0, 30_000, 13)
        return Response(200)

    async with odd_nvr(PLAY=flood) as nvr:
        session = upstream(nvr, timeouts=UpstreamTimeouts())  # a busy machine takes a while to send so many
        await session.open()
        session.on_lost = lost.set_result
        await session.setup(0)
        with pytest.raises(UpstreamProtocolError, match="more packets than any stream has"):
            await session.play()
        assert "more packets" in str(await asyncio.wait_for(lost, DEADLINE_S))
        said = nvr.tasks[-1]
        assert said is not None
        await session.close()
        await asyncio.wait_for(said, DEADLINE_S)
        assert nvr.asked("TEARDOWN") == 1


async def test_a_stream_without_video() -> None:
    async with odd_nvr(DESCRIBE=lambda nvr, request: Response(200, body=b"v=0\r\n")) as nvr:
        with pytest.raises(UpstreamProtocolError, match="without video"):
            await upstream(nvr).open()


async def test_addresses_that_cannot_be_used() -> None:
    for url in ("", "http://h/x", f"rtspt://{NVR_HOST}/x"):
        with pytest.raises(UpstreamProtocolError, match="Scan it again"):
            await Upstream(url, ACCESS, QUICK).open()


async def test_other_channels_than_asked_for_and_no_cseq() -> None:
    def granted(nvr: OddNvr, request: Request) -> Response:
        transport = "RTP/AVP/TCP;unicast;interleaved=10-11;ssrc=1"
        return Response(200, headers=Headers([("CSeq", ""), ("Session", "s"), ("Transport", transport)]))

    def played(nvr: OddNvr, request: Request) -> Response:
        nvr.send_packets(10, 3)
        nvr.send_packets(4, 2)  # never set up
        return Response(200, headers=Headers([("RTP-Info", "url=rtsp://other/;seq=7;rtptime=9")]))

    async with (
        odd_nvr(SETUP=granted, PLAY=played) as nvr,
        camera(nvr.port) as (server, _, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        await client.until_packets(3)
        assert {packet.channel for packet in client.packets} == {0}
        assert b";seq=7;rtptime=9" in client.wire and b"other" not in client.wire


async def test_packets_that_come_before_the_answer_to_play_follow_it() -> None:
    def played(nvr: OddNvr, request: Request) -> Response:
        nvr.send_packets(0, 50, 1000)
        return Response(200)

    async with odd_nvr(PLAY=played) as nvr, camera(nvr.port) as (server, _, url), recorder(server) as client:
        await client.ask("DESCRIBE", f"{url}/main")
        await client.ask("SETUP", f"{url}/trackID=0", Transport="RTP/AVP/TCP")  # resolved without Content-Base
        before = len(client.wire)
        assert (await client.ask("PLAY", f"{url}/main")).status == 200
        assert client.wire[before:].startswith(b"RTSP/1.0 200 OK\r\n")
        await client.until_packets(50)


async def test_an_nvr_that_cannot_pause() -> None:
    async with (
        odd_nvr(PAUSE=lambda nvr, request: Response(501)) as nvr,
        camera(nvr.port) as (server, _, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        assert (await client.ask("PAUSE", f"{url}/main")).status == 200
        nvr.send_packets(0, 5)  # dropped
        assert (await client.ask("OPTIONS", "*")).status == 200
        assert (await client.ask("PLAY", f"{url}/main")).status == 200
        assert nvr.asked("PLAY") == 1
        nvr.send_key_frame(0, 77)  # nothing begins before it
        await client.until_packets(1)
        assert len(client.packets[0].payload) == 77


async def test_keep_alive_and_the_nvr_s_own_questions() -> None:
    asked = asyncio.Event()

    def brief(nvr: OddNvr, request: Request) -> Response:
        return Response(200, headers=Headers([("Session", "s;timeout=1")]))

    def lively(nvr: OddNvr, request: Request) -> Response:
        nvr.writers[-1].write(b"OPTIONS * RTSP/1.0\r\nCSeq: 900\r\n\r\n")
        asked.set()
        return Response(501)

    async with odd_nvr(SETUP=brief, GET_PARAMETER=lively) as nvr:
        session = upstream(nvr)
        await session.open()
        await session.setup(0)
        await session.play()
        async with asyncio.timeout(30):
            await asked.wait()
        assert nvr.requests[-1].headers.get("Session") == "s"
        await session.close()
        await session.close()
        assert nvr.asked("TEARDOWN") == 1


async def test_a_session_that_the_nvr_forgot() -> None:
    def brief(nvr: OddNvr, request: Request) -> Response:
        return Response(200, headers=Headers([("Session", "s;timeout=1")]))

    async with (
        odd_nvr(SETUP=brief, GET_PARAMETER=lambda nvr, request: Response(454)) as nvr,
        camera(nvr.port) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        assert "has ended the session" in await seen.until_refusal("PLAY main: 127.")
        async with asyncio.timeout(DEADLINE_S):
            while nvr.asked("PLAY") < 2:
                await asyncio.sleep(0.01)
        nvr.send_key_frame(0, 77)
        await client.until_packets(1)  # in the same session of the recorder
        assert await seen.until_done("PLAY main")


async def test_teardown_has_a_deadline() -> None:
    limits = replace(AT_ONCE, upstream=QUICK)
    async with (
        odd_nvr(TEARDOWN=lambda nvr, request: None) as nvr,
        camera(nvr.port, limits) as (server, _, url),
        recorder(server) as client,
    ):
        session = await client.start(f"{url}/main")
        assert (await client.ask("TEARDOWN", f"{url}/main", Session=session)).status == 200
        assert nvr.asked("TEARDOWN") == 1


async def test_nvr_closes_while_play_is_under_way() -> None:
    def gone(nvr: OddNvr, request: Request) -> None:
        nvr.writers[-1].transport.abort()

    async with (
        odd_nvr(PLAY=gone) as nvr,
        camera(nvr.port) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.ask("SETUP", f"{url}/main", Transport="RTP/AVP/TCP")
        assert (await client.ask("PLAY", f"{url}/main")).status == 503
        await client.until_closed()
        assert len(seen.refusals()) == 1
        assert isinstance(seen.reports[-1], UpstreamUnreachable)


async def test_described_only_and_gone_is_opened_again() -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, _seen, url), recorder(server) as client:
        assert (await client.ask("DESCRIBE", f"{url}/main")).status == 200
        nvr.writers[-1].transport.abort()
        while (await client.ask("SETUP", f"{url}/main", Transport="RTP/AVP/TCP")).status != 200:
            pass  # the end of the connection was noticed only by this request
        assert nvr.connections == 2


async def test_changed_account_ends_sessions_and_other_changes_do_not() -> None:
    async with odd_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        await client.start(f"{url}/main")
        spec = camera_spec(nvr.port)
        server.update(replace(spec, name="Gate", password="other"))
        assert (await client.ask("GET_PARAMETER", f"{url}/main", log_in=False)).status == 200
        server.update(replace(spec, nvr=replace(spec.nvr, password="new")))
        await client.until_closed()
        assert seen.trace[-2]["reason"] == "ended: the stream or the NVR's account changed"
        assert server.port > 0


async def test_reports_without_media_are_a_stall() -> None:
    limits = replace(AT_ONCE, stall_timeout_s=0.2, sweep_s=0.05)
    report = b"$\x01\x00\x1c\x80\xc8\x00\x06" + bytes(24)
    async with odd_nvr() as nvr, camera(nvr.port, limits) as (server, seen, url), recorder(server) as client:
        await client.start(f"{url}/main")
        stalled = asyncio.create_task(seen.until_refusal("stalled"), name="stall")
        while not stalled.done():
            nvr.writers[-1].write(report)
            await asyncio.sleep(0.01)
        assert "Meanwhile the session is kept" in stalled.result()


async def test_stop_does_not_wait_for_a_silent_nvr() -> None:
    limits = replace(AT_ONCE, upstream=QUICK)
    async with (
        odd_nvr(TEARDOWN=lambda nvr, request: None) as nvr,
        camera(nvr.port, limits) as (server, _, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        async with asyncio.timeout(2):
            await server.stop()
        await client.until_closed()
        assert nvr.asked("TEARDOWN") == 1

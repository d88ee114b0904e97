"""The metadata track towards recorders: offered, played beside video and alone, bounded, and ended."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxyd.camera.features import ChannelFeatures
from proxyd.camera.settings import CameraSettings
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.headers import Transport, parse_transport
from proxyd.rtsp.metadata_leg import MAX_WAITING_BYTES, MetadataLeg
from proxyd.rtsp.metadata_rtp import Reassembler
from proxyd.rtsp.metadata_sdp import METADATA_TRACK
from proxyd.rtsp.server import RtspServer
from proxyd.rtsp.udp_pair import bind_udp_pair
from proxyd.simulator.rtsp_server import RtspSimulator

from .cameras import CAMERA_HOST, DEADLINE_S, Recorder, Seen, camera, recorder, simulated_nvr
from .metadata_recorder import BOTH, EVENTS, Documents, move, set_up, states, still, until_state
from .test_tunnel import tunnel
from .tls_cameras import tls_recorder, with_tls


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[RtspSimulator, RtspServer, Seen, str, Recorder]]:
    """A camera with events, the address of its main stream, and a recorder that is connected."""
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, features=EVENTS) as (server, seen, base),
        recorder(server) as one,
    ):
        server.metadata.present = still
        yield nvr, server, seen, f"{base}/main", one


async def test_events_come_between_the_packets_of_video() -> None:
    async with watched() as (_, server, seen, url, one):
        described = await one.ask("DESCRIBE", url)
        text = described.body.decode()
        assert text.index("m=video") < text.index("m=application 0 RTP/AVP 107")
        assert f"a=control:trackID={METADATA_TRACK}\r\n" in text
        assert "a=rtpmap:107 vnd.onvif.metadata/90000\r\n" in text
        video = await one.ask("SETUP", f"{url}/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        session = await set_up(one, url, 4, (video.headers.get("Session") or "").split(";")[0])
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 4)
        first = states(await documents.next())
        assert first == dict.fromkeys(BOTH, ("Initialized", "false"))
        move(server, True)
        async with asyncio.timeout(1):
            await until_state(documents, "true")
        while not any(packet.channel == 0 for packet in one.packets):
            assert await one.receive()
        report = next(packet.payload for packet in one.packets if packet.channel == 5)
        assert report[1] == 200 and CAMERA_HOST.encode() in report
        assert (await one.ask("PAUSE", url, Session=session)).status == 200
        move(server, False)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        assert set(states(await documents.next()).values()) == {("Initialized", "false")}, "told anew, and nothing else"
        gone = await one.ask("TEARDOWN", f"{url}/trackID={METADATA_TRACK}", Session=session)
        assert gone.status == 200
        count = len(one.packets)
        await one.until_packets(count + 50)
        assert (await one.ask("TEARDOWN", url, Session=session)).status == 200
        assert not seen.refusals()


async def test_metadata_alone_needs_no_media_of_the_nvr() -> None:
    async with watched() as (nvr, server, _, url, one):
        assert (await one.ask("DESCRIBE", url)).status == 200
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        assert set(states(await documents.next())) == BOTH
        move(server, True)
        await until_state(documents, "true")
        assert nvr.requests["SETUP"] == 0
        assert (await one.ask("GET_PARAMETER", url, Session=session)).status == 200
        assert [client.transport for client in server.stats()["main"].clients] == ["TCP"]
        assert (await one.ask("TEARDOWN", url, Session=session)).status == 200


async def test_metadata_by_udp() -> None:
    pair = bind_udp_pair("127.0.0.1", buffer_bytes=65536)
    try:
        async with watched() as (_, _, _, url, one):
            port = pair[0].getsockname()[1]
            assert (await one.ask("DESCRIBE", url)).status == 200
            wish = f"RTP/AVP;unicast;client_port={port}-{port + 1}"
            answer = await one.ask("SETUP", f"{url}/trackID={METADATA_TRACK}", Transport=wish)
            granted = parse_transport(answer.headers.get("Transport") or "")[0]
            session = (answer.headers.get("Session") or "").split(";")[0]
            assert (await one.ask("PLAY", url, Session=session)).status == 200
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(5):
                packet, sender = await loop.sock_recvfrom(pair[0], 2048)
                report = await loop.sock_recv(pair[1], 2048)
            assert granted.server_port is not None
            assert sender == (CAMERA_HOST, granted.server_port[0])
            assert b"MetadataStream" in Reassembler().take(packet)
            assert report[1] == 200
    finally:
        for one_socket in pair:
            one_socket.close()


@pytest.mark.parametrize(
    ("features", "settings"),
    [(ChannelFeatures(), CameraSettings()), (EVENTS, CameraSettings(metadata=False))],
    ids=["no events", "switched off"],
)
async def test_it_is_not_offered(features: ChannelFeatures, settings: CameraSettings) -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, features=features, settings=settings) as (server, _, base),
        recorder(server) as one,
    ):
        url = f"{base}/main"
        assert b"m=application" not in (await one.ask("DESCRIBE", url)).body
        transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
        assert (await one.ask("SETUP", f"{url}/trackID={METADATA_TRACK}", Transport=transport)).status == 404


async def test_a_recorder_without_it_gets_what_it_always_got() -> None:
    async with watched() as (_, server, _, url, one):
        await one.start(url)
        move(server, True)
        await one.until_packets(60)
        assert {packet.channel for packet in one.packets} == {0, 1}


async def test_the_same_track_is_not_set_up_twice() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, features=EVENTS) as (server, _, base),
        recorder(server) as one,
    ):
        url = f"{base}/main"
        session = await set_up(one, url, 0)
        again = await one.ask(
            "SETUP",
            f"{url}/trackID={METADATA_TRACK}",
            Transport="RTP/AVP/TCP;unicast;interleaved=0-1",
            Session=session,
        )
        assert again.status == 455
        video = await one.ask(
            "SETUP", f"{url}/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1", Session=session
        )
        assert "interleaved=2-3" in (video.headers.get("Transport") or ""), "its channels are taken"


@pytest.mark.parametrize("way", ["TLS", "HTTP"])
async def test_metadata_goes_where_answers_go(way: str) -> None:
    """By TLS, and through a tunnel."""
    changes = with_tls() if way == "TLS" else {}
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, features=EVENTS, **changes) as (server, _, base),
        (tls_recorder if way == "TLS" else tunnel)(server) as one,
    ):
        server.metadata.present = still
        url = f"rtsps://{CAMERA_HOST}:{server.rtsps_port}/main" if way == "TLS" else f"{base}/main"
        assert (await one.ask("DESCRIBE", url)).status == 200
        session = await set_up(one, url, 4)
        transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
        assert (await one.ask("SETUP", f"{url}/trackID=0", Transport=transport, Session=session)).status == 200
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 4)
        assert set(states(await documents.next())) == BOTH
        move(server, True)
        await until_state(documents, "true")
        while not any(packet.channel == 0 for packet in one.packets):
            assert await one.receive()


class _Pipe:
    """A recorder that does not read: all bytes that were written for it."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.unsent: int | None = None
        self.leg = MetadataLeg(
            Transport(tcp=True, interleaved=(2, 3)),
            (),
            write=self.written.extend,
            unsent=lambda: self.unsent,
            heard=lambda: None,
        )


async def test_a_recorder_that_does_not_read_misses_whole_documents() -> None:
    pipe = _Pipe()
    for number in range(200):
        pipe.leg.send(b"<%d>" % number + b"x" * 3000, 1.0)
    assert len(pipe.written) <= MAX_WAITING_BYTES + 1024
    assert pipe.leg.dropped > 150 and pipe.leg.behind
    written = len(pipe.written)
    pipe.leg.look()  # a media process has its connection, and has said nothing
    pipe.leg.send(b"<late>" + b"x" * 3000, 1.0)
    assert len(pipe.written) == written
    pipe.leg.measured(0)
    pipe.leg.send(b"<later>", 1.0)
    assert pipe.written.endswith(b"<later>")
    pipe.unsent = MAX_WAITING_BYTES
    pipe.leg.look()
    pipe.leg.send(b"<too much>", 1.0)
    assert pipe.written.endswith(b"<later>")


async def test_who_missed_something_is_told_how_things_stand() -> None:
    async with watched() as (_, server, _, url, one):
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        await documents.next()
        for _ in range(300):  # more at once than may wait
            move(server, True)
        changes = 0
        while {told[0] for told in states(await documents.next()).values()} == {"Changed"}:
            changes += 1
        assert 50 < changes < 590


async def test_nothing_stays_when_a_recorder_just_goes() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port, features=EVENTS) as (server, _, base):
        async with recorder(server) as one:
            url = f"{base}/main"
            session = await set_up(one, url, 0)
            assert (await one.ask("PLAY", url, Session=session)).status == 200
            assert server.metadata.players == 1
            served = [task for task in asyncio.all_tasks() if task.get_name().startswith("rtsp camera 7 ")]
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*served)
        assert len(served) == 1 and server.metadata.players == 0


@pytest.mark.parametrize("video", [False, True], ids=["alone", "beside video"])
async def test_a_recorder_that_stops_reading_is_cut_off_and_others_are_served(video: bool) -> None:
    limits = RtspLimits(linger_s=0, blocked_s=1, session_timeout_s=60 if video else 2)
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.setblocking(False)
    async with (
        simulated_nvr(bitrate_kbps=20_000) as nvr,
        camera(nvr.port, limits, features=EVENTS) as (server, seen, base),
        recorder(server) as other,
    ):
        server.metadata.present = still
        url = f"{base}/main"
        await asyncio.get_running_loop().sock_connect(stuck, (CAMERA_HOST, server.port))
        one = Recorder(*(await asyncio.open_connection(sock=stuck, limit=1024)))
        session = await set_up(one, url, 4)
        if video:
            transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
            assert (await one.ask("SETUP", f"{url}/trackID=0", Transport=transport, Session=session)).status == 200
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        session = await set_up(other, url, 0)
        assert (await other.ask("PLAY", url, Session=session)).status == 200
        end = "cut off: the recorder read nothing" if video else "session expired"
        cut_off = asyncio.create_task(seen.until_refusal(end), name="cut off")
        while not cut_off.done():
            move(server, True)
            await asyncio.wait([cut_off], timeout=0.002)
            await other.ask("GET_PARAMETER", url, Session=session)
        assert cut_off.result()
        documents = Documents(other, 0)
        move(server, False)
        while "false" not in {value for _, value in states(await documents.next()).values()}:
            pass  # as a change, or told anew because so much was left out
        one.writer.transport.abort()

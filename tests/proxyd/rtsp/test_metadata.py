"""The metadata track towards recorders: offered, played beside video and alone, bounded, and ended."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from proxyd.camera.features import ChannelFeatures, MetadataFeatures
from proxyd.camera.settings import CameraSettings
from proxyd.onvif.event_messages import Message, initialized
from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM, MOTION_TOPICS, motion_events
from proxyd.onvif.namespaces import clark
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.headers import Transport, parse_transport
from proxyd.rtsp.metadata_leg import MAX_WAITING_BYTES, MetadataLeg
from proxyd.rtsp.metadata_rtp import Reassembler
from proxyd.rtsp.metadata_sdp import METADATA_TRACK
from proxyd.rtsp.server import RtspServer
from proxyd.rtsp.udp_pair import bind_udp_pair
from proxyd.simulator.faults import Faults

from .cameras import CAMERA_HOST, DEADLINE_S, NVR_HOST, Recorder, camera, recorder, simulated_nvr
from .metadata_recorder import Documents, set_up, states

_EVENTS = ChannelFeatures(topics=MOTION_TOPICS)
_OBJECTS = ChannelFeatures(topics=MOTION_TOPICS, metadata=MetadataFeatures(analytics=True))
_BOTH = {MOTION_ALARM, CELL_MOTION}


def _now() -> datetime:
    return datetime.now(UTC)


def _still() -> list[Message]:
    return [initialized(event) for event in motion_events(False, _now())]


def _move(server: RtspServer, moving: bool) -> None:
    for event in motion_events(moving, _now()):
        server.metadata.take([Message(event)])


async def _until_state(documents: Documents, value: str) -> None:
    """Waits until both topics have said so, as a change."""
    missing = set(_BOTH)
    while missing:
        missing -= {topic for topic, told in states(await documents.next()).items() if told == ("Changed", value)}


async def test_events_come_between_the_packets_of_video() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, features=_EVENTS) as (server, seen, base),
        recorder(server) as one,
    ):
        server.metadata.present = _still
        url = f"{base}/main"
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
        assert first == dict.fromkeys(_BOTH, ("Initialized", "false"))
        _move(server, True)
        async with asyncio.timeout(1):
            await _until_state(documents, "true")
        while not any(packet.channel == 0 for packet in one.packets):
            assert await one.receive()
        report = next(packet.payload for packet in one.packets if packet.channel == 5)
        assert report[1] == 200 and CAMERA_HOST.encode() in report
        assert (await one.ask("PAUSE", url, Session=session)).status == 200
        _move(server, False)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        assert set(states(await documents.next()).values()) == {("Initialized", "false")}, "told anew, and nothing else"
        gone = await one.ask("TEARDOWN", f"{url}/trackID={METADATA_TRACK}", Session=session)
        assert gone.status == 200
        count = len(one.packets)
        await one.until_packets(count + 50)
        assert (await one.ask("TEARDOWN", url, Session=session)).status == 200
        assert not seen.refusals()


async def test_metadata_alone_needs_no_media_of_the_nvr() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, features=_EVENTS) as (server, _, base),
        recorder(server) as one,
    ):
        server.metadata.present = _still
        url = f"{base}/main"
        assert (await one.ask("DESCRIBE", url)).status == 200
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        assert set(states(await documents.next())) == _BOTH
        _move(server, True)
        await _until_state(documents, "true")
        assert nvr.requests["SETUP"] == 0
        assert (await one.ask("GET_PARAMETER", url, Session=session)).status == 200
        assert [client.transport for client in server.stats()["main"].clients] == ["TCP"]
        assert (await one.ask("TEARDOWN", url, Session=session)).status == 200


async def test_metadata_by_udp() -> None:
    pair = bind_udp_pair("127.0.0.1", buffer_bytes=65536)
    try:
        async with (
            simulated_nvr() as nvr,
            camera(nvr.port, features=_EVENTS) as (server, _, base),
            recorder(server) as one,
        ):
            server.metadata.present = _still
            url = f"{base}/main"
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
    [(ChannelFeatures(), CameraSettings()), (_EVENTS, CameraSettings(metadata=False))],
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
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, features=_EVENTS) as (server, _, base),
        recorder(server) as one,
    ):
        server.metadata.present = _still
        await one.start(f"{base}/main")
        _move(server, True)
        await one.until_packets(60)
        assert {packet.channel for packet in one.packets} == {0, 1}


async def test_the_same_track_is_not_set_up_twice() -> None:
    async with (
        simulated_nvr() as nvr,
        camera(nvr.port, features=_EVENTS) as (server, _, base),
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


@pytest.mark.parametrize("udp", [False, True], ids=["TCP", "UDP"])
async def test_objects_of_the_nvr_pass_and_nothing_that_names_it(udp: bool) -> None:
    faults = Faults(metadata=frozenset({3}), rtsp_udp_only=udp)
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, features=_OBJECTS) as (server, seen, base),
        recorder(server) as one,
    ):
        url = f"{base}/main"
        assert (await one.ask("DESCRIBE", url)).status == 200
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        boxes = []
        for _ in range(3):
            frame = await documents.until("tt:VideoAnalytics/tt:Frame")
            assert abs((datetime.fromisoformat(frame.get("UtcTime") or "") - _now()).total_seconds()) < 5
            box = frame.find(f".//{clark('tt:BoundingBox')}")
            assert box is not None
            boxes.append(float(box.get("left") or "nan"))
        assert boxes == sorted(set(boxes)), "somebody walks to the right"
        assert nvr.requests["SETUP"] == (2 if udp else 1)
        wire = bytes(one.wire)
        for secret in (b"Engine", b"VideoSrc", b"NotificationMessage", b"crops", NVR_HOST.encode(), b"PTZ"):
            assert secret not in wire
        ending = [task for task in asyncio.all_tasks() if task.get_name() == "nvr metadata camera 7"]
        assert (await one.ask("TEARDOWN", url, Session=session)).status == 200
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*ending, return_exceptions=True)
        assert len(ending) == nvr.requests["TEARDOWN"] == 1
        assert not seen.refusals()


async def test_one_session_with_the_nvr_serves_all_recorders_of_metadata() -> None:
    faults = Faults(metadata=frozenset({3}))
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, features=_OBJECTS) as (server, _, base),
        recorder(server) as one,
        recorder(server) as other,
    ):
        for each, stream in ((one, "main"), (other, "sub")):
            url = f"{base}/{stream}"
            session = await set_up(each, url, 0)
            assert (await each.ask("PLAY", url, Session=session)).status == 200
            await Documents(each, 0).until("tt:VideoAnalytics/tt:Frame")
        assert nvr.requests["PLAY"] == 1
        await server.stop()
        assert nvr.requests["TEARDOWN"] == 1


async def test_metadata_gives_way_to_video_where_the_nvr_has_no_more_sessions() -> None:
    faults = Faults(metadata=frozenset({3}), rtsp_sessions=1)
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, features=_OBJECTS) as (server, _, base),
        recorder(server) as one,
        recorder(server) as other,
    ):
        url = f"{base}/main"
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        await documents.until("tt:VideoAnalytics/tt:Frame")
        ending = [task for task in asyncio.all_tasks() if task.get_name() == "nvr metadata camera 7"]
        transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
        assert (await other.ask("DESCRIBE", url)).status == 200
        assert (await other.ask("SETUP", f"{url}/trackID=0", Transport=transport)).status == 503
        while nvr.sessions:
            async with recorder(server) as again:
                await again.ask("DESCRIBE", url)
        async with recorder(server) as third:
            await third.start(url)
            await third.until_packets(10)
        assert len(ending) == 1 and not ending[0].done(), "it is tried again, later"
        _move(server, True)
        await _until_state(documents, "true")


@pytest.fixture
async def logged() -> AsyncIterator[asyncio.Event]:
    """Set when it is said why there is no metadata of the NVR."""
    said = asyncio.Event()
    handler = logging.Handler()
    handler.emit = lambda record: said.set()  # type: ignore[method-assign]  # one line instead of a class
    logger = logging.getLogger("proxyd.rtsp.metadata_source")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@pytest.mark.parametrize("fault", ["no track", "no more sessions"])
async def test_an_nvr_that_gives_none_costs_the_objects_alone(fault: str, logged: asyncio.Event) -> None:
    faults = Faults() if fault == "no track" else Faults(metadata=frozenset({3}))
    faults.rtsp_busy = fault == "no more sessions"
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, features=_OBJECTS) as (server, seen, base),
        recorder(server) as one,
    ):
        server.metadata.present = _still
        url = f"{base}/main"
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        assert set(states(await documents.next())) == _BOTH
        async with asyncio.timeout(DEADLINE_S):
            await logged.wait()
        _move(server, True)
        await _until_state(documents, "true")
        assert not seen.refusals()


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
    async with simulated_nvr() as nvr, camera(nvr.port, features=_EVENTS) as (server, _, base), recorder(server) as one:
        server.metadata.present = _still
        url = f"{base}/main"
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        await documents.next()
        for _ in range(300):  # more at once than may wait
            _move(server, True)
        changes = 0
        while {told[0] for told in states(await documents.next()).values()} == {"Changed"}:
            changes += 1
        assert 50 < changes < 590


async def test_nothing_stays_when_a_recorder_just_goes() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port, features=_EVENTS) as (server, _, base):
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
        camera(nvr.port, limits, features=_EVENTS) as (server, seen, base),
        recorder(server) as other,
    ):
        server.metadata.present = _still
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
            _move(server, True)
            await asyncio.wait([cut_off], timeout=0.002)
            await other.ask("GET_PARAMETER", url, Session=session)
        assert cut_off.result()
        documents = Documents(other, 0)
        _move(server, False)
        await _until_state(documents, "false")
        one.writer.transport.abort()

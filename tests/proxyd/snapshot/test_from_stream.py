"""Pictures of cameras whose NVR gives none: out of a key frame of their stream."""

from __future__ import annotations

import asyncio
import io
import time
from asyncio.subprocess import Process
from dataclasses import replace

import pytest
from PIL import Image

from proxyd.camera.settings import CameraSettings
from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamError
from proxyd.rtsp.giving_way import GivingWay
from proxyd.rtsp.messages import Request, Response, format_interleaved
from proxyd.rtsp.upstream_errors import NoPlace, refused
from proxyd.simulator.faults import Faults
from proxyd.simulator.pictures import snapshot_jpeg
from proxyd.simulator.streams import SimCodec
from proxyd.snapshot.decoding import Decoder
from proxyd.snapshot.fetch import SnapshotLimits, SnapshotSource
from proxyd.snapshot.stream_look import StreamLook
from tests.proxyd.rtsp.cameras import AT_ONCE, DEADLINE_S, camera, camera_spec, recorder
from tests.proxyd.rtsp.odd_nvr import OddNvr, odd_nvr

from .device import guarded, running_device, sends
from .jpeg_packets import jpeg_file, jpeg_packets
from .looked_at import looked_at, shows_channel

MAIN = "main 1280x720"
SIZE = (1280, 720)


@pytest.mark.parametrize("codec", ["H264", "H265"])
async def test_the_picture_shows_what_the_stream_shows(codec: SimCodec) -> None:
    async with looked_at(codec) as seen:
        picture = await seen.picture()
        assert not picture.fallback and picture.content_type == "image/jpeg"
        assert shows_channel(picture.data, SIZE, MAIN)
        assert seen.told == "from a key frame of the main stream"
        assert seen.seen.reports == [None]


async def test_fifty_requests_are_one_look_and_many_are_one_login() -> None:
    clock = [1000.0]
    source = SnapshotSource(clock=lambda: clock[0])
    async with looked_at(source=source) as seen:
        pictures = await asyncio.gather(*(seen.picture() for _ in range(50)))
        assert len({id(picture.data) for picture in pictures}) == 1 and not pictures[0].fallback
        for _ in range(5):
            clock[0] += 5.0  # the recorder asks again
            picture = await seen.picture()
            assert not picture.fallback and picture.data is not pictures[0].data
        assert seen.nvr.requests["DESCRIBE"] <= 2 and seen.nvr.requests["PLAY"] == 1  # the first one is challenged
        assert seen.nvr.sessions == 1
        await seen.look.close()
        assert seen.nvr.sessions == 0 and seen.nvr.requests["TEARDOWN"] == 1


async def test_a_stream_that_is_kept_for_pictures_is_let_go() -> None:
    async with looked_at(kept_s=0.1) as seen:
        assert not (await seen.picture()).fallback
        async with asyncio.timeout(DEADLINE_S):
            while seen.nvr.sessions or seen.nvr.connections:
                await asyncio.sleep(0.01)


async def test_a_stream_in_its_last_seconds_is_kept_again() -> None:
    clock = [1000.0]
    source = SnapshotSource(clock=lambda: clock[0])
    async with looked_at(source=source, rtsp=replace(AT_ONCE, linger_s=600), kept_s=0.1) as seen:
        assert not (await seen.picture()).fallback
        async with asyncio.timeout(DEADLINE_S):
            while seen.look._kept is not None:
                await asyncio.sleep(0.01)
        clock[0] += 5.0
        seen.look._kept_s = 600.0
        assert not (await seen.picture()).fallback
        assert seen.look._kept is not None and seen.nvr.requests["PLAY"] == 1


async def test_what_a_recorder_plays_is_looked_at_without_another_session() -> None:
    async with looked_at() as seen, recorder(seen.server) as client:
        await client.start(f"{seen.url}/sub")
        await client.until_packets(5)
        asked = dict(seen.nvr.requests)
        picture = await seen.picture()
        assert shows_channel(picture.data, SIZE, "sub 640x360")  # enlarged to what recorders were told
        assert seen.told == "from a key frame of the sub stream"
        assert seen.nvr.requests == asked and seen.look._kept is None
        await client.until_packets(30)


@pytest.mark.parametrize("share", [True, False])
async def test_the_login_is_saved_whether_recorders_share_or_not(share: bool) -> None:
    clock = [1000.0]
    source = SnapshotSource(clock=lambda: clock[0])
    async with looked_at(source=source, settings=CameraSettings(share=share)) as seen:
        for _ in range(4):
            assert not (await seen.picture()).fallback
            clock[0] += 5.0
        assert seen.nvr.requests["PLAY"] == 1


async def test_the_picture_of_the_nvr_comes_first() -> None:
    async with running_device(sends(snapshot_jpeg(3, *SIZE))) as device, looked_at() as seen:
        spec = replace(seen.spec, snapshot_upstream=device.url(), nvr=device.access())
        assert not (await seen.source.picture(spec, seen.look)).fallback
        assert seen.told == "from the NVR" and not seen.nvr.requests["DESCRIBE"]
        await seen.source.close()


async def test_where_the_picture_of_the_nvr_fails_the_stream_gives_one() -> None:
    async with running_device(sends(b"<html>no</html>")) as device, looked_at() as seen:
        web = NvrAccess("127.0.0.1", device.port, "admin", "")
        spec = replace(seen.spec, snapshot_upstream=device.url(), nvr=web)
        picture = await seen.source.picture(spec, seen.look)
        assert shows_channel(picture.data, SIZE, MAIN) and "key frame" in seen.told
        await seen.source.close()


async def test_after_a_refused_password_only_what_runs_is_looked_at() -> None:
    async with running_device(guarded(sends(snapshot_jpeg(3, *SIZE)))) as device, looked_at() as seen:
        spec = replace(seen.spec, snapshot_upstream=device.url(), nvr=device.access("wrong"))
        assert (await seen.source.picture(spec, seen.look)).fallback
        assert "refused user" in seen.told and not seen.nvr.requests["DESCRIBE"]
        async with recorder(seen.server) as client:
            await client.start(f"{seen.url}/main")
            await client.until_packets(5)
            picture = await seen.source.picture(replace(spec, id=8), seen.look)  # what failed counts for a while
            assert not picture.fallback
        await seen.source.close()
    assert len(device.requests) == 2, "challenge and answer"


async def test_a_slow_picture_of_the_nvr_opens_no_stream() -> None:
    answer = asyncio.Event()

    async def slow(request: object) -> object:
        await answer.wait()
        return await sends(snapshot_jpeg(3, *SIZE))(request)  # type: ignore[arg-type]  # passed on

    limits = SnapshotLimits(deadline_s=0.6)
    async with running_device(slow) as device, looked_at(limits=limits) as seen:  # type: ignore[arg-type]  # as above
        spec = replace(seen.spec, snapshot_upstream=device.url(), nvr=device.access())
        assert (await seen.source.picture(spec, seen.look)).fallback
        assert seen.told == "none: the NVR is slow. No stream of it runs at the moment."
        assert not seen.nvr.requests["DESCRIBE"]
        answer.set()
        await seen.source.close()


# Trouble ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Faults(rtsp_slow_s=60), Faults(rtsp_stall=True), Faults(rtsp_reset=True)])
async def test_an_nvr_that_is_away_costs_no_more_than_the_deadline(fault: Faults) -> None:
    async with looked_at(faults=fault, limits=SnapshotLimits(deadline_s=0.5)) as seen:
        began = time.monotonic()
        pictures = await asyncio.gather(*(seen.picture() for _ in range(20)))
        assert time.monotonic() - began < 10 and all(picture.fallback for picture in pictures)
        assert seen.told.startswith("none: ")
        assert seen.nvr.requests["PLAY"] <= 1


async def test_a_wrong_password_is_tried_once_and_said() -> None:
    async with looked_at(faults=Faults(rtsp_refuses="wrong")) as seen:
        for _ in range(5):
            assert (await seen.picture()).fallback
        assert any(isinstance(report, UpstreamAuthError) for report in seen.seen.reports)
        assert seen.nvr.requests["DESCRIBE"] <= 2  # challenge and answer
        assert "none: the NVR offers none. " in seen.told


async def test_an_nvr_without_places_is_not_asked_again_for_pictures() -> None:
    clock = [1000.0]
    source = SnapshotSource(clock=lambda: clock[0])
    async with looked_at(faults=Faults(rtsp_busy=True), source=source) as seen:
        for _ in range(4):
            assert (await seen.picture()).fallback
            clock[0] += 15.0  # a failure counts for ten seconds
        assert seen.nvr.requests["SETUP"] == 1
        seen.nvr.faults.rtsp_busy = False
        async with recorder(seen.server) as client:  # which is not kept from it
            await client.start(f"{seen.url}/main")
            clock[0] += 15.0
            assert not (await seen.picture()).fallback


async def test_a_recorder_that_finds_no_place_gets_that_of_the_pictures() -> None:
    async with looked_at(faults=Faults(rtsp_sessions=1)) as seen:
        assert not (await seen.picture()).fallback
        assert seen.nvr.sessions == 1
        async with recorder(seen.server) as client:
            assert (await client.ask("DESCRIBE", f"{seen.url}/sub")).status == 200
            assert (await client.ask("SETUP", f"{seen.url}/sub/trackID=0", Transport="RTP/AVP/TCP")).status == 503
            async with asyncio.timeout(DEADLINE_S):
                while seen.nvr.sessions:
                    await asyncio.sleep(0.01)
            await client.start(f"{seen.url}/sub")
            await client.until_packets(5)


async def test_a_decoder_that_dies_costs_a_key_frame() -> None:
    class Mortal(Decoder):
        async def _start(self) -> Process:
            process = await super()._start()
            if not died:
                died.append(process.pid)
                process.kill()
            return process

    died: list[int] = []
    async with looked_at(source=SnapshotSource(decoder=Mortal())) as seen:
        assert not (await seen.picture()).fallback
        assert died and seen.nvr.requests["PLAY"] == 1


async def test_without_a_decoder_the_nvr_is_left_alone_and_it_is_said() -> None:
    class Missing(Decoder):
        available = False  # as where PyAV is not installed

    async with looked_at(source=SnapshotSource(decoder=Missing())) as seen:
        assert (await seen.picture()).fallback
        assert "Pictures of an H.264 stream need PyAV. Install it: contrib/setup --pictures" in seen.told
        assert not seen.nvr.requests["DESCRIBE"]


async def test_nothing_is_left_when_the_daemon_stops_in_between() -> None:
    async with looked_at(faults=Faults(rtsp_slow_s=0.2)) as seen:
        asking = asyncio.create_task(seen.picture(), name="ask")
        while not seen.nvr.connections:
            await asyncio.sleep(0.01)
        await seen.look.close()
        await seen.server.stop()
        await seen.source.close()
        assert (await asking).fallback
        source = SnapshotSource()
        assert (await source.picture(seen.spec, seen.look)).fallback
        assert source.told(seen.spec.id).endswith("The camera does not run.")
        await source.close()


# MJPEG -----------------------------------------------------------------------------------------------------------


async def test_a_motion_jpeg_stream_needs_no_decoder() -> None:
    file = jpeg_file(1280, 720)
    sdp = b"v=0\r\nm=video 0 RTP/AVP 26\r\na=control:v\r\n"

    def plays(nvr: OddNvr, request: Request) -> Response:
        for number in range(2):
            for packet in jpeg_packets(file, stamp=number * 3600, sequence=number * 1000, limit=1400):
                nvr.writers[-1].write(format_interleaved(0, packet))
        return Response(200)

    class Missing(Decoder):
        available = False  # it would not be asked

    async with odd_nvr(DESCRIBE=lambda nvr, request: Response(200, body=sdp), PLAY=plays) as nvr:
        spec = camera_spec(nvr.port)
        streams = tuple(replace(one, codec="JPEG") for one in spec.streams)
        async with camera(nvr.port, streams=streams) as (server, seen, _):
            source = SnapshotSource(decoder=Missing())
            look = StreamLook(server.streams, server._context.opener, seen.report)
            picture = await source.picture(replace(spec, streams=streams), look)
            assert Image.open(io.BytesIO(picture.data)).tobytes() == Image.open(io.BytesIO(file)).tobytes()
            await look.close()
            await source.close()


# Giving way ------------------------------------------------------------------------------------------------------


def test_trouble_keeps_pictures_away_for_a_while() -> None:
    way, let_go = GivingWay(), list[str]()
    way.keeps(lambda: let_go.append("a"))
    assert way.may_open(0.0)
    way.failed(UpstreamError("x", "y"), 0.0)
    assert way.may_open(0.0) and not let_go
    for status in (453, 503):
        error = refused("nvr", status, "SETUP")
        assert isinstance(error, NoPlace)
        way.failed(error, 100.0)
    assert let_go == ["a", "a"] and not way.may_open(159.0) and way.may_open(160.0)

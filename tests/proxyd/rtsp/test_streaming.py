"""The whole way: simulated NVR, camera, recorder. What arrives is the right stream, complete, and ours by name."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import Any

import pytest

from proxyd.camera.settings import CameraSettings
from proxyd.rtsp.headers import parse_rtp_info
from tests.player.watch import watch
from tests.proxyd.rtsp.cameras import (
    CAMERA_HOST,
    NVR_HOST,
    NVR_PASSWORD,
    NVR_USER,
    PASSWORD,
    USER,
    camera,
    camera_spec,
    recorder,
    simulated_nvr,
)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("name", ["main", "sub"])
async def test_the_right_stream_arrives_complete(transport: Any, name: str) -> None:
    async with simulated_nvr(realm="NVR-77") as nvr, camera(nvr.port) as (_server, seen, url):
        result = await watch(
            f"{url}/{name}", username=USER, password=PASSWORD, frames=40, deadline_s=15, transport=transport
        )
        counter = result.counter
        assert counter.sources == {(3, 0 if name == "main" else 1)}
        assert (counter.lost_frames, counter.lost_packets, counter.unmarked_frames) == (0, 0, 0)
        assert seen.reports[-1] is None
        done = [entry["operation"] for entry in seen.trace if entry["ok"]]
        assert done == [f"DESCRIBE {name}", f"PLAY {name}", f"TEARDOWN {name}"]
        assert {entry["auth"] for entry in seen.trace} == {"Digest SHA-256"}
        assert nvr.requests["TEARDOWN"] == 1 and nvr.sessions == 0


@pytest.mark.parametrize("style", ["relative", "absolute", "stream", "track"])
async def test_control_urls_of_all_styles(style: Any) -> None:
    async with (
        simulated_nvr(control_style=style, audio=True) as nvr,
        camera(nvr.port) as (server, _, url),
        recorder(server) as client,
    ):
        described = await client.ask("DESCRIBE", f"{url}/main")
        assert b"a=control:trackID=0\r\n" in described.body
        assert b"a=control:trackID=1\r\n" in described.body
        session = ""
        for track in (0, 1):
            wish = f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
            more: dict[str, Any] = {"Session": session} if session else {}
            setup = await client.ask("SETUP", f"{url}/main/trackID={track}", Transport=wish, **more)
            assert setup.status == 200
            session = (setup.headers.get("Session") or "").split(";")[0]
        played = await client.ask("PLAY", f"{url}/main/", Session=session)
        assert played.status == 200
        entries = parse_rtp_info(played.headers.get("RTP-Info") or "")
        assert [entry.url for entry in entries] == [f"{url}/main/trackID=0", f"{url}/main/trackID=1"]
        while {packet.channel for packet in client.packets} < {0, 2}:
            assert await client.receive()


@pytest.mark.parametrize("options", [{"algorithm": "SHA-256"}, {"basic": True}])
async def test_other_ways_to_log_in_at_the_nvr(options: dict[str, Any]) -> None:
    async with simulated_nvr(**options) as nvr, camera(nvr.port) as (server, _, url), recorder(server) as client:
        await client.start(f"{url}/sub")
        await client.until_packets(3)
        assert nvr.wrong_passwords == 0


async def test_nothing_of_the_nvr_is_on_the_wire() -> None:
    async with simulated_nvr(realm="NVR-77", server_header="Vendor/3", control_style="absolute") as nvr:
        async with camera(nvr.port) as (server, _, url), recorder(server) as client:
            await client.start(f"{url}/main")
            await client.until_packets(60)
            while not any(packet.channel == 1 for packet in client.packets):  # the NVR's CNAME is its address
                assert await client.receive()
            await client.ask("PAUSE", f"{url}/main")
            await client.ask("TEARDOWN", f"{url}/main")
            await client.ask("DESCRIBE", f"{url}/nowhere")
            wire = bytes(client.wire)
        for secret in (NVR_HOST, NVR_USER, NVR_PASSWORD, "NVR-77", "Vendor", "realmonitor", str(nvr.port)):
            assert secret.encode() not in wire, secret
        assert CAMERA_HOST.encode() in wire


async def test_pause_and_play_again() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, _, url), recorder(server) as client:
        session = await client.start(f"{url}/main")
        await client.until_packets(5)
        assert (await client.ask("PAUSE", f"{url}/main", Session=session)).status == 200
        assert nvr.playing == [] and nvr.sessions == 1
        assert (await client.ask("GET_PARAMETER", f"{url}/main", Session=session)).status == 200
        client.packets.clear()
        assert (await client.ask("PLAY", f"{url}/main", Session=session)).status == 200
        await client.until_packets(5)
        assert (await client.ask("PLAY", f"{url}/main", Session=session)).status == 200
        assert (await client.ask("TEARDOWN", f"{url}/main", Session=session)).status == 200
        assert nvr.sessions == 0
        # The connection may be used again.
        await client.start(f"{url}/sub")


async def test_one_track_may_be_torn_down() -> None:
    async with simulated_nvr(audio=True) as nvr, camera(nvr.port) as (server, _, url), recorder(server) as client:
        assert (await client.ask("SETUP", f"{url}/main", Transport="RTP/AVP/TCP;unicast")).status == 459
        assert (await client.ask("SETUP", f"{url}/main/trackID=0", Transport="RTP/AVP/TCP")).status == 200
        # Taken channels are replaced by free ones; the session may be left out on the same connection.
        setup = await client.ask("SETUP", f"{url}/main/trackID=1", Transport="RTP/AVP/TCP;interleaved=1-2")
        assert setup.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=2-3"
        assert (await client.ask("PLAY", f"{url}/main")).status == 200
        assert (await client.ask("TEARDOWN", f"{url}/main/trackID=1")).status == 200
        assert nvr.sessions == 1
        client.packets.clear()
        await client.until_packets(20)
        assert {packet.channel for packet in client.packets[5:]} <= {0, 1}
        assert (await client.ask("TEARDOWN", f"{url}/main/trackID=0")).status == 200
        assert nvr.sessions == 0


async def test_sound_is_left_out_where_the_operator_wants_none() -> None:
    silent = CameraSettings(audio=False)
    async with simulated_nvr(audio=True) as nvr, camera(nvr.port, settings=silent) as (server, seen, url):
        async with recorder(server) as client:
            described = await client.ask("DESCRIBE", f"{url}/main")
            assert b"m=video" in described.body and b"m=audio" not in described.body
            assert (await client.ask("SETUP", f"{url}/main/trackID=1", Transport="RTP/AVP/TCP")).status == 404
            await client.start(f"{url}/main")
            await client.until_packets(20)
            assert {packet.channel for packet in client.packets} <= {0, 1}
            # Who plays without sound comes back, and finds the other description.
            server.update(camera_spec(nvr.port))
            while await client.receive():
                pass
        assert seen.trace[-2]["reason"].startswith("ended: the stream")
        async with recorder(server) as client:
            assert b"m=audio" in (await client.ask("DESCRIBE", f"{url}/main")).body


async def test_statistics() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, _, url), recorder(server) as client:
        assert server.stats()["main"].clients == ()
        await client.start(f"{url}/main")
        await client.until_packets(30)
        size = sum(len(packet.payload) for packet in client.packets[:30])
        while (stats := server.stats()["main"]).packets_total < 30:  # they come once a second
            assert await client.receive()
        assert stats.bytes_total >= size
        (who,) = stats.clients
        assert who.transport == "TCP" and who.address.startswith("127.0.0.1:") and who.since > 1e9
        while not (stats := server.stats()["main"]).bps:
            assert await client.receive()
        assert stats.source_bps > 0 and 20 < stats.fps < 30 and stats.lost == 0 and not stats.interrupted
        assert server.stats()["sub"].bytes_total == 0


async def test_many_recorders_at_once() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (_server, seen, url):
        results = await asyncio.gather(
            *(
                watch(f"{url}/{name}", username=USER, password=PASSWORD, frames=30, deadline_s=20, transport=way)
                for name in ("main", "sub")
                for way in ("tcp", "udp", "tcp")
            )
        )
        assert [result.counter.lost_frames for result in results] == [0] * 6
        assert [result.counter.sources for result in results] == [{(3, 0)}] * 3 + [{(3, 1)}] * 3
        assert seen.refusals() == []


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_ffprobe_reads_the_stream(transport: str) -> None:
    async with simulated_nvr(control_style="absolute") as nvr, camera(nvr.port) as (_server, seen, url):
        probe = await asyncio.create_subprocess_exec(
            *("ffprobe", "-v", "error", "-rtsp_transport", transport, "-of", "json"),
            *("-show_streams", "-read_intervals", "%+1"),
            url.replace("rtsp://", f"rtsp://{USER}:{PASSWORD}@") + "/main",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(40):
            output, errors = await probe.communicate()
        assert probe.returncode == 0, errors
        (stream,) = json.loads(output)["streams"]
        assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 1280, 720)
        assert seen.refusals() == []
        assert [entry["auth"] for entry in seen.trace if entry["operation"] == "PLAY main"] == ["Digest MD5"]
        assert await seen.until_done("TEARDOWN main")


async def test_stop_tears_down_what_runs() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, _, url), recorder(server) as client:
        await client.start(f"{url}/main")
        await client.until_packets(1)
        await server.stop()
        assert nvr.requests["TEARDOWN"] == 1 and nvr.sessions == 0
        await client.until_closed()
        await server.stop()
        await server.start()  # on the same port
        async with recorder(server) as again:
            assert (await again.ask("OPTIONS", "*")).status == 200


async def test_a_recorder_that_leaves_frees_the_nvr() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, seen, url):
        async with recorder(server) as client:
            await client.start(f"{url}/main")
            await client.until_packets(1)
        assert await seen.until_done("TEARDOWN main")
        async with asyncio.timeout(30):
            while nvr.connections:
                await asyncio.sleep(0)
        assert nvr.requests["TEARDOWN"] == 1

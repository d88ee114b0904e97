"""The main job from outside: what a recorder gets from each of the eight cameras of the demo."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import subprocess
import sys
from typing import Any

import aiohttp
import pytest
from onvif import ONVIFCamera

from proxyd import digest
from tests.player.play import play, refusal

from .conftest import ROOT

SEI_SECONDS = float(os.environ.get("ONVIFTUI_SEI_SECONDS", "5"))
STREAM_NUMBER = {"main": 0, "sub": 1}


def command(demo: dict[str, Any], *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "onviftui", "--socket", demo["socket"], "--json", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_the_document_says_everything_a_script_needs(demo: dict[str, Any]) -> None:
    assert set(demo) == {"nvr", "socket", "cameras", "credentials"}
    assert set(demo["nvr"]) == {"host", "port", "username", "password", "dialect", "channels"}
    assert [camera["channel"] for camera in demo["cameras"]] == list(range(1, 9))
    for camera in demo["cameras"]:
        assert camera["state"] == "running"
        assert [stream["name"] for stream in camera["streams"]] == ["main", "sub"]
        assert all(stream["url"].startswith(f"rtsp://{camera['address']}:") for stream in camera["streams"])
    for key in ("id", "address", "mac", "interface", "uuid", "onvif_url"):
        assert len({camera[key] for camera in demo["cameras"]}) == 8, key


async def test_every_stream_of_every_camera_at_the_same_time_is_its_own_and_whole(demo: dict[str, Any]) -> None:
    secret = demo["credentials"]["username"], demo["credentials"]["password"]
    everything = [(camera, stream) for camera in demo["cameras"] for stream in camera["streams"]]

    def whole(stream: dict[str, Any]) -> int:
        """How many frames it must have."""
        return math.ceil(int(stream["fps"]) * SEI_SECONDS * 0.9)

    played = await asyncio.gather(
        *(play(stream["url"], secret, SEI_SECONDS, frames=whole(stream)) for _, stream in everything)
    )
    for (camera, stream), player in zip(everything, played, strict=True):
        seen = player.counter
        assert seen.sources == {(camera["channel"], STREAM_NUMBER[stream["name"]])}, camera["name"]
        assert (seen.lost_frames, seen.lost_packets, seen.damaged) == (0, 0, 0), (camera["name"], stream["name"])
        assert seen.frames >= whole(stream)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_ffprobe_plays_every_stream(demo: dict[str, Any], transport: str, ffprobe: str) -> None:
    secret = demo["credentials"]
    slots = asyncio.Semaphore(4)

    async def probe(stream: dict[str, Any]) -> None:
        url = stream["url"].replace("rtsp://", f"rtsp://{secret['username']}:{secret['password']}@")
        options = ["-v", "error", "-rtsp_transport", transport, "-of", "json", "-show_streams", "-i", url]
        async with slots:
            process = await asyncio.create_subprocess_exec(
                ffprobe, *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            out, err = await asyncio.wait_for(process.communicate(), 120)
        video = next(item for item in json.loads(out)["streams"] if item["codec_type"] == "video")
        assert (video["width"], video["height"]) == (stream["width"], stream["height"]), err
        assert video["codec_name"] == {"H264": "h264", "H265": "hevc"}[stream["codec"]]

    await asyncio.gather(*(probe(stream) for camera in demo["cameras"] for stream in camera["streams"]))


async def test_snapshots_are_of_the_right_channel_and_size(demo: dict[str, Any]) -> None:
    async with aiohttp.ClientSession() as session:
        for camera in demo["cameras"]:
            picture = await fetch_with_digest(session, camera["snapshot_url"], demo["credentials"])
            marked = re.search(rb"channel=(\d+)", picture)
            assert marked is not None
            assert int(marked.group(1)) == camera["channel"]


async def fetch_with_digest(session: aiohttp.ClientSession, url: str, secret: dict[str, str]) -> bytes:
    async with session.get(url) as refused:
        assert refused.status == 401
        challenge = digest.choose(digest.parse_challenges(refused.headers.getall("WWW-Authenticate")))
        assert challenge is not None
    path = "/" + url.split("/", 3)[3]
    header = digest.authorization(
        challenge, method="GET", uri=path, username=secret["username"], password=secret["password"], cnonce="c0ffee"
    )
    async with session.get(url, headers={"Authorization": header}) as response:
        assert response.status == 200
        assert response.content_type == "image/jpeg"
        return await response.read()


async def test_a_real_onvif_client_adopts_every_camera(demo: dict[str, Any]) -> None:
    for camera in demo["cameras"]:
        address, _, port = camera["onvif_url"].removeprefix("http://").partition("/")[0].partition(":")
        secret = demo["credentials"]
        device = ONVIFCamera(address, int(port or 80), secret["username"], secret["password"], no_cache=True)
        try:
            async with asyncio.timeout(60):
                await device.update_xaddrs()
                management = await device.create_devicemgmt_service()
                interfaces = await management.GetNetworkInterfaces()
                assert [i.Info.HwAddress.lower() for i in interfaces] == [camera["mac"]]
                media = await device.create_media_service()
                profiles = await media.GetProfiles()
                assert [profile.token for profile in profiles] == ["main", "sub"]
                for profile, stream in zip(profiles, camera["streams"], strict=True):
                    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
                    answer = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})
                    assert answer.Uri == stream["url"]
                snapshot = await media.GetSnapshotUri({"ProfileToken": "main"})
                assert snapshot.Uri == camera["snapshot_url"]
        finally:
            await device.close()


async def test_a_wrong_password_is_refused_everywhere_and_shows_in_the_trace(demo: dict[str, Any]) -> None:
    camera = demo["cameras"][3]
    assert await refusal(camera["streams"][0]["url"], (demo["credentials"]["username"], "wrong")) == 401
    address, _, port = camera["onvif_url"].removeprefix("http://").partition("/")[0].partition(":")
    device = ONVIFCamera(address, int(port or 80), demo["credentials"]["username"], "wrong", no_cache=True)
    try:
        with pytest.raises(Exception, match=r"(?i)auth"):
            await (await device.create_devicemgmt_service()).GetDeviceInformation()
    finally:
        await device.close()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(AssertionError):
            await fetch_with_digest(session, camera["snapshot_url"], {"username": "onvif", "password": "wrong"})
    trace = await asyncio.to_thread(command, demo, "camera", "trace", str(camera["id"]))
    refused = {entry["protocol"]: entry for entry in trace if not entry["ok"]}
    assert set(refused) == {"rtsp", "onvif", "snapshot"}
    assert all("password" in entry["reason"] for entry in refused.values()), refused

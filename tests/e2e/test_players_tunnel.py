"""Players that are not ours come through HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.proxyd.rtsp.cameras import CAMERA_HOST, PASSWORD, USER, camera, simulated_nvr
from tests.proxyd.rtsp.tls_cameras import with_tls

from .players import FRAMES, ffmpeg_command, gstreamer_command, marks_of, play_to

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("player", ["ffmpeg", "gstreamer"])
async def test_players_come_through_a_tunnel(player: str, gstreamer: str, ffprobe: str, tmp_path: Path) -> None:
    file, account = tmp_path / "main.h264", (USER, PASSWORD)
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, seen, url):
        if player == "ffmpeg":
            command = ffmpeg_command(f"{url}/main", account, "http", file)
        else:  # whose "protocols" are those inside the tunnel
            command = gstreamer_command(f"{url}/main".replace("rtsp:", "rtsph:"), account, "tcp", file)
        playing = asyncio.create_task(play_to(file, command), name=player)
        assert await seen.until_done("PLAY main")
        assert [client.transport for client in server.stats()["main"].clients] == ["HTTP"]
        await playing
        assert await seen.until_done("TEARDOWN main")
    marks = marks_of(file)
    first = marks[0].number
    assert len(marks) >= FRAMES
    assert [(mark.channel, mark.stream, mark.number) for mark in marks] == [
        (3, 0, first + at) for at in range(len(marks))
    ]


@pytest.mark.parametrize("player", ["ffmpeg", "gstreamer"])
async def test_players_come_through_https(player: str, gstreamer: str, ffprobe: str, tmp_path: Path) -> None:
    file, account = tmp_path / "main.h264", (USER, PASSWORD)
    async with simulated_nvr() as nvr, camera(nvr.port, **with_tls()) as (server, seen, _):
        place = f"{CAMERA_HOST}:{server.rtsps_port}/main"
        if player == "ffmpeg":  # whose scheme is that inside the tunnel
            command = ffmpeg_command(f"rtsp://{place}", account, "https", file)
        else:
            command = gstreamer_command(f"rtspsh://{place}", account, "tcp", file)
        playing = asyncio.create_task(play_to(file, command), name=player)
        assert await seen.until_done("PLAY main")
        assert [client.transport for client in server.stats()["main"].clients] == ["HTTPS"]
        await playing
    numbers = [mark.number for mark in marks_of(file)]
    assert len(numbers) >= FRAMES
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))

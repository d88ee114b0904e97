"""Players that are not ours come through HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.proxyd.rtsp.cameras import PASSWORD, USER, camera, simulated_nvr

from .players import FRAMES, ffmpeg_command, gstreamer_command, marks_of, play_to

pytestmark = [pytest.mark.xdist_group("players"), pytest.mark.timeout(300)]


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

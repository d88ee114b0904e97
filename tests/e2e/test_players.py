"""Players that are not ours play main and sub stream of a camera, over each transport, and each frame they write is the
next one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from proxyd.simulator.frames import FrameMark, is_key, is_slice, nal_type, split_annexb

from .players import FRAMES, ffmpeg_command, gstreamer_command, marks_of, play_to

pytestmark = pytest.mark.timeout(300)

_SPS = 7


def assert_whole(file: Path, channel: int, stream: int) -> None:
    """From a key frame with its parameter sets on, frames of this stream without a gap."""
    nals = split_annexb(file.read_bytes())
    slices = [nal for nal in nals if is_slice("H264", nal)]
    marks = marks_of(file)
    assert is_key("H264", slices[0])
    assert _SPS in {nal_type("H264", nal) for nal in nals[: nals.index(slices[0])]}
    assert len(slices) >= FRAMES
    assert marks == [FrameMark(channel, stream, marks[0].number + n) for n in range(len(marks))]
    assert len(marks) == len(slices)


@pytest.mark.parametrize("transport", ["tcp", "udp", "http"])
@pytest.mark.parametrize("player", [ffmpeg_command, gstreamer_command])
async def test_main_and_sub_stream_are_played_whole(
    demo: dict[str, Any], player: Any, transport: str, gstreamer: str, ffprobe: str, tmp_path: Path
) -> None:
    account = demo["credentials"]["username"], demo["credentials"]["password"]
    camera = demo["cameras"][3]
    files = [tmp_path / stream["name"] for stream in camera["streams"]]
    await asyncio.gather(
        *(
            play_to(file, player(stream["url"], account, transport, file))
            for file, stream in zip(files, camera["streams"], strict=True)
        )
    )
    for number, file in enumerate(files):
        assert_whole(file, camera["channel"], number)


async def test_six_players_of_one_stream_all_get_it_whole(
    demo: dict[str, Any], gstreamer: str, ffprobe: str, tmp_path: Path
) -> None:
    account = demo["credentials"]["username"], demo["credentials"]["password"]
    camera = demo["cameras"][5]
    ways = [(player, way) for player in (ffmpeg_command, gstreamer_command) for way in ("tcp", "udp", "http")]
    files = [tmp_path / f"{number}.h264" for number in range(len(ways))]
    url = camera["streams"][0]["url"]
    await asyncio.gather(
        *(play_to(file, player(url, account, way, file)) for file, (player, way) in zip(files, ways, strict=True))
    )
    for file in files:
        assert_whole(file, camera["channel"], 0)

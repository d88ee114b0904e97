"""Players that are not ours play main and sub stream of a camera, over each transport, and each frame they write is the
next one. VLC and openRTSP are not among them: Debian 12 builds the one without RTSP and has no package of the other.
"""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from proxyd.simulator.frames import FrameMark, is_key, is_slice, nal_type, read_sei, split_annexb

pytestmark = [pytest.mark.xdist_group("players"), pytest.mark.timeout(300)]

FRAMES = 60
_DEADLINE_S = 120
_SPS = 7


def ffmpeg_command(url: str, account: tuple[str, str], transport: str, file: Path) -> list[str]:
    url = url.replace("rtsp://", f"rtsp://{account[0]}:{account[1]}@")
    source = ["-rtsp_transport", transport, "-i", url]
    return ["ffmpeg", "-v", "error", *source, "-c", "copy", "-frames:v", str(FRAMES), "-f", "h264", str(file)]


def gstreamer_command(url: str, account: tuple[str, str], transport: str, file: Path) -> list[str]:
    source = [f"location={url}", f"user-id={account[0]}", f"user-pw={account[1]}", f"protocols={transport}"]
    frames = "video/x-h264,stream-format=byte-stream,alignment=au"
    sink = ["identity", f"eos-after={FRAMES + 1}", "!", "filesink", f"location={file}"]
    return ["gst-launch-1.0", "-q", "rtspsrc", *source, "!", "rtph264depay", "!", frames, "!", *sink]


async def play_to(file: Path, command: list[str]) -> None:
    """Runs a player until it has what it was told to write."""
    player = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        async with asyncio.timeout(_DEADLINE_S):
            said, _ = await player.communicate()
    except TimeoutError:
        player.kill()
        said, _ = await player.communicate()
        raise AssertionError(f"{command[0]} wrote {file.stat().st_size} bytes only: {said.decode()}") from None
    assert player.returncode == 0, said.decode()


def assert_whole(file: Path, channel: int, stream: int) -> None:
    """From a key frame with its parameter sets on, frames of this stream without a gap."""
    nals = split_annexb(file.read_bytes())
    slices = [nal for nal in nals if is_slice("H264", nal)]
    marks = [mark for nal in nals if (mark := read_sei(nal))]
    assert is_key("H264", slices[0])
    assert _SPS in {nal_type("H264", nal) for nal in nals[: nals.index(slices[0])]}
    assert len(slices) >= FRAMES
    assert marks == [FrameMark(channel, stream, marks[0].number + n) for n in range(len(marks))]
    assert len(marks) == len(slices)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
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


async def test_four_players_of_one_stream_all_get_it_whole(
    demo: dict[str, Any], gstreamer: str, ffprobe: str, tmp_path: Path
) -> None:
    account = demo["credentials"]["username"], demo["credentials"]["password"]
    camera = demo["cameras"][5]
    ways = [(player, way) for player in (ffmpeg_command, gstreamer_command) for way in ("tcp", "udp")]
    files = [tmp_path / f"{number}.h264" for number in range(len(ways))]
    url = camera["streams"][0]["url"]
    await asyncio.gather(
        *(play_to(file, player(url, account, way, file)) for file, (player, way) in zip(files, ways, strict=True))
    )
    for file in files:
        assert_whole(file, camera["channel"], 0)

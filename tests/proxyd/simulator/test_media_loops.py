"""The stored loops, the pictures and the SDP: what the simulator shows is what it says."""

from __future__ import annotations

import io
import subprocess
import zipfile
from importlib import resources
from itertools import pairwise
from shutil import which

import pytest
from PIL import Image

from proxyd.simulator.frames import FrameMark, join_annexb, mark_nal, nal_type
from proxyd.simulator.loops import load_loop, parse_loop
from proxyd.simulator.pictures import channel_colour, snapshot_jpeg
from proxyd.simulator.rtsp_sdp import (
    AUDIO_TRACK,
    VIDEO_TRACK,
    ControlStyle,
    control_url,
    describe,
    presentation_url,
    split_control,
    target_of,
)
from proxyd.simulator.streams import MAX_CHANNEL, SimCodec, SimStreamName, stream_for

STREAMS: list[tuple[SimStreamName, SimCodec]] = [("main", "H264"), ("sub", "H264"), ("main", "H265"), ("sub", "H265")]
STYLES: tuple[ControlStyle, ...] = ("relative", "absolute", "stream", "track")


@pytest.mark.parametrize(("name", "codec"), STREAMS)
def test_every_channel_has_a_loop_of_two_seconds_with_a_key_frame_per_second(
    name: SimStreamName, codec: SimCodec
) -> None:
    seen = set()
    for channel in range(1, MAX_CHANNEL + 1):
        stream = stream_for(channel, name, codec)
        loop = load_loop(stream)
        assert len(loop.frames) == 2 * stream.fps
        keys = [index for index, frame in enumerate(loop.frames) if frame.key]
        assert keys == [0, stream.fps]
        assert all(frame.before for frame in loop.frames if frame.key), "each key frame brings its parameter sets"
        assert len(loop.frames[0].before) == (2 if codec == "H264" else 3)
        mark_bytes = len(mark_nal(codec, FrameMark(channel, 0, 0)))
        rate_kbps = sum(frame.size + mark_bytes for frame in loop.frames) * 8 / 1000 / 2
        assert 0.4 * stream.bitrate_kbps <= rate_kbps <= stream.bitrate_kbps
        seen.add(loop.frames[0].slices)
    assert len(seen) == MAX_CHANNEL, "no two channels look the same"


def test_loops_are_small() -> None:
    folder = resources.files("proxyd.simulator") / "loops"
    sizes = [len(file.read_bytes()) for file in folder.iterdir() if file.name.endswith(".zip")]
    assert len(sizes) == 4
    assert max(sizes) < 1_000_000
    assert sum(sizes) < 3_000_000


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x01\x41\x88", b"\x00\x00\x01\x67\x42\x00\x00\x01\x68\x01"])
def test_what_cannot_begin_a_loop_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="must begin with parameter sets"):
        parse_loop("H264", data)


@pytest.mark.parametrize("channel", [0, 65, -1])
def test_there_is_no_such_channel(channel: int) -> None:
    with pytest.raises(ValueError, match="outside 1–64"):
        stream_for(channel, "main")


@pytest.mark.skipif(which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize(("name", "codec"), STREAMS)
def test_loop_decodes_to_the_promised_size_and_colour(name: SimStreamName, codec: SimCodec) -> None:
    stream = stream_for(42, name, codec)
    archive = resources.files("proxyd.simulator") / "loops" / f"{codec.lower()}-{name}.zip"
    with archive.open("rb") as file, zipfile.ZipFile(file) as zipped:
        raw = zipped.read("42")
    kind = {"H264": "h264", "H265": "hevc"}[codec]
    command = ["ffmpeg", "-v", "error", "-f", kind, "-i", "-", "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"]
    picture = Image.open(io.BytesIO(subprocess.run(command, input=raw * 2, capture_output=True, check=True).stdout))
    assert picture.size == (stream.width, stream.height)
    corner = picture.convert("RGB").getpixel((20, 20))
    assert isinstance(corner, tuple)
    assert all(abs(got - want) < 12 for got, want in zip(corner, channel_colour(42), strict=True))


def test_snapshot_is_a_jpeg_of_its_channel_and_always_the_same() -> None:
    data = snapshot_jpeg(17, 1280, 720)
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "JPEG"
    assert picture.size == (1280, 720)
    assert picture.info["comment"] == b"channel=17"
    assert snapshot_jpeg(17, 1280, 720) is data
    assert snapshot_jpeg(18, 1280, 720) != data


def test_colours_of_neighbours_differ() -> None:
    colours = [channel_colour(channel) for channel in range(1, MAX_CHANNEL + 1)]
    assert len(set(colours)) == MAX_CHANNEL
    for one, two in pairwise(colours):
        assert sum(abs(a - b) for a, b in zip(one, two, strict=True)) > 60


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("track", [VIDEO_TRACK, AUDIO_TRACK])
@pytest.mark.parametrize(
    "target",
    [
        "/Streaming/Channels/101?transportmode=unicast&profile=Profile_1",
        "/cam/realmonitor?channel=1&subtype=0&unicast=true&proto=Onvif",
        "/unicast/c1/s0/live",
        "/h264Preview_01_main",
        "/onvif-media/media.amp?profile=profile_1_h264",
        "/user=admin_password=_channel=1_stream=0.sdp?real_stream",
    ],
)
def test_a_control_url_leads_back_to_its_stream(style: ControlStyle, track: int, target: str) -> None:
    base = presentation_url(("127.0.0.1", 8554), target)
    control = control_url(style, base, track)
    url = control if control.startswith("rtsp:") else f"{base}/{control}"
    assert split_control(style, target_of(url)) == (target, track)
    assert split_control(style, target) == (target, None)


@pytest.mark.parametrize(
    ("local", "url"),
    [(("192.0.2.7", 554), "rtsp://192.0.2.7/a"), (("::1", 8554), "rtsp://[::1]:8554/a")],
)
def test_urls_name_the_device_itself(local: tuple[str, int], url: str) -> None:
    assert presentation_url(local, "/a/") == url
    assert presentation_url(local, "/a/", tls=True).startswith("rtsps://")


@pytest.mark.parametrize(("name", "codec"), STREAMS)
def test_sdp_carries_the_parameter_sets_and_the_devices_own_address(name: SimStreamName, codec: SimCodec) -> None:
    stream = stream_for(3, name, codec)
    loop = load_loop(stream)
    sdp = describe(
        stream,
        loop,
        address="192.0.2.7",
        base="rtsp://192.0.2.7/x",
        style="absolute",
        session_id=1,
        bitrate_kbps=64,
        audio=True,
    )
    lines = sdp.split("\r\n")
    assert "c=IN IP4 192.0.2.7" in lines
    assert "o=- 1 1 IN IP4 192.0.2.7" in lines
    assert f"a=rtpmap:96 {codec}/90000" in lines
    assert "a=rtpmap:0 PCMU/8000" in lines
    assert "a=control:rtsp://192.0.2.7/x/trackID=2" in lines
    assert f"a=framerate:{stream.fps}" in lines
    if codec == "H264":
        assert "profile-level-id=4D4" in sdp or "profile-level-id=4D0" in sdp
    names = {"H264": ["sprop-parameter-sets"], "H265": ["sprop-vps", "sprop-sps", "sprop-pps"]}[codec]
    assert all(f"{name}=" in sdp for name in names)
    kinds = [nal_type(codec, nal) for nal in loop.parameter_sets]
    assert kinds == ([7, 8] if codec == "H264" else [32, 33, 34])
    assert join_annexb(list(loop.parameter_sets)).count(b"\0\0\0\1") == len(kinds)

"""What SDPs of several makers tell of size, rate and audio."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.spec import AudioSpec
from proxyd.rtsp.sdp import offered, parse_sdp
from proxyd.sources.description import Described, NoUsableVideo, described
from tests.proxyd.sources.test_shape import h264_sps, h265_sps


def read(*lines: str) -> Described:
    return described(offered(parse_sdp("\r\n".join(("v=0", *lines)))))


def b64(nal: bytes) -> str:
    return base64.b64encode(nal).decode()


def test_the_parameter_sets_tell_the_size_and_the_attributes_the_rate() -> None:
    sets = f"{b64(h264_sps(profile=100))},{b64(b'hppsx')}"
    found = read(
        "m=video 0 RTP/AVP 96",
        "b=AS:3000",
        "a=rtpmap:96 H264/90000",
        f"a=fmtp:96 packetization-mode=1; sprop-parameter-sets={sets}",
        "a=framerate:12.5",
        "m=audio 0 RTP/AVP 97",
        "a=rtpmap:97 MPEG4-GENERIC/16000/1",
    )
    assert found.shape is not None
    assert (found.codec, found.shape.width, found.shape.height, found.shape.profile) == ("H264", 1920, 1080, "High")
    assert (found.fps, found.bitrate_kbps, found.audio) == (12.5, 3000, AudioSpec("AAC", 64, 16))


def test_without_a_stated_rate_the_parameter_sets_have_it_also_without_padding() -> None:
    found = read(
        "m=video 0 RTP/AVP 98",
        "b=TIAS:2048000",
        "a=rtpmap:98 H265/90000",
        f"a=fmtp:98 sprop-vps=x; sprop-sps={b64(h265_sps()).rstrip('=')}; sprop-pps=",
        "a=framerate:0",
    )
    assert (found.codec, found.shape and found.shape.width, found.bitrate_kbps) == ("H265", 2560, 2048)
    assert found.fps == pytest.approx(29.97, abs=0.01)


@pytest.mark.parametrize("line", ["a=x-dimensions:1280,720", "a=framesize:26 1280-720", "a=x-dimensions: 1280, 720"])
def test_a_bare_size_will_do(line: str) -> None:
    found = read("m=video 0 RTP/AVP 26", line)
    assert found.codec == "JPEG"
    assert found.shape is not None
    assert (found.shape.width, found.shape.height) == (1280, 720)


@pytest.mark.parametrize(
    ("lines", "audio"),
    [
        (("m=audio 0 RTP/AVP 8",), AudioSpec("G711", 64, 8)),
        (("m=audio 0 RTP/AVP 0",), AudioSpec("G711", 64, 8)),
        (("m=audio 0 RTP/AVP 99", "a=rtpmap:99 G726-16/8000"), AudioSpec("G726", 16, 8)),
        (("m=audio 0 RTP/AVP 99", "b=AS:32", "a=rtpmap:99 MP4A-LATM/48000/2"), AudioSpec("AAC", 32, 48)),
        (("m=audio 0 RTP/AVP 99", "a=rtpmap:99 opus/48000/2"), None),
        (("m=audio 0 RTP/AVP 0", "a=sendonly"), None),  # the way back: the device hears on it
    ],
)
def test_audio_that_onvif_has_a_name_for(lines: tuple[str, ...], audio: AudioSpec | None) -> None:
    assert read(*lines, "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000").audio == audio


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("m=audio 0 RTP/AVP 0",), "no video"),
        (("m=video 0 RTP/AVP 96", "a=rtpmap:96 VP8/90000"), "VP8"),
        (("m=video 0 RTP/AVP 96",), "unknown"),
    ],
)
def test_video_that_no_recorder_takes_is_named(lines: tuple[str, ...], words: str) -> None:
    with pytest.raises(NoUsableVideo, match=words):
        read(*lines)


@pytest.mark.parametrize("sets", ["", "!!!", "Z0IA", "aGVsbG8="])
def test_damaged_parameter_sets_leave_the_size_open(sets: str) -> None:
    found = read("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", f"a=fmtp:96 sprop-parameter-sets={sets}")
    assert (found.shape, found.fps) == (None, None)


def test_a_clock_of_any_length_is_none() -> None:
    assert read("m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/" + "9" * 5000).codec == "H264"


_LINES = st.sampled_from(
    ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=framerate:", "b=AS:", "a=framesize:", "m=audio 0 RTP/AVP 97"]
)


@given(st.lists(st.tuples(_LINES, st.text(max_size=20)), max_size=12))
def test_any_description_is_read_or_refused(lines: list[tuple[str, str]]) -> None:
    try:
        found = read(*(line + tail for line, tail in lines))
    except NoUsableVideo as error:
        assert str(error)
        return
    assert found.fps is None or 0 < found.fps <= 240

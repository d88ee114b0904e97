"""What is said of streams: figures, and where they are not what the NVR said."""

from __future__ import annotations

import pytest

from proxyd.camera.spec import StreamSpec
from proxyd.camera.stream_status import otherwise, stream_models, streams_note
from proxyd.rtsp.sent import SentVideo
from proxyd.rtsp.stats import ClientInfo, StreamStats
from proxyd.sources.shape import VideoShape

MAIN = StreamSpec(
    name="main", codec="H265", width=2560, height=1440, fps=25, bitrate_kbps=4096, upstream_url="rtsp://192.0.2.1/1"
)


def sent(codec: str, width: int, height: int, profile: str = "Main") -> SentVideo:
    assert codec in ("H264", "H265")
    return SentVideo(0, "H264" if codec == "H264" else "H265", VideoShape(width, height, None, profile), in_band=True)


def test_another_codec_and_size_is_said_with_what_to_do() -> None:
    words = otherwise(MAIN, sent("H264", 1920, 1080), "Garage")
    assert words == (
        "Garage says 2560×1440 H.265 for the main stream, it sends 1920×1080 H.264: recorders may refuse it. "
        "Scan Garage again, or correct the stream there."
    )
    assert "it sends H.264: recorders" in otherwise(MAIN, SentVideo(0, "H264"), "Garage")
    stats = {"main": StreamStats(sent=sent("H264", 1920, 1080))}
    assert streams_note([MAIN], {"main": stats["main"]}, "Garage") == words


@pytest.mark.parametrize(
    "seen",
    [
        None,
        SentVideo(0, "H265"),
        sent("H265", 2560, 1440),
        sent("H265", 2560, 1440, "Main10"),
    ],
)
def test_what_agrees_or_is_not_known_is_no_warning(seen: SentVideo | None) -> None:
    assert otherwise(MAIN, seen, "Garage") == ""
    assert streams_note([MAIN], {"main": StreamStats(sent=seen)}, "Garage") == ""
    assert streams_note([MAIN], {}, "Garage") == ""


def test_a_size_before_cropping_is_the_same_size() -> None:
    full = StreamSpec(name="main", codec="H264", width=1920, height=1080, fps=25, bitrate_kbps=4096, upstream_url=None)
    assert otherwise(full, sent("H264", 1920, 1088), "Garage") == ""
    assert otherwise(full, sent("H264", 1920, 1072), "Garage")
    assert otherwise(full, sent("H264", 1080, 1920), "Garage")


def test_another_profile_is_told_where_the_stream_is_looked_at() -> None:
    seen = StreamStats(running=True, sent=sent("H265", 2560, 1440, "Main10"))
    (model,) = stream_models([MAIN], {"main": seen}, "Garage")
    assert not model.mismatch and "it sends Main10" in model.warning


def test_the_figures_of_running_and_idle_streams() -> None:
    client = ClientInfo("192.0.2.9:4000", "UDP", 1_750_000_000.4, skips=2, dropped=9)
    seen = StreamStats(
        bytes_total=10, bps=5, clients=(client,), fps=24.9, key_interval_s=1.999, lost=3, running=True, interrupted=True
    )
    (model,) = stream_models([MAIN], {"main": seen}, "Garage")
    assert (model.state, model.fps, model.key_interval_s, model.lost) == ("interrupted", 24.9, 2.0, 3)
    assert model.clients[0].model_dump() == {
        "address": "192.0.2.9:4000",
        "transport": "UDP",
        "since": "2025-06-15T15:06:40Z",
        "skips": 2,
        "dropped": 9,
    }
    (idle,) = stream_models([MAIN], {}, "Garage")
    assert (idle.state, idle.sent, idle.warning, idle.clients) == ("idle", None, "", [])

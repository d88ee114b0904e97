"""What is seen of a camera's streams, for the API, and the words where they are not what the NVR said. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from proxyd.api.streams import SentPicture, StreamClient, StreamStatus
from proxyd.rtsp.sent import SentVideo
from proxyd.rtsp.stats import ClientInfo, StreamStats

from .spec import SPOKEN_CODEC, StreamName, StreamSpec

_MACROBLOCK = 16  # some encoders state the size before cropping


def otherwise(stream: StreamSpec, sent: SentVideo | None, nvr_name: str) -> str:
    """The sentence for an installer when codec or size are not what the NVR said of them by ONVIF, else ""."""
    if sent is None or (sent.codec == stream.codec and _same_size(stream, sent)):
        return ""
    said = f"{stream.width}×{stream.height} {SPOKEN_CODEC[stream.codec]}"
    size = f"{sent.shape.width}×{sent.shape.height} " if sent.shape else ""
    sends = f"{size}{SPOKEN_CODEC[sent.codec]}"
    return (
        f"{nvr_name} says {said} for the {stream.name} stream, it sends {sends}: recorders may "
        f"refuse it. Scan {nvr_name} again, or correct the stream there."
    )


def _same_size(stream: StreamSpec, sent: SentVideo) -> bool:
    if sent.shape is None:
        return True
    pairs = ((stream.width, sent.shape.width), (stream.height, sent.shape.height))
    return all(one == other or one + -one % _MACROBLOCK == other for one, other in pairs)


def other_profile(stream: StreamSpec, sent: SentVideo | None) -> str:
    """NVRs are often wrong about profiles, and recorders go by the video itself: worth a word where the stream is
    looked at, no warning at the camera."""
    if sent is None or sent.shape is None or not sent.in_band or sent.codec != stream.codec:
        return ""
    if sent.codec not in ("H264", "H265") or sent.shape.profile == stream.codec_profile:
        return ""
    return f"The NVR says profile {stream.codec_profile}, it sends {sent.shape.profile}. Most recorders do not mind."


def streams_note(streams: Iterable[StreamSpec], stats: Mapping[StreamName, StreamStats], nvr_name: str) -> str:
    """Of a camera; `streams` as recorders are told of them."""
    seen = ((stream, stats.get(stream.name)) for stream in streams)
    return " ".join(filter(None, (otherwise(stream, of.sent, nvr_name) for stream, of in seen if of)))


def stream_models(
    streams: Iterable[StreamSpec], stats: Mapping[StreamName, StreamStats], nvr_name: str
) -> list[StreamStatus]:
    """One for each of `streams`, in their order."""
    return [_model(stream, stats.get(stream.name, StreamStats()), nvr_name) for stream in streams]


def _model(stream: StreamSpec, seen: StreamStats, nvr_name: str) -> StreamStatus:
    mismatch = otherwise(stream, seen.sent, nvr_name)
    return StreamStatus(
        name=stream.name,
        state="interrupted" if seen.interrupted else "running" if seen.running else "idle",
        codec=stream.codec,
        width=stream.width,
        height=stream.height,
        profile=stream.codec_profile,
        sent=_sent(seen.sent),
        mismatch=bool(mismatch),
        warning=mismatch or other_profile(stream, seen.sent),
        source_bps=seen.source_bps,
        source_bytes_total=seen.source_bytes_total,
        frames_total=seen.frames_total,
        bps=seen.bps,
        bytes_total=seen.bytes_total,
        packets_total=seen.packets_total,
        fps=seen.fps,
        key_interval_s=round(seen.key_interval_s, 2),
        lost=seen.lost,
        jitter_ms=round(seen.jitter_ms, 2),
        reconnects=seen.reconnects,
        clients=[_client(client) for client in seen.clients],
    )


def _sent(sent: SentVideo | None) -> SentPicture | None:
    if sent is None:
        return None
    shape = sent.shape
    if shape is None:
        return SentPicture(codec=sent.codec)
    return SentPicture(codec=sent.codec, width=shape.width, height=shape.height, profile=shape.profile)


def _client(client: ClientInfo) -> StreamClient:
    since = datetime.fromtimestamp(client.since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return StreamClient(
        address=client.address,
        transport=client.transport,
        since=since,
        skips=client.skips,
        dropped=client.dropped,
    )

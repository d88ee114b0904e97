"""What became different about one channel, in few words for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from proxyd.nvr.result import ScannedStream

from .matching import KnownChannel

_CODECS = {"H264": "H.264", "H265": "H.265"}
_MOST_CHARS = 120


def change_words(
    old: KnownChannel,
    new: KnownChannel,
    before: Sequence[ScannedStream],
    after: Sequence[ScannedStream],
    *,
    other_features: bool,
) -> str:
    """Such as "main now H.265, 2560×1440"; what is not for people (addresses, tokens) only as a whole."""
    words: list[str] = []
    if old.state != new.state:
        words.append("has a picture again" if new.state == "online" else "has no picture now")
    if old.name != new.name and new.name:
        words.append(f"called “{new.name}” on the NVR")
    known = {stream.spec.name: stream for stream in before}
    for stream in after:
        words += _stream_words(known.get(stream.spec.name), stream)
    if other_features:
        words.append("can do other things")
    return "; ".join(words or ["other addresses on the NVR"])[:_MOST_CHARS]


def _stream_words(old: ScannedStream | None, new: ScannedStream) -> list[str]:
    name, spec = new.spec.name, new.spec
    if old is None:
        return [f"{name} stream is new"]
    if (old.spec.upstream_url is None) != (spec.upstream_url is None):
        return [f"{name} stream is {'there again' if spec.upstream_url else 'no longer offered'}"]
    parts = []
    if old.spec.codec != spec.codec:
        parts.append(_CODECS.get(spec.codec, spec.codec))
    if (old.spec.width, old.spec.height) != (spec.width, spec.height):
        parts.append(f"{spec.width}×{spec.height}")
    if old.spec.fps != spec.fps:
        parts.append(f"{spec.fps} fps")
    if old.spec.bitrate_kbps != spec.bitrate_kbps:
        parts.append(f"{spec.bitrate_kbps} kbit/s")
    if parts:
        return [f"{name} now {', '.join(parts)}"]
    return [f"{name} has another sound"] if old.spec.audio != spec.audio else []

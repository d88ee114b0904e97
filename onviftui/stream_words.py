"""What is seen of a stream, in the words that command line and terminal UI share. Pure."""

from __future__ import annotations

from proxyd.api.streams import StreamStatus

from .words import Look, codec_name


def told_words(stream: StreamStatus, look: Look) -> str:
    """ "H.264 1920×1080 High" """
    return f"{codec_name(stream.codec)} {stream.width}{look.times}{stream.height} {stream.profile}".rstrip()


def sent_words(stream: StreamStatus, look: Look) -> str:
    """Like `told_words`, of what the NVR sends; says so when nobody has looked yet."""
    sent = stream.sent
    if sent is None:
        return "not known until a recorder plays"
    size = f"{sent.width}{look.times}{sent.height}" if sent.width else ""
    return " ".join(filter(None, (codec_name(sent.codec), size, sent.profile)))


def flow_words(stream: StreamStatus) -> str:
    """ "25.0 fps  key 2.0 s  jitter 1.2 ms": what comes from the NVR."""
    if stream.state == "interrupted":
        return "interrupted: it is fetched again"
    if stream.state == "idle":
        return "idle"
    key = f"key {stream.key_interval_s:.1f} s" if stream.key_interval_s else "no key frame yet"
    return f"{stream.fps:.1f} fps  {key}  jitter {stream.jitter_ms:.1f} ms"

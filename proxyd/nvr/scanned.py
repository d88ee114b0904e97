"""Channels and the addresses read for them, as results: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from proxyd.camera.features import NO_FEATURES, ChannelFeatures
from proxyd.camera.spec import StreamName, StreamSpec
from proxyd.nvr.grouping import Channel, group_profiles, profiles_to_ask
from proxyd.nvr.profiles import Profile
from proxyd.nvr.result import FALLBACK_FPS, FALLBACK_KBPS, ScannedChannel, ScannedStream

_NAMES: tuple[StreamName, ...] = ("main", "sub")


def scanned_channel(
    channel: Channel,
    uris: Mapping[str, str],
    snapshot_uri: str | None,
    features: ChannelFeatures = NO_FEATURES,
) -> ScannedChannel:
    """The result for one channel. Online means: there is a picture and an address for it."""
    streams = tuple(
        ScannedStream(_stream_spec(name, profile, uris.get(profile.token)), profile.token, _guessed(profile))
        for name, profile in zip(_NAMES, channel.streams, strict=False)
    )
    online = bool(streams) and streams[0].spec.upstream_url is not None
    return ScannedChannel(channel.key, channel.number, channel.name, online, streams, snapshot_uri, features)


def _stream_spec(name: StreamName, profile: Profile, uri: str | None) -> StreamSpec:
    return StreamSpec(
        name=name,
        codec=profile.codec or "H264",
        width=profile.width,
        height=profile.height,
        fps=profile.fps or FALLBACK_FPS,
        bitrate_kbps=profile.bitrate_kbps or FALLBACK_KBPS[name],
        upstream_url=uri,
        gov_length=profile.gov_length,
        codec_profile=profile.codec_profile,
        quality=profile.quality,
        audio=profile.audio,
    )


def _guessed(profile: Profile) -> tuple[str, ...]:
    """NVRs report 0 frames or 0 kbit/s of streams that run."""
    return tuple(name for name in ("fps", "bitrate_kbps") if not getattr(profile, name))


def without_snapshot(channels: Collection[ScannedChannel]) -> str | None:
    """A sentence about the online channels that have no snapshot address, None when all have one."""
    online = [c for c in channels if c.online]
    numbers = sorted(c.number for c in online if c.snapshot_uri is None)
    if not numbers:
        return None
    which = "" if len(numbers) == len(online) else f" for channel {', '.join(map(str, numbers))}"
    return f"The NVR gives no snapshot address{which}."


def count_channels(profiles: Sequence[Profile]) -> int | None:
    """How many channels the profiles show before any address is read; None when only addresses can tell."""
    sources = {p.source_token for p in profiles if p.has_source}
    videos = [p for p in profiles if p.has_source]
    if len(sources) > 1 and len(sources) == len(videos) and profiles_to_ask(profiles):
        return None
    return len(group_profiles(profiles).channels)

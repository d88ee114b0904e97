"""From a dialect and a number of channels to profiles, tokens and addresses, and back. Pure.

Numbers in tokens belong to the channel, so a gap or an offline channel never renames its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from proxyd.simulator.dialect import Dialect
from proxyd.simulator.streams import SimCodec, SimStream, SimStreamName, stream_for

_STREAMS: tuple[SimStreamName, ...] = ("main", "sub")


@dataclass(frozen=True, slots=True)
class SimProfile:
    """One media profile. `online` false: its channel has no camera; `media1` false: only Media2 knows it."""

    media: SimStream
    token: str
    name: str
    source: str
    listed_source: str
    source_config: str
    encoder: str
    rtsp: str
    snapshot: str
    online: bool = True
    media1: bool = True

    @property
    def channel(self) -> int:
        return self.media.channel


@dataclass(frozen=True, slots=True)
class Layout:
    """All profiles in the order in which the device lists them."""

    dialect: Dialect
    profiles: tuple[SimProfile, ...]

    def profile(self, token: str) -> SimProfile | None:
        return next((p for p in self.profiles if p.token == token), None)

    def media1(self) -> tuple[SimProfile, ...]:
        return tuple(p for p in self.profiles if p.media1)

    def sources(self) -> list[SimProfile]:
        """One profile (the first) for each video source, in GetVideoSources' order."""
        first: dict[str, SimProfile] = {}
        for profile in self.profiles:
            first.setdefault(profile.listed_source, profile)
        listed = list(first.values())
        return listed[::-1] if self.dialect.sources_reversed else listed

    def by_rtsp(self, path_and_query: str) -> SimProfile | None:
        """The profile whose stream a client asks for; offline channels have none."""
        found = _find(path_and_query, [(p.rtsp, p) for p in self.profiles], self.dialect.uris.rtsp_keys)
        return found if found and found.online else None

    def by_snapshot(self, path_and_query: str) -> SimProfile | None:
        keys = self.dialect.uris.snapshot_keys
        found = _find(path_and_query, [(p.snapshot, p) for p in self.profiles], keys)
        return found if found and found.online else None


@lru_cache(maxsize=64)
def lay_out(
    dialect: Dialect,
    channels: int,
    offline: frozenset[int] = frozenset(),
    gaps: frozenset[int] = frozenset(),
    media2_only_h265: bool = False,
    bitrate_kbps: int | None = None,
) -> Layout:
    """The device's profiles. With `media2_only_h265` main streams are H.265 and missing from Media1;
    `bitrate_kbps` is what padded streams really have."""
    main_codec: SimCodec = "H265" if media2_only_h265 else dialect.main_codec
    profiles = []
    for channel in range(1, channels + 1):
        if channel in gaps:
            continue
        for index, name in enumerate(_STREAMS):
            media = stream_for(channel, name, main_codec if name == "main" else "H264")
            if bitrate_kbps:
                media = replace(media, bitrate_kbps=bitrate_kbps)
            number = index * channels + channel - 1 if dialect.profiles_by_stream else (channel - 1) * 2 + index
            hidden = media2_only_h265 and name == "main"
            profiles.append((number, _profile(dialect, media, number, channel not in offline, not hidden)))
    profiles.sort(key=lambda pair: pair[0])
    return Layout(dialect, tuple(profile for _, profile in profiles))


def with_rates(layout: Layout, rates: Mapping[str, tuple[int, int]]) -> Layout:
    """The device after clients set encoders: frames/s and kbit/s by the encoder's token, as they are told."""
    if not rates:
        return layout
    profiles = (
        replace(p, media=replace(p.media, fps=rates[p.encoder][0], bitrate_kbps=rates[p.encoder][1]))
        if p.encoder in rates
        else p
        for p in layout.profiles
    )
    return replace(layout, profiles=tuple(profiles))


def _profile(dialect: Dialect, media: SimStream, number: int, online: bool, media1: bool) -> SimProfile:
    fields: dict[str, object] = {
        "ch": media.channel,
        "ch0": media.channel - 1,
        "s": _STREAMS.index(media.name) + 1,
        "s0": _STREAMS.index(media.name),
        "i": number + 1,
        "i0": number,
        "stream": media.name,
        "Stream": {"main": "MainStream", "sub": "SubStream1"}[media.name],
        "codec": media.codec.lower(),
        "width": media.width,
        "height": media.height,
    }
    tokens, uris = dialect.tokens, dialect.uris
    fields["token"] = tokens.profile.format_map(fields)
    return SimProfile(
        media=media,
        token=str(fields["token"]),
        name=tokens.profile_name.format_map(fields),
        source=tokens.source.format_map(fields),
        listed_source=tokens.listed_source.format_map(fields),
        source_config=tokens.source_config.format_map(fields),
        encoder=tokens.encoder.format_map(fields),
        rtsp=uris.rtsp.format_map(fields),
        snapshot=uris.snapshot.format_map(fields),
        online=online,
        media1=media1,
    )


def _find(asked: str, offered: list[tuple[str, SimProfile]], keys: tuple[str, ...]) -> SimProfile | None:
    """By path (percent encoding and a last slash do not matter) and by the query parameters `keys`; without keys by
    the whole query where paths are equal, else by path alone."""
    path, query = _split(asked)
    same_path = [(_split(address)[1], profile) for address, profile in offered if _split(address)[0] == path]
    if keys:
        wanted = {key: dict(parse_qsl(query)).get(key) for key in keys}
        return next((p for q, p in same_path if {k: dict(parse_qsl(q)).get(k) for k in keys} == wanted), None)
    if len(same_path) == 1:
        return same_path[0][1]
    return next((p for q, p in same_path if q == query), None)


def _split(address: str) -> tuple[str, str]:
    path, _, query = address.rstrip("/").partition("?")
    return unquote(path).rstrip("/"), query

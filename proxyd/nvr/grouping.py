"""From profiles to channels: pure.

Profiles belong together when they show the same video source. Where every stream is a source of its own (gSOAP
style), or one source stands for all channels (XM style), the channel number in the name or address tells instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proxyd.nvr.naming import channel_names
from proxyd.nvr.numbering import (
    Evidence,
    channels_in_profiles,
    channels_in_uris,
    number_channels,
    numbers_are_certain,
)
from proxyd.nvr.profiles import Profile

MAX_CHANNELS = 256
_FALLBACK_KEY = "channel:"


@dataclass(frozen=True, slots=True)
class Channel:
    """One camera behind the NVR. `key` stays the same over rescans; `main` None: there is no picture now."""

    key: str
    number: int
    name: str
    main: Profile | None
    sub: Profile | None
    profiles: tuple[Profile, ...]

    @property
    def online(self) -> bool:
        return self.main is not None

    @property
    def streams(self) -> tuple[Profile, ...]:
        """Main and sub, as far as they are there."""
        return tuple(p for p in (self.main, self.sub) if p is not None)


@dataclass(frozen=True, slots=True)
class Grouping:
    """`channels` in the order of their numbers."""

    channels: tuple[Channel, ...]
    warnings: tuple[str, ...] = ()


def profiles_to_ask(profiles: Sequence[Profile]) -> tuple[Profile, ...]:
    """The profiles whose stream address must be known before `group_profiles` can do its best; () when none."""
    videos = _videos(profiles)
    by_source = _by_source(videos)
    if _is_stream_per_source(by_source):
        return () if _numbered_by_name(videos) else videos
    if len(by_source) == 1:
        return videos if len(videos) > 1 else ()
    evidence = [Evidence(members) for members in by_source.values()]
    if numbers_are_certain(evidence):
        return ()
    return tuple(_best_first(members)[0] for members in by_source.values())


def group_profiles(profiles: Sequence[Profile], uris: Mapping[str, str] | None = None) -> Grouping:
    """The channels behind `profiles`, given the stream addresses known so far (profile token → address)."""
    uris = uris or {}
    warnings: list[str] = []
    videos = _videos(profiles)
    by_source = _by_source(videos)
    by_number = _by_number(videos, by_source, uris)
    groups = by_source if by_number is None else {f"{_FALLBACK_KEY}{n}": p for n, p in by_number.items()}
    if len(groups) > MAX_CHANNELS:
        warnings.append(f"The NVR names {len(groups)} channels; only the first {MAX_CHANNELS} are read.")
        groups = dict(list(groups.items())[:MAX_CHANNELS])
    evidence = [
        Evidence(members, tuple(uris[p.token] for p in _best_first(members) if p.token in uris))
        for members in groups.values()
    ]
    numbers = list(by_number)[: len(groups)] if by_number is not None else number_channels(evidence)
    names = channel_names(list(zip(numbers, groups.values(), strict=True)))
    channels = [
        _channel(key, number, name, members)
        for (key, members), number, name in zip(groups.items(), numbers, names, strict=True)
    ]
    channels.sort(key=lambda c: c.number)
    warnings += _hidden_streams(channels)
    return Grouping(tuple(channels), tuple(warnings))


def same_picture_warnings(channels: Sequence[Channel], uris: Mapping[str, str]) -> list[str]:
    """A sentence for each address that several channels give: probably one camera connected twice."""
    at: dict[str, list[int]] = {}
    for channel in channels:
        if channel.main is not None and (uri := uris.get(channel.main.token)):
            at.setdefault(uri, []).append(channel.number)
    return [
        f"Channels {_listed(numbers)} give the same stream address; they are probably one camera. All are kept."
        for numbers in at.values()
        if len(numbers) > 1
    ]


def _videos(profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    """Profiles with a video source, each token once."""
    seen: dict[str, Profile] = {}
    for profile in profiles:
        if profile.has_source:
            seen.setdefault(profile.token, profile)
    return tuple(seen.values())


def _by_source(videos: Sequence[Profile]) -> dict[str, tuple[Profile, ...]]:
    groups: dict[str, list[Profile]] = {}
    for profile in videos:
        groups.setdefault(profile.source_token, []).append(profile)
    return {source: tuple(members) for source, members in groups.items()}


def _is_stream_per_source(by_source: Mapping[str, tuple[Profile, ...]]) -> bool:
    return len(by_source) > 1 and all(len(members) == 1 for members in by_source.values())


def _numbered_by_name(videos: Sequence[Profile]) -> bool:
    """Every profile tells its channel, and some tell the same: streams of one camera."""
    numbers = channels_in_profiles(videos)
    return None not in numbers and len(set(numbers)) < len(numbers)


def _by_number(
    videos: Sequence[Profile], by_source: Mapping[str, tuple[Profile, ...]], uris: Mapping[str, str]
) -> dict[int, tuple[Profile, ...]] | None:
    """Profiles by the channel number in their address or name, where sources do not tell channels; else None.

    Behind a single source a name such as "Profile_102" or a path such as "/ch2" may mean the second stream of one
    camera, so only a vendor's own scheme in the address counts there.
    """
    single = len(by_source) == 1
    if not single and not _is_stream_per_source(by_source):
        return None
    told = channels_in_uris([uris.get(p.token) for p in videos], only_strong=single)
    if not single:
        named = channels_in_profiles(videos)
        if all(a == b for a, b in zip(told, named, strict=True) if a is not None and b is not None):
            told = [a if a is not None else b for a, b in zip(told, named, strict=True)]
    groups: dict[int, list[Profile]] = {}
    unnumbered = []
    for profile, number in zip(videos, told, strict=True):
        if number is None:
            unnumbered.append(profile)
        else:
            groups.setdefault(number, []).append(profile)
    numbered = len(videos) - len(unnumbered)
    if not groups or len(groups) == (1 if single else numbered):
        return None
    if not single:
        for profile in unnumbered:  # offline, without an address: a channel of its own behind the others
            groups[max(groups) + 1] = [profile]
    return {number: tuple(members) for number, members in sorted(groups.items())}


def _best_first(members: Sequence[Profile]) -> list[Profile]:
    """By usefulness: a picture, a video codec rather than stills, width, quality, bit rate; then the NVR's order."""
    return sorted(
        members,
        key=lambda p: (
            not p.has_picture,
            p.codec not in ("H264", "H265"),
            -p.width,
            -p.height,
            -p.quality,
            -p.bitrate_kbps,
        ),
    )


def _channel(key: str, number: int, name: str, members: tuple[Profile, ...]) -> Channel:
    pictures = _one_per_encoder([p for p in _best_first(members) if p.has_picture])
    main = pictures[0] if pictures else None
    rest = [p for p in pictures[1:] if p.codec in ("H264", "H265")]
    if main is not None and main.codec == "H265":
        # Recorders that cannot show H.265 live on an H.264 sub-stream.
        rest.sort(key=lambda p: p.codec != "H264")
    return Channel(key, number, name, main, rest[0] if rest else None, members)


def _one_per_encoder(pictures: Sequence[Profile]) -> list[Profile]:
    """Recorders add profiles of their own for an encoder that has one: the same stream twice."""
    kept: dict[str, Profile] = {}
    for profile in pictures:
        kept.setdefault(profile.encoder_token or f"profile:{profile.token}", profile)
    return list(kept.values())


def _hidden_streams(channels: Sequence[Channel]) -> list[str]:
    """Some NVRs leave out the encoder of H.265 streams: say so when that cost a channel a stream."""
    numbers = [c.number for c in channels if c.online and c.sub is None and any(not p.has_picture for p in c.profiles)]
    if not numbers:
        return []
    return [
        f"Channel {_listed(numbers)}: only one stream is described. The other may be H.265, which this NVR hides; "
        "setting it to H.264 on the NVR shows it."
    ]


def _listed(numbers: Sequence[int]) -> str:
    texts = [str(n) for n in numbers[:16]] + (["…"] if len(numbers) > 16 else [])
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"

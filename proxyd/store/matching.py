"""Which scanned channel and stream is which stored one. Pure; contract 3 and the identity of cameras hang on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxyd.api.names import without_account
from proxyd.nvr.result import ScannedChannel, ScannedStream

from .rows import ChannelState
from .streams import within_limits


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """A channel as it is stored: `key` is what the NVR calls it, `number` what the user sees."""

    id: int
    key: str
    number: int
    name: str
    state: ChannelState
    ignored: bool
    snapshot_uri: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """`known` is None for a channel that was never seen before."""

    scanned: ScannedChannel
    known: KnownChannel | None


def match_channels(known: Sequence[KnownChannel], scanned: Sequence[ScannedChannel], *, complete: bool) -> list[Match]:
    """By key; what is left by number, when that is unambiguous on both sides. A key twice: the first counts.

    Numbers say something only when keys changed as a whole (new firmware, other token scheme) or when the
    scan is complete: else the known channel may just have been unreadable this time, and its camera would
    show somebody else's picture.
    """
    by_key = {channel.key: channel for channel in known}
    first_of_key = {channel.key: channel for channel in reversed(scanned)}
    unique = [channel for channel in scanned if first_of_key[channel.key] is channel]
    left = [channel for channel in known if channel.key not in first_of_key]
    by_number: dict[int, KnownChannel] = {}
    if complete or not any(channel.key in by_key for channel in unique):
        known_count = Counter(channel.number for channel in left)
        new_count = Counter(channel.number for channel in unique if channel.key not in by_key)
        by_number = {c.number: c for c in left if known_count[c.number] == new_count[c.number] == 1}
    return [Match(channel, by_key.get(channel.key) or by_number.get(channel.number)) for channel in unique]


def merge_streams(known: Sequence[ScannedStream], channel: ScannedChannel, *, complete: bool) -> list[ScannedStream]:
    """The channel's streams after the scan. Every known one stays.

    - All tokens known: the names stay with their tokens, whatever the NVR now calls main. Often it tells of one stream
      alone, because it does not know the resolution of the other at the moment.
    - Numbers that the NVR does not tell this time stay as they were.
    - A stream that is not offered any more loses its URI, but only when the scan can be trusted: of an
      offline channel or an incomplete scan the last URI is kept, it will most likely work again.
    """
    before = {stream.spec.name: stream for stream in known}
    now = {stream.spec.name: within_limits(stream) for stream in channel.streams}
    by_token = {stream.profile_token: stream for stream in now.values()}
    named = {name: _named(by_token[s.profile_token], s) for name, s in before.items() if s.profile_token in by_token}
    if len(known) == 2 and len(named) == len(by_token) == len(now):
        now = named
    trusted = complete and channel.online
    merged = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old is None and new is not None:
            merged.append(new)
        elif old is not None and (new is None or not channel.online):
            merged.append(old if not trusted else _with_uri(old, None))
        elif old is not None and new is not None:
            new = _with_known_numbers(new, old)
            keeps_uri = new.spec.upstream_url is None and not trusted
            merged.append(_with_uri(new, old.spec.upstream_url) if keeps_uri else new)
    return merged


def _named(stream: ScannedStream, like: ScannedStream) -> ScannedStream:
    return replace(stream, spec=replace(stream.spec, name=like.spec.name))


def _with_known_numbers(new: ScannedStream, old: ScannedStream) -> ScannedStream:
    known = {name: getattr(old.spec, name) for name in new.guessed}
    return replace(new, spec=replace(new.spec, **known)) if known else new


def camera_name(channel: ScannedChannel) -> str:
    """What the NVR calls the channel, as far as it fits the rules for names."""
    name = "".join(c if c.isprintable() else " " for c in without_account(channel.name))
    return " ".join(name.split())[:64].strip() or f"Channel {channel.number}"


def _with_uri(stream: ScannedStream, uri: str | None) -> ScannedStream:
    return replace(stream, spec=replace(stream.spec, upstream_url=uri))

"""Which camera an event of an NVR belongs to: pure.

Events are per device; the channel stands in a source item, under many names and as one of several tokens. In doubt an
event belongs to nobody: on a wrong camera it would do harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from proxyd.camera.events import Items
from proxyd.camera.features import ChannelTokens
from proxyd.nvr.events.parse import NvrEvent

# The same text can be a source of one channel and a profile of another ("001" on some NVRs), so the item's name says
# in which order the kinds of tokens are tried.
_KINDS = ("source", "configuration", "profile", "analytics", "audio", "audio source")
_ITEMS: dict[str, tuple[str, ...]] = {
    "VideoSourceConfigurationToken": ("configuration", "source", "profile"),
    "VideoSourceConfiguration": ("configuration", "source", "profile"),
    "VideoSourceToken": ("source", "configuration", "profile"),
    "Source": ("source", "configuration", "profile"),
    "VideoSource": ("source", "configuration", "profile"),
    "ProfileToken": ("profile", "source", "configuration"),
    "Profile": ("profile", "source", "configuration"),
    "VideoAnalyticsConfigurationToken": ("analytics", "configuration", "source"),
    "VideoAnalyticsConfiguration": ("analytics", "configuration", "source"),
    "AnalyticsConfigurationToken": ("analytics", "configuration", "source"),
    "AnalyticsConfiguration": ("analytics", "configuration", "source"),
    "AudioSourceConfigurationToken": ("audio", "audio source"),
    "AudioSourceToken": ("audio source", "audio"),
}
CHANNEL_ITEMS = frozenset(_ITEMS)
_PICTURE_ITEMS = frozenset(name for name in _ITEMS if not name.startswith("Audio"))  # all may share a microphone
# Topics that are about a picture, so that one without a channel is a loss worth telling.
_OF_A_CHANNEL = ("VideoSource", "RuleEngine", "VideoAnalytics", "UserAlarm")


class Router:
    """`channels` by camera; `others`: channels of the NVR without a camera, which have events, too.
    `single`: the NVR itself has one channel only, so that all it tells is about that."""

    def __init__(
        self, channels: Mapping[int, ChannelTokens], others: Sequence[ChannelTokens] = (), *, single: bool = False
    ) -> None:
        self._only = next(iter(channels)) if single and len(channels) == 1 else None
        self._by_token: dict[str, dict[str, set[int]]] = {kind: {} for kind in _KINDS}
        for camera, tokens in (*channels.items(), *((-1 - n, tokens) for n, tokens in enumerate(others))):
            for kind, names in _tokens_by_kind(tokens):
                for name in names:
                    self._by_token[kind].setdefault(name, set()).add(camera)

    def channel_of(self, event: NvrEvent) -> int | None:
        """The camera, or a negative number for a channel without one; None when it cannot be told of which it is."""
        if self._only is not None:
            return self._only
        given = dict(event.source)
        for item, kinds in _ITEMS.items():
            if (value := given.get(item)) is None:
                continue
            channels = next((found for kind in kinds if (found := self._by_token[kind].get(value))), set())
            if len(channels) == 1:
                [channel] = channels
                return channel
        return None

    def why_not(self, event: NvrEvent) -> Literal["several", "unknown", "none"]:
        """Of an event that has no channel: it names one that several have, one that nobody knows, or none at all. What
        is about a picture has to name one; without, it could be any: "several"."""
        given = [(item, value) for item, value in event.source if item in CHANNEL_ITEMS]
        if not given:
            return "several" if event.topic.startswith(_OF_A_CHANNEL) else "none"
        if any(self._by_token[kind].get(value) for item, value in given for kind in _ITEMS[item]):
            return "several"
        return "unknown" if any(item in _PICTURE_ITEMS for item, _ in given) else "none"


def named_alike(first: Sequence[NvrEvent]) -> bool:
    """Whether the first messages of a subscription show an NVR that calls all channels the same: one property told
    several times, and no other channel named."""
    properties = [e.key for e in first if e.operation == "Initialized" and _channel_items(e.source)]
    channels = {_channel_items(source) for _, source in properties}
    return len(properties) > len(set(properties)) and all(len(values) == 1 for values in _values_by_name(channels))


def _channel_items(source: Items) -> Items:
    return tuple((name, value) for name, value in source if name in _PICTURE_ITEMS)


def _values_by_name(channels: Iterable[Items]) -> list[set[str]]:
    values: dict[str, set[str]] = {}
    for items in channels:
        for name, value in items:
            values.setdefault(name, set()).add(value)
    return list(values.values())


def _tokens_by_kind(tokens: ChannelTokens) -> list[tuple[str, set[str]]]:
    return [
        ("source", {*tokens.sources, tokens.source_token, tokens.video_source} - {""}),
        ("configuration", set(tokens.source_configurations)),
        ("profile", {*tokens.profiles, *tokens.encoders}),
        ("analytics", {tokens.analytics} - {""}),
        ("audio", {tokens.audio_configuration} - {""}),
        ("audio source", {tokens.audio_source} - {""}),
    ]

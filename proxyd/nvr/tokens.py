"""What the NVR calls the parts of a channel: pure.

Its events and the calls that recorders make through us need these names; no recorder ever sees them (contract 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from proxyd.camera.features import ChannelTokens
from proxyd.nvr.grouping import Channel

MAX_TOKENS = 16  # of one kind per channel: recorders leave profiles of their own behind
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


def channel_tokens(channel: Channel, video_sources: Sequence[str] = ()) -> ChannelTokens:
    """`video_sources`: the tokens of GetVideoSources, () when they are not known."""
    first = {profile.token: profile for profile in (*channel.streams, *channel.profiles)}
    profiles = list(first.values())
    ptz = next((p for p in profiles if p.ptz_configuration), None)
    source_token = next((p.source_token for p in profiles if p.source_token), "")
    return ChannelTokens(
        video_source=_video_source(channel, source_token, video_sources),
        source_token=source_token,
        sources=_each_once(p.source_token for p in profiles),
        source_configurations=_each_once(p.source_config_token for p in profiles),
        profiles=_each_once(p.token for p in profiles),
        encoders=_each_once(p.encoder_token for p in profiles),
        ptz_profile=ptz.token if ptz else "",
        ptz_node=ptz.ptz_node if ptz else "",
        ptz_configuration=ptz.ptz_configuration if ptz else "",
        analytics=next((p.analytics for p in profiles if p.analytics), ""),
        audio_source=next((p.audio_source for p in profiles if p.audio_source), ""),
        audio_configuration=next((p.audio_configuration for p in profiles if p.audio_configuration), ""),
        audio_output=next((p.audio_output for p in profiles if p.audio_output), ""),
    )


def _video_source(channel: Channel, source_token: str, listed: Sequence[str]) -> str:
    """The physical source. Some devices list it under another name than their profiles refer to it by: the name of
    the configuration, or a spelling of its own with the same number."""
    names = [source_token, *(p.source_config_name for p in channel.profiles)]
    for name in names:
        if name in listed:
            return name
    number = _number(source_token)
    same_number = [token for token in listed if number is not None and _number(token) == number]
    return same_number[0] if len(same_number) == 1 else source_token


def _number(token: str) -> int | None:
    found = _LAST_NUMBER.search(token)
    return int(found.group(1)[-9:]) if found else None


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))[:MAX_TOKENS]

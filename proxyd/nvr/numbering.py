"""Which number people give a channel, told from tokens, names and addresses: pure.

Vendors write the number in different places. A family of patterns counts only when it gives every channel that it
matches a different number; the address on the stream is believed first, since it is what the NVR itself uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proxyd.nvr.profiles import Profile

MAX_CHANNEL_NUMBER = 1024


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one channel: its profiles in the NVR's order, and the addresses read so far."""

    profiles: tuple[Profile, ...]
    uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Family:
    """`strong`: the vendor's own scheme; the number cannot mean anything else. `first` is the number of channel 1,
    None when that differs between firmwares (then a 0 shows that it is 0)."""

    pattern: re.Pattern[str]
    strong: bool = True
    first: int | None = 1


def _uri(pattern: str, *, strong: bool = True, first: int | None = 1) -> _Family:
    return _Family(re.compile(pattern, re.IGNORECASE), strong, first)


_URI_FAMILIES = (
    _uri(r"/Streaming/(?:Unicast/|Multicast/)?(?:channels|tracks)/(\d{1,3})\d\d(?!\d)"),  # Hikvision 101, 1602
    _uri(r"/cam/realmonitor\?(?:[^#]*&)?channel=(\d+)"),  # Dahua, Amcrest, Lorex
    _uri(r"/unicast/c(\d+)/s\d"),  # Uniview
    _uri(r"/(?:h26[45])?Preview_(\d+)_(?:main|sub|ext)"),  # Reolink
    _uri(r"/rtsp/streaming\?(?:[^#]*&)?channel=(\d+)"),  # TVT
    _uri(r"[_/&?]channel=(\d+)_stream=\d"),  # XM, Sunba
    _uri(r"[?&](?:channel|chn|ch|camera|chID|channelid|cam)=(\d+)(?!\d)", strong=False, first=None),
    _uri(r"[/_](?:channel|chn|ch|cam|camera)[_-]?(\d+)(?![\dA-Za-z])", strong=False, first=None),
)
_TOKEN_FAMILIES = (
    _Family(re.compile(r"^MediaProfile(\d{3})\d\d$"), first=0),  # Dahua
    _Family(re.compile(r"^Profile(?:Token)?_?([1-9]\d?)0[1-9]$")),  # Hikvision Profile_101
    _Family(re.compile(r"^profile_(\d+)_(?:h26[45]|jpeg)", re.IGNORECASE), strong=False),  # Axis sensors
)
_NAME_FAMILIES = (
    _Family(re.compile(r"(?:^|[^A-Za-z])Channel(\d+)_(?:Main|Sub|Extra)", re.IGNORECASE)),  # Dahua
    _Family(
        re.compile(r"(?:^|[^A-Za-z])(?:channel|chn|ch|cam|camera|ipc|kanal)[ _.#-]{0,2}0*(\d+)(?!\d)", re.IGNORECASE),
        strong=False,
        first=None,
    ),
)
_SOURCE_FAMILIES = (
    _Family(re.compile(r"^(\d{3})00$"), strong=False, first=0),  # Dahua 00000, 00100
    _Family(re.compile(r"^\D*?(\d+)$"), strong=False, first=None),  # VideoSource_3, 000
)
_Reader = Callable[[Evidence], Sequence[str]]


def channels_in_uris(uris: Sequence[str | None], *, only_strong: bool) -> list[int | None]:
    """The channel that each address names, by the first family that understands all of them; the same number may
    come several times. None where there is no address or no family fits."""
    families = [f for f in _URI_FAMILIES if f.strong or not only_strong]
    return _shared_numbers(families, uris)


def channels_in_profiles(profiles: Sequence[Profile]) -> list[int | None]:
    """As channels_in_uris, from the profiles' tokens and names."""
    tokens = _shared_numbers(_TOKEN_FAMILIES, [p.token for p in profiles])
    return tokens if None not in tokens else _shared_numbers(_NAME_FAMILIES, [p.name for p in profiles])


def numbers_are_certain(evidence: Sequence[Evidence]) -> bool:
    """Whether tokens and names alone number every channel by a vendor's own scheme, so that no address is needed."""
    return any(
        family.strong and None not in numbers
        for reader, families in _READERS[1:]
        for family in families
        if (numbers := _numbers(family, reader, evidence)) is not None
    )


def number_channels(evidence: Sequence[Evidence]) -> list[int]:
    """A different number ≥ 1 for each channel, in their order. Gaps are kept where a pattern shows them."""
    candidates = [
        numbers
        for reader, families in _READERS
        for family in families
        if (numbers := _numbers(family, reader, evidence)) is not None
    ]
    complete = next((numbers for numbers in candidates if None not in numbers), None)
    chosen: list[int | None] = list(complete or (candidates[0] if candidates else [None] * len(evidence)))
    for other in candidates:
        if _agree(chosen, other):
            taken = {n for n in chosen if n is not None}
            for index, number in enumerate(other):
                if chosen[index] is None and number is not None and number not in taken:
                    chosen[index] = number
                    taken.add(number)
    return _filled(chosen)


def _numbers(family: _Family, reader: _Reader, evidence: Sequence[Evidence]) -> list[int | None] | None:
    """What the family says of each channel; None when it says nothing, or the same of two channels."""
    raw = [_first_number(family, reader(item)) for item in evidence]
    known = [n for n in raw if n is not None]
    if not known or len(set(known)) != len(known):
        return None
    first = _first(family, known)
    numbers = [None if n is None else n - first + 1 for n in raw]
    if any(n is not None and not 1 <= n <= MAX_CHANNEL_NUMBER for n in numbers):
        return None
    return numbers


def _first_number(family: _Family, texts: Sequence[str]) -> int | None:
    for text in texts:
        if (match := family.pattern.search(text)) is not None and len(match.group(1)) <= 6:
            return int(match.group(1))
    return None


def _shared_numbers(families: Sequence[_Family], texts: Sequence[str | None]) -> list[int | None]:
    for family in families:
        raw = [None if text is None else _first_number(family, [text]) for text in texts]
        known = [n for n in raw if n is not None]
        if not known or len(known) != sum(text is not None for text in texts):
            continue
        first = _first(family, known)
        if all(1 <= n - first + 1 <= MAX_CHANNEL_NUMBER for n in known):
            return [None if n is None else n - first + 1 for n in raw]
    return [None] * len(texts)


def _first(family: _Family, known: Sequence[int]) -> int:
    return family.first if family.first is not None else (0 if 0 in known else 1)


def _agree(one: Sequence[int | None], other: Sequence[int | None]) -> bool:
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    return bool(pairs) and all(a == b for a, b in pairs)


def _filled(numbers: Sequence[int | None]) -> list[int]:
    """Channels without a number take their place in the order when it is free, else the next free one."""
    taken = {n for n in numbers if n is not None}
    filled: list[int] = []
    for index, number in enumerate(numbers):
        if number is None:
            number = index + 1
            while number in taken:
                number += 1
            taken.add(number)
        filled.append(number)
    return filled


def _uris(item: Evidence) -> Sequence[str]:
    return item.uris


def _tokens(item: Evidence) -> Sequence[str]:
    return [p.token for p in item.profiles]


def _names(item: Evidence) -> Sequence[str]:
    return [p.name for p in item.profiles]


def _sources(item: Evidence) -> Sequence[str]:
    return [p.source_token for p in item.profiles[:1]]


_READERS: tuple[tuple[_Reader, tuple[_Family, ...]], ...] = (
    (_uris, _URI_FAMILIES),
    (_tokens, _TOKEN_FAMILIES),
    (_names, _NAME_FAMILIES),
    (_sources, _SOURCE_FAMILIES),
)

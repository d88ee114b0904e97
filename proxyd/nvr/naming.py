"""The name a channel gets before its user gives it one: pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxyd.api.names import without_account
from proxyd.nvr.profiles import Profile

MAX_NAME_CHARS = 64
_SEPARATORS = re.compile(r"[\s_\-.:,/|()\[\]]+")
# Words that say which stream or configuration it is, never which camera.
_STREAM_WORDS = re.compile(
    r"(?i)^(?:main|sub|third|fourth|extra|mobile|minor|major|primary|secondary|high|low|stream|substream|mainstream"
    r"|thirdstream|video|audio|media|profile|mediaprofile|token|profiletoken|config|configuration|encoder|source"
    r"|videosource|videoencoder|videosourceconfig|videosourceconfiguration|videosourcetoken|src|vsc|vs|h26[45]|h\.26[45]"
    r"|jpeg|mjpeg|default|channel|chn|ch|cam|camera|ipc|ip|ipcamera|ipcam|onvif|user|balanced|quality|lowres|highres)?\d*$"
)
_GLUED = re.compile(r"(?<=[a-z])(?=[A-Z])")


def channel_names(channels: Sequence[tuple[int, Sequence[Profile]]]) -> list[str]:
    """One name per (number, profiles): what the NVR's own names tell, else "Channel <number>".

    A text that several channels share names none of them.
    """
    told = [_told(profiles) for _, profiles in channels]
    return [
        name if name and told.count(name) == 1 else f"Channel {number}"
        for name, (number, _) in zip(told, channels, strict=True)
    ]


def _told(profiles: Sequence[Profile]) -> str:
    for profile in profiles:
        for text in (profile.name, profile.source_config_name):
            if name := _camera_part(text):
                return name
    return ""


def _camera_part(text: str) -> str:
    """ "Garage_MainStream" → "Garage"; "" when only stream words and numbers are left."""
    words = [w for w in _SEPARATORS.split("".join(c if c.isprintable() else " " for c in without_account(text))) if w]
    while words and _is_stream_word(words[-1]):
        if words[-1].isdigit() and len(words) > 1 and not _is_stream_word(words[-2]):
            break  # "Yard 1": the number belongs to the name
        words.pop()
    if not any(not _is_stream_word(w) and sum(c.isalpha() for c in w) >= 2 for w in words):
        return ""
    return " ".join(words)[:MAX_NAME_CHARS].strip()


def _is_stream_word(word: str) -> bool:
    return all(_STREAM_WORDS.match(part) for part in _GLUED.split(word))

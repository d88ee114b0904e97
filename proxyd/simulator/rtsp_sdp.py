"""What the simulated NVR says about a stream (SDP, RFC 8866) and how it names the tracks in it. Pure.

As real NVRs do, o= and c= carry the device's own address, and control URLs come in the vendors' styles.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from proxyd.camera.urls import rtsp_url, rtsps_url
from proxyd.simulator.loops import Loop
from proxyd.simulator.streams import SimStream

VIDEO_PAYLOAD_TYPE = 96
AUDIO_PAYLOAD_TYPE = 0  # PCMU (RFC 3551)
_PCMA = 8
VIDEO_TRACK = 0
AUDIO_TRACK = 1
BACK_TRACK = 2  # sound for the loudspeaker
METADATA_TRACK = 3
METADATA_PAYLOAD_TYPE = 107

ControlStyle = Literal["relative", "absolute", "stream", "track"]


@dataclass(frozen=True, slots=True)
class _ControlForm:
    word: str
    first: int
    absolute: bool


_FORMS: dict[ControlStyle, _ControlForm] = {
    "relative": _ControlForm("trackID=", 0, absolute=False),  # Dahua: appended even after a query
    "absolute": _ControlForm("trackID=", 1, absolute=True),  # Hikvision: in the path, before the query
    "stream": _ControlForm("stream=", 0, absolute=True),  # Axis
    "track": _ControlForm("track", 1, absolute=False),  # live555 inside: Reolink
}


def control_url(style: ControlStyle, base: str, track: int) -> str:
    """The a=control value of a track of the presentation `base` (URL without a final slash)."""
    form = _FORMS[style]
    name = f"{form.word}{form.first + track}"
    if not form.absolute:
        return name
    path, has_query, query = base.partition("?")
    return f"{path}/{name}{has_query}{query}"


def split_control(style: ControlStyle, target: str) -> tuple[str, int | None]:
    """(path and query of the presentation, track or None) from the path and query of a request."""
    form = _FORMS[style]
    match = re.search(rf"/{form.word}([0-9]{{1,2}})(?=\?|/?$)", target)
    if match is None:
        return target, None
    return target[: match.start()] + target[match.end() :].removeprefix("/"), int(match.group(1)) - form.first


def target_of(uri: str) -> str:
    """Path and query of an absolute or relative request URI. Raises ValueError."""
    parts = urlsplit(uri)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def presentation_url(local: tuple[str, int], target: str, *, tls: bool = False) -> str:
    """The URL that the device itself would name: its own address, the port only where it is not the usual one."""
    return (rtsps_url if tls else rtsp_url)(*local, target.rstrip("/"))


def describe(
    stream: SimStream,
    loop: Loop,
    *,
    address: str,
    base: str,
    style: ControlStyle,
    session_id: int,
    bitrate_kbps: int,
    audio: bool,
    back: bool = False,
    metadata: bool = False,
) -> str:
    """The SDP of a stream. `address` is ours, `base` the URL that was asked for; `back`: with a loudspeaker's track."""
    family = "IP6" if ":" in address else "IP4"
    lines = [
        "v=0",
        f"o=- {session_id} {session_id} IN {family} {address}",
        "s=Media Presentation",
        "e=NONE",
        f"c=IN {family} {address}",
        f"b=AS:{bitrate_kbps + 50}",
        "t=0 0",
        f"a=control:{base if _FORMS[style].absolute else '*'}",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {VIDEO_PAYLOAD_TYPE}",
        f"b=AS:{bitrate_kbps}",
        "a=recvonly",
        f"a=x-dimensions:{stream.width},{stream.height}",
        f"a=control:{control_url(style, base, VIDEO_TRACK)}",
        f"a=rtpmap:{VIDEO_PAYLOAD_TYPE} {stream.codec}/90000",
        f"a=fmtp:{VIDEO_PAYLOAD_TYPE} {_format_parameters(loop)}",
        f"a=framerate:{stream.fps}",
    ]
    if audio:
        lines += [
            f"m=audio 0 RTP/AVP {AUDIO_PAYLOAD_TYPE}",
            "b=AS:64",
            "a=recvonly",
            f"a=control:{control_url(style, base, AUDIO_TRACK)}",
            f"a=rtpmap:{AUDIO_PAYLOAD_TYPE} PCMU/8000",
        ]
    if metadata:
        lines += [
            f"m=application 0 RTP/AVP {METADATA_PAYLOAD_TYPE}",
            f"a=control:{control_url(style, base, METADATA_TRACK)}",
            f"a=rtpmap:{METADATA_PAYLOAD_TYPE} vnd.onvif.metadata/90000",
            "a=recvonly",
        ]
    if back:
        lines += [
            f"m=audio 0 RTP/AVP {AUDIO_PAYLOAD_TYPE} {_PCMA}",
            f"a=control:{control_url(style, base, BACK_TRACK)}",
            f"a=rtpmap:{AUDIO_PAYLOAD_TYPE} PCMU/8000",
            f"a=rtpmap:{_PCMA} PCMA/8000",
            "a=sendonly",
        ]
    return "\r\n".join(lines) + "\r\n"


def _format_parameters(loop: Loop) -> str:
    sets = [base64.b64encode(nal).decode("ascii") for nal in loop.parameter_sets]
    if loop.codec == "H265":
        return "; ".join(
            f"{name}={value}" for name, value in zip(("sprop-vps", "sprop-sps", "sprop-pps"), sets, strict=True)
        )
    level = loop.parameter_sets[0][1:4].hex().upper()  # profile, constraints, level of the SPS
    return f"profile-level-id={level}; packetization-mode=1; sprop-parameter-sets={','.join(sets)}"

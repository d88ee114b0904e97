"""SDP (RFC 4566): read what an NVR says, write what our camera says.

Pure. Reading is lenient. Writing keeps only what is on a list: names, addresses and session data of the NVR never pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_MEDIA = 16
RTP_PROFILES = ("RTP/AVP", "RTP/AVP/TCP", "RTP/AVP/UDP", "RTP/AVPF")  # plain RTP
# Of H.264 (RFC 6184 §8.1), H.265 (RFC 7798 §7.1), MPEG-4 and AAC (RFC 3640 §4.1, RFC 6416), JPEG, AMR and G.726.
_FORMAT_PARAMETERS = frozenset(
    {
        "profile-level-id",
        "packetization-mode",
        "sprop-parameter-sets",
        "sprop-deint-buf-req",
        "sprop-interleaving-depth",
        "sprop-max-don-diff",
        "max-mbps",
        "max-fs",
        "max-cpb",
        "max-dpb",
        "max-br",
        "max-fps",
        "profile-space",
        "profile-id",
        "tier-flag",
        "level-id",
        "interop-constraints",
        "profile-compatibility-indicator",
        "sprop-vps",
        "sprop-sps",
        "sprop-pps",
        "sprop-sei",
        "tx-mode",
        "sprop-depack-buf-nalus",
        "sprop-depack-buf-bytes",
        "streamtype",
        "config",
        "mode",
        "objecttype",
        "object",
        "cpresent",
        "sizelength",
        "indexlength",
        "indexdeltalength",
        "constantduration",
        "constantsize",
        "bitrate",
        "width",
        "height",
        "octet-align",
        "mode-set",
        "mode-change-period",
    }
)
_SETTING = re.compile(r"[A-Za-z0-9+/=,_-]{0,2800}")
_FORMAT = re.compile(r"[0-9]{1,3}")
_KEPT = {
    "rtpmap": re.compile(r"[0-9]{1,3} [\x21-\x7e]{1,80}"),
    "fmtp": re.compile(r"[0-9]{1,3} [\x20-\x7e]{1,3000}"),
    "framerate": re.compile(r"[0-9.]{1,10}"),
    "framesize": re.compile(r"[0-9]{1,3} [0-9]{1,5}-[0-9]{1,5}"),
    "x-framerate": re.compile(r"[0-9.]{1,10}"),
    "x-dimensions": re.compile(r"[0-9]{1,5}, ?[0-9]{1,5}"),
    "ptime": re.compile(r"[0-9.]{1,6}"),
    "recvonly": re.compile(""),
}
_RTPMAP = re.compile(r"([0-9]{1,3}) +([!-.0-~]{1,40})/([0-9]{1,9})")
_STATIC_TYPES = {
    "0": ("pcmu", 8000),
    "8": ("pcma", 8000),
    "9": ("g722", 8000),
    "14": ("mpa", 90000),
    "26": ("jpeg", 90000),
    "32": ("mpv", 90000),
}
_BANDWIDTH = re.compile(r"(?:AS|TIAS):[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Media:
    """One m= section; `attributes` in order, value "" for flags."""

    kind: str
    protocol: str
    formats: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...] = ()
    bandwidth: tuple[str, ...] = ()

    def attribute(self, name: str) -> str | None:
        return next((value for key, value in self.attributes if key == name), None)


@dataclass(frozen=True, slots=True)
class Description:
    """What is of use in an SDP. `control` is the session's, "" when there is none."""

    media: tuple[Media, ...]
    control: str = ""


def parse_sdp(text: str) -> Description:
    """Never raises: lines that make no sense are left out, so odd devices and garbage give fewer media."""
    control = ""
    media: list[Media] = []
    attributes: list[tuple[str, str]] = []
    bandwidth: list[str] = []
    opened: tuple[str, str, tuple[str, ...]] | None = None

    def close() -> None:
        if opened is not None and len(media) < MAX_MEDIA:
            media.append(Media(*opened, tuple(attributes), tuple(bandwidth)))
        attributes.clear()
        bandwidth.clear()

    for raw in re.split(r"\r\n|\n|\r", text):
        line = raw.strip(" \t\0")
        kind, has_value, value = line[:1].lower(), line[1:2] == "=", line[2:].strip()
        if not has_value:
            continue
        if kind == "m":
            close()
            fields = value.split()
            # A section that cannot be read still ends the one before.
            opened = (fields[0].lower(), fields[2].upper(), tuple(fields[3:])) if len(fields) > 3 else None
        elif kind == "a":
            name, _, content = value.partition(":")
            name, content = name.strip().lower(), content.strip()
            if opened is not None:
                attributes.append((name, content))
            elif name == "control" and not media and not control:
                control = content
        elif kind == "b" and opened is not None:
            bandwidth.append(value)
    close()
    return Description(tuple(media), control)


def offered(description: Description, *, audio: bool = True) -> list[Media]:
    """The media that pass to a recorder: video and, with `audio`, sound over plain RTP. Tracks that run the other
    way are `backchannel`'s."""
    return [media for media in description.media if _passes(media) and (audio or media.kind != "audio")]


def encoding(media: Media, payload_type: str | None = None) -> tuple[str, int]:
    """(name in lower case, clock in Hz) of a format, None for the first: by rtpmap, else as RFC 3551 §6 fixes it."""
    if payload_type is None:
        payload_type = media.formats[0] if media.formats else ""
    for name, value in media.attributes:
        if name == "rtpmap" and (match := _RTPMAP.match(value)) and match.group(1) == payload_type:
            return match.group(2).lower(), int(match.group(3))
    return _STATIC_TYPES.get(payload_type, ("", 90000 if media.kind == "video" else 8000))


def same_encodings(one: list[Media], other: list[Media]) -> bool:
    """Whether who plays the one can go on with the other: tracks, payload types and codecs are the same. Parameter sets
    may differ, they come in band, too."""
    return [(media.kind, media.formats[:1], encoding(media)) for media in one] == [
        (media.kind, media.formats[:1], encoding(media)) for media in other
    ]


def format_sdp(media: list[Media], *, address: str, session_id: int, title: str) -> str:
    """Our SDP; track n has the control URL `trackID=n`, relative to Content-Base."""
    family = "IP6" if ":" in address else "IP4"
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN {family} {address}",
        f"s={title}",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",  # noqa: S104 - text, not a socket
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
    ]
    return "\r\n".join(lines) + "\r\n" + "".join(format_media(one, track) for track, one in enumerate(media))


def format_media(media: Media, track: int) -> str:
    """The section of one track."""
    formats = [name for name in media.formats if _FORMAT.fullmatch(name)]
    lines = [f"m={media.kind} 0 RTP/AVP {' '.join(formats)}"]
    lines += [f"b={value}" for value in media.bandwidth if _BANDWIDTH.fullmatch(value)]
    lines += [f"a={text}" for text in _kept(media, formats)]
    lines.append(f"a=control:trackID={track}")
    return "\r\n".join(lines) + "\r\n"


def _passes(media: Media) -> bool:
    if media.protocol not in RTP_PROFILES:
        return False
    if not any(_FORMAT.fullmatch(name) for name in media.formats):
        return False
    if media.kind == "video":
        return True  # some devices mark their own video sendonly
    if media.attribute("sendonly") is not None:
        return False
    # ONVIF metadata (application) is no track of the stream: it has a session of its own (metadata_source).
    return media.kind == "audio"


def _kept(media: Media, formats: list[str]) -> list[str]:
    texts = []
    for name, value in media.attributes:
        pattern = _KEPT.get(name)
        if pattern is None or not pattern.fullmatch(value):
            continue
        if name in ("rtpmap", "fmtp", "framesize") and value.split(" ", 1)[0] not in formats:
            continue
        if name == "fmtp":
            value = _known_parameters(value)
        texts.append(f"{name}:{value}" if value else name)
    return texts


def _known_parameters(value: str) -> str:
    """fmtp with the parameters that a payload format defines, and no others: a device could say anything there."""
    payload_type, _, parameters = value.partition(" ")
    kept = []
    for parameter in parameters.split(";"):
        name, _, setting = parameter.strip().partition("=")
        if name.lower() in _FORMAT_PARAMETERS and _SETTING.fullmatch(setting):
            kept.append(f"{name}={setting}" if setting else name)
    return f"{payload_type} {'; '.join(kept)}"

"""RTSP URLs: host replacement, control URLs of an NVR (RFC 2326 §C.1.1, and what devices do instead), request targets.

Pure. URLs are never normalised: devices compare them byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxyd.camera.urls import bracketed
from proxyd.rtsp.headers import RtpInfo

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
# The rest begins with what ends the authority: else both could share out a long one in any way, each of which is tried.
_URL = re.compile(r"(rtsp|rtsps)://([^/?#\s]*)((?:[/?#]\S*)?)", re.IGNORECASE)
_PORT = re.compile(r"(?:\[[^\]]*\]|[^:]*):([0-9]{1,5})")  # without user info
_TRACK = re.compile(r"(.*?)/trackid=([0-9]{1,3})", re.IGNORECASE)


def url_port(url: str) -> int:
    """The port of an RTSP URL. Raises ValueError when it is not one."""
    match = _URL.fullmatch(url.strip())
    if match is None:
        raise ValueError("not an rtsp:// or rtsps:// URL")
    found = _PORT.fullmatch(match.group(2).rpartition("@")[2])
    port = int(found.group(1)) if found else _DEFAULT_PORTS[match.group(1).lower()]
    if not 0 < port < 65536:
        raise ValueError("port out of range")
    return port


def is_tls(url: str) -> bool:
    """Whether what is at an RTSP URL is reached by TLS."""
    return url.strip()[:6].lower() == "rtsps:"


def with_host(url: str, host: str) -> str:
    """The same URL at `host`: scheme, port, path and query stay, user info goes. Raises ValueError for other URLs."""
    match = _URL.fullmatch(url.strip())
    if match is None:
        raise ValueError("not an RTSP URL")
    found = _PORT.fullmatch(match.group(2).rpartition("@")[2])
    port = f":{found.group(1)}" if found else ""
    return f"{match.group(1)}://{bracketed(host)}{port}{match.group(3)}"


def redirected(url: str, location: str, host: str) -> str:
    """Where a `Location` sends who asked at `url`, at `host`. Raises ValueError, also when that gives up TLS: whoever
    sends us there would see the rest in clear."""
    if is_tls(url) and not is_tls(location):
        raise ValueError("from rtsps:// to rtsp://")
    return with_host(location, host)


def resolve_control(control: str, base: str, host: str) -> str:
    """The URL that an `a=control` means, at `host`.

    Relative ones are appended to the base after a slash, also behind a query (`…?channel=1&subtype=0/trackID=0`,
    Dahua): all devices expect that, and not the resolution of RFC 3986. `?…` is appended as it is (Bosch).
    """
    control = control.strip()
    if control in ("", "*"):
        return base
    if _URL.fullmatch(control):
        return with_host(control, host)
    if control.startswith("/"):
        match = _URL.fullmatch(base)
        root = f"{match.group(1)}://{match.group(2)}" if match else base.rstrip("/")
        return root + control
    if control.startswith("?") or base.endswith("/"):
        return base + control
    return f"{base}/{control}"


@dataclass(frozen=True, slots=True)
class Target:
    """What a recorder's request URI names: a stream path ("main") and perhaps one of its tracks."""

    stream: str
    track: int | None = None


def parse_target(uri: str) -> Target:
    """Host, port, user info, query and closing slashes do not matter: recorders vary them. `*` and foreign URLs
    give an empty stream name."""
    match = _URL.fullmatch(uri)
    path = match.group(3) if match else uri if uri.startswith("/") else ""
    path = re.split(r"[?#]", path, maxsplit=1)[0].rstrip("/")
    track = _TRACK.fullmatch(path)
    if track:
        return Target(track.group(1).strip("/"), int(track.group(2)))
    return Target(path.strip("/"))


def info_by_track(
    entries: Sequence[RtpInfo], controls: Mapping[int, str], aggregate: str, host: str
) -> dict[int, RtpInfo]:
    """What RTP-Info says of each track that plays, by its control URL. Devices that write other URLs there keep at
    least the order."""
    found: dict[int, RtpInfo] = {}
    for entry in entries:
        url = resolve_control(entry.url, aggregate, host)
        track = next((number for number, control in controls.items() if control == url), None)
        if track is not None:
            found.setdefault(track, entry)
    if not found and len(entries) == len(controls):
        found = dict(zip(controls, entries, strict=True))
    return found

"""Where stored upstream URIs point. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from proxyd.camera.urls import bracketed

Address = tuple[str, int]


def move_uri(uri: str, *, old: Address, new: Address) -> str:
    """`uri` on the NVR's new host. Its port stays (RTSP has its own), unless it was the NVR's own port."""
    parts = urlsplit(uri)
    default_port = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}.get(parts.scheme)
    try:
        port = parts.port or default_port
    except ValueError:
        port = default_port
    if port == old[1]:
        port = new[1]
    host = bracketed(new[0])
    netloc = host if port is None or port == default_port else f"{host}:{port}"
    return urlunsplit(parts._replace(netloc=netloc))

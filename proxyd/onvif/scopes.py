"""Scopes of a camera: what GetScopes answers and discovery announces (ONVIF Core section 7.3.2.2). Pure."""

from __future__ import annotations

from urllib.parse import quote

from proxyd.camera.spec import CameraSpec

_BASE = "onvif://www.onvif.org"


def scopes(spec: CameraSpec) -> tuple[str, ...]:
    """In fixed order. Home Assistant discovers only what names Profile/Streaming."""
    return (
        f"{_BASE}/type/video_encoder",
        f"{_BASE}/type/Network_Video_Transmitter",
        f"{_BASE}/Profile/Streaming",
        f"{_BASE}/Profile/T",
        f"{_BASE}/manufacturer/{quote(spec.manufacturer, safe='')}",
        f"{_BASE}/name/{quote(spec.name, safe='')}",
        f"{_BASE}/hardware/{quote(spec.model, safe='')}",
        f"{_BASE}/mac/{spec.mac}",
        f"{_BASE}/location/channel/{spec.channel}",
    )

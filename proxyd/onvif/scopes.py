"""Scopes of a camera: what GetScopes answers and discovery announces (ONVIF Core section 7.3.2.2). Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

from proxyd.camera.spec import CameraSpec

MAX_SCOPES = 16  # that recorders may add: all of them go into each discovery message, which is one datagram
MAX_SCOPE_CHARS = 128
_BASE = "onvif://www.onvif.org"
_SCOPE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-Z_a-z~]+")  # RFC 3986: a scheme, then nothing that URIs exclude


def scopes(spec: CameraSpec) -> tuple[str, ...]:
    """The fixed ones, then those that recorders have set."""
    fixed = fixed_scopes(spec)
    return (*fixed, *(scope for scope in spec.settings.scopes if scope not in fixed))


def fixed_scopes(spec: CameraSpec) -> tuple[str, ...]:
    """In fixed order. Home Assistant discovers only what names Profile/Streaming."""
    return (
        f"{_BASE}/type/video_encoder",
        f"{_BASE}/type/Network_Video_Transmitter",
        *((f"{_BASE}/type/ptz",) if spec.features.ptz else ()),
        f"{_BASE}/Profile/Streaming",
        f"{_BASE}/Profile/T",
        f"{_BASE}/manufacturer/{quote(spec.manufacturer, safe='')}",
        f"{_BASE}/name/{quote(spec.name, safe='')}",
        f"{_BASE}/hardware/{quote(spec.model, safe='')}",
        f"{_BASE}/mac/{spec.mac}",
        f"{_BASE}/location/channel/{spec.channel}",
    )


def is_scope(text: str) -> bool:
    """Whether a recorder may set this as a scope: a URI of bearable length."""
    return len(text) <= MAX_SCOPE_CHARS and _SCOPE.fullmatch(text) is not None

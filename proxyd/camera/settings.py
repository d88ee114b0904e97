"""What operators and recorders may set of one camera, kept for ever: frozen, comparable, pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

UserLevel = Literal["Administrator", "Operator", "User"]


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """`audio`, `h265`, `metadata`: whether recorders are told of them. `forward`: whether a recorder may change encoder
    and imaging settings on the NVR. `scopes` and `hostname` were set by a recorder. `clock_window_s`: how far a
    client's clock may differ. `notify`: networks (CIDR), besides the camera's own LAN, to which Basic Notification may
    be sent. `share`: all recorders of a stream get it from one session with the NVR, otherwise each has its own.
    `certificate_id`: what recorders call the certificate of HTTPS."""

    audio: bool = True
    h265: bool = True
    metadata: bool = True
    forward: bool = False
    https: bool = False
    hostname: str = ""
    scopes: tuple[str, ...] = ()
    clock_window_s: int = 300
    notify: tuple[str, ...] = ()
    share: bool = True
    certificate_id: str = "https"


@dataclass(frozen=True, slots=True)
class CameraUser:
    """An account besides the camera's own, made by a recorder (CreateUsers). The own one is an Administrator."""

    username: str
    password: str = field(repr=False)
    level: UserLevel


@dataclass(frozen=True, slots=True)
class Certificate:
    """The camera's HTTPS certificate, PEM. Self-signed unless a recorder or operator brought one."""

    chain: str
    key: str = field(repr=False)


DEFAULT_SETTINGS = CameraSettings()

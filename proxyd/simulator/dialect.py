"""How one vendor's NVR presents itself: the shape of a dialect. Pure; the six tables are in `dialects.py`.

Templates are str.format strings. Fields: `ch` channel from 1, `ch0` from 0, `s` stream from 1 (1 main, 2 sub),
`s0` from 0, `i` and `i0` running number of the profile, `stream` main/sub, `Stream` MainStream/SubStream1,
`codec` h264/h265, `width`, `height`, and in addresses `token`, the profile's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proxyd.simulator.rtsp_sdp import ControlStyle
from proxyd.simulator.streams import SimCodec

AuthKind = Literal["wsse", "digest"]


@dataclass(frozen=True, slots=True)
class ServicePaths:
    """Where the services live. None: the device has none. `subscription` takes the field `id`."""

    device: str
    media: str
    media2: str | None
    events: str
    subscription: str
    ptz: str | None = None
    imaging: str | None = None
    analytics: str | None = None


@dataclass(frozen=True, slots=True)
class PtzStyle:
    """Which channels have a movable camera: every `every`th from `first` on. Without `obeys_timeout` a continuous move
    goes on until Stop. `main_only`: sub-streams have no PTZ configuration in their profile."""

    first: int
    every: int
    fov: bool = False  # relative moves in parts of the picture, as automatic tracking uses them
    obeys_timeout: bool = True
    move_status: bool = True
    main_only: bool = False

    def moves(self, channel: int) -> bool:
        return channel >= self.first and (channel - self.first) % self.every == 0


@dataclass(frozen=True, slots=True)
class Tokens:
    """Templates of names and tokens. `listed_source` is what GetVideoSources says, `source` what profiles refer to:
    some devices disagree with themselves (field notes: SourceToken ≠ VideoSource token)."""

    profile: str
    profile_name: str
    source: str
    listed_source: str
    source_config: str
    encoder: str


@dataclass(frozen=True, slots=True)
class DigestStyle:
    """The device's Digest challenges, on HTTP and on RTSP."""

    realm: str
    algorithms: tuple[str, ...] = ("MD5",)
    qop: bool = True


@dataclass(frozen=True, slots=True)
class Uris:
    """Path and query of streams and snapshots. `*_keys` are the query parameters that tell streams apart; others
    may be missing or reordered in a request. `web_port`: snapshots come from a second HTTP port."""

    rtsp: str
    snapshot: str
    rtsp_keys: tuple[str, ...] = ()
    snapshot_keys: tuple[str, ...] = ()
    white_space: bool = False  # line breaks and blanks round the text of Uri
    double_escaped: bool = False  # the text itself says &amp;
    relative_snapshot: bool = False
    web_port: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor. `soap_prefix` is the envelope's namespace prefix; `auth` what SOAP accepts; `checks_open`: a token
    on an operation that needs none is verified all the same; `offline` how a channel without a camera is told."""

    name: str
    manufacturer: str
    model: str
    firmware: str
    hardware: str
    soap_prefix: str
    server_header: str
    paths: ServicePaths
    tokens: Tokens
    uris: Uris
    auth: tuple[AuthKind, ...]
    digest: DigestStyle
    main_codec: SimCodec = "H264"
    refusal_status: Literal[400, 401] = 400
    refusal_reason: str = "Sender not Authorized"
    checks_open: bool = False
    source_per_stream: bool = False
    profiles_by_stream: bool = False  # all main streams first, then all sub streams
    sources_reversed: bool = False
    offline: Literal["no encoder", "empty encoder"] = "no encoder"
    max_pull_points: int = 10
    rtsp_server: str = "RTSP Server"
    rtsp_control: ControlStyle = "relative"
    ptz: PtzStyle | None = None

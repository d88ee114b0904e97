"""Desired state of cameras: frozen, comparable, pure. Secrets never appear in repr()."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from .features import NO_FEATURES, ChannelFeatures
from .raw_exchange import RawExchange
from .settings import DEFAULT_SETTINGS, CameraSettings, CameraUser, Certificate

StreamName = Literal["main", "sub"]
Codec = Literal["H264", "H265", "JPEG", "MPEG4"]
SPOKEN_CODEC: dict[Codec, str] = {"H264": "H.264", "H265": "H.265", "JPEG": "MJPEG", "MPEG4": "MPEG-4"}
StreamTransport = Literal["auto", "tcp", "udp"]


@dataclass(frozen=True, slots=True)
class NvrAccess:
    """How to reach an NVR. `host` is what the user typed: every URL of the NVR is rewritten to it. `transport`: how its
    streams come; "auto" is inside the RTSP connection (TCP), and by UDP where it refuses that."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    transport: StreamTransport = "auto"


@dataclass(frozen=True, slots=True)
class AudioSpec:
    codec: Literal["G711", "G726", "AAC"]
    bitrate_kbps: int
    sample_rate_khz: int


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream of a channel. `upstream_url` is rtsp://host:port/path?query of the NVR without user info;
    None while the NVR offers none. `name` is also our RTSP path and the stem of our tokens. `upstream_profile` is the
    NVR's token for it, known once it is kept."""

    name: StreamName
    codec: Codec
    width: int
    height: int
    fps: int
    bitrate_kbps: int
    upstream_url: str | None = field(repr=False)
    gov_length: int = 50
    codec_profile: str = "Main"
    quality: float = 4.0
    audio: AudioSpec | None = None
    upstream_profile: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """Everything a running camera needs. Identity fields (uuid, serial, mac, ports, stream names) never change."""

    id: int
    name: str
    uuid: str
    serial: str
    nvr_id: int
    channel: int
    address: str
    prefix_length: int
    mac: str
    interface: str
    http_port: int
    rtsp_port: int
    username: str
    password: str = field(repr=False)
    streams: tuple[StreamSpec, ...]
    snapshot_upstream: str | None = field(repr=False)  # http(s) URL on the NVR, or None
    nvr: NvrAccess = field(repr=False)
    manufacturer: str = "onviftui"
    model: str = "Virtual camera"
    firmware: str = "1.0"
    hardware: str = "1.0"
    discovery: bool = True  # recorders may find it by WS-Discovery
    features: ChannelFeatures = NO_FEATURES
    settings: CameraSettings = DEFAULT_SETTINGS
    users: tuple[CameraUser, ...] = ()  # besides username and password above, who is an Administrator
    https_port: int = 443  # listened on when settings.https
    rtsps_port: int = 322  # the same
    certificate: Certificate | None = field(default=None, repr=False)

    def stream(self, name: str) -> StreamSpec | None:
        return next((s for s in self.streams if s.name == name), None)


class RecordExchange(Protocol):
    """Called for every exchange with a recorder; refusals carry the reason (contract 8). `took_s`: from its request to
    our answer; `raw`: the bytes of both, where there are any."""

    def __call__(
        self,
        *,
        client: str,
        protocol: Literal["onvif", "rtsp", "snapshot", "discovery"],
        operation: str,
        ok: bool,
        auth: str = "",
        reason: str = "",
        took_s: float | None = None,
        raw: RawExchange | None = None,
        tls: bool = False,
    ) -> None: ...


class ReportUpstream(Protocol):
    """Called by relay and snapshot with what they saw of the NVR: None when it worked, else the error."""

    def __call__(self, error: Exception | None) -> None: ...

"""What the store gives out and takes in: frozen rows, comparable, pure. Secrets never appear in repr()."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from proxyd.camera.features import NO_FEATURES, ChannelFeatures
from proxyd.camera.settings import DEFAULT_SETTINGS, CameraSettings, CameraUser, Certificate
from proxyd.camera.spec import NvrAccess, StreamSpec, StreamTransport
from proxyd.nvr.result import DeviceIdentity

ChannelState = Literal["online", "offline", "missing"]
InterfaceKind = Literal["loopback", "netlink", "shared"]
NvrKind = Literal["onvif", "rtsp"]
LogLevel = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that new cameras listen on; a camera keeps for ever those it was made with."""

    http: int
    rtsp: int


@dataclass(frozen=True, slots=True)
class FoundInterface:
    """An interface that exists now. `mac` identifies it; name and address may change. `port_offset` is added to the
    ports of the camera that gets it: not 0 only where cameras share an address."""

    name: str
    mac: str
    address: str | None
    prefix_length: int
    kind: InterfaceKind
    port_offset: int = 0


@dataclass(frozen=True, slots=True)
class NvrRow:
    """An NVR as the user added it, and what its last scan told. `channels` does not count missing ones."""

    id: int
    name: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    identity: DeviceIdentity = field(default_factory=DeviceIdentity)
    channels: int = 0
    online: int = 0
    last_scan: str | None = None
    auth_failed: bool = False
    kind: NvrKind = "onvif"
    transport: StreamTransport = "auto"

    @property
    def access(self) -> NvrAccess:
        return NvrAccess(self.host, self.port, self.username, self.password, self.transport)

    @property
    def place(self) -> tuple[str, int, str]:
        """As NewSource.place: what tells one row of kind rtsp from another."""
        return self.host, self.port, self.username


@dataclass(frozen=True, slots=True)
class InterfaceRow:
    """`camera` is the id of the camera that has it, None while it is free; `present` false: gone for now."""

    id: int
    name: str
    mac: str
    address: str | None
    prefix_length: int
    kind: InterfaceKind
    camera: int | None = None
    present: bool = True


@dataclass(frozen=True, slots=True)
class CameraRow:
    """A virtual camera with everything it stands on. `username`/`password` are what recorders use."""

    id: int
    name: str
    uuid: str
    serial: str
    nvr_id: int
    channel_id: int
    channel_number: int
    channel_name: str
    channel_state: ChannelState
    enabled: bool
    interface: InterfaceRow | None
    http_port: int
    rtsp_port: int
    username: str
    password: str = field(repr=False)
    own_credentials: bool
    streams: tuple[StreamSpec, ...]
    snapshot_upstream: str | None = field(repr=False)
    nvr: NvrRow
    discovery: bool = True
    features: ChannelFeatures = NO_FEATURES
    settings: CameraSettings = DEFAULT_SETTINGS
    users: tuple[CameraUser, ...] = ()
    certificate: Certificate | None = field(default=None, repr=False)
    adopted_by: str = ""  # address of the recorder that took it in


@dataclass(frozen=True, slots=True)
class LogRow:
    """`at` is RFC 3339 in UTC; `actor` "" is the daemon itself."""

    id: int
    at: str
    level: LogLevel
    subject: str
    message: str
    actor: str

"""What travels over JSON-RPC. Field names are a contract: scripts read them.

Times are RFC 3339 UTC strings with `Z`; sizes are pixels; `bitrate` is kbit/s as in ONVIF's BitrateLimit.
"""

from __future__ import annotations

from typing import Any, Literal

from .interfaces import *  # noqa: F403 - all results, for those who import models
from .interfaces import Interface
from .model import *  # noqa: F403 - as above
from .model import Model
from .nvrs import *  # noqa: F403 - as above
from .nvrs import Job, Nvr
from .params import *  # noqa: F403 - as above
from .recorders import *  # noqa: F403 - as above
from .recorders import Adoption
from .sources import *  # noqa: F403 - as above
from .states import *  # noqa: F403 - as above
from .states import CameraState, Role

API_VERSION = 1


class Stream(Model):
    """One stream of a virtual camera. `bps`, `clients` are live; the rest is what ONVIF says."""

    name: Literal["main", "sub"]
    url: str
    rtsps_url: str | None = None  # the same by TLS, while it is offered
    codec: str
    width: int
    height: int
    fps: int
    bitrate: int  # kbit/s
    bps: int = 0
    clients: int = 0


class Camera(Model):
    """A virtual camera. `reason` says why it is in its `state` and what to try; without an address it has no URL of
    services and pictures. Its password is in Credentials alone."""

    id: int
    name: str
    nvr: int
    channel: int
    state: CameraState
    reason: str = ""
    address: str | None
    mac: str | None
    interface: str | None
    onvif_url: str | None
    snapshot_url: str | None
    username: str
    streams: list[Stream]
    uuid: str
    serial: str
    enabled: bool
    recorder: str | None = None  # address of the client that last asked, if any did
    clients: int = 0
    discovery: bool = True  # recorders may find it by searching (WS-Discovery)
    notify: list[str] = []  # networks besides its own LAN to which it may send notifications (ONVIF Subscribe)
    audio: bool = True  # recorders are offered its sound
    h265: bool = True  # recorders are told of its H.265 streams even while it has another one
    metadata: bool = True  # recorders are offered its metadata stream: events, and objects where the NVR sends them
    forward: bool = False  # recorders may change settings of encoder and picture on the NVR
    share: bool = True  # recorders of a stream share one session with the NVR; otherwise each has its own
    https: bool = False  # it answers by HTTPS, too, unless `note` says why not
    https_url: str | None = None
    clock_window_s: int = 300  # how far a recorder's clock may differ, each way
    accounts: list[str] = []  # that recorders made: "guard (Operator)"
    note: str = ""  # what is not as it should be although it runs, and what to do
    ptz: bool = False  # it can be moved: pan, tilt, zoom, presets
    speaker: bool = False  # recorders can talk through it
    last_event: str = ""  # in words, such as "person begins"
    last_event_at: str | None = None
    adopted_by: str = ""  # address of the recorder that signed in, asked for the streams and played
    picture: str = ""  # its last snapshot: "from the NVR", "from a key frame of …", or "none: " and why


class Credentials(Model):
    """The only result that holds a password in the clear."""

    camera: int
    username: str
    password: str


class Certificate(Model):
    """The certificate of a camera's HTTPS; its key is never told. `origin` none: it has none yet."""

    camera: int
    origin: Literal["none", "self-made", "brought"]
    https: bool  # it is switched on
    subject: str = ""
    issuer: str = ""
    not_before: str | None = None
    not_after: str | None = None
    fingerprint: str = ""  # SHA-256
    key: str = ""  # such as "RSA 2048"
    names: list[str] = []  # DNS names and addresses that it is for
    chain: int = 0  # how many certificates are sent
    warnings: list[str] = []  # why recorders may refuse it


class CameraEvent(Model):
    """One event as the camera told it to recorders; `what` in words, such as "person begins"."""

    at: str
    what: str
    topic: str
    source: dict[str, str] = {}
    data: dict[str, str] = {}


class LogEntry(Model):
    """What was done, and by whom: `actor` is "" for the daemon itself. Ids grow."""

    id: int
    at: str
    level: Literal["info", "warning", "error"]
    subject: str  # "camera 3", "nvr 1", "daemon"
    message: str
    actor: str = ""


class Picture(Model):
    """A snapshot, base64 in `data`; `fallback`: the stand-in picture. `origin` as `Camera.picture` says it.

    `width`, `height` and `size` (bytes) are those of what recorders get; `data` may be a smaller one of it.
    """

    content_type: str
    data: str
    fallback: bool = False
    origin: str = ""
    width: int = 0
    height: int = 0
    size: int = 0


class Status(Model):
    """The daemon itself. `states`: how many cameras are in each; `bps`: bits per second to all recorders; `role`: the
    caller's own."""

    version: str
    api_version: int = API_VERSION
    pid: int
    started: str
    mode: Literal["loopback", "netlink", "shared"]
    data_dir: str
    nvrs: int
    cameras: int
    states: dict[str, int]
    bps: int = 0
    role: Role
    warning: str = ""  # what this mode is not fit for
    database_version: int = 0  # of the tables; 0: the daemon does not say


class Snapshot(Model):
    """First answer to `subscribe`; events with a greater `seq` follow."""

    seq: int
    status: Status
    nvrs: list[Nvr]
    cameras: list[Camera]
    interfaces: list[Interface]
    jobs: list[Job]
    log: list[LogEntry]
    adoption: Adoption | None = None


class Event(Model):
    """Notification `event`. `kind` is nvr|camera|interface|job|log|adoption; `action` changed|removed; `data` the model
    (for removed: `{"id": n}`)."""

    seq: int
    kind: Literal["nvr", "camera", "interface", "job", "log", "adoption"]
    action: Literal["changed", "removed"]
    data: dict[str, Any]

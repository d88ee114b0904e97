"""What travels over JSON-RPC. Field names are a contract: scripts read them.

Times are RFC 3339 UTC strings with `Z`; sizes are pixels; `bitrate` is kbit/s as in ONVIF's BitrateLimit.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from .params import *  # noqa: F403 - all of them, for those who import models
from .states import *  # noqa: F403 - as above
from .states import CameraState, JobState, NvrState, Role

API_VERSION = 1


class Model(BaseModel):
    """Base of all results. Unknown fields are ignored, so that an older UI can talk to a newer daemon."""

    model_config = ConfigDict(extra="ignore", defer_build=True, hide_input_in_errors=True)


class Nvr(Model):
    """`kind` rtsp: cameras that are known by their stream addresses alone."""

    id: int
    kind: Literal["onvif", "rtsp"] = "onvif"
    name: str
    host: str
    port: int
    username: str
    state: NvrState
    reason: str = ""
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    channels: int = 0
    online: int = 0
    clock_offset_s: float | None = None
    last_scan: str | None = None
    job: int | None = None  # id of the scan that is running now
    transport: Literal["auto", "tcp", "udp"] = "auto"  # how its streams come; auto: TCP, UDP where it refuses that
    events: str = ""  # "pull point", "notification" or "none: why"; "" while none of its cameras runs


class Source(Model):
    """A camera that is known by its stream addresses. They are shown without accounts and passwords."""

    nvr: int  # the row of kind rtsp that it belongs to
    channel: int
    name: str
    camera: int | None  # None when the camera was removed
    main: str
    sub: str | None = None
    snapshot: str | None = None


class PlannedSource(Model):
    """A camera in an imported list. `why` says why it is not added; `notes` what is left out of it."""

    name: str
    state: Literal["new", "known", "unusable"]
    host: str = ""
    username: str = ""
    main: str = ""
    sub: str | None = None
    snapshot: str | None = None
    why: str = ""
    notes: list[str] = []


class SourceImported(Model):
    """What source.import adds, or with `dry_run` would add. `nvrs` has the rows that the new cameras went to."""

    format: str
    sources: list[PlannedSource]
    notes: list[str] = []
    nvrs: list[int] = []
    done: bool


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


class Interface(Model):
    id: int
    name: str
    mac: str
    address: str | None
    kind: Literal["loopback", "netlink", "shared"]
    camera: int | None
    up: bool = True
    message: str = ""  # what keeps it from its address, or threatens it
    parent: str = ""  # the network interface of the host that it is made on; "" where that is not known
    method: Literal["", "dhcp", "static"] = ""
    lease_until: str | None = None  # by DHCP: it is renewed long before


class PlannedInterface(Model):
    """An interface that comes or goes. `address` is null when a DHCP server gives it."""

    name: str
    mac: str
    parent: str
    address: str | None


class InterfaceChange(Model):
    """What interface.add or interface.remove does, or with `dry_run` would do; `digest` names exactly that."""

    added: list[PlannedInterface] = []
    removed: list[PlannedInterface] = []
    digest: str
    done: bool


class Finding(Model):
    """What an examination found. `interface` is "" for the host itself, `camera` the one that stands there;
    `recorder` the address of the one that it is about."""

    id: str  # stable, such as "mac-blocked"
    severity: Literal["ok", "note", "warning", "problem"]
    what: str
    why: str = ""
    todo: str = ""
    interface: str = ""
    camera: int | None = None
    recorder: str = ""


class ScanDiff(Model):
    """What a scan changed: channel numbers. `warnings` are sentences for people."""

    new: list[int] = []
    changed: list[int] = []
    missing: list[int] = []
    offline: list[int] = []
    words: dict[int, str] = {}  # by channel: its name, or what became different about it
    warnings: list[str] = []


class Job(Model):
    id: int
    kind: Literal["scan"]
    nvr: int
    title: str
    state: JobState
    done: int = 0
    total: int | None = None
    now: str = ""
    eta_s: float | None = None
    started: str
    ended: str | None = None
    error: str = ""
    hint: str = ""
    diff: ScanDiff | None = None
    preview: bool = False  # what it finds waits for job.apply, unless nothing became different
    outcome: Literal["kept", "waiting", "discarded"] = "kept"
    until: str | None = None  # a result that waits is discarded then


class FoundNvr(Model):
    """A device that answered WS-Discovery, checked by talking to it."""

    host: str
    port: int
    name: str = ""
    hardware: str = ""
    answers: bool
    needs_password: bool | None = None
    channels: int | None = None
    known: int | None = None  # id of the NVR that is already added
    note: str = ""


class NvrTest(Model):
    """Result of nvr.test. `ok` false means `message` and `hint` say what is wrong."""

    ok: bool
    message: str
    hint: str = ""
    refused: int = 0  # how many tries of this account were refused in a row, this one too
    manufacturer: str = ""
    model: str = ""
    channels: int | None = None
    clock_offset_s: float | None = None


class TraceEntry(Model):
    """One exchange with a recorder, or so many equal ones (`times`), polls for events in a row or refusals, the newest.
    `raw`: camera.exchange shows what went over the wire."""

    number: int = 0  # grows with each exchange of this camera, from 1 since the daemon started
    at: str
    client: str
    protocol: Literal["onvif", "rtsp", "snapshot", "discovery"]
    operation: str
    auth: str = ""
    ok: bool
    reason: str = ""
    took_ms: int | None = None  # from the request to the answer
    times: int = 1
    raw: bool = False


class Exchange(Model):
    """One exchange in full: start line, headers and body of both sides. Secrets are taken out; each side is cut off
    after 16 KiB."""

    entry: TraceEntry
    request: str
    reply: str


class AdoptionStep(Model):
    """One camera of the guided adoption, and how far a recorder has come with it."""

    camera: int
    name: str
    address: str | None  # as it is typed into a recorder: with the port where it is not 80
    state: Literal["waiting", "now", "adopted", "skipped"]
    by: str = ""  # who has adopted it
    since: str | None = None  # when its turn began
    recorder: str = ""  # who is at it
    reached: bool = False
    signed_in: bool = False
    asked_streams: bool = False
    trouble: str = ""  # what stands in the way, and what to do


class Adoption(Model):
    """The guided adoption: there is one at most. `at_once`: how many cameras have their turn together."""

    id: int = 1
    state: Literal["none", "running", "paused", "done", "cancelled"]
    at_once: int = 1
    started: str = ""
    steps: list[AdoptionStep] = []


class CameraEvent(Model):
    """One event as the camera told it to recorders; `what` in words, such as "person begins"."""

    at: str
    what: str
    topic: str
    source: dict[str, str] = {}
    data: dict[str, str] = {}


class LogEntry(Model):
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

"""Parameters of the methods. Field names are a contract: scripts write them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from .fields import CameraPassword, Host, Id, IdOrNone, Name, Network, Port, Probe, Username
from .states import Role


class Params(BaseModel):
    """Base of all method parameters: unknown names and wrong types are refused, never guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True, hide_input_in_errors=True)


class NoParams(Params):
    pass


class ById(Params):
    id: Id


class Bind(Params):
    """Of `POST /bind`: for whom a connection speaks from then on."""

    name: Username
    role: Role


class SnapshotParams(Params):
    """`max_width`: the picture is made smaller until it is no wider."""

    id: Id
    max_width: Annotated[int, Field(ge=16, le=8192)] | None = None


class ByIds(Params):
    """Several cameras at once; all are checked before the first is touched."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=1024)]


class NvrAdd(Params):
    """`scan`: right after it was added."""

    host: Host
    port: Port = 80
    username: Username
    password: SecretStr = Field(min_length=0, max_length=128)
    name: Name | None = None
    scan: bool = False


class NvrUpdate(Params):
    """What is None stays."""

    id: Id
    host: Host | None = None
    port: Port | None = None
    username: Username | None = None
    password: SecretStr | None = Field(default=None, max_length=128)
    name: Name | None = None
    transport: Literal["auto", "tcp", "udp"] | None = None  # how its streams come; auto: TCP, UDP where it refuses that


class NvrTestParams(Params):
    """Either the id of a known NVR (other fields override its values) or host, username and password."""

    id: Id | None = None
    host: Host | None = None
    port: Port | None = None
    username: Username | None = None
    password: SecretStr | None = Field(default=None, max_length=128)


class NvrScan(Params):
    id: Id
    start: bool = True  # start the new cameras
    restore: bool = False  # bring back cameras that the user removed
    # Keep nothing until job.apply, unless it is the first scan of this NVR or nothing became different.
    preview: bool = False


class NvrDiscover(Params):
    timeout_s: Annotated[float, Field(ge=0.2, le=30)] = 4.0
    # Unicast probes for networks without multicast, and for loopback: "host" or "host:port" (WS-Discovery port).
    probe: Annotated[list[Probe], Field(max_length=64)] = []


StreamAddress = Annotated[SecretStr, Field(min_length=1, max_length=2048)]


class SourceTest(Params):
    """Addresses may hold an account (rtsp://user:password@host/path), hence they are secrets; `username` and
    `password` count more. `main` and `sub` are rtsp://, `snapshot` http:// or https://, all on one host."""

    main: StreamAddress
    sub: StreamAddress | None = None
    snapshot: StreamAddress | None = None
    username: Username | None = None
    password: SecretStr | None = Field(default=None, max_length=128)


class SourceAdd(SourceTest):
    name: Name | None = None
    scan: bool = True  # read its streams at once


class SourceUpdate(Params):
    """What is left out stays. An empty `sub` or `snapshot` takes it away, an empty `username` the account. Addresses
    that are not named move with the host of a new `main`. `test`: read the new streams first, and change nothing when
    that fails."""

    camera: Id
    main: StreamAddress | None = None
    sub: Annotated[SecretStr | None, Field(max_length=2048)] = None
    snapshot: Annotated[SecretStr | None, Field(max_length=2048)] = None
    username: Username | Literal[""] | None = None
    password: SecretStr | None = Field(default=None, max_length=128)
    name: Name | None = None
    test: bool = True


class SourceImport(Params):
    """`text` is the content of a file. The account is for cameras of the list that have none."""

    text: SecretStr = Field(min_length=1, max_length=128 * 1024)
    format: Literal["auto", "csv", "yaml", "onvif-server", "rtsp-to-onvif", "go2rtc", "frigate"] = "auto"
    username: Username | None = None
    password: SecretStr | None = Field(default=None, max_length=128)
    dry_run: bool = True
    scan: bool = True  # read the streams at once


class CameraChanges(Params):
    """What can be changed of one camera and of many. What is left out stays."""

    discovery: bool | None = None
    https: bool | None = None
    audio: bool | None = None
    h265: bool | None = None
    metadata: bool | None = None
    forward: bool | None = None
    share: bool | None = None
    username: Username | None = None
    password: CameraPassword | None = None


class CameraUpdate(CameraChanges, ById):
    name: Name | None = None
    notify: Annotated[list[Network] | None, Field(max_length=16)] = None
    clock_window_s: Annotated[int | None, Field(ge=10, le=3600)] = None
    drop_accounts: bool = False  # those that recorders made; its own stays


class CameraCertify(Params):
    """Either `new`: one that the camera makes itself; or `cert`, PEM, the camera's own first, then those that issued
    it, and `key`, PEM without a passphrase. `key` may be left out when it stands in `cert`."""

    id: Id
    cert: Annotated[SecretStr | None, Field(min_length=1, max_length=64 * 1024)] = None
    key: Annotated[SecretStr | None, Field(min_length=1, max_length=64 * 1024)] = None
    new: bool = False


LinkName = Annotated[str, StringConstraints(min_length=1, max_length=15, pattern=r"^[^\s/]+$")]
Digest = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9a-f-]+$")]


class InterfaceAdd(Params):
    """`parent` may be left out when there is only one. With `digest` only what the dry run with it showed is done."""

    count: Annotated[int, Field(ge=1, le=512)]
    parent: LinkName | None = None
    dry_run: bool = False
    digest: Digest | None = None


class InterfaceRemove(Params):
    """By name. Refused while a camera has one of them."""

    names: Annotated[list[LinkName], Field(min_length=1, max_length=512)]
    dry_run: bool = False
    digest: Digest | None = None


class AdoptionStart(Params):
    """`ids` None: all cameras that should run and that no recorder has adopted; else these, in this order."""

    ids: Annotated[list[Id] | None, Field(min_length=1, max_length=1024)] = None
    at_once: Annotated[int, Field(ge=1, le=64)] = 1


class AdoptionSkip(Params):
    camera: Id


class LogTail(Params):
    """`level` is the least that is told; `subject` as entries have it ("camera 3"); `actor` and `text` are looked for
    in who did it and in what happened, capitals or not."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: IdOrNone = 0
    before: IdOrNone = 0  # 0: from the newest backwards
    level: Literal["info", "warning", "error"] = "info"
    subject: Annotated[str, StringConstraints(max_length=200)] = ""
    actor: Annotated[str, StringConstraints(max_length=200)] = ""
    text: Annotated[str, StringConstraints(max_length=200)] = ""


class EventsParams(Params):
    id: Id
    limit: Annotated[int, Field(ge=1, le=200)] = 200


class TraceParams(Params):
    """`recorder`: only the exchanges with this address."""

    id: Id
    limit: Annotated[int, Field(ge=1, le=200)] = 200
    recorder: Host | None = None


class ExchangeParams(Params):
    """`number` as in camera.trace."""

    id: Id
    number: Annotated[int, Field(ge=1, le=2**53 - 1)]

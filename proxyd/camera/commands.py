"""What a pure service asks the world to do before it can answer: frozen, pure.

A service gives `Ask(command, finish)` instead of an answer; the HTTP rim has the command performed and hands the result
to `finish`. `Perform` is implemented by the camera's owner, who knows store and NVR; waiting for events by the rim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar

from .encoders import EncoderWish
from .settings import DEFAULT_SETTINGS, CameraUser, Certificate
from .spec import StreamName

_Answer = TypeVar("_Answer")
NvrService = Literal["ptz", "imaging"]


@dataclass(frozen=True, slots=True)
class NvrCall:
    """One authenticated operation at the NVR, with the NVR's own tokens in `parameters`. The result is what
    onvif-zeep-async reads, as plain dicts and lists.

    `stop`: this sets the camera in motion until that call is made; it is made `stop_after_s` later, or soon after its
    client is gone (dead man's switch). `ends_motion`: whatever moved so before has ended with it, in all directions."""

    service: NvrService
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stop: NvrCall | None = None
    stop_after_s: float = 0.0
    ends_motion: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """Two operations at the NVR: `then` makes the second from the result of the first (the NVR's token for ours), or
    raises a fault. The result is the second's."""

    first: NvrCall
    then: Callable[[Any], NvrCall]


@dataclass(frozen=True, slots=True)
class ReadEncoderOptions:
    """What the NVR's encoder of a profile (its token there) can be set to. The result is EncoderOptions, None when the
    NVR does not tell."""

    profile: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangeEncoder:
    """Set the NVR's encoder of a profile (its token there); what the NVR then says of it is kept for `stream`. No
    result."""

    stream: StreamName
    profile: str = field(repr=False)
    wish: EncoderWish


@dataclass(frozen=True, slots=True)
class SetDiscovery:
    """Whether the camera may be found by searching. No result."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetSettings:
    """Keep these fields of CameraSettings, and leave the others, which a user may change meanwhile; `what` for the log
    ("the host name"). No result."""

    changes: Mapping[str, Any]
    what: str


@dataclass(frozen=True, slots=True)
class SetUsers:
    """Keep exactly these accounts besides the camera's own, made from those `before`: Conflict when others are there
    now. No result."""

    users: tuple[CameraUser, ...] = field(repr=False)
    before: tuple[CameraUser, ...] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class SetCertificate:
    """Serve HTTPS with it from now on, and call it `name`; None: forget the one that there is. No result. Conflict when
    OpenSSL does not take it. `only_first`: nothing is done when there is one already."""

    certificate: Certificate | None = field(repr=False)
    name: str = DEFAULT_SETTINGS.certificate_id
    only_first: bool = False


@dataclass(frozen=True, slots=True)
class MakeCertificate:
    """Make a key and a certificate that the camera signs itself, and serve HTTPS with them from now on. The result is
    the Certificate. What is None is as ever."""

    name: str
    subject: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Restart:
    """Close all connections of the camera and start it again, a moment later: the answer goes out first. No result."""


Command = (
    NvrCall
    | LookUp
    | ReadEncoderOptions
    | ChangeEncoder
    | SetDiscovery
    | SetSettings
    | SetUsers
    | SetCertificate
    | MakeCertificate
    | Restart
)


class Perform(Protocol):
    """Does it, for one camera; `client` is the recorder's address. Raises ProxyError in words that a recorder may read:
    nothing of the NVR's is in them."""

    async def __call__(self, command: Command, client: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Ask(Generic[_Answer]):
    """`finish(result of the command)` gives the answer; it may raise a fault."""

    command: Any
    finish: Callable[[Any], _Answer]

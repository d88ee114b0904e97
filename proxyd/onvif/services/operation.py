"""What a service is made of: operations with an access class, answered from a context. Pure.

Access classes: ONVIF Core section 5.9.4; `levels.py` says which account may call which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from proxyd.camera.commands import Ask
from proxyd.camera.spec import CameraSpec
from proxyd.camera.urls import http_url, https_url, rtsp_url, rtsps_url

from ..faults import invalid_args
from ..pull_answers import PullAnswer
from ..soap import Element, SoapRequest
from ..subscriptions import Subscriptions

MEDIA_PATH = "/onvif/media_service"
MEDIA2_PATH = "/onvif/media2_service"
EVENTS_PATH = "/onvif/events_service"
DEVICEIO_PATH = "/onvif/deviceio_service"


class Access(Enum):
    PRE_AUTH = "pre-auth"
    READ_SYSTEM = "read system"
    READ_SYSTEM_SENSITIVE = "read system sensitive"
    READ_SYSTEM_SECRET = "read system secret"  # noqa: S105 - the name of a class
    WRITE_SYSTEM = "write system"
    UNRECOVERABLE = "unrecoverable"
    READ_MEDIA = "read media"
    ACTUATE = "actuate"


@dataclass(frozen=True, slots=True)
class Reached:
    """The address and port by which the client came, and whether over TLS: what every XAddr and URI carries
    (field-notes: NAT, several addresses)."""

    host: str
    port: int
    tls: bool = False

    def http(self, path: str) -> str:
        """A URL with the scheme by which the client came."""
        return https_url(self.host, self.port, path) if self.tls else http_url(self.host, self.port, path)


@dataclass(frozen=True, slots=True)
class Context:
    """Everything an answer may depend on."""

    spec: CameraSpec
    request: SoapRequest
    reached: Reached
    now: datetime
    subscriptions: Subscriptions
    subscription_id: str = ""  # from the URL of a subscription manager
    services: tuple[Service, ...] = ()  # those that this camera has
    client: str = ""  # address that the request came from

    def rtsp(self, stream_name: str) -> str:
        return rtsp_url(self.reached.host, self.spec.rtsp_port, f"/{stream_name}")

    def rtsps(self, stream_name: str) -> str:
        return rtsps_url(self.reached.host, self.spec.rtsps_port, f"/{stream_name}")

    def required(self, path: str) -> str:
        """Text of a mandatory element. Raises the fault that names it."""
        value = self.request.text(path)
        if value is None:
            raise invalid_args(f"{path.rpartition(':')[2]} is missing")
        return value

    def flag(self, path: str) -> bool:
        """A mandatory boolean. Raises the fault that names it."""
        text = self.required(path)
        if text not in ("true", "1", "false", "0"):
            raise invalid_args(f"{path.rpartition(':')[2]} is neither true nor false")
        return text in ("true", "1")


# The answer, or what has to be done first (then the operation is not `static`).
Answer = Callable[[Context], Element | Ask[Element] | Ask[PullAnswer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """`static`: the answer depends on spec, request body and address only, so its bytes may be cached."""

    name: str
    access: Access
    answer: Answer
    static: bool = True


Table = dict[tuple[str, str], Operation]


def _always(_: CameraSpec) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Service:
    """One service path; operations by (namespace, local name). A service that is not `offered` to a camera is neither
    announced nor answered.

    `version` and `capabilities` (the Capabilities element of its own namespace) are for GetServices. `legacy` makes its
    part of the older GetCapabilities, where it is called `category` ("Media", "PTZ"; "DeviceIO" goes into Extension);
    "" and None for services that are younger than that."""

    path: str
    operations: Table
    namespace: str
    version: tuple[int, int]
    capabilities: Callable[[CameraSpec], Element]
    category: str = ""
    legacy: Callable[[Context], Element] | None = None
    offered: Callable[[CameraSpec], bool] = _always


def table(namespace: str, operations: Iterable[Operation]) -> Table:
    return {(namespace, operation.name): operation for operation in operations}

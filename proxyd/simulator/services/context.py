"""What an answer may depend on: a picture of the device at the moment of one request. Pure."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from proxyd.simulator.dialect import Dialect
from proxyd.simulator.faults import Faults
from proxyd.simulator.layout import Layout, SimProfile
from proxyd.simulator.optics import Optics
from proxyd.simulator.soap import Element, Fault, Request, text_of


@dataclass(frozen=True, slots=True)
class Context:
    """`host` is the address that answers name: the one by which the client came, unless a fault says otherwise.
    `now` is the device's clock. `ports` are those really bound; `optics` is what moves."""

    dialect: Dialect
    layout: Layout
    faults: Faults
    host: str
    port: int
    web_port: int
    rtsp_port: int
    rtsp_tls: bool
    now: datetime
    optics: Optics

    @property
    def media2_path(self) -> str | None:
        if self.faults.media2_only_h265:
            return self.dialect.paths.media2 or "/onvif/media2_service"
        return self.dialect.paths.media2

    @property
    def serial(self) -> str:
        return serial_of(self.dialect, self.port)

    def xaddr(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"


Answer = Callable[[Context, Request], Element]


def serial_of(dialect: Dialect, port: int) -> str:
    """Looks like a serial number, tells dialect and device apart in any text it leaks into."""
    return f"SIM{dialect.name.upper()}{port:05d}"


def mac_of(dialect: Dialect, port: int) -> str:
    """Locally administered, stable for a dialect and port."""
    tail = hashlib.sha256(serial_of(dialect, port).encode()).digest()[:5]
    return ":".join(f"{byte:02x}" for byte in (0x02, *tail))


def uuid_of(dialect: Dialect, port: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, serial_of(dialect, port)))


def wanted_profile(context: Context, request: Request, name: str, *, media1: bool) -> SimProfile:
    """The profile that the request's token names. Raises the fault of a device that has none such."""
    profile = context.layout.profile(text_of(request, name) or "")
    if profile is None or (media1 and not profile.media1):
        raise Fault("Sender", ("ter:InvalidArgVal", "ter:NoProfile"), "The requested profile does not exist")
    return profile

"""Results about what recorders do with cameras: exchanges, and the guided adoption."""

from __future__ import annotations

from typing import Literal

from .model import Model


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

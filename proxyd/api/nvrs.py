"""Results about NVRs, and about the jobs that scan them. See `models` for times and sizes."""

from __future__ import annotations

from typing import Literal

from .model import Model
from .states import JobState, NvrState


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


class ScanDiff(Model):
    """What a scan changed: channel numbers. `warnings` are sentences for people."""

    new: list[int] = []
    changed: list[int] = []
    missing: list[int] = []
    offline: list[int] = []
    words: dict[int, str] = {}  # by channel: its name, or what became different about it
    warnings: list[str] = []


class Job(Model):
    """A scan, running or ended: `done` of `total` steps (None: not known yet), `eta_s` more seconds, `now` what it
    is at; `hint` helps against `error`."""

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
    clock_offset_s: float | None = None  # the NVR's clock minus ours, once the scan knows it

"""What the UI knows: a copy of the daemon's state keyed by id, and which of it changed since the last look.

Pure. Notifications only write here; the screens read what `take` says changed, at most four times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from proxyd.api.models import (
    Adoption,
    Camera,
    CameraState,
    Event,
    Finding,
    Interface,
    Job,
    JobState,
    LogEntry,
    Nvr,
    NvrState,
    Role,
    Snapshot,
    Status,
)

_MODELS: dict[str, type[BaseModel]] = {
    "nvr": Nvr,
    "camera": Camera,
    "interface": Interface,
    "job": Job,
    "adoption": Adoption,
}
_NO_ADOPTION = Adoption(state="none")
LOG_LIMIT = 1000
ENDED_JOBS_LIMIT = 100


class Link(StrEnum):
    """How the connection to the daemon stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    AWAY = "away"


@dataclass(slots=True)
class Changes:
    """Ids that changed (or vanished) since the last `take`. `everything` after a resync."""

    everything: bool = False
    link: bool = False
    log: bool = False
    names: bool = False  # cameras came, went or were renamed
    ids: dict[str, set[int]] = field(default_factory=lambda: {kind: set() for kind in _MODELS})

    def of(self, kind: str) -> set[int]:
        return self.ids[kind]

    def __bool__(self) -> bool:
        return self.everything or self.link or self.log or any(self.ids.values())


@dataclass(frozen=True, slots=True)
class Counts:
    """Cameras by what they mean to a person, and the total bit rate."""

    cameras: int = 0
    good: int = 0
    waiting: int = 0
    off: int = 0
    bad: int = 0
    bps: int = 0


_OFF = {CameraState.STOPPED, CameraState.NO_SIGNAL}
WAITING = frozenset(
    {
        CameraState.STARTING,
        CameraState.WAITING_FOR_ADDRESS,
        CameraState.ADDRESS_CHANGED,
        CameraState.UPSTREAM_UNREACHABLE,
    }
)


class Store:
    """The one copy. `on_change` is called after every write that changed something."""

    def __init__(self) -> None:
        self.nvrs: dict[int, Nvr] = {}
        self.cameras: dict[int, Camera] = {}
        self.interfaces: dict[int, Interface] = {}
        self.jobs: dict[int, Job] = {}
        self._adoptions: dict[int, Adoption] = {}
        self.log: dict[int, LogEntry] = {}
        self.status: Status | None = None
        self.seq = -1
        self.findings: tuple[Finding, ...] | None = None  # of the last examination of the network, if there was one
        self.link = Link.CONNECTING
        self.link_reason = ""
        self.other_version = ""  # in words, where the daemon is not of the UI's version
        self.unreadable = 0  # events this version could not understand
        self.on_change: Callable[[], None] = lambda: None
        self._changes = Changes()
        self._by_name: dict[str, list[int]] = {}  # cameras; empty when it must be made anew
        self._tables: dict[str, dict[int, Any]] = {
            "nvr": self.nvrs,
            "camera": self.cameras,
            "interface": self.interfaces,
            "job": self.jobs,
            "adoption": self._adoptions,
        }

    def load(self, snapshot: Snapshot) -> None:
        """Replace everything: the first answer to `subscribe`, also after a reconnect."""
        for kind, models in (
            ("nvr", snapshot.nvrs),
            ("camera", snapshot.cameras),
            ("interface", snapshot.interfaces),
            ("job", snapshot.jobs),
            ("adoption", [snapshot.adoption] if snapshot.adoption else []),
        ):
            table = self._tables[kind]
            table.clear()
            table.update((model.id, model) for model in models)
        self._names_changed()
        self.log.clear()
        self.log.update((entry.id, entry) for entry in snapshot.log[-LOG_LIMIT:])
        self.status = snapshot.status
        self.seq = snapshot.seq
        self.link, self.link_reason = Link.LIVE, ""
        self._changes.everything = True
        self.on_change()

    def apply(self, event: Event) -> None:
        """Write one notification. Those that the snapshot already holds are ignored."""
        if event.seq <= self.seq:
            return
        self.seq = event.seq
        try:
            changed = self._write(event)
        except (ValidationError, KeyError, TypeError, ValueError):
            self.unreadable += 1
            return
        if changed:
            self.on_change()

    def _write(self, event: Event) -> bool:
        if event.kind == "log":
            entry = LogEntry.model_validate(event.data)
            self.log[entry.id] = entry
            while len(self.log) > LOG_LIMIT:
                del self.log[next(iter(self.log))]
            self._changes.log = True
            return True
        table = self._tables[event.kind]
        if event.action == "removed":
            key = int(event.data["id"])
            gone = table.pop(key, None)
            if gone is None:
                return False
            self._name_changes(gone, None)
        else:
            model: Any = _MODELS[event.kind].model_validate(event.data)
            key = model.id
            known = table.get(key)
            if known == model:
                return False
            table[key] = model
            self._name_changes(known, model)
            if event.kind == "job":
                self._forget_old_jobs()
        self._changes.of(event.kind).add(key)
        return True

    def put(self, kind: str, model: Any) -> None:
        """The answer to a call of our own, which may be faster than its event."""
        known = self._tables[kind].get(model.id)
        if known != model:
            self._tables[kind][model.id] = model
            self._name_changes(known, model)
            self._changes.of(kind).add(model.id)
            self.on_change()

    def set_link(self, link: Link, reason: str = "") -> None:
        """The last data stays; the screens grey it while the daemon is away."""
        if (link, reason) != (self.link, self.link_reason):
            self.link, self.link_reason = link, reason
            self._changes.link = True
            self.on_change()

    def examined(self, findings: Sequence[Finding]) -> None:
        """What an examination of the network found; interfaces show what is about them."""
        self.findings = tuple(findings)
        self._changes.ids["interface"].update(self.interfaces)
        self.on_change()

    def take(self) -> Changes:
        """What changed since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def _forget_old_jobs(self) -> None:
        ended = [job.id for job in self.jobs.values() if job.state is not JobState.RUNNING]
        for key in ended[: max(0, len(ended) - ENDED_JOBS_LIMIT)]:
            del self.jobs[key]

    def counts(self) -> Counts:
        """For the header line."""
        good = waiting = off = bad = bps = 0
        for camera in self.cameras.values():
            bps += camera_bps(camera)
            if camera.state is CameraState.RUNNING:
                good += 1
            elif camera.state in WAITING:
                waiting += 1
            elif camera.state in _OFF:
                off += 1
            else:
                bad += 1
        return Counts(len(self.cameras), good, waiting, off, bad, bps)

    @property
    def role(self) -> Role:
        """What this user may do; while nobody has said so, everything is offered, and the daemon decides."""
        return self.status.role if self.status else Role.ADMIN

    @property
    def adoption(self) -> Adoption:
        """The guided adoption: there is one at most."""
        return next(iter(self._adoptions.values()), _NO_ADOPTION)

    def running_jobs(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.state is JobState.RUNNING]

    def running_scan(self, nvr: int) -> bool:
        return any(job.nvr == nvr for job in self.running_jobs())

    def failed_scan(self, nvr: int) -> Job | None:
        """The last scan of this NVR, if it failed."""
        last = max((job for job in self.jobs.values() if job.nvr == nvr), key=lambda job: job.id, default=None)
        return last if last is not None and last.state is JobState.FAILED else None

    def nvr_state(self, nvr: Nvr) -> NvrState:
        """Its cameras may know of a refused password before the NVR is asked again."""
        if nvr.state is NvrState.OK and any(
            camera.nvr == nvr.id and camera.state is CameraState.WRONG_PASSWORD for camera in self.cameras.values()
        ):
            return NvrState.WRONG_PASSWORD
        return nvr.state

    def _name_changes(self, before: Any, after: Any) -> None:
        if any(isinstance(model, Camera) for model in (before, after)):
            said = [(model.name, model.nvr, model.channel) if model else None for model in (before, after)]
            if said[0] != said[1]:
                self._names_changed()

    def _names_changed(self) -> None:
        self._by_name.clear()
        self._changes.names = True

    def _named(self) -> dict[str, list[int]]:
        """Name → cameras; made once after each change of a name."""
        if not self._by_name:
            for camera in self.cameras.values():
                self._by_name.setdefault(camera.name, []).append(camera.id)
        return self._by_name

    def namesakes(self) -> frozenset[int]:
        """Cameras that share their name with another: two NVRs may both call one "Channel 1"."""
        return frozenset(key for keys in self._named().values() if len(keys) > 1 for key in keys)

    def camera_label(self, camera: Camera) -> str:
        """The name, and what tells it from its namesakes: NVR, channel."""
        keys = self._named().get(camera.name, [])
        others = [self.cameras[key] for key in keys if key != camera.id and key in self.cameras]
        parts = [self.nvr_name(camera.nvr)] if any(other.nvr != camera.nvr for other in others) else []
        parts += [f"ch {camera.channel}"] if any(other.nvr == camera.nvr for other in others) else []
        return f"{camera.name} ({' '.join(parts)})" if parts else camera.name

    def camera_place(self, camera: Camera) -> str:
        """Its address, with the port where all cameras share one."""
        if self.status and self.status.mode == "shared" and camera.onvif_url:
            return urlsplit(camera.onvif_url).netloc
        return camera.address or ""

    def nvr_name(self, nvr: int) -> str:
        known = self.nvrs.get(nvr)
        return known.name if known else f"NVR {nvr}"


def camera_bps(camera: Camera) -> int:
    """What the camera sends to its recorders now, all streams together."""
    return sum(stream.bps for stream in camera.streams)

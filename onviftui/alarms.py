"""What needs a person, in words, and where Enter leads: to exactly what it is about. Pure: store in, lines out.

Cameras that suffer from the same cause share one line; the NVR is named before its cameras.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from proxyd.api.models import Adoption, Camera, CameraState, Job, JobState, Nvr, NvrState, Role

from .store import Store
from .widgets.job_lines import diff_summary
from .wizard.places import not_begun
from .words import HUMAN_GLYPH, WAITING_GLYPH, Sign, count

Go = Literal["nvr", "camera", "cameras", "interfaces", "adopt", "doctor", "job", "wizard"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One line. `go` and `target` say what Enter opens; `fix` says it to the user."""

    sign: Sign
    text: str
    fix: str
    go: Go
    target: str = ""

    @property
    def role(self) -> Role:
        """The least that can do what Enter does; others are told of the trouble alone."""
        if self.go == "nvr":
            return Role.OPERATOR if self.fix == "scan it" else Role.ADMIN
        return {"wizard": Role.ADMIN}.get(self.go, Role.VIEWER)


_HUMAN = Sign(*HUMAN_GLYPH, "needs you")
_WAITING = Sign(*WAITING_GLYPH, "waiting")
_BY_NVR = {CameraState.WRONG_PASSWORD, CameraState.UPSTREAM_UNREACHABLE, CameraState.MISSING}
# state → (needs a person, words for several cameras, what Enter does)
_GROUPED: dict[CameraState, tuple[bool, str, str]] = {
    CameraState.NO_INTERFACE: (True, "have no interface", "interfaces"),
    CameraState.PORT_IN_USE: (True, "cannot listen: the port is in use", "show"),
    CameraState.FAILED: (True, "have failed", "show"),
    CameraState.ADDRESS_CHANGED: (False, "have a new address, where their recorder has not come yet", "show"),
}
_CLAUSE = re.compile(r"[:;]|\.(?:\s|$)")


def alarms(store: Store) -> list[Alarm]:
    """Most urgent first; empty when all is well."""
    by_state: dict[CameraState, list[Camera]] = defaultdict(list)
    by_nvr: dict[tuple[int, CameraState], list[Camera]] = defaultdict(list)
    for camera in store.cameras.values():
        if camera.state in _BY_NVR:
            by_nvr[camera.nvr, camera.state].append(camera)
        elif camera.state in _GROUPED or camera.state is CameraState.WAITING_FOR_ADDRESS:
            by_state[camera.state].append(camera)
    found = [alarm for nvr in store.nvrs.values() for alarm in _of_nvr(nvr, by_nvr, store)]
    found += [_of_cameras(state, by_state[state]) for state in _GROUPED if by_state[state]]
    found += _of_addresses(by_state[CameraState.WAITING_FOR_ADDRESS])
    found += _of_interfaces(store)
    found += _of_adoption(store.adoption)
    if store.status and store.status.warning:
        found.append(Alarm(_WAITING, store.status.warning.rstrip("."), "show", "cameras"))
    return sorted(found, key=lambda alarm: alarm.sign is not _HUMAN)


def _of_nvr(nvr: Nvr, by_nvr: dict[tuple[int, CameraState], list[Camera]], store: Store) -> Iterable[Alarm]:
    refused = by_nvr.get((nvr.id, CameraState.WRONG_PASSWORD), [])
    silent = by_nvr.get((nvr.id, CameraState.UPSTREAM_UNREACHABLE), [])
    failed = None if store.running_scan(nvr.id) else store.failed_scan(nvr.id)
    target = str(nvr.id)
    if nvr.state is NvrState.WRONG_PASSWORD or refused:
        text = f"{nvr.name}: wrong NVR password for user {nvr.username}"
        yield Alarm(_HUMAN, _with_cameras(text, refused, "stopped"), "fix it", "nvr", target)
    elif nvr.state is NvrState.UNREACHABLE or silent:
        text = f"{nvr.name}: cannot be reached at {nvr.host}:{nvr.port}"
        yield Alarm(_WAITING, _with_cameras(text, silent, "waiting"), "fix it", "nvr", target)
    elif failed:
        error = (failed.error or "the scan failed").removeprefix(f"{nvr.name}: ").rstrip(".")
        yield Alarm(_HUMAN, f"{nvr.name}: {error}", "see why", "job", str(failed.id))
    elif nvr.state is NvrState.NEW and not store.running_scan(nvr.id):
        yield Alarm(_WAITING, f"{nvr.name} has not been scanned yet", "scan it", "nvr", target)
    elif not_begun(nvr, store):
        them = "its camera has" if nvr.channels == 1 else "its cameras have"
        yield Alarm(_WAITING, f"{nvr.name}: {them} never run", "go on", "wizard")
    yield from _of_scans(nvr, by_nvr.get((nvr.id, CameraState.MISSING), []), store)


def _of_scans(nvr: Nvr, missing: list[Camera], store: Store) -> Iterable[Alarm]:
    jobs = sorted((job for job in store.jobs.values() if job.nvr == nvr.id), key=lambda job: job.id)
    waiting = next((job for job in jobs if job.outcome == "waiting" and job.diff is not None), None)
    if waiting is not None and waiting.diff is not None:
        text = f"{nvr.name}: a scan found {diff_summary(waiting.diff)}: keep it?"
        yield Alarm(_HUMAN, text, "look", "job", str(waiting.id))
    if missing:
        what = missing[0].name if len(missing) == 1 else count(len(missing), "camera")
        text = f"{what} {'is' if len(missing) == 1 else 'are'} no longer on {nvr.name}: scan again, or remove"
        told = next((job for job in reversed(jobs) if _tells_of_missing(job)), None)
        if told is not None:
            yield Alarm(_HUMAN, text, "show the scan", "job", str(told.id))
        elif len(missing) == 1:
            yield Alarm(_HUMAN, text, "show", "camera", str(missing[0].id))
        else:
            yield Alarm(_HUMAN, text, "show them", "cameras", f'state:"{CameraState.MISSING.value}" nvr:"{nvr.name}"')


def _tells_of_missing(job: Job) -> bool:
    return job.state is JobState.DONE and job.outcome == "kept" and bool(job.diff and job.diff.missing)


def _with_cameras(text: str, cameras: list[Camera], how: str) -> str:
    if not cameras:
        return text
    return f"{text}, {count(len(cameras), 'camera')} {how}"


def _of_cameras(state: CameraState, cameras: list[Camera]) -> Alarm:
    needs_person, words, fix = _GROUPED[state]
    sign = _HUMAN if needs_person else _WAITING
    if len(cameras) == 1:
        camera = cameras[0]
        return Alarm(sign, f"{camera.name}: {camera.reason or state.value}", "show", "camera", str(camera.id))
    text = f"{len(cameras)} cameras {words}"
    if fix == "interfaces":
        return Alarm(sign, text, "show interfaces", "interfaces")
    return Alarm(sign, text, "show them", "cameras", f'state:"{state.value}"')


def _of_addresses(cameras: list[Camera]) -> Iterable[Alarm]:
    """By cause: "3 cameras wait for an address: no DHCP answer on eth0"."""
    causes: dict[str, list[Camera]] = defaultdict(list)
    for camera in cameras:
        about = f"{camera.interface} " if camera.interface else ""
        words = camera.reason.removeprefix(f"{about}has no address: ")
        causes[_cause(words.replace(f"{about}is gone", "the interface is gone", 1) if about else words)].append(camera)
    for cause, several in causes.items():
        who = f"{several[0].name} waits" if len(several) == 1 else f"{len(several)} cameras wait"
        yield Alarm(_WAITING, f"{who} for an address" + (f": {cause}" if cause else ""), "doctor", "doctor")


def _of_interfaces(store: Store) -> Iterable[Alarm]:
    """Those that have an address, but maybe not for long."""
    causes: dict[str, int] = defaultdict(int)
    for interface in store.interfaces.values():
        if interface.message and interface.address:
            causes[_cause(interface.message)] += 1
    for cause, number in causes.items():
        yield Alarm(_WAITING, cause if number == 1 else f"{number} interfaces: {cause}", "doctor", "doctor")


def _of_adoption(adoption: Adoption) -> Iterable[Alarm]:
    """As long as it is under way, recorders find no other camera, and somebody has to go on with it."""
    turn = next((step for step in adoption.steps if step.state == "now"), None)
    if adoption.state == "paused":
        text = "The guided adoption is paused: searches find no new camera"
    elif adoption.state != "running":
        return
    elif turn is None:
        text = "The guided adoption cannot go on: searches find no new camera"
    else:
        left = sum(step.state in ("now", "waiting") for step in adoption.steps)
        text = f"Guided adoption: {turn.name} has its turn, {left} to go"
    yield Alarm(_WAITING, text, "show", "adopt")


def _cause(words: str) -> str:
    """The first clause, so that it can follow a colon."""
    clause = _CLAUSE.split(words, maxsplit=1)[0].strip()
    return clause[:1].lower() + clause[1:] if not clause[:2].isupper() else clause

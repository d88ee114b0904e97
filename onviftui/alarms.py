"""What needs a person, in words, and where Enter leads. Pure: store in, lines out.

Cameras that suffer from the same cause share one line; the NVR is named before its cameras.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from proxyd.api.models import Camera, CameraState, Nvr, NvrState

from .store import Store
from .words import HUMAN_GLYPH, WAITING_GLYPH, Sign, count

Go = Literal["nvr", "camera", "cameras", "interfaces"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One line. `go` and `target` say what Enter opens; `fix` says it to the user."""

    sign: Sign
    text: str
    fix: str
    go: Go
    target: str


_HUMAN = Sign(*HUMAN_GLYPH, "needs you")
_WAITING = Sign(*WAITING_GLYPH, "waiting")
_BY_NVR = {CameraState.WRONG_PASSWORD, CameraState.UPSTREAM_UNREACHABLE}
# state → (needs a person, words for several cameras, what Enter does)
_GROUPED: dict[CameraState, tuple[bool, str, str]] = {
    CameraState.NO_INTERFACE: (True, "have no interface", "interfaces"),
    CameraState.PORT_IN_USE: (True, "cannot listen: the port is in use", "show"),
    CameraState.FAILED: (True, "have failed", "show"),
    CameraState.MISSING: (True, "are no longer on their NVR", "show"),
    CameraState.WAITING_FOR_ADDRESS: (False, "wait for an address", "interfaces"),
    CameraState.ADDRESS_CHANGED: (False, "have a new address, where their recorder has not come yet", "show"),
}


def alarms(store: Store) -> list[Alarm]:
    """Most urgent first; empty when all is well."""
    by_state: dict[CameraState, list[Camera]] = defaultdict(list)
    by_nvr: dict[tuple[int, CameraState], list[Camera]] = defaultdict(list)
    for camera in store.cameras.values():
        if camera.state in _BY_NVR:
            by_nvr[camera.nvr, camera.state].append(camera)
        elif camera.state in _GROUPED:
            by_state[camera.state].append(camera)
    found = [alarm for nvr in store.nvrs.values() if (alarm := _of_nvr(nvr, by_nvr, store))]
    found += [_of_cameras(state, by_state[state]) for state in _GROUPED if by_state[state]]
    if store.status and store.status.warning:
        found.append(Alarm(_WAITING, store.status.warning.rstrip("."), "show", "cameras", ""))
    return sorted(found, key=lambda alarm: alarm.sign is not _HUMAN)


def _of_nvr(nvr: Nvr, by_nvr: dict[tuple[int, CameraState], list[Camera]], store: Store) -> Alarm | None:
    refused = by_nvr.get((nvr.id, CameraState.WRONG_PASSWORD), [])
    silent = by_nvr.get((nvr.id, CameraState.UPSTREAM_UNREACHABLE), [])
    target = str(nvr.id)
    if nvr.state is NvrState.WRONG_PASSWORD or refused:
        text = f"{nvr.name}: wrong NVR password for user {nvr.username}"
        return Alarm(_HUMAN, _with_cameras(text, refused, "stopped"), "fix it", "nvr", target)
    if nvr.state is NvrState.UNREACHABLE or silent:
        text = f"{nvr.name}: cannot be reached at {nvr.host}:{nvr.port}"
        return Alarm(_WAITING, _with_cameras(text, silent, "waiting"), "fix it", "nvr", target)
    if nvr.state is NvrState.NEW and not store.running_scan(nvr.id):
        if failed := store.failed_scan(nvr.id):
            text = f"{nvr.name}: {failed.error or 'the scan failed'}"
            return Alarm(_HUMAN, text.rstrip("."), "fix it", "nvr", target)
        return Alarm(_WAITING, f"{nvr.name} has not been scanned yet", "scan it", "nvr", target)
    return None


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
        return Alarm(sign, text, "show interfaces", "interfaces", "")
    return Alarm(sign, text, "show them", "cameras", f'state:"{state.value}"')

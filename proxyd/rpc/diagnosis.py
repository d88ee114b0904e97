"""What netsetup's arm found on the network, joined with what proxyd itself knows of the cameras. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from proxyd.api import models as m
from proxyd.errors import ArmError

_WORST_FIRST = ("problem", "warning", "note", "ok")
_KNOWN_BETTER = ("nothing-listens", "discovery-off")  # proxyd knows which interfaces serve a camera
_FINE = (m.CameraState.RUNNING, m.CameraState.STOPPED)


def diagnosis(
    answer: Mapping[str, Any] | None, interfaces: Iterable[m.Interface], cameras: Iterable[m.Camera]
) -> list[m.Finding]:
    """The worst first. `answer`: the arm's to "doctor"; None where proxyd works without the arm.

    Raises ArmError for an answer that is none.
    """
    camera_on = {interface.name: interface.camera for interface in interfaces}
    found = [] if answer is None else [_finding(one, camera_on) for one in _listed(answer)]
    found = [finding for finding in found if finding.id not in _KNOWN_BETTER]
    spoken_for = {finding.camera for finding in found if finding.severity == "problem"}
    found += [_of_camera(camera) for camera in cameras if _is_wrong(camera) and camera.id not in spoken_for]
    if answer is None:
        what = "Cameras have no network interfaces of their own in this mode."
        found.append(m.Finding(id="no-interfaces", severity="note", what=what))
    return sorted(found, key=lambda finding: _WORST_FIRST.index(finding.severity))


def _listed(answer: Mapping[str, Any]) -> list[Any]:
    findings = answer.get("findings")
    if not isinstance(findings, list):
        raise not_understood()
    return findings


def _finding(one: Any, camera_on: Mapping[str, int | None]) -> m.Finding:
    try:
        name = str(one["camera"])
        fields = {key: one[key] for key in ("id", "severity", "what", "why", "todo")}
        return m.Finding(**fields, interface=name, camera=camera_on.get(name))
    except (KeyError, TypeError, ValidationError):
        raise not_understood() from None


def not_understood() -> ArmError:
    return ArmError("netsetup's arm gave an answer that proxyd does not understand.", "Update both.")


def _is_wrong(camera: m.Camera) -> bool:
    return camera.state not in _FINE or bool(camera.note)


def _of_camera(camera: m.Camera) -> m.Finding:
    runs = camera.state in _FINE
    return m.Finding(
        id="camera-note" if runs else "camera-state",
        severity="note" if runs else "warning",
        what=f"{camera.name}: {camera.note if runs else camera.reason or camera.state.value}",
        todo="" if runs else f"onviftui camera show {camera.id}",
        interface=camera.interface or "",
        camera=camera.id,
    )

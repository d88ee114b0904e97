"""Why a recorder does not adopt a camera, or that all is well: sentences that say what to do next. Pure.

Told from what each recorder did (`Meeting`), so that it does not depend on how much the ring of exchanges still holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from proxyd.api import models as m

from .meeting import Meeting
from .recorder_findings import recorder_findings
from .situation import Situation, finding

_WORST_FIRST = ("problem", "warning", "note", "ok")
_SILENT = timedelta(minutes=10)
_FINE = (m.CameraState.RUNNING, m.CameraState.ADDRESS_CHANGED)


def diagnose(seen: Situation, meetings: Sequence[Meeting]) -> list[m.Finding]:
    """The worst first; of the same severity, what stands in the way earlier."""
    found = [*_of_camera(seen, meetings)]
    for meeting in meetings:
        found += recorder_findings(seen, meeting)
    found += _of_many(seen, meetings)
    return sorted(found, key=lambda one: _WORST_FIRST.index(one.severity))


def _of_camera(seen: Situation, meetings: Sequence[Meeting]) -> Iterator[m.Finding]:
    camera = seen.camera
    if camera.state not in _FINE:
        yield finding(
            seen,
            "camera-state",
            "problem",
            f"{camera.name}: {camera.reason or camera.state.value}",
            todo=f"onviftui camera show {camera.id} says how it stands.",
        )
        return
    if seen.moved_from:
        yield finding(
            seen,
            "old-address",
            "warning",
            f"The recorder knows this camera at {seen.moved_from}, and it is at {seen.place} now.",
            todo=f"Change its address in the recorder to {seen.place}, and reserve it in the DHCP server.",
        )
    if not meetings and not seen.moved_from:
        yield finding(
            seen,
            "nobody-came",
            "note",
            "No recorder has come to this camera since the daemon started.",
            why="Nothing that was sent to it by search, HTTP or RTSP has arrived.",
            todo=f"Type {seen.place} into the recorder. If it says that nothing answers there: can its network "
            f"reach {camera.address}, TCP ports {seen.http_port} and {seen.rtsp_port}? `onviftui interface doctor` "
            "examines this end.",
        )
    if not camera.discovery and not seen.adopted_by:
        yield finding(
            seen,
            "hidden",
            "note",
            "Recorders cannot find this camera by searching: that is switched off.",
            todo=f"Type {seen.place} into the recorder, or: onviftui camera edit {camera.id} --discovery on",
        )
    if seen.adopted_by and seen.adopted_by not in seen.playing:
        last = next((one.last_at for one in meetings if one.address == seen.adopted_by), None)
        if last is None or seen.now - last > _SILENT:
            when = "since the daemon started" if last is None else f"for {_minutes(seen.now - last)}"
            yield finding(
                seen,
                "adopter-silent",
                "warning" if meetings else "note",
                f"{seen.adopted_by} has adopted this camera, but has not been heard {when}.",
                todo="Is that recorder on, and does it still have the camera? If another one shall have it: "
                f"onviftui camera forget-adoption {camera.id}",
                recorder=seen.adopted_by,
            )
    if camera.note:
        yield finding(seen, "camera-note", "note", camera.note)


def _of_many(seen: Situation, meetings: Sequence[Meeting]) -> Iterator[m.Finding]:
    lately = [
        met.address
        for met in meetings
        if met.address in seen.playing or (met.signed_in_at and seen.now - met.signed_in_at < _SILENT)
    ]
    if len(lately) > 1:
        others = ", ".join(lately[:-1])
        yield finding(
            seen,
            "several-recorders",
            "note",
            f"{others} and {lately[-1]} use this camera.",
            why="That works; they share one session with the NVR per stream."
            if seen.camera.share
            else "That works; each of them has a session of its own with the NVR.",
            todo="If that is not meant, remove the camera from one of them.",
        )


def _minutes(silent: timedelta) -> str:
    minutes = round(silent.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"

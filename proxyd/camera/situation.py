"""What a diagnosis is told from, and how a finding about a camera is made. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from proxyd.api import models as m

from .urls import typed_place

Severity = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Situation:
    """The camera as it stands. `playing`: addresses that play now; `moved_from`: its address before, at which the
    recorder still is."""

    camera: m.Camera
    prefix_length: int
    http_port: int
    rtsp_port: int
    playing: Collection[str]
    moved_from: str
    adopted_by: str
    now: datetime

    @property
    def place(self) -> str:
        """What is typed into a recorder: the address, with the port where it is not the usual one."""
        return typed_place(self.camera.address, self.http_port) if self.camera.address else ""


def finding(
    seen: Situation, id_: str, severity: Severity, what: str, *, why: str = "", todo: str = "", recorder: str = ""
) -> m.Finding:
    return m.Finding(
        id=id_,
        severity=severity,
        what=what,
        why=why,
        todo=todo,
        interface=seen.camera.interface or "",
        camera=seen.camera.id,
        recorder=recorder,
    )

"""Desired against running cameras → what to do. Pure and idempotent: asking again after applying gives nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .spec import CameraSpec


@dataclass(frozen=True, slots=True)
class Actions:
    """To be done in this order: a stopped camera may free the address that a started one needs."""

    stop: tuple[int, ...]
    update: tuple[CameraSpec, ...]
    start: tuple[CameraSpec, ...]

    def __bool__(self) -> bool:
        return bool(self.stop or self.update or self.start)


def reconcile(desired: Mapping[int, CameraSpec], running: Mapping[int, CameraSpec]) -> Actions:
    """`running` is what runs now, by camera id, with the spec it was last given."""
    gone = [id_ for id_ in running if id_ not in desired]
    moved = [id_ for id_, spec in desired.items() if id_ in running and _binding(spec) != _binding(running[id_])]
    return Actions(
        stop=tuple(sorted(gone + moved)),
        update=tuple(
            spec
            for id_, spec in sorted(desired.items())
            if id_ in running and id_ not in moved and spec != running[id_]
        ),
        start=tuple(spec for id_, spec in sorted(desired.items()) if id_ not in running or id_ in moved),
    )


def _binding(spec: CameraSpec) -> tuple[str, str, int, int]:
    """What the listening sockets depend on; everything else changes without closing a connection."""
    return spec.interface, spec.address, spec.http_port, spec.rtsp_port

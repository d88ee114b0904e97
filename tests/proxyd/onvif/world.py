"""What stands behind a camera in tests: an NVR that answers calls, and a store that keeps what recorders set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from proxyd.camera.commands import (
    ChangeEncoder,
    Command,
    LookUp,
    MakeCertificate,
    NvrCall,
    ReadEncoderOptions,
    SetCertificate,
    SetDiscovery,
    SetSettings,
    SetUsers,
)
from proxyd.camera.encoders import CodecOptions, EncoderOptions
from proxyd.camera.features import Span
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec
from proxyd.onvif.http import OnvifServer
from proxyd.snapshot.picture import SnapshotPicture
from proxyd.tls.certificate import self_signed

from .optics import PAN_TILT

_POSITION = {"PanTilt": {"x": 0.25, "y": -1.0, "space": PAN_TILT + "PositionGenericSpace"}, "Zoom": {"x": 0.5}}
# As onvif-zeep-async reads them.
NVR_ANSWERS: dict[tuple[str, str], Any] = {
    ("ptz", "GetStatus"): {"Position": _POSITION, "MoveStatus": {"PanTilt": "IDLE", "Zoom": "IDLE"}},
    ("ptz", "GetPresets"): [{"Name": "Gate", "token": "NvrPreset1", "PTZPosition": _POSITION}],
    ("ptz", "SetPreset"): "NvrPreset1",
    ("imaging", "GetImagingSettings"): {
        "Brightness": 50.0,
        "Contrast": 49.0,
        "IrCutFilter": "AUTO",
        "Exposure": {"Mode": "AUTO"},
        "Focus": {"AutoFocusMode": "MANUAL"},
        "WideDynamicRange": {"Mode": "ON", "Level": 30.0},
    },
    ("imaging", "GetStatus"): {"FocusStatus20": {"Position": 0.5, "MoveStatus": "IDLE"}},
}
ENCODER_OPTIONS = EncoderOptions(
    Span(1, 6),
    (
        CodecOptions("H264", ((2560, 1440), (640, 360)), (1.0, 30.0), Span(1, 100), Span(64, 8192), ("Main", "High")),
        CodecOptions("H265", ((2560, 1440), (640, 360)), (1.0, 30.0), Span(1, 100), Span(64, 8192), ("Main",)),
    ),
)


def changed(spec: CameraSpec, command: Any) -> CameraSpec:
    """As a command of a recorder leaves it; the same one where the command changes nothing of it."""
    match command:
        case SetDiscovery(on):
            return replace(spec, discovery=on)
        case SetSettings(changes, _):
            return replace(spec, settings=replace(spec.settings, **changes))
        case SetUsers(users):
            return replace(spec, users=users)
        case SetCertificate(certificate, name):
            return replace(spec, certificate=certificate, settings=replace(spec.settings, certificate_id=name))
    return spec


@dataclass
class World:
    """Performs commands of one camera."""

    spec: CameraSpec
    server: OnvifServer | None = None

    async def perform(self, command: Command, client: str) -> Any:
        spec = self.spec
        match command:
            case NvrCall():
                return self._call(command)
            case LookUp(first, then):
                return self._call(then(self._call(first)))
            case ReadEncoderOptions():
                return ENCODER_OPTIONS
            case ChangeEncoder():
                return None
            case MakeCertificate(name):
                made = self_signed(spec, datetime.now(UTC), subject=command.subject, not_after=command.not_after)
                await self.perform(SetCertificate(made, name), client)
                return made
        self.spec = changed(spec, command)
        if self.server is not None:
            self.server.update(self.spec)
        return None

    def _call(self, call: NvrCall) -> Any:
        return NVR_ANSWERS.get((call.service, call.operation))


async def _picture() -> SnapshotPicture:
    return SnapshotPicture("image/jpeg", b"\xff\xd8picture\xff\xd9")


@asynccontextmanager
async def running_camera(spec: CameraSpec, guesses: Guesses | None = None) -> AsyncIterator[tuple[OnvifServer, World]]:
    """A camera on a port of its own, and what is behind it."""
    world = World(spec)
    server = OnvifServer(spec, take_snapshot=_picture, record=lambda **_: None, perform=world.perform, guesses=guesses)
    world.server = server
    await server.start()
    try:
        yield server, world
    finally:
        await server.stop()

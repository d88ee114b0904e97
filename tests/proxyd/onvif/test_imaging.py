"""The Imaging service: valid answers, settings passed on only where the operator allows it, focus that stops."""

from __future__ import annotations

import math
from typing import Any

import pytest

from proxyd.camera.commands import NvrCall
from proxyd.camera.features import ImagingFeatures, Span
from proxyd.camera.settings import CameraSettings
from proxyd.onvif.namespaces import clark

from .builders import Camera, body_of, fault_of, texts
from .optics import IMAGING, moving_camera
from .schemas import Validator

SOURCE = "<timg:VideoSourceToken>video_source</timg:VideoSourceToken>"
TOLD = {
    "Brightness": 50.0,
    "Contrast": "49",
    "ColorSaturation": 10.0,
    "Sharpness": None,
    "IrCutFilter": "AUTO",
    "Exposure": {"Mode": "AUTO", "MinExposureTime": 10.0},
    "Focus": {"AutoFocusMode": "MANUAL"},
    "WideDynamicRange": {"Mode": "ON", "Level": 30.0},
    "WhiteBalance": {"Mode": "AUTO"},
}


@pytest.fixture
def camera() -> Camera:
    return Camera(moving_camera(settings=CameraSettings(forward=True)))


def call_of(camera: Camera) -> NvrCall:
    call = camera.commands[-1]
    assert isinstance(call, NvrCall)
    return call


def settings(inner: str) -> str:
    return f"{SOURCE}<timg:ImagingSettings>{inner}</timg:ImagingSettings>"


def focus(inner: str) -> str:
    return f"{SOURCE}<timg:Focus>{inner}</timg:Focus>"


OPERATIONS: list[tuple[str, str, Any]] = [
    ("tds:GetServices", "<tds:IncludeCapability>true</tds:IncludeCapability>", None),
    ("tds:GetCapabilities", "", None),
    ("timg:GetServiceCapabilities", "", None),
    ("timg:GetImagingSettings", SOURCE, TOLD),
    ("timg:GetImagingSettings", SOURCE, None),
    ("timg:GetOptions", SOURCE, None),
    ("timg:GetMoveOptions", SOURCE, None),
    ("timg:GetStatus", SOURCE, {"FocusStatus20": {"Position": 0.5, "MoveStatus": "MOVING"}}),
    ("timg:GetStatus", SOURCE, {"FocusStatus20": {"Position": 1, "MoveStatus": None}}),
    ("timg:GetStatus", SOURCE, {"FocusStatus20": {"Position": math.nan, "MoveStatus": "IDLE"}}),
    ("timg:GetStatus", SOURCE, None),
    ("timg:SetImagingSettings", settings("<tt:Brightness>1</tt:Brightness>"), None),
    ("timg:Move", focus("<tt:Continuous><tt:Speed>0.5</tt:Speed></tt:Continuous>"), None),
    ("timg:Stop", SOURCE, None),
]


@pytest.mark.parametrize(("operation", "content", "result"), OPERATIONS)
def test_every_answer_is_valid_and_hides_the_nvr(
    operation: str, content: str, result: object, camera: Camera, validator: Validator
) -> None:
    camera.results = [result]
    reply = camera.ask(operation, content)
    assert reply.ok, reply.body
    validator.body(reply.body)
    assert b"Nvr" not in reply.body
    if camera.commands:
        assert call_of(camera).parameters["VideoSourceToken"] == "NvrSource7"


@pytest.mark.parametrize(
    "imaging",
    [
        ImagingFeatures(levels=(("Brightness", Span(0, 255)),)),
        ImagingFeatures(levels=(("WideDynamicRange/Level", Span(0, 1)), ("Focus/NearLimit", Span(0, 1)))),
        ImagingFeatures(modes=(("WhiteBalance/Mode", ("AUTO",)),), levels=(("WhiteBalance/CrGain", Span(0, 1)),)),
        ImagingFeatures(focus_move=(("Continuous", Span(-7, 7)),)),
    ],
)
def test_answers_of_simple_cameras_are_valid_too(imaging: ImagingFeatures, validator: Validator) -> None:
    camera = Camera(moving_camera(None, imaging))
    for operation, content, result in OPERATIONS:
        camera.results = [result]
        validator.body(camera.ask(operation, content).body)


def test_settings_are_told_as_far_as_they_are_offered(camera: Camera) -> None:
    camera.results = [TOLD]
    shown = body_of(camera.ask("timg:GetImagingSettings", SOURCE))[0]
    names = [child.tag.rpartition("}")[2] for child in shown]
    assert names == ["Brightness", "Contrast", "Exposure", "Focus", "IrCutFilter", "WideDynamicRange"]
    assert [child.text for child in shown[5]] == ["ON", "30"]
    assert [child.tag for child in shown[2]] == [clark("tt:Mode")]


def test_settings_reach_the_nvr(camera: Camera) -> None:
    wanted = (
        "<tt:Brightness>70.5</tt:Brightness><tt:IrCutFilter>ON</tt:IrCutFilter>"
        "<tt:WideDynamicRange><tt:Mode>ON</tt:Mode><tt:Level>20</tt:Level></tt:WideDynamicRange>"
    )
    content = f"{settings(wanted)}<timg:ForcePersistence>true</timg:ForcePersistence>"
    assert camera.ask("timg:SetImagingSettings", content).ok
    assert call_of(camera).parameters == {
        "VideoSourceToken": "NvrSource7",
        "ImagingSettings": {
            "Brightness": 70.5,
            "IrCutFilter": "ON",
            "WideDynamicRange": {"Mode": "ON", "Level": 20.0},
        },
        "ForcePersistence": True,
    }


def test_without_the_operators_leave_nothing_is_set() -> None:
    camera = Camera(moving_camera())
    reply = camera.ask("timg:SetImagingSettings", settings("<tt:Brightness>1</tt:Brightness>"))
    code, subcodes, reason = fault_of(reply)
    assert (code, subcodes) == ("env:Receiver", ["ter:ActionNotSupported"])
    assert "cannot be changed over ONVIF" in reason
    assert not camera.commands


@pytest.mark.parametrize(
    ("operation", "content", "subcode"),
    [
        ("SetImagingSettings", settings("<tt:Brightness>101</tt:Brightness>"), "ter:SettingsInvalid"),
        ("SetImagingSettings", settings("<tt:Brightness>bright</tt:Brightness>"), "ter:SettingsInvalid"),
        ("SetImagingSettings", settings("<tt:Brightness>NaN</tt:Brightness>"), "ter:SettingsInvalid"),
        ("SetImagingSettings", settings("<tt:IrCutFilter>SOMETIMES</tt:IrCutFilter>"), "ter:SettingsInvalid"),
        ("SetImagingSettings", settings("<tt:Sharpness>1</tt:Sharpness>"), "ter:SettingsInvalid"),
        (
            "SetImagingSettings",
            settings("<tt:WideDynamicRange><tt:Level>1</tt:Level></tt:WideDynamicRange>"),
            "ter:SettingsInvalid",
        ),
        ("SetImagingSettings", settings(""), "ter:SettingsInvalid"),
        ("SetImagingSettings", SOURCE, "ter:SettingsInvalid"),
        ("GetOptions", "<timg:VideoSourceToken>NvrSource7</timg:VideoSourceToken>", "ter:NoSource"),
        ("GetStatus", "<timg:VideoSourceToken>other</timg:VideoSourceToken>", "ter:NoSource"),
        ("GetMoveOptions", "", "ter:InvalidArgs"),
        ("Move", SOURCE, "ter:InvalidArgs"),
        ("Move", focus(""), "ter:InvalidArgs"),
        ("Move", focus("<tt:Absolute><tt:Position>7</tt:Position></tt:Absolute>"), "ter:SettingsInvalid"),
    ],
)
def test_what_cannot_be_done_is_refused(
    operation: str, content: str, subcode: str, camera: Camera, validator: Validator
) -> None:
    reply = camera.ask(f"timg:{operation}", content)
    validator.body(reply.body)
    generic = [] if subcode == "ter:InvalidArgs" else ["ter:InvalidArgVal"]
    assert fault_of(reply)[:2] == ("env:Sender", [*generic, subcode])
    assert not camera.commands


def test_focus_moves_and_stops(camera: Camera) -> None:
    speed = "<tt:Absolute><tt:Position>0.25</tt:Position><tt:Speed>1</tt:Speed></tt:Absolute>"
    assert camera.ask("timg:Move", focus(speed)).ok
    assert call_of(camera).parameters["Focus"] == {"Absolute": {"Position": 0.25, "Speed": 1.0}}
    assert call_of(camera).ends_motion
    assert camera.ask("timg:Move", focus("<tt:Continuous><tt:Speed>-0.5</tt:Speed></tt:Continuous>")).ok
    call = call_of(camera)
    assert call.parameters["Focus"] == {"Continuous": {"Speed": -0.5}}
    assert call.stop is not None
    assert (call.stop.operation, call.stop_after_s) == ("Stop", 10.0)
    assert camera.ask("timg:Move", focus("<tt:Continuous><tt:Speed>0</tt:Speed></tt:Continuous>")).ok
    assert call_of(camera).operation == "Stop"


def test_a_camera_without_focus_moves_says_so() -> None:
    camera = Camera(moving_camera(None, ImagingFeatures(levels=IMAGING.levels)))
    reply = camera.ask("timg:Move", focus("<tt:Continuous><tt:Speed>1</tt:Speed></tt:Continuous>"))
    assert fault_of(reply)[1] == ["ter:ActionNotSupported"]
    assert camera.ask("timg:Stop", SOURCE).ok
    assert camera.ask("timg:GetStatus", SOURCE).ok
    assert not camera.commands
    assert texts(camera.ask("timg:GetOptions", SOURCE), "tt:Max") == ["100", "100"]

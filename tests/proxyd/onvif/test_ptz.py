"""The PTZ service: valid answers, what reaches the NVR, and what is refused with the fault of the specification."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from proxyd.camera.commands import NvrCall
from proxyd.camera.features import PtzFeatures, Span
from proxyd.onvif.namespaces import clark
from proxyd.onvif.services.ptz_presets import preset_token

from .builders import SPECS, Camera, body_of, fault_of, texts
from .optics import FOV, PAN_TILT, PTZ, ZOOM, moving_camera
from .schemas import Validator

PROFILE = "<tptz:ProfileToken>main</tptz:ProfileToken>"
MOVE = '<tptz:Velocity><tt:PanTilt x="0.5" y="-0.25"/><tt:Zoom x="0.1"/></tptz:Velocity>'
STATUS = {
    "Position": {
        "PanTilt": {"x": 0.25, "y": -1.0, "space": PAN_TILT + "PositionGenericSpace"},
        "Zoom": {"x": 0.5, "space": "http://192.0.2.9/own"},
    },
    "MoveStatus": {"PanTilt": "MOVING", "Zoom": "IDLE"},
    "UtcTime": None,
}
PRESETS = [
    {"Name": "Gate", "token": "NvrPreset1", "PTZPosition": STATUS["Position"]},
    {"Name": "", "token": "NvrPreset2", "PTZPosition": None},
    {"Name": "no token", "token": None},
]


@pytest.fixture
def camera() -> Camera:
    return Camera(moving_camera())


def call_of(camera: Camera) -> NvrCall:
    """The last call to the NVR."""
    call = camera.commands[-1]
    assert isinstance(call, NvrCall)
    return call


def move(camera: Camera, operation: str, content: str, profile: str = PROFILE) -> dict[str, Any]:
    """What the NVR is told."""
    reply = camera.ask(f"tptz:{operation}", profile + content)
    assert reply.ok, reply.body
    assert call_of(camera).operation == operation
    return dict(call_of(camera).parameters)


def test_it_is_announced_only_where_it_is(camera: Camera) -> None:
    def announced(one: Camera) -> list[bool]:
        return [
            any("ptz_service" in text for text in texts(one.ask("tds:GetServices"), "tds:XAddr")),
            bool(body_of(one.ask("tds:GetCapabilities")).findall(f".//{clark('tt:PTZ')}")),
            bool(body_of(one.ask("trt:GetProfiles")).findall(f".//{clark('tt:PTZConfiguration')}")),
            bool(body_of(one.ask("tr2:GetProfiles", "<tr2:Type>PTZ</tr2:Type>")).findall(f".//{clark('tr2:PTZ')}")),
            one.ask("tptz:GetNodes").ok,
        ]

    assert announced(camera) == [True] * 5
    fixed = Camera(SPECS["two H.264 streams"])
    assert announced(fixed) == [False] * 5
    assert fault_of(fixed.ask("tptz:GetNodes"))[1] == ["ter:ActionNotSupported", "ter:NoSuchService"]


OPERATIONS = [
    ("tds:GetServices", "<tds:IncludeCapability>true</tds:IncludeCapability>", None),
    ("tds:GetCapabilities", "", None),
    ("trt:GetProfiles", "", None),
    ("tr2:GetProfiles", "<tr2:Type>All</tr2:Type>", None),
    ("tr2:GetServiceCapabilities", "", None),
    ("tptz:GetServiceCapabilities", "", None),
    ("tptz:GetNodes", "", None),
    ("tptz:GetNode", "<tptz:NodeToken>ptz_node</tptz:NodeToken>", None),
    ("tptz:GetConfigurations", "", None),
    ("tptz:GetConfiguration", "<tptz:PTZConfigurationToken>ptz_config</tptz:PTZConfigurationToken>", None),
    ("tptz:GetConfigurationOptions", "<tptz:ConfigurationToken>ptz_config</tptz:ConfigurationToken>", None),
    ("tptz:GetCompatibleConfigurations", PROFILE, None),
    ("tptz:GetStatus", PROFILE, STATUS),
    ("tptz:GetStatus", PROFILE, None),
    ("tptz:GetStatus", PROFILE, {"Position": {"PanTilt": {"x": "NaN", "y": 1}}, "MoveStatus": {"Zoom": "LOST"}}),
    ("tptz:ContinuousMove", PROFILE + MOVE, None),
    ("tptz:Stop", PROFILE, None),
    ("tptz:Stop", f"{PROFILE}<tptz:PanTilt>0</tptz:PanTilt><tptz:Zoom>false</tptz:Zoom>", None),
    ("tptz:RelativeMove", f'{PROFILE}<tptz:Translation><tt:Zoom x="-0.1"/></tptz:Translation>', None),
    ("tptz:AbsoluteMove", f'{PROFILE}<tptz:Position><tt:PanTilt x="1" y="-1"/></tptz:Position>', None),
    ("tptz:GotoHomePosition", PROFILE, None),
    ("tptz:SetHomePosition", PROFILE, None),
    ("tptz:GetPresets", PROFILE, PRESETS),
    ("tptz:GetPresets", PROFILE, None),
    ("tptz:SetPreset", PROFILE, "NvrPreset3"),
    ("tptz:SendAuxiliaryCommand", f"{PROFILE}<tptz:AuxiliaryData>tt:Wiper|On</tptz:AuxiliaryData>", None),
]


@pytest.mark.parametrize(("operation", "content", "result"), OPERATIONS)
def test_every_answer_is_valid_and_hides_the_nvr(
    operation: str, content: str, result: object, camera: Camera, validator: Validator
) -> None:
    camera.results = [result]
    reply = camera.ask(operation, content)
    assert reply.ok, reply.body
    validator.body(reply.body)
    for secret in (b"Nvr", b"192.0.2.9", b"C7", b"N7"):
        assert secret not in reply.body


@pytest.mark.parametrize(
    "ptz",
    [
        PtzFeatures(home=True),
        PtzFeatures(presets=1),
        PtzFeatures(continuous_zoom=PTZ.continuous_zoom, timeout_s=Span(0.5, 2.5)),
        PtzFeatures(absolute_zoom=PTZ.absolute_zoom),
    ],
)
def test_answers_of_simple_cameras_are_valid_too(ptz: PtzFeatures, validator: Validator) -> None:
    camera = Camera(moving_camera(ptz))
    for operation, content, result in OPERATIONS:
        camera.results = [result]
        validator.body(camera.ask(operation, content).body)


def test_operations_that_are_not_there_are_refused_in_words(camera: Camera, validator: Validator) -> None:
    for name in ("GetPresetTours", "CreatePresetTour", "OperatePresetTour", "GeoMove", "SetConfiguration"):
        reply = camera.ask(f"tptz:{name}", PROFILE)
        validator.body(reply.body)
        code, subcodes, reason = fault_of(reply)
        assert (code, subcodes) == ("env:Receiver", ["ter:ActionNotSupported"])
        assert "not implemented" in reason


def test_spaces_are_told_with_the_one_for_tracking(camera: Camera) -> None:
    """Frigate follows objects with it."""
    found = texts(camera.ask("tptz:GetNodes"), "tt:URI")
    assert FOV in found
    assert PAN_TILT + "VelocityGenericSpace" in found
    default = texts(camera.ask("tptz:GetConfigurations"), "tt:DefaultRelativePanTiltTranslationSpace")
    assert default == [PAN_TILT + "TranslationGenericSpace"]
    capabilities = body_of(camera.ask("tptz:GetServiceCapabilities"))[0]
    assert (capabilities.get("MoveStatus"), capabilities.get("StatusPosition")) == ("true", "true")


def test_a_continuous_move_reaches_the_channels_own_profile_and_is_stopped(camera: Camera) -> None:
    for profile in ("main", "sub"):
        told = move(camera, "ContinuousMove", MOVE, f"<tptz:ProfileToken>{profile}</tptz:ProfileToken>")
        assert told == {
            "ProfileToken": "NvrProfile7",
            "Velocity": {"PanTilt": {"x": 0.5, "y": -0.25}, "Zoom": {"x": 0.1}},
            "Timeout": timedelta(seconds=10),
        }
    call = call_of(camera)
    assert call.stop_after_s == 10
    assert call.stop == NvrCall(
        "ptz", "Stop", {"ProfileToken": "NvrProfile7", "PanTilt": True, "Zoom": True}, ends_motion=True
    )


@pytest.mark.parametrize(("text", "told_s", "stopped_s"), [("PT5S", 5, 5), ("PT0.4S", 1, 0.4), ("PT1M", 60, 60)])
def test_its_timeout_is_kept_whatever_the_nvr_can(camera: Camera, text: str, told_s: float, stopped_s: float) -> None:
    told = move(camera, "ContinuousMove", f"{MOVE}<tptz:Timeout>{text}</tptz:Timeout>")
    assert told["Timeout"] == timedelta(seconds=told_s)
    assert call_of(camera).stop_after_s == stopped_s


def test_a_move_at_speed_zero_is_a_stop(camera: Camera) -> None:
    for vector, pan_tilt, zoom in (
        ('<tt:PanTilt x="0" y="0"/><tt:Zoom x="0"/>', True, True),
        ('<tt:PanTilt x="0" y="0"/>', True, False),
        ('<tt:Zoom x="0"/>', False, True),
    ):
        assert camera.ask("tptz:ContinuousMove", f"{PROFILE}<tptz:Velocity>{vector}</tptz:Velocity>").ok
        call = call_of(camera)
        assert call.operation == "Stop"
        assert (call.parameters["PanTilt"], call.parameters["Zoom"]) == (pan_tilt, zoom)
        assert call.ends_motion == (pan_tilt and zoom)


def test_a_joystick_that_sends_all_directions_moves_a_camera_that_has_but_one() -> None:
    camera = Camera(moving_camera(replace(PTZ, continuous_pan_tilt=())))
    vector = '<tt:PanTilt x="0" y="0"/><tt:Zoom x="0.5"/>'
    assert move(camera, "ContinuousMove", f"<tptz:Velocity>{vector}</tptz:Velocity>")["Velocity"] == {
        "Zoom": {"x": 0.5}
    }


def test_spaces_and_speeds_go_along(camera: Camera) -> None:
    content = (
        f'<tptz:Translation><tt:PanTilt x="0.1" y="0" space="{FOV}"/></tptz:Translation>'
        f'<tptz:Speed><tt:PanTilt x="0.5" y="0.5" space="{PAN_TILT}GenericSpeedSpace"/><tt:Zoom x="1"/></tptz:Speed>'
    )
    assert move(camera, "RelativeMove", content) == {
        "ProfileToken": "NvrProfile7",
        "Translation": {"PanTilt": {"x": 0.1, "y": 0.0, "space": FOV}},
        "Speed": {"PanTilt": {"x": 0.5, "y": 0.5, "space": PAN_TILT + "GenericSpeedSpace"}, "Zoom": {"x": 1.0}},
    }
    assert not call_of(camera).ends_motion, "a zoom that is under way goes on"
    told = move(camera, "AbsoluteMove", '<tptz:Position><tt:PanTilt x="1.00001" y="-1"/></tptz:Position>')
    assert told["Position"] == {"PanTilt": {"x": 1.0, "y": -1.0}}, "rounding of a client is no offence"
    move(camera, "AbsoluteMove", '<tptz:Position><tt:PanTilt x="0" y="0"/><tt:Zoom x="0"/></tptz:Position>')
    assert call_of(camera).ends_motion


def test_without_speeds_of_its_own_a_camera_moves_at_its_only_one() -> None:
    camera = Camera(moving_camera(replace(PTZ, pan_tilt_speed=(), zoom_speed=())))
    assert "Speed" not in move(camera, "GotoHomePosition", '<tptz:Speed><tt:Zoom x="0.5"/></tptz:Speed>')


def _velocity(inner: str) -> str:
    return f"{PROFILE}<tptz:Velocity>{inner}</tptz:Velocity>"


@pytest.mark.parametrize(
    ("operation", "content", "subcode"),
    [
        ("ContinuousMove", MOVE, "ter:InvalidArgs"),
        ("ContinuousMove", f"<tptz:ProfileToken>other</tptz:ProfileToken>{MOVE}", "ter:NoProfile"),
        ("ContinuousMove", PROFILE, "ter:InvalidArgs"),
        ("ContinuousMove", _velocity(""), "ter:InvalidArgs"),
        ("ContinuousMove", _velocity('<tt:PanTilt x="1.5" y="0"/>'), "ter:InvalidVelocity"),
        ("ContinuousMove", _velocity('<tt:PanTilt x="NaN" y="0"/>'), "ter:InvalidVelocity"),
        ("ContinuousMove", _velocity('<tt:PanTilt x="1"/>'), "ter:InvalidVelocity"),
        ("ContinuousMove", _velocity('<tt:Zoom x="left"/>'), "ter:InvalidVelocity"),
        ("ContinuousMove", _velocity(f'<tt:Zoom x="1" space="{FOV}"/>'), "ter:SpaceNotSupported"),
        ("ContinuousMove", f"{PROFILE}{MOVE}<tptz:Timeout>PT0S</tptz:Timeout>", "ter:TimeoutNotSupported"),
        ("ContinuousMove", f"{PROFILE}{MOVE}<tptz:Timeout>PT1H</tptz:Timeout>", "ter:TimeoutNotSupported"),
        ("ContinuousMove", f"{PROFILE}{MOVE}<tptz:Timeout>soon</tptz:Timeout>", "ter:TimeoutNotSupported"),
        (
            "RelativeMove",
            f'{PROFILE}<tptz:Translation><tt:Zoom x="2"/></tptz:Translation>',
            "ter:InvalidTranslation",
        ),
        (
            "AbsoluteMove",
            f'{PROFILE}<tptz:Position><tt:Zoom x="-0.5"/></tptz:Position>',
            "ter:InvalidPosition",
        ),
        (
            "AbsoluteMove",
            f'{PROFILE}<tptz:Position><tt:Zoom x="0"/></tptz:Position><tptz:Speed><tt:Zoom x="7"/></tptz:Speed>',
            "ter:InvalidSpeed",
        ),
        ("GetStatus", "<tptz:ProfileToken>other</tptz:ProfileToken>", "ter:NoProfile"),
        ("GetNode", "<tptz:NodeToken>other</tptz:NodeToken>", "ter:NoEntity"),
        ("GetConfiguration", "<tptz:PTZConfigurationToken>C7</tptz:PTZConfigurationToken>", "ter:NoConfig"),
        ("GotoPreset", f"{PROFILE}<tptz:PresetToken>NvrPreset1</tptz:PresetToken>", "ter:NoToken"),
        ("RemovePreset", f"{PROFILE}<tptz:PresetToken>other</tptz:PresetToken>", "ter:NoToken"),
        ("SetPreset", f"{PROFILE}<tptz:PresetName>{'x' * 65}</tptz:PresetName>", "ter:InvalidPresetName"),
        ("SetPreset", f"{PROFILE}<tptz:PresetToken>other</tptz:PresetToken>", "ter:NoToken"),
    ],
)
def test_what_cannot_be_done_is_refused_as_the_specification_says(
    operation: str, content: str, subcode: str, camera: Camera, validator: Validator
) -> None:
    camera.results = [PRESETS]
    reply = camera.ask(f"tptz:{operation}", content)
    validator.body(reply.body)
    generic = [] if subcode == "ter:InvalidArgs" else ["ter:InvalidArgVal"]
    assert fault_of(reply)[:2] == ("env:Sender", [*generic, subcode])
    assert all(call.operation == "GetPresets" for call in camera.commands if isinstance(call, NvrCall))


def test_a_camera_without_home_or_presets_says_so() -> None:
    camera = Camera(moving_camera(replace(PTZ, home=False, presets=0, auxiliary=())))
    assert fault_of(camera.ask("tptz:GotoHomePosition", PROFILE))[1][-1] == "ter:NoHomePosition"
    assert fault_of(camera.ask("tptz:SetHomePosition", PROFILE))[1] == ["ter:Action", "ter:CannotOverwriteHome"]
    assert camera.ask("tptz:GetPresets", PROFILE).ok
    for operation in ("SetPreset", "GotoPreset", "RemovePreset", "SendAuxiliaryCommand"):
        content = f"{PROFILE}<tptz:AuxiliaryData>x</tptz:AuxiliaryData>"
        assert fault_of(camera.ask(f"tptz:{operation}", content))[1] == ["ter:ActionNotSupported"]
    assert not camera.commands


def test_status_is_told_in_our_time_and_words(camera: Camera) -> None:
    camera.results = [STATUS]
    reply = camera.ask("tptz:GetStatus", PROFILE)
    position = body_of(reply).find(f".//{clark('tt:Position')}")
    assert position is not None
    assert dict(position[0].items()) == {"x": "0.25", "y": "-1", "space": PAN_TILT + "PositionGenericSpace"}
    assert dict(position[1].items()) == {"x": "0.5"}, "a vendor's own space is not passed on"
    assert (texts(reply, "tt:PanTilt")[1], texts(reply, "tt:Zoom")[1]) == ("MOVING", "IDLE")
    assert texts(reply, "tt:UtcTime") == ["2026-11-22T11:30:05.000Z"]
    camera.results = [{"MoveStatus": None}]
    reply = camera.ask("tptz:GetStatus", PROFILE)
    assert texts(reply, "tt:PanTilt") == ["UNKNOWN"]
    assert texts(reply, "tt:Error")


def test_presets_have_tokens_of_our_own_that_never_change(camera: Camera) -> None:
    camera.results = [PRESETS]
    reply = camera.ask("tptz:GetPresets", PROFILE)
    tokens = [preset.get("token") for preset in body_of(reply)]
    assert tokens == [preset_token(camera.spec, "NvrPreset1"), preset_token(camera.spec, "NvrPreset2")]
    assert tokens == [preset_token(moving_camera(), f"NvrPreset{n}") for n in (1, 2)]
    assert texts(reply, "tt:Name") == ["Gate"]
    for operation, more in (("GotoPreset", {}), ("RemovePreset", {}), ("SetPreset", {"PresetName": "Door"})):
        camera.results = [PRESETS, "NvrPreset2"]
        name = "<tptz:PresetName>Door</tptz:PresetName>" if more else ""
        content = f"{name}<tptz:PresetToken>{tokens[1]}</tptz:PresetToken>"
        told = move(camera, operation, content)
        assert told == {"ProfileToken": "NvrProfile7", "PresetToken": "NvrPreset2", **more}
    camera.results = ["NvrPreset9"]
    made = texts(camera.ask("tptz:SetPreset", PROFILE), "tptz:PresetToken")
    assert made == [preset_token(camera.spec, "NvrPreset9")]
    camera.results = [None]
    assert fault_of(camera.ask("tptz:SetPreset", PROFILE))[1] == ["ter:Action"]


def test_zoom_and_pan_are_told_apart_in_what_they_span(camera: Camera) -> None:
    limits = body_of(camera.ask("tptz:GetConfigurations")).find(f".//{clark('tt:ZoomLimits')}/{clark('tt:Range')}")
    assert limits is not None
    assert [child.tag for child in limits] == [clark("tt:URI"), clark("tt:XRange")]
    assert limits[0].text == ZOOM + "PositionGenericSpace"

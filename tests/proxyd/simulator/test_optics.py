"""PTZ and imaging of the simulated NVR: valid answers, and the camera that was meant moves as it was told."""

from __future__ import annotations

import pytest

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.optics import Optics, PanTiltZoom
from tests.proxyd.onvif.schemas import Validator
from tests.proxyd.simulator.onvif_requests import OnvifRequests

WITH_PTZ = [name for name, dialect in DIALECTS.items() if dialect.ptz]
_P = "<tptz:ProfileToken>{profile}</tptz:ProfileToken>"
_S = "<timg:VideoSourceToken>{source}</timg:VideoSourceToken>"
_VECTOR = '<tt:PanTilt x="0.5" y="-0.25"/><tt:Zoom x="0.5"/>'
PTZ_OPERATIONS = [
    ("GetServiceCapabilities", ""),
    ("GetNodes", ""),
    ("GetNode", "<tptz:NodeToken>{node}</tptz:NodeToken>"),
    ("GetNode", "<tptz:NodeToken>none</tptz:NodeToken>"),
    ("GetConfigurations", ""),
    ("GetConfiguration", "<tptz:PTZConfigurationToken>{configuration}</tptz:PTZConfigurationToken>"),
    ("GetConfigurationOptions", "<tptz:ConfigurationToken>{configuration}</tptz:ConfigurationToken>"),
    ("GetStatus", _P),
    ("SetPreset", f"{_P}<tptz:PresetName>Gate</tptz:PresetName>"),
    ("GetPresets", _P),
    ("ContinuousMove", f"{_P}<tptz:Velocity>{_VECTOR}</tptz:Velocity><tptz:Timeout>PT2S</tptz:Timeout>"),
    ("Stop", f"{_P}<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>false</tptz:Zoom>"),
    ("Stop", _P),
    ("RelativeMove", f"{_P}<tptz:Translation>{_VECTOR}</tptz:Translation>"),
    ("AbsoluteMove", f"{_P}<tptz:Position>{_VECTOR}</tptz:Position>"),
    ("SetHomePosition", _P),
    ("GotoHomePosition", _P),
    ("GotoPreset", f"{_P}<tptz:PresetToken>1</tptz:PresetToken>"),
    ("RemovePreset", f"{_P}<tptz:PresetToken>1</tptz:PresetToken>"),
    ("SendAuxiliaryCommand", f"{_P}<tptz:AuxiliaryData>tt:Wiper|On</tptz:AuxiliaryData>"),
]
IMAGING_OPERATIONS = [
    ("GetServiceCapabilities", ""),
    ("GetImagingSettings", _S),
    ("GetOptions", _S),
    ("GetMoveOptions", _S),
    ("SetImagingSettings", f"{_S}<timg:ImagingSettings><tt:Brightness>70</tt:Brightness></timg:ImagingSettings>"),
    ("Move", f"{_S}<timg:Focus><tt:Continuous><tt:Speed>0.5</tt:Speed></tt:Continuous></timg:Focus>"),
    ("GetStatus", _S),
    ("Stop", _S),
]


@pytest.mark.usefixtures("shared_data")  # only the official schemas are sure to know all of it
@pytest.mark.parametrize("dialect", WITH_PTZ)
async def test_answers_are_valid_and_only_the_camera_asked_for_moves(dialect: str, validator: Validator) -> None:
    async with SimulatedNvr(channels=4, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        profile = next(p for p in nvr.layout.profiles if p.channel == 4 and p.media.name == "main")
        names = {
            "profile": profile.token,
            "source": profile.listed_source,
            "node": "PTZNode004",
            "configuration": "PTZToken004",
        }
        for prefix, operations in (("tptz", PTZ_OPERATIONS), ("timg", IMAGING_OPERATIONS)):
            for name, content in operations:
                reply = await onvif.call(f"{prefix}:{name}", content.format(**names))
                validator.body(reply.text.encode())
                assert (reply.status == 200) == (">none<" not in content), (name, reply.text)
        assert set(nvr.optics.state()) == {"4"}
        camera = nvr.optics.movable(4)
        assert camera.presets == {}
        assert [done for done in camera.done if not done.startswith("Goto")] == [
            "SetPreset 1",
            "ContinuousMove pan=0.5 tilt=-0.25 zoom=0.5",
            "Stop pan tilt",
            "Stop",
            "RelativeMove pan=0.5 tilt=-0.25 zoom=0.5",
            "AbsoluteMove pan=0.5 tilt=-0.25 zoom=0.5",
            "SetHomePosition",
            "RemovePreset 1",
            "SendAuxiliaryCommand tt:Wiper|On",
        ]
        assert [done.split()[0] for done in camera.done if done.startswith("Goto")] == [
            "GotoHomePosition",
            "GotoPreset",
        ]
        assert list(nvr.optics.picture(4).done) == ["SetImagingSettings Brightness=70", "Move Continuous=0.5", "Stop"]


@pytest.mark.parametrize("dialect", WITH_PTZ)
async def test_fixed_cameras_have_no_ptz(dialect: str) -> None:
    async with SimulatedNvr(channels=3, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        fixed = next(p for p in nvr.layout.profiles if p.channel == 3)
        reply = await onvif.call("tptz:GetStatus", _P.format(profile=fixed.token))
        assert reply.subcodes == ["InvalidArgVal", "NoPTZProfile"]
        profiles = await onvif.call("trt:GetProfiles")
        style = DIALECTS[dialect].ptz
        assert style is not None
        moving = sum(style.moves(channel) for channel in (1, 2, 3))
        assert len(profiles.texts("tt:NodeToken")) == moving * (1 if style.main_only else 2)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_movement_follows_the_clock() -> None:
    clock = Clock()
    camera = PanTiltZoom(clock, obeys_timeout=True)
    camera.run({"pan": 0.5, "zoom": 1.0}, 1.0)
    clock.now += 0.5
    assert camera.position == pytest.approx((0.25, 0.0, 0.5))
    assert camera.moving()
    assert not camera.moving("tilt")
    clock.now += 10
    assert camera.position == pytest.approx((0.5, 0.0, 1.0))
    assert not camera.moving()
    camera.go({"pan": -0.5})
    assert camera.moving("pan")
    clock.now += 0.25
    camera.stop()
    assert camera.position == pytest.approx((0.25, 0.0, 1.0))
    camera.shift({"pan": 5.0})
    clock.now += 10
    assert camera.position[0] == 1.0


def test_a_device_that_ignores_timeouts_moves_on_until_it_is_stopped_or_switched_off() -> None:
    clock = Clock()
    optics = Optics(clock)
    camera = optics.movable(1, obeys_timeout=False)
    camera.run({"tilt": 0.001}, 1.0)
    clock.now += 60
    assert camera.moving()
    optics.halt()
    assert not camera.moving()
    assert camera.position == pytest.approx((0.0, 0.06, 0.0))

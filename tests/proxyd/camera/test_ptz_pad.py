"""The buttons for people: which call each makes, and what is said when a camera cannot do it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from proxyd.api.ptz import CameraPtz
from proxyd.camera.commands import LookUp, NvrCall
from proxyd.camera.features import PtzFeatures, PtzSpace, Span
from proxyd.camera.ptz_pad import pad_call, preset_names, presets_call
from proxyd.errors import Conflict, NotFound
from tests.proxyd.onvif.optics import PTZ, moving_camera


def press(action: str, ptz: PtzFeatures | None = PTZ, **more: Any) -> NvrCall:
    call = pad_call(moving_camera(ptz), CameraPtz.model_validate({"id": 3, "action": action, **more}))
    assert isinstance(call, NvrCall)
    assert call.parameters["ProfileToken"] == "NvrProfile7"
    return call


@pytest.mark.parametrize(
    ("action", "velocity"),
    [
        ("left", {"PanTilt": {"x": -0.5, "y": 0.0}}),
        ("right", {"PanTilt": {"x": 0.5, "y": 0.0}}),
        ("up", {"PanTilt": {"x": 0.0, "y": 0.5}}),
        ("down", {"PanTilt": {"x": 0.0, "y": -0.5}}),
        ("in", {"Zoom": {"x": 0.5}}),
        ("out", {"Zoom": {"x": -0.5}}),
    ],
)
def test_each_direction(action: str, velocity: dict[str, Any]) -> None:
    call = press(action)
    assert (call.operation, call.parameters["Velocity"]) == ("ContinuousMove", velocity)
    assert call.stop is not None
    assert call.stop_after_s == 1.0


def test_time_and_speed_are_the_callers() -> None:
    call = press("left", seconds=0.25, speed=1.0)
    assert call.stop_after_s == 0.25
    assert call.parameters["Timeout"] == timedelta(seconds=1), "the shortest that the NVR takes; we stop it sooner"
    assert call.parameters["Velocity"]["PanTilt"]["x"] == -1.0


def test_the_range_of_the_space_counts() -> None:
    wide = replace(PTZ, continuous_pan_tilt=(PtzSpace("u", Span(-100, 50), Span(0, 10)),))
    assert press("left", wide).parameters["Velocity"] == {"PanTilt": {"x": -50.0, "y": 0.0}}
    assert press("right", wide).parameters["Velocity"] == {"PanTilt": {"x": 25.0, "y": 0.0}}
    assert press("down", wide).parameters["Velocity"] == {"PanTilt": {"x": 0.0, "y": 0.0}}


def test_a_camera_that_only_makes_steps_makes_one() -> None:
    call = press("up", replace(PTZ, continuous_pan_tilt=()), seconds=10, speed=1.0)
    assert (call.operation, call.parameters["Translation"]) == ("RelativeMove", {"PanTilt": {"x": 0.0, "y": 1.0}})
    call = press("out", replace(PTZ, continuous_zoom=()))
    assert call.parameters["Translation"] == {"Zoom": {"x": pytest.approx(-0.1)}}


def test_stop_and_home() -> None:
    assert press("stop").ends_motion
    assert press("home").operation == "GotoHomePosition"


def test_a_preset_is_found_by_its_name() -> None:
    wanted = CameraPtz(id=3, action="preset", preset="gate")
    call = pad_call(moving_camera(), wanted)
    assert isinstance(call, LookUp)
    assert call.first.operation == "GetPresets"
    presets = [{"token": "1", "Name": "Door"}, {"token": "2", "Name": " Gate "}, {"token": "3", "Name": None}]
    second = call.then(presets)
    assert (second.operation, second.parameters["PresetToken"], second.ends_motion) == ("GotoPreset", "2", True)
    with pytest.raises(NotFound, match="It has Door"):
        call.then(presets[:1])
    with pytest.raises(NotFound, match="name one on the NVR"):
        call.then(None)


def test_presets_are_listed_by_name() -> None:
    call = presets_call(moving_camera())
    assert (call.operation, call.parameters["ProfileToken"]) == ("GetPresets", "NvrProfile7")
    presets = [{"token": "1", "Name": "Door"}, {"token": "2", "Name": " Gate "}, {"token": "3", "Name": None}]
    assert preset_names([*presets, {"token": "4", "Name": "Door"}, {"Name": "No token"}, 5]) == ["Door", "Gate"]
    assert preset_names(None) == []
    with pytest.raises(Conflict, match="no PTZ for channel 3"):
        presets_call(moving_camera(None))


@pytest.mark.parametrize(
    ("action", "ptz", "words"),
    [
        ("left", None, "no PTZ for channel 3"),
        ("left", replace(PTZ, continuous_pan_tilt=(), relative_pan_tilt=()), "cannot pan and tilt"),
        ("in", replace(PTZ, continuous_zoom=(), relative_zoom=()), "cannot zoom"),
        ("home", replace(PTZ, home=False), "no home position"),
    ],
)
def test_what_a_camera_cannot_do_is_said(action: str, ptz: PtzFeatures | None, words: str) -> None:
    with pytest.raises(Conflict, match=words) as caught:
        press(action, ptz)
    assert caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "sideways"},
        {"action": "preset"},
        {"action": "left", "preset": "Gate"},
        {"action": "left", "seconds": 11},
        {"action": "left", "seconds": 0},
        {"action": "left", "speed": 0},
        {"action": "left", "speed": 1.5},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CameraPtz.model_validate({"id": 1, **wrong})

"""What operators hide of a camera, no answer tells; what they do not hide, every service tells alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxyd.camera.settings import CameraSettings
from proxyd.camera.spec import AudioSpec, CameraSpec
from proxyd.camera.told import told
from proxyd.onvif.namespaces import clark

from .builders import ANALYTICS, SPECS, Camera, body_of, camera_spec, fault_of, main_stream, sub_stream, texts
from .schemas import Validator

_NO_H265 = CameraSettings(h265=False)
_SILENT = CameraSettings(audio=False)


def _profiles(camera: Camera, prefix: str) -> list[str]:
    found = body_of(camera.ask(f"{prefix}:GetProfiles")).iter(clark(f"{prefix}:Profiles"))
    return [profile.get("token") or "" for profile in found]


def test_h265_is_hidden_where_there_is_another_codec() -> None:
    camera = Camera(replace(SPECS["H.265 main"], settings=_NO_H265))
    assert _profiles(camera, "trt") == _profiles(camera, "tr2") == ["sub"]
    gone = camera.ask("trt:GetProfile", "<trt:ProfileToken>main</trt:ProfileToken>")
    assert fault_of(gone)[1] == ["ter:InvalidArgVal", "ter:NoProfile"]
    size = [texts(camera.ask("trt:GetVideoSources"), f"tt:{name}") for name in ("Width", "Height")]
    assert size == [["640"], ["360"]]
    assert "H265" not in camera.ask("tr2:GetVideoEncoderConfigurations").body.decode()
    camera.dispatcher.update(replace(camera.spec, settings=CameraSettings()))
    assert _profiles(camera, "tr2") == ["main", "sub"]


def test_h265_alone_is_not_hidden() -> None:
    camera = Camera(replace(SPECS["only H.265"], settings=_NO_H265))
    assert _profiles(camera, "tr2") == ["main"]
    both = camera_spec(streams=(main_stream(codec="H265"), sub_stream(codec="H265")), settings=_NO_H265)
    assert told(both) is both


@pytest.mark.parametrize("name", ["audio", "backchannel"])
def test_hidden_sound_is_in_no_answer(name: str, validator: Validator) -> None:
    spec = SPECS[name]
    with_sound, silent = Camera(spec), Camera(replace(spec, settings=_SILENT))
    lists = [
        *(f"trt:GetAudio{kind}Configurations" for kind in ("Source", "Encoder", "Output", "Decoder")),
        *(f"tr2:GetAudio{kind}Configurations" for kind in ("Source", "Encoder", "Output", "Decoder")),
        "trt:GetAudioSources",
        "trt:GetAudioOutputs",
    ]
    for operation in lists:
        reply = silent.ask(operation)
        validator.body(reply.body)
        assert len(body_of(reply)) == 0, operation
    assert any(len(body_of(with_sound.ask(operation))) for operation in lists)
    for operation, content in (("trt:GetProfiles", ""), ("tr2:GetProfiles", "<tr2:Type>All</tr2:Type>")):
        assert b"Audio" in with_sound.ask(operation, content).body
        assert b"Audio" not in silent.ask(operation, content).body


@pytest.mark.parametrize(
    ("audio", "media", "media2"),
    [
        (AudioSpec("G711", 64, 8), "G711", "PCMU"),
        (AudioSpec("G726", 32, 8), "G726", "G726"),
        (AudioSpec("AAC", 128, 48), "AAC", "MP4A-LATM"),
    ],
)
def test_codecs_of_sound_in_the_words_of_both_services(audio: AudioSpec, media: str, media2: str) -> None:
    camera = Camera(camera_spec(streams=(main_stream(audio=audio),)))
    for prefix, name in (("trt", media), ("tr2", media2)):
        for operation in ("GetAudioEncoderConfigurations", "GetAudioEncoderConfigurationOptions"):
            assert texts(camera.ask(f"{prefix}:{operation}"), "tt:Encoding") == [name]
        told_rate = texts(camera.ask(f"{prefix}:GetAudioEncoderConfigurations"), "tt:SampleRate")
        assert told_rate == [str(audio.sample_rate_khz)]


def _kinds(camera: Camera) -> str:
    element = next(body_of(camera.ask("tr2:GetServiceCapabilities")).iter(clark("tr2:ProfileCapabilities")))
    return element.get("ConfigurationsSupported") or ""


def test_what_a_camera_has_is_said_of_the_service_too() -> None:
    assert _kinds(Camera()) == "VideoSource VideoEncoder AudioSource AudioEncoder"
    assert _kinds(Camera(SPECS["backchannel"])).endswith("AudioOutput AudioDecoder")
    assert _kinds(Camera(SPECS["analytics"])).endswith("Analytics")


def test_the_way_back_is_in_the_profiles_only_where_it_works() -> None:
    camera = Camera(SPECS["backchannel"])
    for operation, content in (("trt:GetProfiles", ""), ("tr2:GetProfiles", "<tr2:Type>All</tr2:Type>")):
        assert texts(camera.ask(operation, content), "tt:OutputToken") == ["audio_output"] * 2
        assert texts(Camera(SPECS["audio"]).ask(operation, content), "tt:OutputToken") == []


def test_rules_are_in_the_profiles_and_in_their_own_service() -> None:
    camera = Camera(SPECS["analytics"])
    token = "<tan:ConfigurationToken>video_analytics_config</tan:ConfigurationToken>"
    rules = body_of(camera.ask("tan:GetRules", token))
    assert [rule.get("Name") for rule in rules] == [rule.name for rule in ANALYTICS.rules]
    profile = body_of(camera.ask("trt:GetProfile", "<trt:ProfileToken>main</trt:ProfileToken>"))
    told_rules = [rule.get("Type") for rule in profile.iter(clark("tt:Rule"))]
    assert told_rules == ["tt:LineDetector", "tt:CellMotionDetector", "tt:LineDetector", "vendor:regionEntrance"]
    assert rules[-1].nsmap["vendor"] == [*profile.iter(clark("tt:Rule"))][-1].nsmap["vendor"] == "urn:vendor:rules"
    supported = body_of(camera.ask("tan:GetSupportedRules", token)).iter(clark("tt:RuleDescription"))
    assert [(kind.get("Name"), kind.nsmap.get("vendor")) for kind in supported] == [
        ("tt:LineDetector", None),
        ("tt:CellMotionDetector", None),
        ("vendor:regionEntrance", "urn:vendor:rules"),
    ]
    modules = body_of(camera.ask("tan:GetAnalyticsModules", token))
    assert [module.get("Type") for module in modules] == ["tt:CellMotionEngine"]
    wrong = camera.ask("tan:GetRules", token.replace("video_", ""))
    assert fault_of(wrong)[1] == ["ter:InvalidArgVal", "ter:NoConfig"]


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("CreateRules", ("env:Receiver", ["ter:Action", "ter:TooManyRules"])),
        ("DeleteRules", ("env:Sender", ["ter:Action", "ter:FixedRules"])),
        ("ModifyRules", ("env:Receiver", ["ter:ActionNotSupported"])),
        ("CreateAnalyticsModules", ("env:Receiver", ["ter:Action", "ter:TooManyModules"])),
        ("DeleteAnalyticsModules", ("env:Sender", ["ter:Action", "ter:FixedModules"])),
        ("ModifyAnalyticsModules", ("env:Receiver", ["ter:ActionNotSupported"])),
    ],
)
def test_rules_stay_as_the_nvr_has_them(operation: str, fault: tuple[str, list[str]], validator: Validator) -> None:
    camera = Camera(SPECS["analytics"])
    reply = camera.ask(f"tan:{operation}", "<tan:ConfigurationToken>video_analytics_config</tan:ConfigurationToken>")
    validator.body(reply.body)
    assert fault_of(reply)[:2] == fault
    if not operation.startswith("Modify"):
        other = camera.ask(f"tan:{operation}", "<tan:ConfigurationToken>other</tan:ConfigurationToken>")
        assert fault_of(other)[1] == ["ter:InvalidArgVal", "ter:NoConfig"]


@pytest.mark.parametrize("spec", [camera_spec(), camera_spec(features=ANALYTICS, streams=())])
def test_analytics_is_a_service_only_of_cameras_that_have_some(spec: CameraSpec) -> None:
    camera = Camera(spec)
    assert b"analytics" not in camera.ask("tds:GetServices").body
    assert fault_of(camera.ask("tan:GetRules"))[1] == ["ter:ActionNotSupported", "ter:NoSuchService"]
    announced = Camera(SPECS["analytics"])
    assert b"/onvif/analytics_service" in announced.ask("tds:GetServices").body
    assert texts(announced.ask("tds:GetCapabilities"), "tt:RuleSupport") == ["true"]

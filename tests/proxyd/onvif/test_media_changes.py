"""What would change profiles and configurations: granted when nothing becomes different, else refused, or forwarded."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import etree

from proxyd.camera.commands import ChangeEncoder, ReadEncoderOptions
from proxyd.camera.encoders import CodecOptions, EncoderOptions, EncoderWish
from proxyd.camera.features import ChannelFeatures, ChannelTokens, Span
from proxyd.camera.settings import CameraSettings
from proxyd.camera.spec import CameraSpec
from proxyd.onvif.exchange import Reply

from .builders import SPECS, Camera, body_of, camera_spec, fault_of, main_stream, sub_stream, texts
from .optics import moving_camera
from .schemas import Validator

_FORWARDING = camera_spec(
    settings=CameraSettings(forward=True),
    features=ChannelFeatures(ChannelTokens(profiles=("NvrProfile1", "NvrProfile2"))),
    streams=(main_stream(upstream_profile="NvrProfile1"), sub_stream(codec="H265", upstream_profile="NvrProfile2")),
)
_OPTIONS = EncoderOptions(
    Span(1, 6.5),
    (
        CodecOptions("H264", ((2560, 1440), (1920, 1080)), (1, 25), Span(1, 250), Span(32, 16384), ("Main", "High")),
        CodecOptions("H265", ((2560, 1440),), (5, 12.5, 25), None, None, ("Main",)),
        CodecOptions("JPEG", ((640, 360),), (1, 10)),
        CodecOptions("MPEG4", (), ()),
    ),
)


def _told(camera: Camera, prefix: str, kind: str) -> list[str]:
    """Each configuration of the kind as it is told, as Set… takes it: under the name Configuration."""
    reply = camera.ask(f"{prefix}:Get{kind}Configurations")
    found = [etree.tostring(each).decode() for each in body_of(reply)]
    return [re.sub(rf"(</?{prefix}:Configuration)s\b", r"\1", text) for text in found]


def _set(camera: Camera, prefix: str, kind: str, configuration: str) -> Reply:
    persist = "<trt:ForcePersistence>true</trt:ForcePersistence>" if prefix == "trt" else ""
    return camera.ask(f"{prefix}:Set{kind}Configuration", configuration + persist)


def _refusal(reply: Reply) -> tuple[str, list[str]]:
    return fault_of(reply)[:2]


_CONFLICT = ("env:Receiver", ["ter:Action", "ter:ConfigurationConflict"])
_NO_CONFIG = ("env:Sender", ["ter:InvalidArgVal", "ter:NoConfig"])
_NO_PROFILE = ("env:Sender", ["ter:InvalidArgVal", "ter:NoProfile"])
_MODIFY = ("env:Sender", ["ter:InvalidArgVal", "ter:ConfigModify"])
_KINDS = ("VideoEncoder", "VideoSource", "AudioEncoder", "AudioSource", "AudioOutput", "AudioDecoder")


@pytest.mark.parametrize("prefix", ["trt", "tr2"])
@pytest.mark.parametrize("kind", _KINDS)
def test_what_was_just_read_may_be_set(prefix: str, kind: str, validator: Validator) -> None:
    camera = Camera(SPECS["backchannel"])
    found = _told(camera, prefix, kind)
    assert found
    for configuration in found:
        reply = _set(camera, prefix, kind, configuration)
        assert reply.ok, reply.reason
        validator.body(reply.body)
    assert camera.commands == []


@pytest.mark.parametrize("prefix", ["trt", "tr2"])
@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("VideoEncoder", ">25<", ">10<"),
        ("VideoEncoder", ">2560<", ">1280<"),
        ("VideoSource", 'width="2560"', 'width="640"'),
        ("AudioEncoder", ">32<", ">64<"),
        ("AudioSource", ">audio_source<", ">line<"),
        ("AudioOutput", ">100<", ">50<"),
        ("AudioDecoder", ">Audio decoder<", ">Mine<"),
    ],
)
def test_a_change_is_refused_by_name(prefix: str, kind: str, old: str, new: str) -> None:
    camera = Camera(SPECS["backchannel"])
    configuration = _told(camera, prefix, kind)[0]
    assert old in configuration
    reply = _set(camera, prefix, kind, configuration.replace(old, new))
    assert _refusal(reply) == _MODIFY
    assert camera.commands == []


@pytest.mark.parametrize("prefix", ["trt", "tr2"])
@pytest.mark.parametrize("kind", [*_KINDS, "Metadata"])
def test_setting_an_unknown_configuration_is_refused(prefix: str, kind: str) -> None:
    camera = Camera()
    for token in ("nowhere", ""):
        reply = _set(camera, prefix, kind, f'<{prefix}:Configuration token="{token}"/>')
        assert _refusal(reply) == _NO_CONFIG
    assert fault_of(_set(camera, prefix, kind, ""))[1] == ["ter:InvalidArgs"]


def test_the_encoder_is_set_at_the_nvr_where_the_operator_lets_it() -> None:
    camera = Camera(_FORWARDING)
    configuration = _told(camera, "trt", "VideoEncoder")[0]
    wish = configuration.replace(">25<", ">10<").replace(">4096<", ">2048<").replace(">50<", ">20<")
    assert _set(camera, "trt", "VideoEncoder", wish).ok
    assert camera.commands == [
        ChangeEncoder(
            "main",
            "NvrProfile1",
            EncoderWish("H264", (2560, 1440), 10, 2048, 20, "High", 4.0),
        )
    ]
    camera.commands.clear()
    wish = _told(camera, "tr2", "VideoEncoder")[1].replace(">12<", ">12.5<").replace(">H265<", ">H264<")
    assert _set(camera, "tr2", "VideoEncoder", wish).ok
    assert camera.commands == [
        ChangeEncoder("sub", "NvrProfile2", EncoderWish("H264", (640, 360), 12.5, 512, 50, "Main", 3.5))
    ]


def test_a_size_of_nothing_is_for_the_nvr_to_refuse() -> None:
    camera = Camera(_FORWARDING)
    wish = _told(camera, "trt", "VideoEncoder")[0].replace(">2560<", ">0<")
    assert _set(camera, "trt", "VideoEncoder", wish).ok
    (command,) = camera.commands
    assert isinstance(command, ChangeEncoder)
    assert command.wish.size == (0, 1440)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">25<", ">fast<"),
        (">25<", ">-1<"),
        (">25<", ">nan<"),
        (">25<", ">1e99<"),
        (">H264<", ">H266<"),
        ("<tt:H264Profile>High</tt:H264Profile>", "<tt:Mpeg4Profile>ASP</tt:Mpeg4Profile>"),
        (">1<", ">2<"),
        (">Main stream<", ">My name<"),
        ("<tt:Port>0<", "<tt:Port>5000<"),
    ],
)
def test_what_no_encoder_can_have_is_not_forwarded(old: str, new: str) -> None:
    camera = Camera(_FORWARDING)
    configuration = _told(camera, "trt", "VideoEncoder")[0]
    assert old in configuration
    assert _refusal(_set(camera, "trt", "VideoEncoder", configuration.replace(old, new))) == _MODIFY
    assert camera.commands == []


def test_nothing_is_forwarded_unless_allowed_and_known() -> None:
    not_allowed = replace(_FORWARDING, settings=CameraSettings())
    not_known = replace(_FORWARDING, features=ChannelFeatures())
    for spec in (not_allowed, not_known):
        camera = Camera(spec)
        wish = _told(camera, "trt", "VideoEncoder")[0].replace(">25<", ">10<")
        assert _refusal(_set(camera, "trt", "VideoEncoder", wish)) == _MODIFY
        assert camera.ask("trt:GetVideoEncoderConfigurationOptions", _token("trt", "video_encoder_main")).ok
        assert camera.commands == []


def _token(prefix: str, token: str) -> str:
    return f"<{prefix}:ConfigurationToken>{token}</{prefix}:ConfigurationToken>"


def test_options_are_the_nvrs_where_encoders_can_be_set(validator: Validator) -> None:
    camera = Camera(_FORWARDING, results=[_OPTIONS, _OPTIONS])
    media = camera.ask("trt:GetVideoEncoderConfigurationOptions", _token("trt", "video_encoder_main"))
    media2 = camera.ask("tr2:GetVideoEncoderConfigurationOptions", _token("tr2", "video_encoder_main"))
    assert camera.commands == [ReadEncoderOptions("NvrProfile1")] * 2
    validator.body(media.body)
    validator.body(media2.body)
    assert texts(media, "tt:H264ProfilesSupported") == ["Main", "High"] * 2
    assert texts(media2, "tt:Encoding") == ["H264", "H265", "JPEG"]
    rates = [each.get("FrameRatesSupported") for each in body_of(media2)]
    assert rates == ["1 25", "5 12.5 25", "1 10"]
    # Of several encoders what they are now.
    assert camera.ask("tr2:GetVideoEncoderConfigurationOptions").ok
    assert len(camera.commands) == 2


def test_without_options_from_the_nvr_what_is_now_is_told(validator: Validator) -> None:
    nothing = EncoderOptions(Span(0, 1), (CodecOptions("H264", (), ()),))
    camera = Camera(_FORWARDING, results=[None, nothing, None])
    for _ in range(2):
        reply = camera.ask("tr2:GetVideoEncoderConfigurationOptions", _token("tr2", "video_encoder_main"))
        validator.body(reply.body)
        assert [each.get("FrameRatesSupported") for each in body_of(reply)] == ["25"]
    media = camera.ask("trt:GetVideoEncoderConfigurationOptions", _token("trt", "video_encoder_main"))
    validator.body(media.body)
    assert texts(media, "tt:Width") == ["2560"] * 2


_PARTS = [
    ("VideoEncoder", "video_encoder_main", "VideoEncoder", "video_encoder_sub"),
    ("VideoSource", "video_source_config", "VideoSource", None),
    ("AudioEncoder", "audio_encoder_main", "AudioEncoder", "audio_encoder_sub"),
    ("AudioSource", "audio_source_config", "AudioSource", None),
    ("PTZ", "ptz_config", "PTZ", None),
]


def _movable() -> CameraSpec:
    return moving_camera(streams=SPECS["audio"].streams)


@pytest.mark.parametrize(("kind", "own", "kind2", "other"), _PARTS)
def test_profiles_are_fixed(kind: str, own: str, kind2: str, other: str | None, validator: Validator) -> None:
    camera = Camera(_movable())

    def ask(operation: str, profile: str, token: str | None) -> tuple[Reply, Reply]:
        prefix = "trt" if token is None else _token("trt", token)
        first = f"<trt:ProfileToken>{profile}</trt:ProfileToken>" + ("" if token is None else prefix)
        named = "" if token is None else f"<tr2:Token>{token}</tr2:Token>"
        second = (
            f"<tr2:ProfileToken>{profile}</tr2:ProfileToken>"
            f"<tr2:Configuration><tr2:Type>{kind2}</tr2:Type>{named}</tr2:Configuration>"
        )
        media = camera.ask(f"trt:{operation}{kind}Configuration", first)
        return media, camera.ask(f"tr2:{operation}Configuration", second)

    for reply in ask("Add", "main", own):
        assert reply.ok, reply.reason
        validator.body(reply.body)
    for reply in ask("Add", "main", "nowhere"):
        assert _refusal(reply) == _NO_CONFIG
    for reply in ask("Add", "nowhere", own):
        assert _refusal(reply) == _NO_PROFILE
    for reply in ask("Remove", "main", None):
        assert _refusal(reply) == _CONFLICT
    if other is not None:
        for reply in ask("Add", "main", other):
            assert _refusal(reply) == _CONFLICT
    assert camera.commands == []


def test_removing_what_is_not_there_has_no_effect(validator: Validator) -> None:
    camera = Camera()
    profile = "<{0}:ProfileToken>main</{0}:ProfileToken>"
    for kind in ("Metadata", "VideoAnalytics", "AudioOutput", "AudioDecoder", "PTZ", "AudioEncoder"):
        reply = camera.ask(f"trt:Remove{kind}Configuration", profile.format("trt"))
        assert reply.ok
        validator.body(reply.body)
    nothing = "<tr2:Configuration><tr2:Type>Metadata</tr2:Type></tr2:Configuration>"
    assert camera.ask("tr2:RemoveConfiguration", profile.format("tr2") + nothing).ok
    everything = nothing.replace("Metadata", "All")
    assert _refusal(camera.ask("tr2:RemoveConfiguration", profile.format("tr2") + everything)) == _CONFLICT
    nonsense = nothing.replace("Metadata", "Nonsense")
    assert fault_of(camera.ask("tr2:RemoveConfiguration", profile.format("tr2") + nonsense))[1] == ["ter:InvalidArgVal"]


@pytest.mark.parametrize(("prefix", "name"), [("trt", "ProfileToken"), ("tr2", "Token")])
def test_profiles_cannot_be_deleted(prefix: str, name: str) -> None:
    camera = Camera()
    ask = f"<{prefix}:{name}>{{}}</{prefix}:{name}>"
    deleted = camera.ask(f"{prefix}:DeleteProfile", ask.format("main"))
    assert _refusal(deleted) == ("env:Sender", ["ter:Action", "ter:DeletionOfFixedProfile"])
    assert _refusal(camera.ask(f"{prefix}:DeleteProfile", ask.format("nowhere"))) == _NO_PROFILE


@pytest.mark.parametrize("prefix", ["trt", "tr2"])
def test_there_are_no_texts_and_no_masks(prefix: str) -> None:
    camera = Camera()
    assert len(body_of(camera.ask(f"{prefix}:GetOSDs"))) == 0
    assert _refusal(camera.ask(f"{prefix}:GetOSDs", _token(prefix, "nowhere"))) == _NO_CONFIG
    assert _refusal(camera.ask("tr2:GetOSDs", "<tr2:OSDToken>nowhere</tr2:OSDToken>")) == _NO_CONFIG
    assert fault_of(camera.ask(f"{prefix}:CreateOSD"))[1] == ["ter:Action", "ter:MaxOSDs"]
    assert _refusal(camera.ask(f"{prefix}:DeleteOSD")) == _NO_CONFIG
    assert len(body_of(camera.ask("tr2:GetMasks"))) == 0
    assert _refusal(camera.ask("tr2:GetMasks", "<tr2:Token>nowhere</tr2:Token>")) == _NO_CONFIG
    assert fault_of(camera.ask("tr2:CreateMask"))[1] == ["ter:Action", "ter:MaxMasks"]
    assert _refusal(camera.ask("tr2:DeleteMask", "<tr2:Token>nowhere</tr2:Token>")) == _NO_CONFIG
    for multicast in ("StartMulticastStreaming", "StopMulticastStreaming"):
        assert fault_of(camera.ask(f"{prefix}:{multicast}"))[1] == ["ter:ActionNotSupported"]


@pytest.mark.parametrize(
    "operation", ["trt:GetGuaranteedNumberOfVideoEncoderInstances", "tr2:GetVideoEncoderInstances"]
)
def test_instances_of_no_configuration(operation: str) -> None:
    token = _token(operation.partition(":")[0], "nowhere")
    assert _refusal(Camera().ask(operation, token)) == _NO_CONFIG

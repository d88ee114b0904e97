"""Media service, version 10: everything that would change profiles, configurations or pictures. Pure.

Profiles are fixed; encoders may be set where the operator allows it (encoder_changes.py); there are no on-screen texts.
"""

from __future__ import annotations

from collections.abc import Callable

from proxyd.camera.commands import Ask
from proxyd.camera.spec import Codec, StreamSpec

from ..faults import SoapFault, no_configuration
from ..soap import Element, el
from . import configurations as conf
from . import encoder_changes, profile_parts, setting
from . import media_encoders as enc
from .operation import Access, Answer, Context, Operation

_CODECS: dict[str, Codec] = {"JPEG": "JPEG", "MPEG4": "MPEG4", "H264": "H264"}
# The kind as profile_parts names it, by the name in this service's operations.
_PARTS = {
    "VideoEncoder": "VideoEncoder",
    "VideoSource": "VideoSource",
    "AudioEncoder": "AudioEncoder",
    "AudioSource": "AudioSource",
    "PTZ": "PTZ",
    "VideoAnalytics": "Analytics",
    "Metadata": "Metadata",
    "AudioOutput": "AudioOutput",
    "AudioDecoder": "AudioDecoder",
}


def create_profile(_: Context) -> Element:
    raise profile_parts.profiles_full()


def delete_profile(ctx: Context) -> Element:
    conf.profile_stream(ctx.spec, ctx.required("trt:ProfileToken"))
    raise profile_parts.profile_fixed()


def _add(name: str, kind: str) -> Answer:
    def answer(ctx: Context) -> Element:
        stream = conf.profile_stream(ctx.spec, ctx.required("trt:ProfileToken"))
        profile_parts.check_added(ctx.spec, stream, kind, ctx.required("trt:ConfigurationToken"))
        return el(f"trt:{name}Response")

    return answer


def _remove(name: str, kind: str) -> Answer:
    def answer(ctx: Context) -> Element:
        stream = conf.profile_stream(ctx.spec, ctx.required("trt:ProfileToken"))
        profile_parts.check_removed(ctx.spec, stream, kind)
        return el(f"trt:{name}Response")

    return answer


def _set_video_encoder(ctx: Context) -> Element | Ask[Element]:
    wish, token = setting.wanted(ctx, "trt")
    stream = conf.by_video_encoder(ctx.spec, token)
    if not enc.expressible(stream):
        raise no_configuration(token)
    present = enc.video_encoder("trt:Configuration", stream)
    return encoder_changes.change(
        ctx, stream, wish, present, _CODECS, lambda: el("trt:SetVideoEncoderConfigurationResponse")
    )


def unchangeable(prefix: str, audio_encoder: Callable[[str, StreamSpec], Element]) -> list[Operation]:
    """Set… of the configurations that cannot be changed, in either service: what is as it is already is granted."""

    def change(kind: str) -> Operation:
        name = f"Set{kind}Configuration"

        def answer(ctx: Context) -> Element:
            wish, token = setting.wanted(ctx, prefix)
            if kind == "AudioEncoder":
                present = audio_encoder(f"{prefix}:Configuration", conf.by_audio_encoder(ctx.spec, token))
            else:
                present = profile_parts.configuration(f"{prefix}:Configuration", ctx.spec, kind, token)
            setting.require_unchanged(wish, present)
            return el(f"{prefix}:{name}Response")

        return _change(name, answer)

    kinds = ("AudioEncoder", "VideoSource", "AudioSource", "AudioOutput", "AudioDecoder", "Metadata")
    return [change(kind) for kind in kinds]


def get_osds(prefix: str) -> Answer:
    """None, of the only video source configuration."""

    def answer(ctx: Context) -> Element:
        if osd := ctx.request.text(f"{prefix}:OSDToken"):
            raise no_configuration(osd)
        token = ctx.request.text(f"{prefix}:ConfigurationToken")
        if token and token != conf.VIDEO_SOURCE_CONFIG:
            raise no_configuration(token)
        return el(f"{prefix}:GetOSDsResponse")

    return answer


def no_osd(prefix: str) -> Answer:
    def answer(ctx: Context) -> Element:
        raise no_configuration(ctx.request.text(f"{prefix}:OSDToken") or "")

    return answer


def too_many_osds(_: Context) -> Element:
    raise SoapFault("Receiver", "This camera has no on-screen texts of its own", "ter:Action", "ter:MaxOSDs")


def _change(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.ACTUATE, answer, static=False)


def _operations() -> list[Operation]:
    operations = [
        _change("CreateProfile", create_profile),
        _change("DeleteProfile", delete_profile),
        _change("SetVideoEncoderConfiguration", _set_video_encoder),
        Operation("GetOSDs", Access.READ_MEDIA, get_osds("trt")),
        Operation("GetOSD", Access.READ_MEDIA, no_osd("trt")),
        _change("SetOSD", no_osd("trt")),
        _change("DeleteOSD", no_osd("trt")),
        _change("CreateOSD", too_many_osds),
    ]
    for name, kind in _PARTS.items():
        added, removed = f"Add{name}Configuration", f"Remove{name}Configuration"
        operations += [_change(added, _add(added, kind)), _change(removed, _remove(removed, kind))]
    return operations + unchangeable("trt", enc.audio_encoder)


OPERATIONS = tuple(_operations())

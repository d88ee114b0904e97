"""Media2 service (ver20): everything that would change profiles, configurations or pictures. Pure."""

from __future__ import annotations

from proxyd.camera.commands import Ask
from proxyd.camera.spec import Codec

from ..faults import invalid_value
from ..namespaces import clark
from ..soap import Element, el
from . import configurations as conf
from . import encoder_changes, profile_parts, setting
from . import media2_encoders as enc
from .media_changes import get_osds, no_osd, too_many_osds, unchangeable
from .operation import Access, Answer, Context, Operation

_CODECS: dict[str, Codec] = {"H264": "H264", "H265": "H265", "JPEG": "JPEG", "MPV4-ES": "MPEG4"}
_MAX_REFERENCES = 32


def _create_profile(_: Context) -> Element:
    raise profile_parts.profiles_full()


def _delete_profile(ctx: Context) -> Element:
    conf.profile_stream(ctx.spec, ctx.required("tr2:Token"))
    raise profile_parts.profile_fixed()


def _references(ctx: Context) -> list[tuple[str, str]]:
    """Type and token of each configuration that the request names. Raises InvalidArgVal."""
    found = ctx.request.body.findall(clark("tr2:Configuration"))[:_MAX_REFERENCES]
    references = []
    for reference in found:
        kind = (reference.findtext(clark("tr2:Type")) or "").strip()
        if kind not in profile_parts.KINDS and kind != "All":
            raise invalid_value(f"There is no type of configuration {kind[:64]!r}")
        references.append((kind, (reference.findtext(clark("tr2:Token")) or "").strip()))
    return references


def _add_configuration(ctx: Context) -> Element:
    stream = conf.profile_stream(ctx.spec, ctx.required("tr2:ProfileToken"))
    if (name := ctx.request.text("tr2:Name")) and name != conf.title(stream):
        raise setting.not_modifiable("profiles keep their names")
    for kind, token in _references(ctx):
        profile_parts.check_added(ctx.spec, stream, kind, token)
    return el("tr2:AddConfigurationResponse")


def _remove_configuration(ctx: Context) -> Element:
    stream = conf.profile_stream(ctx.spec, ctx.required("tr2:ProfileToken"))
    for kind, _ in _references(ctx):
        for each in profile_parts.KINDS if kind == "All" else (kind,):
            profile_parts.check_removed(ctx.spec, stream, each)
    return el("tr2:RemoveConfigurationResponse")


def _set_video_encoder(ctx: Context) -> Element | Ask[Element]:
    wish, token = setting.wanted(ctx, "tr2")
    stream = conf.by_video_encoder(ctx.spec, token)
    present = enc.video_encoder("tr2:Configuration", stream)
    return encoder_changes.change(
        ctx, stream, wish, present, _CODECS, lambda: el("tr2:SetVideoEncoderConfigurationResponse")
    )


def _change(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.ACTUATE, answer, static=False)


OPERATIONS = (
    _change("CreateProfile", _create_profile),
    _change("DeleteProfile", _delete_profile),
    _change("AddConfiguration", _add_configuration),
    _change("RemoveConfiguration", _remove_configuration),
    _change("SetVideoEncoderConfiguration", _set_video_encoder),
    Operation("GetOSDs", Access.READ_MEDIA, get_osds("tr2")),
    _change("SetOSD", no_osd("tr2")),
    _change("DeleteOSD", no_osd("tr2")),
    _change("CreateOSD", too_many_osds),
    *unchangeable("tr2", enc.audio_encoder),
)

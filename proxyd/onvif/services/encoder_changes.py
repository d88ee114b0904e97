"""Set… of a video encoder: what a recorder wishes, passed on to the NVR where the operator allows it. Pure.

The tokens in the command are the NVR's, the values are checked there; what became of it is read back and kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from proxyd.camera.commands import Ask, ChangeEncoder, ReadEncoderOptions
from proxyd.camera.encoders import EncoderOptions, EncoderWish
from proxyd.camera.spec import Codec, StreamSpec

from ..faults import SoapFault
from ..namespaces import clark
from ..soap import Element, RequestElement
from . import setting
from .operation import Context

_FORWARDED = frozenset(
    {
        "Encoding",
        "Width",
        "Height",
        "Quality",
        "FrameRateLimit",
        "BitrateLimit",
        "GovLength",
        "H264Profile",
        "Profile",
    }
)
_LARGEST = 10_000_000


def may_change(ctx: Context, stream: StreamSpec) -> bool:
    """Whether the operator lets recorders, and the NVR is asked about that stream over ONVIF at all."""
    return ctx.spec.settings.forward and stream.upstream_profile in ctx.spec.features.tokens.profiles


def change(
    ctx: Context,
    stream: StreamSpec,
    wish: RequestElement,
    present: Element,
    codecs: Mapping[str, Codec],
    done: Callable[[], Element],
) -> Element | Ask[Element]:
    """The answer, after the NVR was asked when something is to become different. `codecs` by their names in the
    service. Raises ConfigModify."""
    difference = setting.first_difference(wish, present)
    if not difference:
        return done()
    if not may_change(ctx, stream):
        raise setting.not_modifiable(f"{difference} is set on the NVR, not over ONVIF")
    setting.require_unchanged(wish, present, besides=_FORWARDED)
    command = ChangeEncoder(stream.name, stream.upstream_profile, _wish(wish, codecs))
    return Ask(command, lambda _: done())


def ask_options(
    stream: StreamSpec, answer: Callable[[EncoderOptions], Element], otherwise: Callable[[], Element]
) -> Ask[Element]:
    """What the NVR offers, put into words by `answer`; `otherwise` when it does not tell: recorders ask for options
    when they take a camera in, and must not fail then because the NVR is busy."""

    def finish(result: object) -> Element:
        if isinstance(result, EncoderOptions) and any(codec.sizes and codec.fps for codec in result.codecs):
            return answer(result)
        return otherwise()

    return Ask(ReadEncoderOptions(stream.upstream_profile), finish)


def _wish(raw: RequestElement, codecs: Mapping[str, Codec]) -> EncoderWish:
    """Raises ConfigModify for what is no value."""
    encoding = _text(raw, "tt:Encoding")
    if encoding and encoding not in codecs:
        raise setting.not_modifiable("there is no such Encoding")
    width, height = _number(raw, "tt:Resolution/tt:Width"), _number(raw, "tt:Resolution/tt:Height")
    gov = _number(raw, "tt:H264/tt:GovLength", "tt:MPEG4/tt:GovLength", "@GovLength")
    bitrate = _number(raw, "tt:RateControl/tt:BitrateLimit")
    return EncoderWish(
        codec=codecs[encoding] if encoding else None,
        size=(round(width), round(height)) if width is not None and height is not None else None,
        fps=_number(raw, "tt:RateControl/tt:FrameRateLimit"),
        bitrate_kbps=None if bitrate is None else round(bitrate),
        gov_length=None if gov is None else round(gov),
        codec_profile=_text(raw, "tt:H264/tt:H264Profile") or raw.get("Profile"),
        quality=_number(raw, "tt:Quality"),
    )


def _text(raw: RequestElement, path: str) -> str:
    found = raw.find("/".join(clark(step) for step in path.split("/")))
    return "" if found is None else (found.text or "").strip()


def _number(raw: RequestElement, *paths: str) -> float | None:
    """The first of these that is there. Raises ConfigModify."""
    for path in paths:
        text = raw.get(path[1:], "") if path.startswith("@") else _text(raw, path)
        if text:
            return _parsed(text, path.rpartition(":")[2].removeprefix("@"))
    return None


def _parsed(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _not_a_number(name) from None
    if not math.isfinite(value) or not 0 <= value <= _LARGEST:
        raise _not_a_number(name)
    return value


def _not_a_number(name: str) -> SoapFault:
    return setting.not_modifiable(f"{name} is no number that an encoder could have")

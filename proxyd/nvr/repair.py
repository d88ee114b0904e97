"""Answers put in order before zeep reads them: pure.

zeep drops children that come in another order than the schema's, and integers written as "25.0". Both are common on
NVRs. Parts that the scan never reads (analytics) are removed, which also keeps parsing short.
"""

from __future__ import annotations

from lxml import etree

_ORDER: dict[str, tuple[str, ...]] = {
    "Profiles": (
        "Name",
        "VideoSourceConfiguration",
        "AudioSourceConfiguration",
        "VideoEncoderConfiguration",
        "AudioEncoderConfiguration",
        "VideoAnalyticsConfiguration",
        "PTZConfiguration",
        "MetadataConfiguration",
        "Extension",
        "Configurations",
    ),
    "Configurations": (
        "VideoSource",
        "AudioSource",
        "VideoEncoder",
        "AudioEncoder",
        "Analytics",
        "PTZ",
        "Metadata",
        "AudioOutput",
        "AudioDecoder",
    ),
    "VideoSourceConfiguration": ("Name", "UseCount", "SourceToken", "Bounds"),
    "Configurations/VideoSource": ("Name", "UseCount", "SourceToken", "Bounds"),
    # Rules and modules of 64 channels are megabytes; only the tokens are wanted here.
    "Profiles/VideoAnalyticsConfiguration": ("Name", "UseCount"),
    "Profiles/Extension": ("AudioOutputConfiguration", "AudioDecoderConfiguration"),
    "Profiles/MetadataConfiguration": ("Name", "UseCount", "PTZStatus", "Analytics"),
    "Configurations/Metadata": ("PTZStatus", "Analytics"),
    "MetadataConfiguration/PTZStatus": ("Status", "Position"),
    "Metadata/PTZStatus": ("Status", "Position"),
    "Configurations/Analytics": (),
    "Configurations/AudioSource": ("SourceToken",),
    "Configurations/AudioOutput": ("OutputToken",),
    "Configurations/AudioDecoder": (),
    "Configurations/PTZ": ("NodeToken",),
    "VideoEncoderConfiguration": (
        "Name",
        "UseCount",
        "Encoding",
        "Resolution",
        "Quality",
        "RateControl",
        "MPEG4",
        "H264",
    ),
    "Configurations/VideoEncoder": ("Name", "UseCount", "Encoding", "Resolution", "RateControl", "Quality"),
    "AudioEncoderConfiguration": ("Name", "UseCount", "Encoding", "Bitrate", "SampleRate"),
    "Configurations/AudioEncoder": ("Name", "UseCount", "Encoding", "Bitrate", "SampleRate"),
    "RateControl": ("FrameRateLimit", "EncodingInterval", "BitrateLimit"),
    "Resolution": ("Width", "Height"),
    "VideoEncoderConfiguration/H264": ("GovLength", "H264Profile"),
    "MediaUri": ("Uri",),
}
_WHOLE_NUMBERS = frozenset(
    (
        "FrameRateLimit",
        "EncodingInterval",
        "BitrateLimit",
        "Width",
        "Height",
        "GovLength",
        "Bitrate",
        "SampleRate",
        "UseCount",
    )
)


def repair_answer(envelope: etree._Element) -> None:
    """Bring the parts that a scan reads into the schema's order, in place; drop what it does not read."""
    for element in list(envelope.iter(etree.Element)):
        name = _local(element)
        if _is_onvif(element) and (order := _order_of(element, name)) is not None:
            _sort_children(element, order)
        if name in _WHOLE_NUMBERS and element.text:
            element.text = _whole(element.text)


def _order_of(element: etree._Element, name: str) -> tuple[str, ...] | None:
    """By "parent/name" where the name alone means other things elsewhere: topics, capabilities, options."""
    parent = element.getparent()
    inside = None if parent is None else _ORDER.get(f"{_local(parent)}/{name}")
    return _ORDER.get(name) if inside is None else inside


def _sort_children(element: etree._Element, order: tuple[str, ...]) -> None:
    children = [child for child in element if isinstance(child.tag, str)]
    kept = sorted((c for c in children if _local(c) in order), key=lambda c: order.index(_local(c)))
    if kept != children:
        for child in list(element):
            element.remove(child)
        element.extend(kept)


def _whole(text: str) -> str:
    """ "25.0" → "25"; anything else unchanged."""
    whole, dot, fraction = text.strip().partition(".")
    return whole if dot and whole.isdigit() and fraction.isdigit() and not fraction.strip("0") else text.strip()


def _is_onvif(element: etree._Element) -> bool:
    return "onvif.org" in (etree.QName(element).namespace or "")


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname

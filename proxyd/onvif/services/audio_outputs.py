"""The way back: loudspeaker and decoder of a camera, in elements that Media and Media2 share. Pure.

Declared only where the NVR takes sound for the camera (ONVIF Streaming Specification section 5.3): G.711, as Profile T
has it. What else may be sent is in the stream's description.
"""

from __future__ import annotations

from proxyd.camera.spec import CameraSpec

from ..soap import Element, el
from . import configurations as conf

OUTPUT = "audio_output"
OUTPUT_CONFIG = "audio_output_config"
DECODER_CONFIG = "audio_decoder_config"
_BITRATE_KBPS = "64"
_SAMPLE_RATE_KHZ = "8"
_FULL_LEVEL = 100


def offers_backchannel(spec: CameraSpec) -> bool:
    return spec.features.speaker and spec.settings.audio and bool(spec.streams)


def output_configuration(name: str, spec: CameraSpec) -> Element:
    return el(
        name,
        el("tt:Name", "Audio output"),
        el("tt:UseCount", str(len(spec.streams))),
        el("tt:OutputToken", OUTPUT),
        el("tt:OutputLevel", str(_FULL_LEVEL)),
        token=OUTPUT_CONFIG,
    )


def output_options(name: str) -> Element:
    return el(
        name,
        el("tt:OutputTokensAvailable", OUTPUT),
        conf.int_range("tt:OutputLevelRange", _FULL_LEVEL, _FULL_LEVEL),
    )


def decoder_configuration(name: str, spec: CameraSpec) -> Element:
    return el(
        name,
        el("tt:Name", "Audio decoder"),
        el("tt:UseCount", str(len(spec.streams))),
        token=DECODER_CONFIG,
    )


def decoder_options(name: str) -> Element:
    """As Media has them."""
    return el(
        name,
        el(
            "tt:G711DecOptions",
            el("tt:Bitrate", el("tt:Items", _BITRATE_KBPS)),
            el("tt:SampleRateRange", el("tt:Items", _SAMPLE_RATE_KHZ)),
        ),
    )


def decoder2_options(name: str) -> Element:
    """As Media2 has them."""
    return el(
        name,
        el("tt:Encoding", "PCMU"),
        el("tt:BitrateList", el("tt:Items", _BITRATE_KBPS)),
        el("tt:SampleRateList", el("tt:Items", _SAMPLE_RATE_KHZ)),
    )

"""Which configurations the fixed profiles of a camera are made of, and what to say to who would change that. Pure.

Media adds and removes by an operation per kind, Media2 by the kind's name; what is told is the same.
"""

from __future__ import annotations

from proxyd.camera.spec import CameraSpec, StreamSpec
from proxyd.camera.told import offers_metadata

from ..faults import SoapFault, no_configuration
from ..soap import Element
from . import configurations as conf
from .analytics_items import ANALYTICS_CONFIG, offers_analytics
from .audio_outputs import (
    DECODER_CONFIG,
    OUTPUT_CONFIG,
    decoder_configuration,
    offers_backchannel,
    output_configuration,
)
from .metadata import METADATA_CONFIG, metadata_configuration
from .ptz_nodes import CONFIGURATION as PTZ_CONFIG
from .ptz_nodes import offers_ptz

# Those that a camera may have; "Receiver" none has.
KINDS = frozenset(
    {
        "VideoSource",
        "VideoEncoder",
        "AudioSource",
        "AudioEncoder",
        "AudioOutput",
        "AudioDecoder",
        "Analytics",
        "PTZ",
        "Metadata",
        "Receiver",
    }
)


def part(spec: CameraSpec, stream: StreamSpec, kind: str) -> str:
    """The token of the configuration of `kind` in the profile of `stream`, "" when it has none."""
    parts = {
        "VideoSource": conf.VIDEO_SOURCE_CONFIG,
        "VideoEncoder": conf.video_encoder_token(stream),
        "AudioSource": conf.AUDIO_SOURCE_CONFIG if stream.audio else "",
        "AudioEncoder": conf.audio_encoder_token(stream) if stream.audio else "",
        "AudioOutput": OUTPUT_CONFIG if offers_backchannel(spec) else "",
        "AudioDecoder": DECODER_CONFIG if offers_backchannel(spec) else "",
        "Analytics": ANALYTICS_CONFIG if offers_analytics(spec) else "",
        "PTZ": PTZ_CONFIG if offers_ptz(spec) else "",
        "Metadata": METADATA_CONFIG if offers_metadata(spec) else "",
    }
    return parts.get(kind, "")


def configuration(name: str, spec: CameraSpec, kind: str, token: str) -> Element:
    """The one configuration of `kind` that both services tell in the same words. Raises NoConfig."""
    makers = {
        "VideoSource": conf.video_source_configuration,
        "AudioSource": conf.audio_source_configuration,
        "AudioOutput": output_configuration,
        "AudioDecoder": decoder_configuration,
        "Metadata": metadata_configuration,
    }
    if kind not in makers or not token or token not in {part(spec, stream, kind) for stream in spec.streams}:
        raise no_configuration(token)
    return makers[kind](name, spec)


def check_added(spec: CameraSpec, stream: StreamSpec, kind: str, token: str) -> None:
    """Adding what is there already is done. Raises NoConfig and ConfigurationConflict."""
    present = part(spec, stream, kind)
    if token == present or (not token and present):
        return
    if token not in {part(spec, other, kind) for other in spec.streams} - {""}:
        raise no_configuration(token)
    raise _conflict()


def check_removed(spec: CameraSpec, stream: StreamSpec, kind: str) -> None:
    """Removing what is not there has no effect (Media Service Specification section 5.2). Raises
    ConfigurationConflict."""
    if part(spec, stream, kind):
        raise _conflict()


def profiles_full() -> SoapFault:
    """Synology tries to make a profile and goes on only with exactly this fault."""
    return SoapFault("Receiver", "The maximum number of profiles has been reached", "ter:Action", "ter:MaxNVTProfiles")


def profile_fixed() -> SoapFault:
    return SoapFault("Sender", "A fixed profile cannot be deleted", "ter:Action", "ter:DeletionOfFixedProfile")


def _conflict() -> SoapFault:
    return SoapFault(
        "Receiver", "The profiles of this camera cannot be changed", "ter:Action", "ter:ConfigurationConflict"
    )

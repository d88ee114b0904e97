"""What recorders are told of a camera over ONVIF, by the operator's settings: pure.

RTSP paths stay: a recorder that stored the address of a stream goes on playing it when the stream is hidden.
"""

from __future__ import annotations

from dataclasses import replace

from .features import MetadataFeatures
from .spec import CameraSpec, StreamSpec


def told(spec: CameraSpec) -> CameraSpec:
    """`spec` without audio, and without H.265 streams as long as there is another one, where the settings say so."""
    streams = spec.streams
    if not spec.settings.h265:
        streams = tuple(stream for stream in streams if stream.codec != "H265") or streams
    if not spec.settings.audio:
        streams = tuple(_silent(stream) for stream in streams)
    return spec if streams == spec.streams else replace(spec, streams=streams)


def offers_metadata(spec: CameraSpec) -> bool:
    """Whether there is a metadata track: the camera has something to say in it, and is to say it."""
    features = spec.features
    return spec.settings.metadata and bool(spec.streams) and (bool(features.topics) or features.metadata is not None)


def carried_metadata(spec: CameraSpec) -> MetadataFeatures | None:
    """What of the NVR's own metadata passes; None when there is nothing besides events."""
    told = spec.features.metadata
    if told is None or not spec.settings.metadata:
        return None
    if spec.features.ptz is None:
        told = MetadataFeatures(told.analytics)
    return told if told != MetadataFeatures() else None


def _silent(stream: StreamSpec) -> StreamSpec:
    return replace(stream, audio=None)

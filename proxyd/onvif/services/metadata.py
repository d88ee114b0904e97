"""The metadata stream as a configuration that Media and Media2 share: what it holds, which cannot be changed. Pure.

Source: ONVIF Media2 Service Specification section 5.2.9 (the elements are those of Media).
"""

from __future__ import annotations

from proxyd.camera.features import MetadataFeatures
from proxyd.camera.spec import CameraSpec
from proxyd.camera.told import carried_metadata

from ..soap import Element, el
from . import configurations as conf

METADATA_CONFIG = "metadata_config"


def metadata_configuration(name: str, spec: CameraSpec) -> Element:
    """All events, as no filter means; of the rest what the NVR sends."""
    carried = carried_metadata(spec) or MetadataFeatures()
    return el(
        name,
        el("tt:Name", "Metadata"),
        el("tt:UseCount", str(len(spec.streams))),
        _ptz_filter(carried) if carried.ptz_status or carried.ptz_position else None,
        el("tt:Events"),
        el("tt:Analytics", _truth(carried.analytics)),
        conf.multicast(),
        el("tt:SessionTimeout", conf.SESSION_TIMEOUT),
        token=METADATA_CONFIG,
    )


def metadata_options(name: str, spec: CameraSpec) -> Element:
    carried = carried_metadata(spec) or MetadataFeatures()
    status, position = _truth(carried.ptz_status), _truth(carried.ptz_position)
    return el(
        name,
        el(
            "tt:PTZStatusFilterOptions",
            el("tt:PanTiltStatusSupported", status),
            el("tt:ZoomStatusSupported", status),
            el("tt:PanTiltPositionSupported", position),
            el("tt:ZoomPositionSupported", position),
        ),
    )


def _ptz_filter(carried: MetadataFeatures) -> Element:
    return el(
        "tt:PTZStatus",
        el("tt:Status", _truth(carried.ptz_status)),
        el("tt:Position", _truth(carried.ptz_position)),
    )


def _truth(value: bool) -> str:
    return "true" if value else "false"

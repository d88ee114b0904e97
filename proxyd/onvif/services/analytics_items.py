"""Rules and analytics modules of the NVR as ONVIF elements, and the configuration in profiles that has them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from proxyd.camera.features import AnalyticsItem
from proxyd.camera.spec import CameraSpec

from ..soap import Element, el

ANALYTICS_CONFIG = "video_analytics_config"


def offers_analytics(spec: CameraSpec) -> bool:
    return bool(spec.streams) and bool(spec.features.rules or spec.features.modules)


def analytics_configuration(name: str, spec: CameraSpec) -> Element | None:
    """None for a camera without analytics."""
    if not offers_analytics(spec):
        return None
    return el(
        name,
        el("tt:Name", "Video analytics"),
        el("tt:UseCount", str(len(spec.streams))),
        el("tt:AnalyticsEngineConfiguration", *items("tt:AnalyticsModule", spec.features.modules)),
        el("tt:RuleEngineConfiguration", *items("tt:Rule", spec.features.rules)),
        token=ANALYTICS_CONFIG,
    )


def items(name: str, found: Iterable[AnalyticsItem]) -> list[Element]:
    """Each as tt:Config. Its type is in the schema's namespace, whose prefix `tt` stands in every such document."""
    return [
        el(
            name,
            el("tt:Parameters", *(el("tt:SimpleItem", Name=key, Value=value) for key, value in item.parameters)),
            Name=item.name,
            Type=item.type,
        )
        for item in found
    ]


def descriptions(name: str, found: Iterable[AnalyticsItem]) -> list[Element]:
    """Each type once as tt:ConfigDescription, with the parameters that the NVR's own items of that type have."""
    parameters: dict[str, dict[str, None]] = {}
    for item in found:
        parameters.setdefault(item.type, {}).update((key, None) for key, _ in item.parameters)
    return [
        el(
            name,
            el(
                "tt:Parameters",
                *(el("tt:SimpleItemDescription", Name=key, Type="xsd:string") for key in parameters[kind]),
            ),
            Name=kind,
            fixed="true",
        )
        for kind in parameters
    ]

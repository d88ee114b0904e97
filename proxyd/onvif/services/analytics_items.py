"""Rules and analytics modules of the NVR as ONVIF elements, and the configuration in profiles that has them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from proxyd.camera.features import AnalyticsItem
from proxyd.camera.spec import CameraSpec

from ..soap import Element, el

ANALYTICS_CONFIG = "video_analytics_config"
VENDOR_PREFIX = "vendor"  # on each item means the namespace of its own type


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
    """Each as tt:Config. Most types are in the schema's namespace, whose prefix `tt` stands in every such document."""
    return [
        _typed(
            el(
                name,
                el("tt:Parameters", *(el("tt:SimpleItem", Name=key, Value=value) for key, value in item.parameters)),
                Name=item.name,
            ),
            "Type",
            (item.namespace, item.type),
        )
        for item in found
    ]


def descriptions(name: str, found: Iterable[AnalyticsItem]) -> list[Element]:
    """Each type once as tt:ConfigDescription, with the parameters that the NVR's own items of that type have."""
    parameters: dict[tuple[str, str], dict[str, None]] = {}
    for item in found:
        parameters.setdefault((item.namespace, item.type), {}).update((key, None) for key, _ in item.parameters)
    return [
        _typed(
            el(
                name,
                el("tt:Parameters", *(el("tt:SimpleItemDescription", Name=key, Type="xsd:string") for key in keys)),
                fixed="true",
            ),
            "Name",
            kind,
        )
        for kind, keys in parameters.items()
    ]


def _typed(element: Element, attribute: str, kind: tuple[str, str]) -> Element:
    """`element` with the type's name in `attribute`; a vendor's namespace is declared there."""
    namespace, text = kind
    if not namespace:
        element.set(attribute, text)
        return element
    prefixes = {prefix: uri for prefix, uri in element.nsmap.items() if prefix}
    declaring = etree.Element(element.tag, nsmap=prefixes | {VENDOR_PREFIX: namespace})
    for key, value in element.attrib.items():
        declaring.set(key, value)
    declaring.extend(element)
    declaring.set(attribute, f"{VENDOR_PREFIX}:{text}")
    return declaring

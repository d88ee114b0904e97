"""The Analytics service (analytics.wsdl) of the simulated device: three rules and one module for each channel."""

from __future__ import annotations

from lxml import etree

from proxyd.simulator.event_forms import VENDOR_NAMESPACE
from proxyd.simulator.layout import SimProfile
from proxyd.simulator.services.context import Answer, Context
from proxyd.simulator.services.device import analytics_capabilities
from proxyd.simulator.soap import Element, Fault, Request, el, text_of


def analytics_configuration(context: Context, profile: SimProfile, tag: str) -> Element | None:
    """None for a device without the service, or a channel without a camera."""
    if context.dialect.paths.analytics is None or not profile.online:
        return None
    return el(
        tag,
        el("tt:Name", f"VideoAnalytics{profile.channel:03d}"),
        el("tt:UseCount", "2"),
        el("tt:AnalyticsEngineConfiguration", *_modules(context, "tt:AnalyticsModule")),
        el("tt:RuleEngineConfiguration", *_rules(context, "tt:Rule")),
        token=_token(profile),
    )


def _token(profile: SimProfile) -> str:
    return f"VideoAnalyticsToken{profile.channel:03d}"


def _rules(context: Context, tag: str) -> list[Element]:
    if context.faults.no_rules:
        return []
    line = el(
        "tt:ElementItem",
        el("tt:Polyline", el("tt:Point", x="-0.5", y="0"), el("tt:Point", x="0.5", y="0")),
        Name="Segments",
    )
    return [
        _item(tag, "MyMotionDetectorRule", "tt:CellMotionDetector", {"MinCount": "5", "ActiveCells": "0P8A8A=="}),
        _item(tag, "Gate line", "tt:LineDetector", {"Direction": "Any"}, line),
        _item(tag, "Entrance", "ven:regionEntrance", {"Armed": "true"}),
    ]


def _modules(context: Context, tag: str) -> list[Element]:
    if context.faults.no_rules:
        return []
    layout = el(
        "tt:ElementItem",
        el(
            "tt:CellLayout",
            el("tt:Transformation", el("tt:Translate", x="-1", y="-1"), el("tt:Scale", x="0.09", y="0.11")),
            Columns="22",
            Rows="18",
        ),
        Name="Layout",
    )
    return [_item(tag, "MyCellMotionModule", "tt:CellMotionEngine", {"Sensitivity": "60"}, layout)]


def _item(tag: str, name: str, kind: str, values: dict[str, str], *elements: Element) -> Element:
    simple = (el("tt:SimpleItem", Name=key, Value=value) for key, value in values.items())
    item = el(tag, el("tt:Parameters", *simple, *elements), Name=name, Type=kind)
    if kind.startswith("ven:"):
        prefixes = {prefix: uri for prefix, uri in item.nsmap.items() if prefix}
        declaring = etree.Element(item.tag, nsmap=prefixes | {"ven": VENDOR_NAMESPACE})
        for key, value in item.attrib.items():
            declaring.set(key, value)
        declaring.extend(item)
        return declaring
    return item


def _check(context: Context, request: Request) -> None:
    token = text_of(request, "tan:ConfigurationToken")
    if not any(_token(profile) == token for profile in context.layout.profiles if profile.online):
        raise Fault("Sender", ("ter:InvalidArgVal", "ter:NoConfig"), "The requested configuration does not exist")


def _get_rules(context: Context, request: Request) -> Element:
    _check(context, request)
    return el("tan:GetRulesResponse", *_rules(context, "tan:Rule"))


def _get_modules(context: Context, request: Request) -> Element:
    _check(context, request)
    return el("tan:GetAnalyticsModulesResponse", *_modules(context, "tan:AnalyticsModule"))


def _get_service_capabilities(context: Context, _: Request) -> Element:
    return el("tan:GetServiceCapabilitiesResponse", analytics_capabilities(context))


ANALYTICS: dict[str, Answer] = {
    "GetServiceCapabilities": _get_service_capabilities,
    "GetRules": _get_rules,
    "GetAnalyticsModules": _get_modules,
}

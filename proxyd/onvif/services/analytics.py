"""Analytics service (ver20): the rules and modules that the NVR has for this camera, to read only. Pure.

Source: ONVIF Analytics Service Specification sections 5.2 and 5.3. Whoever wants other rules makes them on the NVR:
here there is no room for one more, all that are there are fixed, and none has options by which it could be modified.
"""

from __future__ import annotations

from proxyd.camera.features import AnalyticsItem
from proxyd.camera.spec import CameraSpec

from ..faults import SoapFault, no_configuration
from ..namespaces import ANALYTICS
from ..soap import Element, el
from .analytics_items import ANALYTICS_CONFIG, descriptions, items, offers_analytics
from .operation import Access, Answer, Context, Operation, Service, table

ANALYTICS_PATH = "/onvif/analytics_service"


def service_capabilities(spec: CameraSpec) -> Element:
    return el(
        "tan:Capabilities",
        RuleSupport=_truth(spec.features.rules),
        AnalyticsModuleSupport=_truth(spec.features.modules),
        CellBasedSceneDescriptionSupported="false",
        RuleOptionsSupported="false",
        AnalyticsModuleOptionsSupported="false",
        SupportedMetadata="false",
    )


def _truth(found: tuple[AnalyticsItem, ...]) -> str:
    return "true" if found else "false"


def _legacy_capabilities(ctx: Context) -> Element:
    return el(
        "tt:Analytics",
        el("tt:XAddr", ctx.reached.http(ANALYTICS_PATH)),
        el("tt:RuleSupport", _truth(ctx.spec.features.rules)),
        el("tt:AnalyticsModuleSupport", _truth(ctx.spec.features.modules)),
    )


def _get_service_capabilities(ctx: Context) -> Element:
    return el("tan:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


def _check(ctx: Context) -> None:
    """Raises NoConfig for any configuration but the camera's."""
    if (token := ctx.required("tan:ConfigurationToken")) != ANALYTICS_CONFIG:
        raise no_configuration(token)


def _get_rules(ctx: Context) -> Element:
    _check(ctx)
    return el("tan:GetRulesResponse", *items("tan:Rule", ctx.spec.features.rules))


def _get_supported_rules(ctx: Context) -> Element:
    _check(ctx)
    kinds = descriptions("tt:RuleDescription", ctx.spec.features.rules)
    return el("tan:GetSupportedRulesResponse", el("tan:SupportedRules", *kinds))


def _get_rule_options(ctx: Context) -> Element:
    _check(ctx)
    return el("tan:GetRuleOptionsResponse")


def _get_modules(ctx: Context) -> Element:
    _check(ctx)
    return el("tan:GetAnalyticsModulesResponse", *items("tan:AnalyticsModule", ctx.spec.features.modules))


def _get_supported_modules(ctx: Context) -> Element:
    _check(ctx)
    kinds = descriptions("tt:AnalyticsModuleDescription", ctx.spec.features.modules)
    return el("tan:GetSupportedAnalyticsModulesResponse", el("tan:SupportedAnalyticsModules", *kinds))


def _get_module_options(ctx: Context) -> Element:
    _check(ctx)
    return el("tan:GetAnalyticsModuleOptionsResponse")


def _none_made(kind: str) -> Answer:
    """`kind`: Rules or Modules; those of the NVR stay as they are there."""

    def answer(ctx: Context) -> Element:
        _check(ctx)
        reason = f"No {kind.lower()} can be added over ONVIF, only on the NVR"
        raise SoapFault("Receiver", reason, "ter:Action", f"ter:TooMany{kind}")

    return answer


def _none_deleted(kind: str) -> Answer:
    def answer(ctx: Context) -> Element:
        _check(ctx)
        reason = f"The {kind.lower()} of this camera are fixed; they are set on the NVR"
        raise SoapFault("Sender", reason, "ter:Action", f"ter:Fixed{kind}")

    return answer


def _read(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.READ_MEDIA, answer)


SERVICE = Service(
    ANALYTICS_PATH,
    table(
        ANALYTICS,
        (
            Operation("GetServiceCapabilities", Access.PRE_AUTH, _get_service_capabilities),
            _read("GetRules", _get_rules),
            _read("GetSupportedRules", _get_supported_rules),
            _read("GetRuleOptions", _get_rule_options),
            _read("GetAnalyticsModules", _get_modules),
            _read("GetSupportedAnalyticsModules", _get_supported_modules),
            _read("GetAnalyticsModuleOptions", _get_module_options),
            Operation("CreateRules", Access.ACTUATE, _none_made("Rules"), static=False),
            Operation("DeleteRules", Access.ACTUATE, _none_deleted("Rules"), static=False),
            Operation("CreateAnalyticsModules", Access.ACTUATE, _none_made("Modules"), static=False),
            Operation("DeleteAnalyticsModules", Access.ACTUATE, _none_deleted("Modules"), static=False),
        ),
    ),
    namespace=ANALYTICS,
    version=(2, 60),
    capabilities=service_capabilities,
    category="Analytics",
    legacy=_legacy_capabilities,
    offered=offers_analytics,
)

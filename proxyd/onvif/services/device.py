"""Device service: identity and what the camera can do (ONVIF Core section 8). Pure."""

from __future__ import annotations

from proxyd.camera.spec import CameraSpec
from proxyd.camera.urls import DEVICE_PATH

from ..faults import invalid_value, no_such_service
from ..namespaces import DEVICE, PREFIXES
from ..soap import Element, el
from . import (
    device_network,
    device_network_changes,
    device_scopes,
    device_security,
    device_system,
    device_users,
    relays,
)
from .operation import (
    Access,
    Context,
    Operation,
    Service,
    table,
)

_VERSIONS = ((2, 60), (2, 40), (2, 20), (2, 0))
# In the order of tt:Capabilities, and of its Extension: what that lists cannot be asked for by name.
_CATEGORIES = ("Analytics", "Device", "Events", "Imaging", "Media", "PTZ")
_EXTENSIONS = ("DeviceIO",)


def get_services(ctx: Context) -> Element:
    wanted = (ctx.request.text("tds:IncludeCapability") or "").lower() in ("true", "1")
    return el(
        "tds:GetServicesResponse",
        *(
            el(
                "tds:Service",
                el("tds:Namespace", service.namespace),
                el("tds:XAddr", ctx.reached.http(service.path)),
                el("tds:Capabilities", service.capabilities(ctx.spec)) if wanted else None,
                _version("tds:Version", service.version),
            )
            for service in ctx.services
        ),
    )


def _version(name: str, version: tuple[int, int]) -> Element:
    return el(name, el("tt:Major", str(version[0])), el("tt:Minor", str(version[1])))


def service_capabilities(spec: CameraSpec) -> Element:
    off, on = "false", "true"
    tls = on if spec.settings.https else off
    return el(
        "tds:Capabilities",
        el(
            "tds:Network",
            IPFilter=off,
            ZeroConfiguration=off,
            IPVersion6=off,
            DynDNS=off,
            HostnameFromDHCP=off,
            NTP="0",
        ),
        el(
            "tds:Security",
            **{"TLS1.0": off, "TLS1.1": off, "TLS1.2": tls, "X.509Token": off},
            OnboardKeyGeneration=on,
            AccessPolicyConfig=off,
            DefaultAccessPolicy=on,
            SAMLToken=off,
            KerberosToken=off,
            UsernameToken=on,
            HttpDigest=on,
            RELToken=off,
            MaxUsers=str(1 + device_users.MAX_USERS),
            MaxUserNameLength=str(device_users.MAX_NAME_CHARS),
            MaxPasswordLength=str(device_users.MAX_PASSWORD_CHARS),
        ),
        el(
            "tds:System",
            DiscoveryResolve=on,
            DiscoveryBye=on,
            RemoteDiscovery=off,
            SystemBackup=off,
            SystemLogging=off,
            HttpSystemLogging=off,
        ),
    )


def get_service_capabilities(ctx: Context) -> Element:
    return el("tds:GetServiceCapabilitiesResponse", service_capabilities(ctx.spec))


def get_capabilities(ctx: Context) -> Element:
    """The older way to find services; Category missing means All."""
    asked = ctx.request.texts("tds:Category") or ["All"]
    for category in asked:
        if category not in ("All", *_CATEGORIES):
            raise invalid_value(f"There is no category {category[:64]!r}")
    parts = {s.category: s.legacy for s in ctx.services if s.legacy is not None}
    wanted = set(parts) if "All" in asked else set(asked)
    if missing := sorted(wanted - set(parts)):
        raise no_such_service(missing[0])
    known = [parts[category](ctx) for category in _CATEGORIES if category in wanted]
    extension = [parts[category](ctx) for category in _EXTENSIONS if category in wanted]
    return el(
        "tds:GetCapabilitiesResponse",
        el("tds:Capabilities", *known, el("tt:Extension", *extension) if extension else None),
    )


def _device_capabilities(ctx: Context) -> Element:
    def flags(*names: str, on: tuple[str, ...] = ()) -> list[Element]:
        return [el(f"tt:{flag}", "true" if flag in on else "false") for flag in names]

    return el(
        "tt:Device",
        el("tt:XAddr", ctx.reached.http(DEVICE_PATH)),
        el("tt:Network", *flags("IPFilter", "ZeroConfiguration", "IPVersion6", "DynDNS")),
        el(
            "tt:System",
            *flags(
                "DiscoveryResolve",
                "DiscoveryBye",
                "RemoteDiscovery",
                "SystemBackup",
                "SystemLogging",
                "FirmwareUpgrade",
                on=("DiscoveryResolve", "DiscoveryBye"),
            ),
            *(_version("tt:SupportedVersions", version) for version in _VERSIONS),
        ),
        el("tt:IO", el("tt:InputConnectors", "0"), el("tt:RelayOutputs", "0")),
        el(
            "tt:Security",
            *flags(
                "TLS1.1",
                "TLS1.2",
                "OnboardKeyGeneration",
                "AccessPolicyConfig",
                "X.509Token",
                "SAMLToken",
                "KerberosToken",
                "RELToken",
                on=("OnboardKeyGeneration", *(("TLS1.2",) if ctx.spec.settings.https else ())),
            ),
        ),
    )


def get_device_information(ctx: Context) -> Element:
    spec = ctx.spec
    return el(
        "tds:GetDeviceInformationResponse",
        el("tds:Manufacturer", spec.manufacturer),
        el("tds:Model", spec.model),
        el("tds:FirmwareVersion", spec.firmware),
        el("tds:SerialNumber", spec.serial),
        el("tds:HardwareId", spec.hardware),
    )


def get_endpoint_reference(ctx: Context) -> Element:
    return el("tds:GetEndpointReferenceResponse", el("tds:GUID", f"urn:uuid:{ctx.spec.uuid}"))


def get_wsdl_url(_: Context) -> Element:
    return el("tds:GetWsdlUrlResponse", el("tds:WsdlUrl", f"{PREFIXES['tds']}/devicemgmt.wsdl"))


SERVICE = Service(
    DEVICE_PATH,
    table(
        DEVICE,
        (
            Operation("GetServices", Access.PRE_AUTH, get_services),
            Operation("GetServiceCapabilities", Access.PRE_AUTH, get_service_capabilities),
            Operation("GetCapabilities", Access.PRE_AUTH, get_capabilities),
            Operation("GetWsdlUrl", Access.PRE_AUTH, get_wsdl_url),
            Operation("GetEndpointReference", Access.PRE_AUTH, get_endpoint_reference),
            Operation("GetDeviceInformation", Access.READ_SYSTEM, get_device_information),
            *device_system.OPERATIONS,
            *device_scopes.OPERATIONS,
            *device_users.OPERATIONS,
            *device_network.OPERATIONS,
            *device_network_changes.OPERATIONS,
            *device_security.OPERATIONS,
            *relays.OPERATIONS,
        ),
    ),
    DEVICE,
    (2, 60),
    service_capabilities,
    category="Device",
    legacy=_device_capabilities,
)

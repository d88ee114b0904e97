"""The Device service (ONVIF Core, devicemgmt.wsdl): the part that clients of an NVR ask for."""

from __future__ import annotations

from proxyd.simulator.dialect import Dialect
from proxyd.simulator.services.context import Answer, Context, mac_of, uuid_of
from proxyd.simulator.services.imaging import imaging_capabilities
from proxyd.simulator.services.ptz_nodes import ptz_capabilities
from proxyd.simulator.soap import NAMESPACES, Element, Fault, Request, el, text_of


def scopes(dialect: Dialect) -> list[str]:
    """The scopes, also for discovery."""
    base = "onvif://www.onvif.org"
    return [
        f"{base}/type/video_encoder",
        f"{base}/type/Network_Video_Transmitter",
        f"{base}/Profile/Streaming",
        f"{base}/name/{dialect.manufacturer}%20{dialect.model}",
        f"{base}/hardware/{dialect.model}",
        f"{base}/location/country/china",
    ]


def _services(context: Context) -> list[tuple[str, str, int, int]]:
    paths = context.dialect.paths
    found = [("tds", paths.device, 16, 12), ("trt", paths.media, 2, 60)]
    if not context.faults.no_events:
        found.append(("tev", paths.events, 2, 60))
    if context.media2_path:
        found.append(("tr2", context.media2_path, 16, 12))
    if paths.ptz:
        found.append(("tptz", paths.ptz, 2, 60))
    if paths.imaging:
        found.append(("timg", paths.imaging, 2, 60))
    if paths.analytics:
        found.append(("tan", paths.analytics, 2, 60))
    return found


def _get_services(context: Context, request: Request) -> Element:
    if context.faults.get_services_fault:
        raise Fault("Receiver", ("ter:ActionNotSupported",), "Optional Action Not Implemented")
    with_capabilities = text_of(request, "tds:IncludeCapability") in ("true", "1")
    capabilities = {
        "tds": device_capabilities,
        "trt": media_capabilities,
        "tev": event_capabilities,
        "tr2": media2_capabilities,
        "tptz": ptz_capabilities,
        "timg": imaging_capabilities,
        "tan": analytics_capabilities,
    }
    answer = el("tds:GetServicesResponse")
    for prefix, path, major, minor in _services(context):
        answer.append(
            el(
                "tds:Service",
                el("tds:Namespace", NAMESPACES[prefix]),
                el("tds:XAddr", context.xaddr(path)),
                el("tds:Capabilities", capabilities[prefix](context)) if with_capabilities else None,
                el("tds:Version", el("tt:Major", str(major)), el("tt:Minor", str(minor))),
            )
        )
    return answer


def _get_capabilities(context: Context, request: Request) -> Element:
    if context.faults.get_capabilities_fault:
        raise Fault("Receiver", ("ter:ActionNotSupported",), "Optional Action Not Implemented")
    wanted = text_of(request, "tds:Category") or "All"
    paths = context.dialect.paths
    parts = el("tds:Capabilities")
    if wanted in ("All", "Analytics") and paths.analytics:
        support = (el("tt:RuleSupport", "true"), el("tt:AnalyticsModuleSupport", "true"))
        parts.append(el("tt:Analytics", el("tt:XAddr", context.xaddr(paths.analytics)), *support))
    if wanted in ("All", "Device"):
        parts.append(el("tt:Device", el("tt:XAddr", context.xaddr(paths.device))))
    if wanted in ("All", "Events") and not context.faults.no_events:
        flags = [
            el(f"tt:{name}", value)
            for name, value in (
                ("WSSubscriptionPolicySupport", "false"),
                ("WSPullPointSupport", "false" if context.faults.notify_only else "true"),
                ("WSPausableSubscriptionManagerInterfaceSupport", "false"),
            )
        ]
        parts.append(el("tt:Events", el("tt:XAddr", context.xaddr(paths.events)), *flags))
    if wanted in ("All", "Imaging") and paths.imaging:
        parts.append(el("tt:Imaging", el("tt:XAddr", context.xaddr(paths.imaging))))
    if wanted in ("All", "Media"):
        streaming = el(
            "tt:StreamingCapabilities",
            el("tt:RTPMulticast", "false"),
            el("tt:RTP_TCP", "true"),
            el("tt:RTP_RTSP_TCP", "true"),
        )
        parts.append(el("tt:Media", el("tt:XAddr", context.xaddr(paths.media)), streaming))
    if wanted in ("All", "PTZ") and paths.ptz:
        parts.append(el("tt:PTZ", el("tt:XAddr", context.xaddr(paths.ptz))))
    return el("tds:GetCapabilitiesResponse", parts)


def device_capabilities(context: Context) -> Element:
    digest = "true" if "digest" in context.dialect.auth else "false"
    token = "true" if "wsse" in context.dialect.auth else "false"
    return el(
        "tds:Capabilities",
        el("tds:Network", NTP="1", IPVersion6="false"),
        el("tds:Security", UsernameToken=token, HttpDigest=digest),
        el("tds:System", DiscoveryResolve="false", DiscoveryBye="false"),
    )


def analytics_capabilities(_: Context) -> Element:
    return el("tan:Capabilities", RuleSupport="true", AnalyticsModuleSupport="true")


def media_capabilities(context: Context) -> Element:
    return el(
        "trt:Capabilities",
        el("trt:ProfileCapabilities", MaximumNumberOfProfiles=str(len(context.layout.profiles))),
        el("trt:StreamingCapabilities", RTPMulticast="false", RTP_TCP="true", RTP_RTSP_TCP="true"),
        SnapshotUri="false" if context.faults.no_snapshot else "true",
        Rotation="false",
    )


def media2_capabilities(context: Context) -> Element:
    return el(
        "tr2:Capabilities",
        el(
            "tr2:ProfileCapabilities",
            MaximumNumberOfProfiles=str(len(context.layout.profiles)),
            ConfigurationsSupported="VideoSource VideoEncoder",
        ),
        el("tr2:StreamingCapabilities", RTSPStreaming="true", RTPMulticast="false", RTP_RTSP_TCP="true"),
        SnapshotUri="false" if context.faults.no_snapshot else "true",
    )


def event_capabilities(context: Context) -> Element:
    return el(
        "tev:Capabilities",
        WSSubscriptionPolicySupport="false",
        WSPullPointSupport="false" if context.faults.notify_only else "true",
        MaxPullPoints=str(context.dialect.max_pull_points),
    )


def _get_system_date_and_time(context: Context, _: Request) -> Element:
    now = context.now

    def moment(name: str) -> Element:
        clock = [("Hour", now.hour), ("Minute", now.minute), ("Second", now.second)]
        date = [("Year", now.year), ("Month", now.month), ("Day", now.day)]
        return el(
            name,
            el("tt:Time", *(el(f"tt:{unit}", str(value)) for unit, value in clock)),
            el("tt:Date", *(el(f"tt:{unit}", str(value)) for unit, value in date)),
        )

    return el(
        "tds:GetSystemDateAndTimeResponse",
        el(
            "tds:SystemDateAndTime",
            el("tt:DateTimeType", "Manual" if context.faults.clock_year else "NTP"),
            el("tt:DaylightSavings", "false"),
            el("tt:TimeZone", el("tt:TZ", "UTC0")),
            moment("tt:UTCDateTime"),
            moment("tt:LocalDateTime"),
        ),
    )


def _get_device_information(context: Context, _: Request) -> Element:
    dialect = context.dialect
    return el(
        "tds:GetDeviceInformationResponse",
        el("tds:Manufacturer", dialect.manufacturer),
        el("tds:Model", dialect.model),
        el("tds:FirmwareVersion", dialect.firmware),
        el("tds:SerialNumber", context.serial),
        el("tds:HardwareId", dialect.hardware),
    )


def _get_scopes(context: Context, _: Request) -> Element:
    answer = el("tds:GetScopesResponse")
    for scope in scopes(context.dialect):
        answer.append(el("tds:Scopes", el("tt:ScopeDef", "Fixed"), el("tt:ScopeItem", scope)))
    return answer


def _get_network_interfaces(context: Context, _: Request) -> Element:
    address = el("tt:Manual", el("tt:Address", context.host), el("tt:PrefixLength", "24"))
    return el(
        "tds:GetNetworkInterfacesResponse",
        el(
            "tds:NetworkInterfaces",
            el("tt:Enabled", "true"),
            el(
                "tt:Info",
                el("tt:Name", "eth0"),
                el("tt:HwAddress", mac_of(context.dialect, context.port)),
                el("tt:MTU", "1500"),
            ),
            el(
                "tt:IPv4",
                el("tt:Enabled", "true"),
                el("tt:Config", address, el("tt:DHCP", "false")),
            ),
            token="eth0",  # noqa: S106 - an interface's token, not a secret
        ),
    )


def _get_users(context: Context, _: Request) -> Element:
    user = el("tds:User", el("tt:Username", "admin"), el("tt:UserLevel", "Administrator"))
    return el("tds:GetUsersResponse", user)


def _get_hostname(context: Context, _: Request) -> Element:
    info = el("tds:HostnameInformation", el("tt:FromDHCP", "false"), el("tt:Name", context.dialect.model))
    return el("tds:GetHostnameResponse", info)


def _get_endpoint_reference(context: Context, _: Request) -> Element:
    return el("tds:GetEndpointReferenceResponse", el("tds:GUID", uuid_of(context.dialect, context.port)))


def _get_wsdl_url(context: Context, _: Request) -> Element:
    return el("tds:GetWsdlUrlResponse", el("tds:WsdlUrl", context.xaddr("/onvif/wsdl")))


def _get_service_capabilities(context: Context, _: Request) -> Element:
    return el("tds:GetServiceCapabilitiesResponse", device_capabilities(context))


def _get_network_protocols(context: Context, _: Request) -> Element:
    answer = el("tds:GetNetworkProtocolsResponse")
    for name, port in (("HTTP", context.port), ("RTSP", context.rtsp_port)):
        answer.append(
            el(
                "tds:NetworkProtocols",
                el("tt:Name", name),
                el("tt:Enabled", "true"),
                el("tt:Port", str(port)),
            )
        )
    return answer


# Open without authentication: ONVIF Core, access class PRE_AUTH.
OPEN = frozenset(
    (
        "GetServices",
        "GetServiceCapabilities",
        "GetCapabilities",
        "GetSystemDateAndTime",
        "GetWsdlUrl",
        "GetHostname",
        "GetEndpointReference",
    )
)

DEVICE: dict[str, Answer] = {
    "GetServices": _get_services,
    "GetServiceCapabilities": _get_service_capabilities,
    "GetCapabilities": _get_capabilities,
    "GetSystemDateAndTime": _get_system_date_and_time,
    "GetWsdlUrl": _get_wsdl_url,
    "GetHostname": _get_hostname,
    "GetEndpointReference": _get_endpoint_reference,
    "GetDeviceInformation": _get_device_information,
    "GetScopes": _get_scopes,
    "GetNetworkInterfaces": _get_network_interfaces,
    "GetNetworkProtocols": _get_network_protocols,
    "GetUsers": _get_users,
}

"""The network half of the device service: exactly one interface, whose HwAddress is the MAC on the wire. Pure.

UniFi Protect 7 and Home Assistant take the camera's identity from that address. Addresses are the host's;
device_network_changes.py says what recorders may do about them.
"""

from __future__ import annotations

import ipaddress

from ..soap import Element, el
from .operation import Access, Context, Operation

# Host interface names differ between machines and may change; the token must not.
INTERFACE_TOKEN = "eth0"  # noqa: S105 - an ONVIF token


def get_hostname(ctx: Context) -> Element:
    name = ctx.spec.settings.hostname or ctx.spec.serial
    return el(
        "tds:GetHostnameResponse",
        el("tds:HostnameInformation", el("tt:FromDHCP", "false"), el("tt:Name", name)),
    )


def get_network_interfaces(ctx: Context) -> Element:
    spec = ctx.spec
    address = ipaddress.ip_address(spec.address)
    ipv4 = None
    if address.version == 4:
        manual = el("tt:Manual", el("tt:Address", spec.address), el("tt:PrefixLength", str(spec.prefix_length)))
        ipv4 = el("tt:IPv4", el("tt:Enabled", "true"), el("tt:Config", manual, el("tt:DHCP", "false")))
    return el(
        "tds:GetNetworkInterfacesResponse",
        el(
            "tds:NetworkInterfaces",
            el("tt:Enabled", "true"),
            el("tt:Info", el("tt:Name", INTERFACE_TOKEN), el("tt:HwAddress", spec.mac), el("tt:MTU", "1500")),
            ipv4,
            token=INTERFACE_TOKEN,
        ),
    )


def get_dns(_: Context) -> Element:
    return el("tds:GetDNSResponse", el("tds:DNSInformation", el("tt:FromDHCP", "false")))


def get_ntp(_: Context) -> Element:
    return el("tds:GetNTPResponse", el("tds:NTPInformation", el("tt:FromDHCP", "false")))


def get_dynamic_dns(_: Context) -> Element:
    return el("tds:GetDynamicDNSResponse", el("tds:DynamicDNSInformation", el("tt:Type", "NoUpdate")))


def protocols(ctx: Context) -> dict[str, tuple[bool, int]]:
    """Each with whether it is on, and its port; HTTP's is the one by which the client came (the spec may say 0)."""
    spec = ctx.spec
    return {
        "HTTP": (True, spec.http_port if ctx.reached.tls else ctx.reached.port),
        "HTTPS": (spec.settings.https, spec.https_port),
        "RTSP": (True, spec.rtsp_port),
    }


def get_network_protocols(ctx: Context) -> Element:
    return el(
        "tds:GetNetworkProtocolsResponse",
        *(
            el(
                "tds:NetworkProtocols",
                el("tt:Name", name),
                el("tt:Enabled", "true" if enabled else "false"),
                el("tt:Port", str(port)),
            )
            for name, (enabled, port) in protocols(ctx).items()
        ),
    )


def get_network_default_gateway(_: Context) -> Element:
    return el("tds:GetNetworkDefaultGatewayResponse", el("tds:NetworkGateway"))


def get_zero_configuration(_: Context) -> Element:
    return el(
        "tds:GetZeroConfigurationResponse",
        el("tds:ZeroConfiguration", el("tt:InterfaceToken", INTERFACE_TOKEN), el("tt:Enabled", "false")),
    )


OPERATIONS = (
    Operation("GetHostname", Access.PRE_AUTH, get_hostname),
    Operation("GetNetworkInterfaces", Access.READ_SYSTEM, get_network_interfaces),
    Operation("GetDNS", Access.READ_SYSTEM, get_dns),
    Operation("GetNTP", Access.READ_SYSTEM, get_ntp),
    Operation("GetDynamicDNS", Access.READ_SYSTEM, get_dynamic_dns),
    Operation("GetNetworkProtocols", Access.READ_SYSTEM, get_network_protocols),
    Operation("GetNetworkDefaultGateway", Access.READ_SYSTEM, get_network_default_gateway),
    Operation("GetZeroConfiguration", Access.READ_SYSTEM, get_zero_configuration),
)

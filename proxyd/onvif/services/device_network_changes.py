"""What recorders may change of a camera's network: its host name and HTTPS. Pure.

All else is the host's: who sets what is so already is told that it is done, anything else is refused with
OperationProhibited (ONVIF Core table 5.8.2.2).
"""

from __future__ import annotations

import re

from proxyd.camera.commands import Ask, SetSettings

from ..faults import SoapFault, invalid_args, invalid_value, prohibited
from ..namespaces import clark
from ..soap import Element, RequestElement, el
from .device_network import INTERFACE_TOKEN, protocols
from .operation import Access, Answer, Context, Operation

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")  # RFC 1123 section 2.1
_MAX_HOSTNAME_CHARS = 253


def set_hostname(ctx: Context) -> Ask[Element]:
    """Only told again by GetHostname; an empty one gives the first name back."""
    name = ctx.required("tds:Name")
    if name and (len(name) > _MAX_HOSTNAME_CHARS or not _HOSTNAME.fullmatch(name)):
        raise invalid_value(f"{name[:64]!r} is no host name", "ter:InvalidHostname")
    return Ask(SetSettings({"hostname": name}, "the host name"), lambda _: el("tds:SetHostnameResponse"))


def set_hostname_from_dhcp(ctx: Context) -> Element:
    if ctx.flag("tds:FromDHCP"):
        raise prohibited("The host name of this camera cannot come from DHCP")
    return el("tds:SetHostnameFromDHCPResponse", el("tds:RebootNeeded", "false"))


def set_network_protocols(ctx: Context) -> Ask[Element] | Element:
    """HTTPS can be switched; ports stay for ever, and HTTP and RTSP are what recorders come by."""
    https = ctx.spec.settings.https
    asked = ctx.request.body.findall(clark("tds:NetworkProtocols"))
    if not asked:
        raise invalid_args("No protocol is given")
    for element in asked:
        name, enabled = _allowed(ctx, element)
        https = enabled if name == "HTTPS" else https
    answer = el("tds:SetNetworkProtocolsResponse")
    if https == ctx.spec.settings.https:
        return answer
    return Ask(SetSettings({"https": https}, "HTTPS"), lambda _: answer)


def _allowed(ctx: Context, element: RequestElement) -> tuple[str, bool]:
    """Which protocol is to be on or off. Raises the fault that refuses it."""
    name = (element.findtext(clark("tt:Name")) or "").strip()
    enabled = (element.findtext(clark("tt:Enabled")) or "").strip() in ("true", "1")
    known = protocols(ctx)
    if name not in known:
        raise invalid_value(f"There is no protocol {name[:32]!r}", "ter:ServiceNotSupported")
    was_enabled, port = known[name]
    if any((found.text or "").strip() != str(port) for found in element.findall(clark("tt:Port"))):
        raise prohibited(f"The port of {name} cannot be changed: recorders keep it for ever")
    if name != "HTTPS" and enabled != was_enabled:
        raise prohibited(f"{name} cannot be switched off")
    return name, enabled


def set_network_interfaces(ctx: Context) -> Element:
    token = ctx.required("tds:InterfaceToken")
    if token != INTERFACE_TOKEN:
        raise invalid_value(f"There is no interface {token[:64]!r}", "ter:InvalidNetworkInterface")
    spec, base, text = ctx.spec, "tds:NetworkInterface", ctx.request.text
    others = (f"{base}/tt:{name}" for name in ("IPv6", "Link", "MTU", "Extension"))
    as_it_is = (
        text(f"{base}/tt:Enabled") in (None, "true", "1")
        and text(f"{base}/tt:IPv4/tt:Enabled") in (None, "true", "1")
        and text(f"{base}/tt:IPv4/tt:DHCP") in (None, "false", "0")
        and text(f"{base}/tt:IPv4/tt:Manual/tt:Address") in (None, spec.address)
        and text(f"{base}/tt:IPv4/tt:Manual/tt:PrefixLength") in (None, str(spec.prefix_length))
        and all(text(other) is None for other in others)
    )
    if not as_it_is:
        raise _host_decides("The address")
    return el("tds:SetNetworkInterfacesResponse", el("tds:RebootNeeded", "false"))


def set_dns(ctx: Context) -> Element:
    if ctx.flag("tds:FromDHCP") or ctx.request.texts("tds:SearchDomain") or ctx.request.texts("tds:DNSManual"):
        raise _host_decides("DNS")
    return el("tds:SetDNSResponse")


def set_ntp(ctx: Context) -> Element:
    if ctx.flag("tds:FromDHCP") or ctx.request.texts("tds:NTPManual"):
        raise _host_decides("The time server")
    return el("tds:SetNTPResponse")


def set_network_default_gateway(ctx: Context) -> Element:
    if ctx.request.texts("tds:IPv4Address") or ctx.request.texts("tds:IPv6Address"):
        raise _host_decides("The gateway")
    return el("tds:SetNetworkDefaultGatewayResponse")


def _host_decides(what: str) -> SoapFault:
    return prohibited(f"{what} is set where this camera is managed, not over ONVIF")


def _change(name: str, answer: Answer) -> Operation:
    return Operation(name, Access.WRITE_SYSTEM, answer, static=False)


OPERATIONS = (
    _change("SetHostname", set_hostname),
    _change("SetHostnameFromDHCP", set_hostname_from_dhcp),
    _change("SetNetworkProtocols", set_network_protocols),
    _change("SetNetworkInterfaces", set_network_interfaces),
    _change("SetDNS", set_dns),
    _change("SetNTP", set_ntp),
    _change("SetNetworkDefaultGateway", set_network_default_gateway),
)

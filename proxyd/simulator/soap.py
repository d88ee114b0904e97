"""SOAP 1.2 as the simulated device reads and writes it. Pure: bytes in, elements out, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
NAMESPACES = {
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "timg": "http://www.onvif.org/ver20/imaging/wsdl",
    "tan": "http://www.onvif.org/ver20/analytics/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "ter": "http://www.onvif.org/ver10/error",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "tns1": "http://www.onvif.org/ver10/topics",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
}
MAX_REQUEST_BYTES = 256 * 1024

Element = etree._Element
# Declaring only its own prefix keeps a small element cheap; in the envelope the declarations fall together.
_ONE_PREFIX = {prefix: {prefix: uri} for prefix, uri in NAMESPACES.items()}
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class BadRequest(Exception):
    """Not a SOAP 1.2 envelope with a body."""


@dataclass(frozen=True, slots=True)
class Request:
    """`namespace` and `operation` name the Body's first child; `addressed`: with WS-Addressing headers."""

    namespace: str
    operation: str
    body: Element
    security: Element | None
    addressed: bool = False


class Fault(Exception):
    """A SOAP fault to answer with. `subcodes` are prefixed names such as ter:NotAuthorized, outermost first."""

    def __init__(self, code: str, subcodes: Iterable[str], reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.code = code
        self.subcodes = tuple(subcodes)
        self.reason = reason
        self.status = status


def parse_request(data: bytes) -> Request:
    """Reads an envelope without entities, DTD or network. Raises BadRequest."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    if len(data) > MAX_REQUEST_BYTES:
        raise BadRequest("too large")
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadRequest("not well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadRequest("DOCTYPE is not allowed")
    body = root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or body is None or len(body) == 0:
        raise BadRequest("not a SOAP 1.2 envelope")
    name = etree.QName(body[0])
    security = root.find(f"{{{SOAP}}}Header/{{{NAMESPACES['wsse']}}}Security")
    addressed = root.find(f"{{{SOAP}}}Header/{{{NAMESPACES['wsa']}}}*") is not None
    return Request(name.namespace or "", name.localname, body[0], security, addressed)


def clark(name: str) -> str:
    """`tt:Name` as lxml wants it."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def el(name: str, *content: Element | str | None, **attributes: str) -> Element:
    """One element by its prefixed name; None children are left out."""
    made = etree.Element(clark(name), attributes, nsmap=_ONE_PREFIX[name.partition(":")[0]])
    for item in content:
        if isinstance(item, str):
            made.text = item
        elif item is not None:
            made.append(item)
    return made


def text_of(request: Request, name: str) -> str | None:
    """The stripped text of a child of the request, whichever namespace the client put it in."""
    local = name.partition(":")[2]
    for child in request.body:
        if etree.QName(child).localname == local:
            return (child.text or "").strip()
    return None


def envelope(prefix: str, *content: Element) -> bytes:
    """The whole answer; `prefix` is the dialect's name for the SOAP namespace."""
    root, body = _envelope(prefix)
    for item in content:
        body.append(item)
    etree.cleanup_namespaces(root, keep_ns_prefixes=["ter", "tns1", "ven", "xsd"])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def fault(prefix: str, error: Fault) -> bytes:
    """The Fault as a device of this dialect writes it (SOAP 1.2 §5.4, ONVIF Core §5.11.2)."""
    root, body = _envelope(prefix)
    made = etree.SubElement(body, f"{{{SOAP}}}Fault")
    code = etree.SubElement(made, f"{{{SOAP}}}Code")
    etree.SubElement(code, f"{{{SOAP}}}Value").text = f"{prefix}:{error.code}"
    inner = code
    for subcode in error.subcodes:
        inner = etree.SubElement(inner, f"{{{SOAP}}}Subcode")
        etree.SubElement(inner, f"{{{SOAP}}}Value").text = subcode
    reason = etree.SubElement(made, f"{{{SOAP}}}Reason")
    text = etree.SubElement(reason, f"{{{SOAP}}}Text", {_XML_LANG: "en"})
    text.text = error.reason
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _envelope(prefix: str) -> tuple[Element, Element]:
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={prefix: SOAP, **NAMESPACES})
    return root, etree.SubElement(root, f"{{{SOAP}}}Body")


def unicast_only() -> tuple[Element, Element]:
    """The end of a configuration of what is streamed (onvif.xsd): multicast is off."""
    multicast = el(
        "tt:Multicast",
        el("tt:Address", el("tt:Type", "IPv4"), el("tt:IPv4Address", "0.0.0.0")),  # noqa: S104 - multicast off
        el("tt:Port", "0"),
        el("tt:TTL", "0"),
        el("tt:AutoStart", "false"),
    )
    return multicast, el("tt:SessionTimeout", "PT60S")

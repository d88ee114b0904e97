"""WS-Discovery messages, both directions: what is asked of a camera, and what it says. WS-Discovery 2005/04.

Pure. The codec is WSDiscovery's; it is only fed what the guard admitted, and whatever it raises means "unreadable".
Of a request only what stands in its place is read: the codec alone takes the Address of ReplyTo for the endpoint that a
Resolve looks for, and needs a To, which some clients leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from xml.dom import minidom

from wsdiscovery.actions.bye import createByeMessage
from wsdiscovery.actions.hello import createHelloMessage
from wsdiscovery.actions.probematch import ProbeResolveMatch, createProbeMatchMessage
from wsdiscovery.actions.resolvematch import createResolveMatchMessage
from wsdiscovery.envelope import SoapEnvelope
from wsdiscovery.namespaces import NS_ADDRESS_ALL, NS_ADDRESS_UNKNOWN, NS_ADDRESSING, NS_DISCOVERY, NS_SOAPENV
from wsdiscovery.qname import QName as CodecQName
from wsdiscovery.scope import Scope
from wsdiscovery.util import getScopes, getTypes

from .guard import Refused, admit
from .matching import QName

# ONVIF Core section 7.3.3: a device names itself by both.
TYPES: tuple[QName, ...] = (
    ("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter"),
    ("http://www.onvif.org/ver10/device/wsdl", "Device"),
)
_CODEC_TYPES = [CodecQName(*TYPES[0], "dn"), CodecQName(*TYPES[1], "tds")]
_MAX_ID_CHARS = 256
_REMEMBERED = 16  # parsed datagrams: each camera of the machine gets the same Probe at the same moment


@dataclass(frozen=True, slots=True)
class Probe:
    """Who is there? `rule` is MatchBy of the scopes, "" when not given."""

    message_id: str
    types: tuple[QName, ...]
    scopes: tuple[str, ...]
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Where is the device with this endpoint address?"""

    message_id: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class NoRequest:
    """`reason` empty: a message that asks nothing, such as another device's Hello; otherwise why it is unreadable."""

    reason: str = ""


Request = Probe | Resolve


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a camera says of itself. `address` is "urn:uuid:…"; `metadata_version` grows when anything else changes."""

    address: str
    scopes: tuple[str, ...]
    xaddrs: tuple[str, ...]
    metadata_version: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one message unlike all others: MessageID and place in the sequence of this device (AppSequence)."""

    message_id: str
    instance_id: int
    number: int


@lru_cache(maxsize=_REMEMBERED)
def parse_request(data: bytes) -> Request | NoRequest:
    """What a datagram asks. Never raises."""
    try:
        return _read(admit(data))
    except Refused as refused:
        return NoRequest(refused.reason)
    except Exception:  # the codec's: expat errors, AttributeError, IndexError
        return NoRequest("not a WS-Discovery message")


def _read(text: str) -> Request | NoRequest:
    """Raises anything."""
    # Given as str, so that the parser does not go by an encoding that the document declares.
    root = minidom.parseString(text).documentElement  # noqa: S318 - the guard has refused document types
    if root is None or (root.namespaceURI, root.localName) != (NS_SOAPENV, "Envelope"):
        return NoRequest("not a SOAP 1.2 envelope")
    content = next((child for child in _elements(_child(root, NS_SOAPENV, "Body"))), None)
    if content is None or content.namespaceURI != NS_DISCOVERY or content.localName not in ("Probe", "Resolve"):
        return NoRequest()
    message_id = _text(_child(_child(root, NS_SOAPENV, "Header"), NS_ADDRESSING, "MessageID"))
    if not 0 < len(message_id) <= _MAX_ID_CHARS:
        return NoRequest("no usable MessageID")
    if content.localName == "Resolve":
        reference = _child(content, NS_ADDRESSING, "EndpointReference")
        return Resolve(message_id, _text(_child(reference, NS_ADDRESSING, "Address")))
    types, scopes = _child(content, NS_DISCOVERY, "Types"), _child(content, NS_DISCOVERY, "Scopes")
    return Probe(
        message_id,
        tuple((qname.getNamespace(), qname.getLocalname()) for qname in (getTypes(types) if types else ())),
        tuple(scope.getValue() for scope in (getScopes(scopes) if scopes else ())),
        scopes.getAttribute("MatchBy").strip() if scopes else "",
    )


def _elements(parent: minidom.Element | None) -> list[minidom.Element]:
    return [node for node in parent.childNodes if isinstance(node, minidom.Element)] if parent is not None else []


def _child(parent: minidom.Element | None, namespace: str, name: str) -> minidom.Element | None:
    return next((e for e in _elements(parent) if (e.namespaceURI, e.localName) == (namespace, name)), None)


def _text(element: minidom.Element | None) -> str:
    if element is None:
        return ""
    return "".join(node.data for node in element.childNodes if isinstance(node, minidom.Text)).strip()


def format_hello(endpoint: Endpoint, stamp: Stamp) -> bytes:
    """Sent by multicast when a camera has come, or has changed."""
    message = _envelope(stamp, NS_ADDRESS_ALL)
    message.setEPR(endpoint.address)
    message.setTypes(_CODEC_TYPES)
    message.setScopes([Scope(scope) for scope in endpoint.scopes])
    message.setXAddrs(list(endpoint.xaddrs))
    message.setMetadataVersion(str(endpoint.metadata_version))
    return str(createHelloMessage(message)).encode()


def format_bye(endpoint: Endpoint, stamp: Stamp) -> bytes:
    """Sent by multicast when a camera goes."""
    message = _envelope(stamp, NS_ADDRESS_ALL)
    message.setEPR(endpoint.address)
    return str(createByeMessage(message)).encode()


def format_answer(request: Request, endpoint: Endpoint, stamp: Stamp) -> bytes:
    """ProbeMatches or ResolveMatches with the one device that we are."""
    message = _envelope(stamp, NS_ADDRESS_UNKNOWN)
    message.setRelatesTo(request.message_id)
    match = ProbeResolveMatch(
        endpoint.address,
        _CODEC_TYPES,
        [Scope(scope) for scope in endpoint.scopes],
        list(endpoint.xaddrs),
        str(endpoint.metadata_version),
    )
    message.getProbeResolveMatches().append(match)
    create = createProbeMatchMessage if isinstance(request, Probe) else createResolveMatchMessage
    return str(create(message)).encode()


def _envelope(stamp: Stamp, to: str) -> SoapEnvelope:
    message = SoapEnvelope()
    message.setMessageId(stamp.message_id)
    message.setInstanceId(str(stamp.instance_id))
    message.setMessageNumber(str(stamp.number))
    message.setTo(to)
    return message

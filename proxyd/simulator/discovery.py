"""WS-Discovery of the simulated device: answers Probes for a NetworkVideoTransmitter (WS-Discovery 2005/04)."""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import Callable
from typing import Any, cast

from lxml import etree

_log = logging.getLogger(__name__)

GROUP = "239.255.255.250"
MAX_PROBE_BYTES = 8192
_ANY = "0.0.0.0"  # noqa: S104 - compared with, not bound to
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_NVT = "http://www.onvif.org/ver10/network/wsdl"
_PREFIXES = {"s": _SOAP, "a": _WSA, "d": _WSD, "dn": _NVT}


def parse_probe(data: bytes) -> str | None:
    """The MessageID of a Probe that means us, None for anything else. Never raises."""
    if len(data) > MAX_PROBE_BYTES or b"<!DOCTYPE" in data:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    probe = root.find(f"{{{_SOAP}}}Body/{{{_WSD}}}Probe")
    message_id = (root.findtext(f"{{{_SOAP}}}Header/{{{_WSA}}}MessageID") or "").strip()
    if probe is None or not message_id:
        return None
    types = (probe.findtext(f"{{{_WSD}}}Types") or "").split()
    # Devices do not resolve the prefixes either; a Probe without types means everybody.
    wanted = not types or any(name.rpartition(":")[2] in ("NetworkVideoTransmitter", "Device") for name in types)
    return message_id if wanted else None


def probe_matches(message_id: str, *, endpoint: str, xaddr: str, scopes: list[str], answer_id: str) -> bytes:
    """The ProbeMatches that answers `message_id`."""
    root = etree.Element(f"{{{_SOAP}}}Envelope", nsmap=_PREFIXES)
    header = etree.SubElement(root, f"{{{_SOAP}}}Header")
    for name, text in (
        ("MessageID", f"urn:uuid:{answer_id}"),
        ("RelatesTo", message_id),
        ("To", f"{_WSA}/role/anonymous"),
        ("Action", f"{_WSD}/ProbeMatches"),
    ):
        etree.SubElement(header, f"{{{_WSA}}}{name}").text = text
    body = etree.SubElement(root, f"{{{_SOAP}}}Body")
    match = etree.SubElement(etree.SubElement(body, f"{{{_WSD}}}ProbeMatches"), f"{{{_WSD}}}ProbeMatch")
    reference = etree.SubElement(match, f"{{{_WSA}}}EndpointReference")
    etree.SubElement(reference, f"{{{_WSA}}}Address").text = f"urn:uuid:{endpoint}"
    etree.SubElement(match, f"{{{_WSD}}}Types").text = "dn:NetworkVideoTransmitter"
    etree.SubElement(match, f"{{{_WSD}}}Scopes").text = " ".join(scopes)
    etree.SubElement(match, f"{{{_WSD}}}XAddrs").text = xaddr
    etree.SubElement(match, f"{{{_WSD}}}MetadataVersion").text = "10"
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


class DiscoveryResponder:
    """Answers on (host, port), unicast, and to the multicast group where the host lets us join it."""

    def __init__(
        self, host: str, port: int, *, endpoint: str, describe: Callable[[str], tuple[str, list[str]]]
    ) -> None:
        """`describe` gives XAddr and scopes for our address as the asker sees it. Port 0 takes any."""
        self._host = host
        self._port = port
        self._endpoint = endpoint
        self._describe = describe
        self._transports: list[asyncio.DatagramTransport] = []

    async def start(self) -> int:
        """Returns the port. Raises OSError."""
        unicast = _unicast_socket(self._host, self._port)
        port = int(unicast.getsockname()[1])
        own = await self._listen(unicast, None)
        try:
            group = _group_socket(self._host, port)
        except OSError as error:
            _log.debug("no multicast on %s: %s", self._host, error)
        else:
            await self._listen(group, own)
        return port

    def stop(self) -> None:
        for transport in self._transports:
            transport.close()
        self._transports.clear()

    def answer(self, data: bytes, asker: str) -> bytes | None:
        """The answer to one datagram, None when it is not for us."""
        message_id = parse_probe(data)
        if message_id is None:
            return None
        xaddr, scopes = self._describe(_address_towards(asker) if self._host in ("", _ANY) else self._host)
        return probe_matches(
            message_id, endpoint=self._endpoint, xaddr=xaddr, scopes=scopes, answer_id=str(uuid.uuid4())
        )

    async def _listen(
        self, bound: socket.socket, reply_by: asyncio.DatagramTransport | None
    ) -> asyncio.DatagramTransport:
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Listener(self, reply_by), sock=bound
            )
        except BaseException:
            bound.close()
            raise
        self._transports.append(transport)
        return transport


class _Listener(asyncio.DatagramProtocol):
    """Answers go out by `reply_by` (the device's own address), or by the socket they came in on."""

    def __init__(self, responder: DiscoveryResponder, reply_by: asyncio.DatagramTransport | None) -> None:
        self._responder = responder
        self._reply_by = reply_by

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._reply_by = self._reply_by or cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        try:
            answer = self._responder.answer(data, str(addr[0]))
        except OSError:  # a forged sender to whom there is no way
            return
        if answer is not None and self._reply_by is not None and not self._reply_by.is_closing():
            self._reply_by.sendto(answer, addr)


def _address_towards(peer: str) -> str:
    """Our address on the way to `peer`; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((peer, 9))
        return str(probe.getsockname()[0])


def _unicast_socket(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except BaseException:
        made.close()
        raise
    return made


def _group_socket(host: str, port: int) -> socket.socket:
    """Bound to the group's address, so that it sees nothing but multicast; joined on the device's interface only."""
    made = _unicast_socket(GROUP, port)
    try:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(host))
    except BaseException:
        made.close()
        raise
    return made

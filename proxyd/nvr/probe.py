"""WS-Discovery messages of the search, through WSDiscovery's codec behind a guard: pure apart from the codec.

The codec trusts its input (an entity bomb stalls it, an empty MessageID raises), so it gets only what the guard of our
own discovery admits, and whatever it raises means "not an answer".
"""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import Collection
from dataclasses import dataclass

from wsdiscovery.actions import constructProbe
from wsdiscovery.message import createSOAPMessage, parseSOAPMessage
from wsdiscovery.qname import QName

from proxyd.api.names import without_account
from proxyd.discovery.guard import admit
from proxyd.nvr.addresses import BadAddress, at_typed_host, port_of

MAX_MATCHES_PER_DATAGRAM = 8
VIRTUAL = "onviftui"  # the manufacturer that virtual cameras name, also those of other machines: never an NVR
_MAX_TEXT_CHARS = 64
_SCOPE = "onvif://www.onvif.org/"
# NVRs call themselves one or the other; both are asked for. A fixed prefix: the codec's random ones confuse devices.
PROBE_TYPES = (
    ("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter", "dn"),
    ("http://www.onvif.org/ver10/device/wsdl", "Device", "tds"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """One device that answered. `host` is the address it answered from: what it calls itself may not be reachable."""

    host: str
    port: int
    name: str = ""
    hardware: str = ""


def format_probe(message_id: str, wanted: tuple[str, str, str]) -> bytes:
    """A Probe for one of PROBE_TYPES. `message_id` is "urn:uuid:…"."""
    envelope = constructProbe([QName(*wanted)], [])
    envelope.setMessageId(message_id)
    return str(createSOAPMessage(envelope)).encode()


def parse_matches(data: bytes, *, sender: str, message_ids: Collection[str]) -> list[Match]:
    """The devices in one datagram that answers one of our probes; [] for anything else. Never raises.

    Virtual cameras are left out."""
    with contextlib.suppress(Exception):
        envelope = parseSOAPMessage(admit(data), sender)
        if envelope is None or envelope.getRelatesTo() not in message_ids:
            return []
        matches = []
        for told in envelope.getProbeResolveMatches()[:MAX_MATCHES_PER_DATAGRAM]:
            port = _http_port(told.getXAddrs()[:16], sender)
            scopes = [s.getValue() for s in told.getScopes()[:64]]
            if port is not None and _scope(scopes, "manufacturer") != VIRTUAL:
                matches.append(Match(sender, port, _scope(scopes, "name"), _scope(scopes, "hardware")))
        return matches
    return []


def _http_port(addresses: list[str], sender: str) -> int | None:
    """The port of the address that names the sender, else of the first usable one."""
    usable: list[tuple[bool, int]] = []
    for address in addresses:
        with contextlib.suppress(BadAddress):
            # HTTPS only devices cannot be read yet; their plain port is the better guess.
            url = at_typed_host(address, host=sender, schemes=("http",))
            usable.append((f"//{sender}" in address, port_of(url)))
    usable.sort(key=lambda entry: not entry[0])
    return usable[0][1] if usable else None


def _scope(scopes: list[str], category: str) -> str:
    """What the device says under onvif://www.onvif.org/<category>/."""
    prefix = f"{_SCOPE}{category}/"
    for scope in scopes:
        if scope.lower().startswith(prefix):
            text = urllib.parse.unquote(scope[len(prefix) :]).replace("_", " ")
            return "".join(c for c in without_account(text) if c.isprintable()).strip()[:_MAX_TEXT_CHARS]
    return ""

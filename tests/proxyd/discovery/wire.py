"""Requests as recorders send them, and a recorder's socket, for the tests of this room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from itertools import count
from types import TracebackType
from typing import Self

from lxml import etree

from proxyd.discovery.sockets import GROUP, interface_index, open_hearing
from proxyd.onvif.namespaces import DEVICE

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
NVT = "http://www.onvif.org/ver10/network/wsdl"
MESSAGE_ID = "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"
_numbers = count()


def unused_address() -> str:
    """A loopback address of no other test, not even of one that another process runs at this moment."""
    return f"127.93.{os.getpid() % 250 + 1}.{next(_numbers) % 250 + 1}"


def message(
    body: str,
    *,
    message_id: str = MESSAGE_ID,
    action: str = "Probe",
    header: str = "",
    to: str = "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>",
) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:a="{WSA}" xmlns:d="{WSD}" '
        f'xmlns:dn="{NVT}" xmlns:tds="{DEVICE}"><s:Header><a:Action s:mustUnderstand="1">{WSD}/{action}</a:Action>'
        f"<a:MessageID>{message_id}</a:MessageID>{to}{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def probe(
    types: str = "dn:NetworkVideoTransmitter", scopes: str = "", *, rule: str = "", message_id: str = MESSAGE_ID
) -> bytes:
    match_by = f' MatchBy="{rule}"' if rule else ""
    return message(
        f"<d:Probe><d:Types>{types}</d:Types><d:Scopes{match_by}>{scopes}</d:Scopes></d:Probe>", message_id=message_id
    )


def resolve(endpoint: str, *, message_id: str = MESSAGE_ID, header: str = "") -> bytes:
    reference = f"<a:EndpointReference><a:Address>{endpoint}</a:Address></a:EndpointReference>"
    return message(f"<d:Resolve>{reference}</d:Resolve>", message_id=message_id, action="Resolve", header=header)


class Said:
    """One message of a camera, as a recorder reads it."""

    def __init__(self, data: bytes, sender: tuple[str, int] = ("", 0)) -> None:
        self.data = data
        self.sender = sender
        self.root = etree.fromstring(data)
        self.kind = etree.QName(self.root[-1][0]).localname

    def text(self, name: str) -> str:
        found = next(iter(self.root.iter(f"{{{WSD}}}{name}", f"{{{WSA}}}{name}")), None)
        return "" if found is None else (found.text or "").strip()

    @property
    def number(self) -> int:
        return int(next(iter(self.root.iter(f"{{{WSD}}}AppSequence"))).get("MessageNumber", "0"))

    @property
    def instance(self) -> int:
        return int(next(iter(self.root.iter(f"{{{WSD}}}AppSequence"))).get("InstanceId", "0"))


class Recorder:
    """Asks from 127.0.0.1, hears what comes back and what is said to the group on lo."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.said: asyncio.Queue[Said] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        lo = interface_index("lo")
        self._hear = open_hearing(lo, self.port)
        self._ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ask.setblocking(False)
        self._ask.bind(("127.0.0.1", 0))
        self._ask.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        loop = asyncio.get_running_loop()
        for bound in (self._hear, self._ask):
            loop.add_reader(bound, self._readable, bound)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        for bound in (self._hear, self._ask):
            asyncio.get_running_loop().remove_reader(bound)
            bound.close()

    def _readable(self, bound: socket.socket) -> None:
        data, sender = bound.recvfrom(65536)
        with contextlib.suppress(etree.XMLSyntaxError):  # anybody on lo may send anything to the group
            said = Said(data, sender)
            if said.kind != "Probe":  # our own, which the group brings back
                self.said.put_nowait(said)

    @property
    def address(self) -> str:
        host, port = self._ask.getsockname()
        return f"{host}:{port}"

    def ask(self, data: bytes, to: str = GROUP) -> None:
        self._ask.sendto(data, (to, self.port))

    async def hears(self, *kinds: str, timeout_s: float = 30.0) -> Said:
        """The next message of one of these kinds; others are passed over."""
        async with asyncio.timeout(timeout_s):
            while True:
                said = await self.said.get()
                if said.kind in kinds:
                    return said

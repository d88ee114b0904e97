"""A recorder: finds cameras on its LAN, adopts each with onvif-zeep-async, plays all streams at once. A program.

Reads one JSON object from standard input: `count` (cameras to find), `link`, `username`, `password`, `play_s`, and
instead of `link` perhaps `addresses` (nothing to find). Prints one JSON object: `found` (per source address what the
ProbeMatch said) and `cameras` (per address what it answered and what its streams carried, or `error`).
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import uuid
from typing import Any

from lxml import etree
from onvif import ONVIFCamera

from tests.player.play import play

GROUP, PORT = "239.255.255.250", 3702
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_WAIT_S = 20.0
_AT_ONCE = 8  # adoptions; a recorder does not do more either
_ADOPT_TIMEOUT_S = 120.0
_SETUP = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}


def probe(types: str = "dn:NetworkVideoTransmitter", message_id: str = "") -> bytes:
    """WS-Discovery (April 2005) section 5.2, as a recorder sends it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
        f' xmlns:w="{_ADDRESSING}" xmlns:d="{_DISCOVERY}"'
        ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header>'
        f"<w:MessageID>{message_id or uuid.uuid4().urn}</w:MessageID>"
        "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
        f"<w:Action>{_DISCOVERY}/Probe</w:Action></e:Header>"
        f"<e:Body><d:Probe><d:Types>{types}</d:Types></d:Probe></e:Body></e:Envelope>"
    ).encode()


def parse_match(datagram: bytes) -> dict[str, str]:
    """The fields of the first ProbeMatch: uuid, xaddrs, scopes, types, relates_to."""
    tree = etree.fromstring(datagram, etree.XMLParser(resolve_entities=False, no_network=True))
    names = {"a": _ADDRESSING, "d": _DISCOVERY}

    def text(path: str) -> str:
        return (tree.findtext(path, namespaces=names) or "").strip()

    match = ".//d:ProbeMatch/"
    return {
        "uuid": text(f"{match}a:EndpointReference/a:Address"),
        "xaddrs": text(f"{match}d:XAddrs"),
        "scopes": text(f"{match}d:Scopes"),
        "types": text(f"{match}d:Types"),
        "relates_to": text(".//a:RelatesTo"),
    }


async def find(link: str, count: int, wait_s: float = _WAIT_S) -> dict[str, dict[str, str]]:
    """One Probe to the group, as recorders send it; by source address what was answered, when `count` did."""
    loop = asyncio.get_running_loop()
    found: dict[str, dict[str, str]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        asker.bind(("", 0))
        out = struct.pack("=4s4si", bytes(4), bytes(4), socket.if_nametoindex(link))
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, out)
        asker.sendto(probe(), (GROUP, PORT))
        try:
            async with asyncio.timeout(wait_s):
                while len(found) < count:
                    answer, peer = await loop.sock_recvfrom(asker, 65535)
                    found[peer[0]] = parse_match(answer)
        except TimeoutError:
            pass
    return found


async def adopt(address: str, username: str, password: str) -> dict[str, Any]:
    """In the order in which recorders ask."""
    device = ONVIFCamera(address, 80, username, password, no_cache=True)
    try:
        await device.update_xaddrs()
        management = await device.create_devicemgmt_service()
        information = await management.GetDeviceInformation()
        interfaces = await management.GetNetworkInterfaces()
        media = await device.create_media_service()
        streams = []
        for profile in await media.GetProfiles():
            answer = await media.GetStreamUri({"StreamSetup": _SETUP, "ProfileToken": profile.token})
            streams.append(answer.Uri)
        snapshot = await media.GetSnapshotUri({"ProfileToken": profile.token})
        return {
            "serial": information.SerialNumber,
            "macs": [interface.Info.HwAddress.lower() for interface in interfaces],
            "streams": streams,
            "snapshot": snapshot.Uri,
        }
    finally:
        await device.close()


async def play_all(camera: dict[str, Any], secret: tuple[str, str], seconds: float, frames: int) -> None:
    """All streams of one camera at once, for so long and until so many frames came; adds what they carried."""
    players = await asyncio.gather(*(play(url, secret, seconds, frames=frames) for url in camera["streams"]))
    seen = [player.counter for player in players]
    camera["sources"] = [sorted(one.sources) for one in seen]
    camera["frames"] = [one.frames for one in seen]
    camera["lost"] = [one.lost_frames + one.lost_packets for one in seen]


async def record(wish: dict[str, Any]) -> dict[str, Any]:
    username, password = wish["username"], wish["password"]
    found = await find(wish["link"], wish["count"]) if wish.get("link") else {}
    cameras: dict[str, dict[str, Any]] = {address: {} for address in wish.get("addresses") or found}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def adopt_one(address: str) -> None:
        try:
            async with gate, asyncio.timeout(_ADOPT_TIMEOUT_S):
                cameras[address] = await adopt(address, username, password)
        except Exception as error:  # the report is the point of this program
            cameras[address] = {"error": f"adopting: {error!r}"}

    async def play_one(address: str) -> None:
        try:
            await play_all(cameras[address], (username, password), wish["play_s"], wish.get("frames", 1))
        except Exception as error:  # as above
            cameras[address]["error"] = f"playing: {error!r}"

    await asyncio.gather(*(adopt_one(address) for address in cameras))
    await asyncio.gather(*(play_one(address) for address, camera in cameras.items() if "error" not in camera))
    return {"found": found, "cameras": cameras}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(record(json.load(sys.stdin)))))

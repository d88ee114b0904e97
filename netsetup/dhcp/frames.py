"""Ethernet frames as a packet socket sees them: ARP (RFC 826) and UDP over IPv4 (RFC 791, 768). Pure.

Parsers return None for everything that is not whole and well-formed: on a LAN that is traffic, not an error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

BROADCAST = "ff:ff:ff:ff:ff:ff"
ANY = IPv4Address(0)
ETHERTYPE_IP, ETHERTYPE_ARP = 0x0800, 0x0806
_UDP = 17
_ARP_HEAD = struct.pack("!HHBB", 1, ETHERTYPE_IP, 6, 4)  # Ethernet, IPv4
_FEWEST_BYTES = 60  # what Ethernet pads to


def mac_bytes(mac: str) -> bytes:
    """Raises ValueError."""
    octets = bytes.fromhex(mac.replace(":", ""))
    if len(octets) != 6:
        raise ValueError(f"{mac!r} is not a MAC address")
    return octets


def mac_text(octets: bytes) -> str:
    return octets.hex(":")


@dataclass(frozen=True, slots=True)
class Arp:
    operation: Literal[1, 2]  # request, reply
    sender_mac: str
    sender: IPv4Address
    target_mac: str
    target: IPv4Address


@dataclass(frozen=True, slots=True)
class Udp:
    source_mac: str
    source: IPv4Address
    destination: IPv4Address
    source_port: int
    destination_port: int
    payload: bytes


def arp_frame(arp: Arp, *, to: str = BROADCAST) -> bytes:
    ethernet = mac_bytes(to) + mac_bytes(arp.sender_mac) + struct.pack("!H", ETHERTYPE_ARP)
    body = struct.pack("!H", arp.operation) + mac_bytes(arp.sender_mac) + arp.sender.packed
    body += mac_bytes(arp.target_mac) + arp.target.packed
    return (ethernet + _ARP_HEAD + body).ljust(_FEWEST_BYTES, b"\0")


def arp_question(mac: str, sender: IPv4Address, target: IPv4Address) -> bytes:
    """Who has `target`? With `sender` 0.0.0.0 it is a probe (RFC 5227 §1.1), with sender = target an announcement."""
    return arp_frame(Arp(1, mac, sender, "00:00:00:00:00:00", target))


def parse_arp(frame: bytes) -> Arp | None:
    """A probe that is not broadcast is none: Cisco's device tracking asks so whether a host is still there, and taking
    it for a rival's probe would make us decline our own address."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x06" or frame[14:20] != _ARP_HEAD or frame[20:22] not in _OPERATIONS:
        return None
    if frame[28:32] == ANY.packed and frame[:6] != b"\xff" * 6:
        return None
    return Arp(
        _OPERATIONS[frame[20:22]],
        mac_text(frame[22:28]),
        IPv4Address(frame[28:32]),
        mac_text(frame[32:38]),
        IPv4Address(frame[38:42]),
    )


_OPERATIONS: dict[bytes, Literal[1, 2]] = {b"\0\1": 1, b"\0\2": 2}


def udp_frame(udp: Udp, *, to: str = BROADCAST) -> bytes:
    """One whole datagram in one frame; `payload` is at most 1472 bytes."""
    pseudo = udp.source.packed + udp.destination.packed + struct.pack("!HH", _UDP, 8 + len(udp.payload))
    ports = struct.pack("!HHH", udp.source_port, udp.destination_port, 8 + len(udp.payload))
    checksum = _checksum(pseudo + ports + b"\0\0" + udp.payload) or 0xFFFF
    datagram = ports + struct.pack("!H", checksum) + udp.payload
    # TTL 64 as any host; no fragment, so identification 0 is unique enough (RFC 6864 §4.1).
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(datagram), 0, 0x4000, 64, _UDP)
    addresses = udp.source.packed + udp.destination.packed
    head += struct.pack("!H", _checksum(head + b"\0\0" + addresses)) + addresses
    ethernet = mac_bytes(to) + mac_bytes(udp.source_mac) + struct.pack("!H", ETHERTYPE_IP)
    return (ethernet + head + datagram).ljust(_FEWEST_BYTES, b"\0")


def parse_udp(frame: bytes) -> Udp | None:
    """The UDP checksum is not looked at: a server on this machine leaves it to a network card that never comes."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[14] >> 4 != 4:
        return None
    head = (frame[14] & 15) * 4
    (total,) = struct.unpack_from("!H", frame, 16)
    fragment = struct.unpack_from("!H", frame, 20)[0] & 0x3FFF  # more fragments, or not the first
    if head < 20 or frame[23] != _UDP or fragment or not head + 8 <= total <= len(frame) - 14:
        return None
    if _checksum(frame[14 : 14 + head]):
        return None
    source_port, destination_port, length = struct.unpack_from("!HHH", frame, 14 + head)
    if not 8 <= length <= total - head:
        return None
    return Udp(
        mac_text(frame[6:12]),
        IPv4Address(frame[26:30]),
        IPv4Address(frame[30:34]),
        source_port,
        destination_port,
        frame[14 + head + 8 : 14 + head + length],
    )


def _checksum(data: bytes) -> int:
    """RFC 1071; 0 over data that carries its right checksum."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

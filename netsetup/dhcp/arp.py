"""ARP on behalf of a camera, from the parent's packet socket: is an address taken, does somebody answer."""

from __future__ import annotations

from ipaddress import IPv4Address


async def probe(parent: str, mac: str, address: IPv4Address, *, quick: bool = False) -> str | None:
    """RFC 5227 §2.1.1: the MAC of another device that has or wants `address`, None when it is free (4–7 s; `quick`
    0.6 s, for a plan that is only looked at). Raises NetsetupError when the socket cannot be had."""
    raise NotImplementedError


async def arp_reply(
    parent: str, source_mac: str, source_ip: IPv4Address, target_ip: IPv4Address, timeout_s: float = 1.0
) -> str | None:
    """Ask for `target_ip` as if from `source_mac`; the answering MAC, None when nobody answered that MAC in time."""
    raise NotImplementedError

"""Frames: round trips, anything at all, and what a LAN really carries."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netsetup.dhcp.frames import (
    ANY,
    BROADCAST,
    Arp,
    Udp,
    arp_frame,
    arp_question,
    mac_bytes,
    mac_text,
    parse_arp,
    parse_udp,
    udp_frame,
)

MACS = st.binary(min_size=6, max_size=6).map(mac_text)
ADDRESSES = st.integers(0, 2**32 - 1).map(IPv4Address)
PORTS = st.integers(0, 65535)


@given(st.builds(Arp, st.sampled_from((1, 2)), MACS, ADDRESSES, MACS, ADDRESSES), MACS)
@example(Arp(1, "00:1b:54:00:00:01", ANY, BROADCAST, IPv4Address(1)), "a2:6f:00:00:00:01")
def test_arp_round_trip(arp: Arp, to: str) -> None:
    frame = arp_frame(arp, to=to)
    assert len(frame) == 60
    assert (frame[:6], frame[6:12]) == (mac_bytes(to), mac_bytes(arp.sender_mac))
    assert parse_arp(frame) == (arp if to == BROADCAST or arp.sender != ANY else None)
    assert parse_arp(arp_frame(arp)) == arp
    assert parse_udp(frame) is None


@given(st.builds(Udp, MACS, ADDRESSES, ADDRESSES, PORTS, PORTS, st.binary(max_size=1472)))
@example(Udp(BROADCAST, IPv4Address(0), IPv4Address(0), 0, 0, b"\xff\xed"))
def test_udp_round_trip(udp: Udp) -> None:
    frame = udp_frame(udp)
    assert parse_udp(frame) == udp
    assert parse_udp(frame + b"padding") == udp
    assert parse_arp(frame) is None
    assert frame[40:42] != b"\0\0"  # that would mean: no checksum (RFC 768)


@given(st.binary(max_size=100))
def test_anything(octets: bytes) -> None:
    parse_arp(octets)
    parse_udp(octets)
    parse_arp(b"\0" * 12 + b"\x08\x06" + octets)
    parse_udp(b"\0" * 12 + b"\x08\x00" + octets)


@given(st.integers(14, 33), st.integers(1, 255))
def test_a_damaged_ip_header_is_refused(at: int, by: int) -> None:
    frame = bytearray(udp_frame(Udp(BROADCAST, IPv4Address(1), IPv4Address(2), 67, 68, b"hello")))
    frame[at] ^= by
    assert parse_udp(bytes(frame)) is None


def test_fragments_and_cut_frames_are_refused() -> None:
    whole = udp_frame(Udp(BROADCAST, IPv4Address(1), IPv4Address(2), 67, 68, b"x" * 100))
    for length in range(len(whole)):
        assert parse_udp(whole[:length]) is None
    for flags in (b"\x20\x00", b"\x00\x01"):  # more fragments; not the first one
        fragment = bytearray(whole)
        old = int.from_bytes(fragment[24:26]) + int.from_bytes(fragment[20:22]) - int.from_bytes(flags)
        fragment[20:22], fragment[24:26] = flags, (old % 0xFFFF).to_bytes(2)
        assert parse_udp(bytes(fragment)) is None


def test_ip_options_are_stepped_over() -> None:
    frame = bytearray(udp_frame(Udp(BROADCAST, IPv4Address(1), IPv4Address(2), 67, 68, b"x" * 100)))
    with_option = frame[:34] + b"\x01\x01\x01\x00" + frame[34:]
    with_option[14], with_option[16:18] = 0x46, (20 + 4 + 108).to_bytes(2)
    checksum = int.from_bytes(frame[24:26]) - 0x0100 - 4 - 0x0101 - 0x0100
    with_option[24:26] = (checksum % 0xFFFF).to_bytes(2)
    parsed = parse_udp(bytes(with_option))
    assert parsed is not None
    assert (parsed.destination_port, parsed.payload) == (68, b"x" * 100)


def test_a_probe_names_no_sender_and_an_announcement_names_itself() -> None:
    probe = parse_arp(arp_question("a2:6f:00:00:00:01", IPv4Address(0), IPv4Address("10.0.0.5")))
    assert probe == Arp(1, "a2:6f:00:00:00:01", IPv4Address(0), "00:00:00:00:00:00", IPv4Address("10.0.0.5"))


@pytest.mark.parametrize("text", ["", "a2:6f", "a2:6f:00:00:00:01:02", "no mac address at all"])
def test_no_mac(text: str) -> None:
    with pytest.raises(ValueError):
        mac_bytes(text)

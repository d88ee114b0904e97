"""DHCP messages: pyroute2's codec reads what is written, and anything may come in."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Interface

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.dhcp.dhcp4msg import dhcp4msg

from netsetup.dhcp.packet import Kind, Reply, Request, decode, encode, host_name

MAC = "a2:6f:00:00:01:02"
SERVER = "02:00:00:00:00:01"


def reply(*options: bytes, address: str = "10.77.0.5", file: bytes = b"", sname: bytes = b"") -> bytes:
    head = struct.pack("!BBBBIHH", 2, 1, 6, 0, 0x12345678, 0, 0) + bytes(4) + IPv4Address(address).packed + bytes(8)
    head += bytes.fromhex(MAC.replace(":", "")).ljust(16, b"\0") + sname.ljust(64, b"\0") + file.ljust(128, b"\0")
    return head + b"\x63\x82\x53\x63" + b"".join(options) + b"\xff"


def option(code: int, value: bytes | str | int) -> bytes:
    if isinstance(value, str):
        value = b"".join(IPv4Address(word).packed for word in value.split())
    elif isinstance(value, int):
        value = value.to_bytes(4)
    return bytes((code, len(value))) + value


ACK = option(53, b"\5")


def read(*options: bytes, **fields: bytes | str) -> Reply:
    decoded = decode(reply(*options, **fields), SERVER)  # type: ignore[arg-type]  # fields by name
    assert decoded is not None
    return decoded


@given(
    st.builds(
        Request,
        st.sampled_from(Kind),
        st.just(MAC),
        st.integers(1, 2**32 - 1),
        st.integers(0, 10**6),
        st.integers(0, 2**32 - 1).map(IPv4Address),
        st.none() | st.integers(0, 2**32 - 1).map(IPv4Address),
        st.none() | st.integers(0, 2**32 - 1).map(IPv4Address),
        st.text("abc-", max_size=63),
        st.booleans(),
    )
)
def test_what_is_written(request: Request) -> None:
    octets = encode(request)
    assert 300 <= len(octets) <= 1472
    message = dhcp4msg(buf=octets).decode()
    options = message["options"]
    assert (message["op"], message["xid"], message["chaddr"]) == (1, request.xid, MAC)
    assert message["secs"] == min(request.secs, 65535)
    assert message["flags"] == (0x8000 if request.want_broadcast else 0)
    assert message["ciaddr"] == str(request.in_use)
    assert options["message_type"] == request.kind
    assert options["client_id"] == {"type": 1, "key": MAC}
    assert options.get("requested_ip") == (str(request.requested) if request.requested is not None else None)
    assert options.get("server_id") == (str(request.server) if request.server is not None else None)
    asks = request.kind in (Kind.DISCOVER, Kind.REQUEST)
    assert ("parameter_list" in options) == asks
    assert options.get("host_name") == (request.hostname if request.hostname and asks else None)
    assert decode(octets, SERVER) is None  # another client's


def test_what_is_read() -> None:
    text = option(56, b"go away\x1b[2J ") + option(12, b"ignored")
    times = option(51, 3600) + option(58, 1800) + option(59, 3150)
    known = read(
        ACK, option(54, "10.77.0.1"), option(1, "255.255.255.0"), option(3, "10.77.0.1 10.77.0.2"), times, text
    )
    assert known == Reply(
        Kind.ACK,
        MAC,
        0x12345678,
        IPv4Address("10.77.0.5"),
        IPv4Address("10.77.0.1"),
        SERVER,
        24,
        IPv4Address("10.77.0.1"),
        3600,
        1800,
        3150,
        "go away [2J",
    )
    assert known.interface() == IPv4Interface("10.77.0.5/24")


def test_options_in_other_fields_and_in_parts() -> None:
    """RFC 2131 §4.1 and RFC 3396: an option may continue anywhere."""
    server = IPv4Address("10.77.0.1").packed
    found = read(
        ACK,
        option(52, b"\3"),
        option(54, server[:1]),
        file=option(54, server[1:3]) + option(51, 60) + b"\xff",
        sname=option(54, server[3:]) + b"\xff",
    )
    assert (found.server, found.lease_s) == (IPv4Address("10.77.0.1"), 60)
    assert read(ACK, file=option(51, 60)).lease_s is None  # not said to hold options


@pytest.mark.parametrize(
    ("routes", "gateway"),
    [
        (b"\x00" + IPv4Address("10.77.0.9").packed, "10.77.0.9"),
        (
            b"\x18\x0a\x63\x00" + IPv4Address("10.77.0.3").packed + b"\x00" + IPv4Address("10.77.0.9").packed,
            "10.77.0.9",
        ),
        (b"\x18\x0a\x63\x00" + IPv4Address("10.77.0.3").packed, None),  # RFC 3442: the router option is ignored
        (b"\x21" + bytes(9), None),
        (b"\x00\x0a", None),
        (b"", None),
    ],
)
def test_classless_routes(routes: bytes, gateway: str | None) -> None:
    found = read(ACK, option(3, "10.77.0.1"), option(121, routes))
    assert found.gateway == (IPv4Address(gateway) if gateway else None)


@pytest.mark.parametrize(
    ("address", "mask", "interface"),
    [
        ("10.77.0.5", "255.255.255.0", "10.77.0.5/24"),
        ("10.77.0.5", None, "10.77.0.5/8"),
        ("172.16.0.5", None, "172.16.0.5/16"),
        ("192.168.1.5", None, "192.168.1.5/24"),
        ("10.77.0.5", "255.0.255.0", "10.77.0.5/8"),
        ("10.77.0.5", "255.255.255.255", "10.77.0.5/32"),
        ("10.77.0.4", "255.255.255.254", None),
        ("10.77.0.4", "254.0.0.0", None),
        ("10.77.0.0", "255.255.255.0", None),
        ("10.77.0.255", "255.255.255.0", None),
        ("0.0.0.0", "255.255.255.0", None),
        ("127.0.0.1", "255.255.255.0", None),
        ("224.0.0.1", "255.255.255.0", None),
        ("255.255.255.255", "255.255.255.0", None),
    ],
)
def test_addresses_that_a_host_can_have(address: str, mask: str | None, interface: str | None) -> None:
    found = read(ACK, *([option(1, mask)] if mask else []), address=address).interface()
    assert found == (IPv4Interface(interface) if interface else None)


def test_what_is_no_answer_to_us() -> None:
    good = reply(ACK)
    assert decode(good, SERVER) is not None
    for at, value in ((0, 1), (1, 6), (2, 16), (236, 0), (242, 1), (242, 9)):
        assert decode(good[:at] + bytes((value,)) + good[at + 1 :], SERVER) is None
    assert decode(reply(), SERVER) is None
    assert decode(reply(option(53, b"\5\5")), SERVER) is None
    for length in range(243):
        assert decode(good[:length], SERVER) is None


@given(st.binary(max_size=400), st.sampled_from((b"\1", b"\2", b"\3")))
def test_any_options(octets: bytes, overload: bytes) -> None:
    decode(octets, SERVER)
    found = decode(reply(ACK, option(52, overload), octets, file=octets[:128], sname=octets[:64]), SERVER)
    assert found is None or len(found.text) <= 120
    if found:
        found.interface()


@given(st.integers(1, 2**32 - 2), st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1))
def test_pyroute2_and_we_read_the_same(server: int, gateway: int, lease: int) -> None:
    octets = reply(ACK, option(54, server), option(3, gateway), option(51, lease))
    theirs, ours = dhcp4msg(buf=octets).decode()["options"], decode(octets, SERVER)
    assert ours is not None
    assert (str(ours.server), ours.lease_s) == (theirs["server_id"], theirs["lease_time"])
    assert ours.gateway is None or str(ours.gateway) == theirs["router"][0]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Front door", "front-door"),
        ("Tür 7 / Süd", "tur-7-sud"),
        ("vcam7", "vcam7"),
        ("—", ""),
        ("", ""),
        ("x" * 62 + " y", "x" * 62),
        ("--a--", "a"),
    ],
)
def test_host_names(name: str, label: str) -> None:
    assert host_name(name) == label

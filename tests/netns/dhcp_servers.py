"""Real DHCP servers in a namespace: dnsmasq and Kea, in the foreground, ready when the functions return."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from .frames import UDP, Frame
from .lan import LAN, ROUTER, Namespace, wait_until

FIRST, LAST = "10.77.0.100", "10.77.0.250"
_KINDS = ("", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM")  # option 53
Start = Callable[..., subprocess.Popen[str]]


def start_dnsmasq(
    machine: Namespace,
    folder: Path,
    *,
    first: str = FIRST,
    last: str = LAST,
    gateway: str = ROUTER,
    lease_s: int = 3600,
    renew_s: int | None = None,
    reservations: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    link: str = "eth0",
) -> subprocess.Popen[str]:
    """`reservations` are addresses by MAC. Run as `no-daemon`, because it may not change its user here.

    It gives no lease shorter than two minutes; `renew_s` sets T1 (and T2 to twice that) all the same.
    """
    _want("dnsmasq", "dnsmasq-base")
    log = folder / "dnsmasq.log"
    words = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=0"]
    words += [f"--interface={link}", "--bind-interfaces", "--dhcp-authoritative", "--no-ping", "--pid-file="]
    words += ["--log-facility=-", "--log-dhcp", "--dhcp-lease-max=1000"]
    words += [f"--dhcp-range={first},{last},255.255.255.0,{lease_s}", f"--dhcp-option=option:router,{gateway}"]
    words += [f"--dhcp-leasefile={folder / 'dnsmasq.leases'}", *options]
    words += [f"--dhcp-host={mac},{address}" for mac, address in (reservations or {}).items()]
    if renew_s is not None:
        words += [f"--dhcp-option=option:T1,{renew_s}", f"--dhcp-option=option:T2,{2 * renew_s}"]
    return _start(machine, words, log, "sockets bound exclusively", {})


def start_kea(
    machine: Namespace,
    folder: Path,
    *,
    first: str = FIRST,
    last: str = LAST,
    gateway: str = ROUTER,
    lease_s: int = 3600,
    renew_s: int | None = None,
    reservations: Mapping[str, str] | None = None,
    link: str = "eth0",
) -> subprocess.Popen[str]:
    """As `start_dnsmasq`; any times are possible."""
    _want("kea-dhcp4", "kea-dhcp4-server")
    subnet = {
        "id": 1,
        "subnet": LAN,
        "pools": [{"pool": f"{first} - {last}"}],
        "option-data": [{"name": "routers", "data": gateway}],
        "reservations": [
            {"hw-address": mac, "ip-address": str(IPv4Address(a))} for mac, a in (reservations or {}).items()
        ],
    }
    server: dict[str, object] = {
        "interfaces-config": {"interfaces": [link], "dhcp-socket-type": "raw"},
        "lease-database": {
            "type": "memfile",
            "persist": True,
            "name": str(folder / "kea-leases.csv"),
            "lfc-interval": 0,
        },
        "valid-lifetime": lease_s,
        "renew-timer": renew_s if renew_s is not None else lease_s // 2,
        "rebind-timer": 2 * renew_s if renew_s is not None else lease_s * 7 // 8,
        "authoritative": True,
        "subnet4": [subnet],
        "loggers": [{"name": "kea-dhcp4", "output_options": [{"output": "stdout", "flush": True}], "severity": "INFO"}],
    }
    config = folder / "kea.json"
    config.write_text(json.dumps({"Dhcp4": server}))
    environment = {"KEA_PIDFILE_DIR": str(folder), "KEA_LOCKFILE_DIR": str(folder)}
    return _start(machine, ["kea-dhcp4", "-c", str(config)], folder / "kea.log", "DHCP4_STARTED", environment)


SERVERS: dict[str, Start] = {"dnsmasq": start_dnsmasq, "kea": start_kea}


@dataclass(frozen=True, slots=True)
class Message:
    """A DHCP message on the wire, read by RFC 2131 alone: `in_use` is ciaddr, `requested` option 50, "" when absent."""

    kind: str
    xid: int
    mac: str
    in_use: str
    requested: str


def messages(frames: Iterable[Frame]) -> list[Message]:
    """Those that are whole DHCP messages, in their order."""
    found = []
    for frame in frames:
        octets = frame.payload
        if frame.protocol != UDP or not {frame.source_port, frame.target_port} <= {67, 68} or len(octets) < 240:
            continue
        options = _options(octets[240:])
        requested, in_use = options.get(50, b""), IPv4Address(octets[12:16])
        found.append(
            Message(
                _KINDS[options[53][0]],
                int.from_bytes(octets[4:8]),
                octets[28:34].hex(":"),
                str(in_use) if int(in_use) else "",
                str(IPv4Address(requested)) if requested else "",
            )
        )
    return found


def _options(octets: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at < len(octets) and octets[at] != 255:
        if octets[at] == 0:
            at += 1
            continue
        found[octets[at]] = octets[at + 2 : at + 2 + octets[at + 1]]
        at += 2 + octets[at + 1]
    return found


def _want(program: str, package: str) -> None:
    if shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/sbin") is None:
        pytest.skip(f"{program} is not installed (Debian: apt install {package})")


def _start(
    machine: Namespace, words: list[str], log: Path, ready: str, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    with log.open("w") as out:
        server = machine.popen(words, env=environment, stdout=out, stderr=subprocess.STDOUT)

    def listening() -> bool:
        assert server.poll() is None, log.read_text()
        return ready in log.read_text()

    wait_until(f"{words[0]} is ready: {log}", listening)
    return server

"""What this host is and runs, as far as cameras are concerned: read from /proc, /sys and /etc, never changed.

`Facts` (the kernel's links, addresses, rules) come from `kernel`; here is everything around them. What cannot be read
(another user's processes, a closed /sys) counts as not there, never as an error.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

from .host_facts import ANY, Connection, HostFacts, Listener, Neighbour
from .installed import SIGNS

_LARGEST = 16_000_000
_COMMAND_TIMEOUT_S = 5.0
_LISTEN, _ESTABLISHED = "0A", "01"
_DISCOVERY = 3702
_CAMERA_TCP = (80, 554)
_SYSCTLS = ("rp_filter", "arp_ignore", "arp_filter")
_VIRTUAL = (
    ("QEMU", "KVM (Proxmox, libvirt)"),
    ("KVM", "KVM (Proxmox, libvirt)"),
    ("VMware", "VMware"),
    ("innotek", "VirtualBox"),
    ("Xen", "Xen"),
    ("Parallels", "Parallels"),
)
_MANAGERS = {
    "NetworkManager": "NetworkManager",
    "systemd-network": "systemd-networkd",  # comm has 15 characters
    "dhcpcd": "dhcpcd",
    "connmand": "ConnMan",
    "wickedd": "wicked",
}


def read_host(root: Path = Path("/")) -> HostFacts:
    """`root`: another folder that holds proc, sys, etc, run (tests)."""
    programs = frozenset(_programs(root))
    return HostFacts(
        root=os.geteuid() == 0,
        container=_container(root),
        hypervisor=_hypervisor(root),
        macvlan=_has_macvlan(root),
        listeners=tuple(_listeners(root)),
        connections=tuple(_connections(root)),
        neighbours=tuple(_neighbours(root)),
        managers=tuple(sorted(words for name, words in _MANAGERS.items() if name in programs)),
        configured=tuple(_configured(root)),
        told=frozenset(manager for manager, file, sign in SIGNS if sign in _text(root / file.lstrip("/"))),
        firewalls=tuple(_firewalls(root, programs)),
        all_sysctls={key: _text(root / "proc/sys/net/ipv4/conf/all" / key).strip() for key in _SYSCTLS},
    )


def _text(path: Path) -> str:
    try:
        with path.open(errors="replace") as file:
            return file.read(_LARGEST)
    except OSError:
        return ""


def _configured(root: Path) -> Iterator[str]:
    if any((root / "etc/netplan").glob("*.yaml")):
        yield "netplan"
    files = [root / "etc/network/interfaces", *(root / "etc/network/interfaces.d").glob("*")]
    lines = [line.split() for file in files for line in _text(file).splitlines()]
    if any(words[:1] == ["iface"] and words[1:2] != ["lo"] for words in lines):
        yield "ifupdown"


def _programs(root: Path) -> Iterator[str]:
    for comm in (root / "proc").glob("[0-9]*/comm"):
        yield _text(comm).strip()


def _container(root: Path) -> str:
    if named := _text(root / "run/systemd/container").strip():
        return named
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    words = _text(root / "proc/1/environ").split("\0")
    return next((word.partition("=")[2] for word in words if word.startswith("container=")), "")


def _hypervisor(root: Path) -> str:
    dmi = root / "sys/class/dmi/id"
    vendor, product = (_text(dmi / name).strip() for name in ("sys_vendor", "product_name"))
    if vendor.startswith("Microsoft") and product == "Virtual Machine":
        return "Hyper-V"
    for sign, words in _VIRTUAL:
        if sign in vendor or sign in product:
            return words
    flags = next((x for x in _text(root / "proc/cpuinfo").splitlines() if x.startswith("flags")), "")
    return "an unknown hypervisor" if " hypervisor" in flags else ""


def _has_macvlan(root: Path) -> bool | None:
    if (root / "sys/module/macvlan").exists():
        return True
    modules = root / "lib/modules" / platform.release()
    lists = [_text(modules / name) for name in ("modules.dep", "modules.builtin")]
    return any("/macvlan.ko" in text for text in lists) if any(lists) else None


# Sockets: proc(5), /proc/net/tcp and udp ---------------------------------------------------------------------------


def _listeners(root: Path) -> Iterator[Listener]:
    rows = [(protocol, *row) for protocol in ("tcp", "udp") for row in _socket_rows(root, protocol)]
    waiting = [row for row in rows if (row[4] == _LISTEN if row[0] == "tcp" else row[2] == _DISCOVERY)]
    owners = _owners(root, {row[5] for row in waiting if row[1] == ANY and row[2] in (*_CAMERA_TCP, _DISCOVERY)})
    for protocol, address, port, _, _, inode in waiting:
        yield Listener(protocol, address, port, owners.get(inode, ""))


def _connections(root: Path) -> Iterator[Connection]:
    for address, port, remote, state, _ in _socket_rows(root, "tcp"):
        if state == _ESTABLISHED and port in _CAMERA_TCP:
            yield Connection(address, port, remote)


def _socket_rows(root: Path, protocol: str) -> Iterator[tuple[IPv4Address, int, IPv4Address, str, str]]:
    """(local address, port, remote address, state, inode). Of IPv6 only what listens everywhere: that takes the IPv4
    ports as well."""
    for family in ("", "6"):
        for text in _text(root / f"proc/net/{protocol}{family}").splitlines()[1:]:
            words = text.split()
            try:
                local, _, port = words[1].partition(":")
                remote = words[2].partition(":")[0]
                if family:
                    if local.strip("0"):
                        continue
                    yield ANY, int(port, 16), ANY, words[3], words[9]
                else:
                    yield _address(local), int(port, 16), _address(remote), words[3], words[9]
            except (IndexError, ValueError):
                continue


def _address(word: str) -> IPv4Address:
    """In the byte order of this machine."""
    number = int(word, 16)
    return IPv4Address(number.to_bytes(4, sys.byteorder))


def _owners(root: Path, inodes: set[str]) -> dict[str, str]:
    """Program names by socket inode. Only root sees those of other users."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, str] = {}
    if not wanted:
        return found
    for process in (root / "proc").glob("[0-9]*"):
        for target in _links(process / "fd"):
            if target in wanted:
                found[wanted[target]] = _text(process / "comm").strip()
        if len(found) == len(wanted):
            break
    return found


def _links(folder: Path) -> Iterator[str]:
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        try:
            yield str(entry.readlink())
        except OSError:
            continue


def _neighbours(root: Path) -> Iterator[Neighbour]:
    for text in _text(root / "proc/net/arp").splitlines()[1:]:
        words = text.split()
        if len(words) == 6 and words[2] != "0x0":
            yield Neighbour(IPv4Address(words[0]), words[3].lower(), words[5])


# Firewalls -----------------------------------------------------------------------------------------------------------


def _firewalls(root: Path, programs: Iterable[str]) -> Iterator[str]:
    if "firewalld" in programs:
        yield "firewalld"
    if "ENABLED=yes" in _text(root / "etc/ufw/ufw.conf"):
        yield "ufw"
    elif root == Path("/") and _input_is_closed():
        yield "nftables"


def _input_is_closed() -> bool:
    """Whether an nftables chain on input drops what no rule allows."""
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin")
    if nft is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603 — found in the system's folders
            [nft, "-j", "list", "chains"], capture_output=True, timeout=_COMMAND_TIMEOUT_S, check=True
        )
        chains = [entry.get("chain", {}) for entry in json.loads(done.stdout)["nftables"]]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return False
    return any(chain.get("hook") == "input" and chain.get("policy") == "drop" for chain in chains)

"""What is read of a host, from a folder that looks like one."""

from __future__ import annotations

import platform
import socket
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from netsetup.host import read_host
from netsetup.host_facts import ANY, Connection, HostFacts, Listener, Neighbour

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 65004D0A:022A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 65004D0A:022A 0200580A:C001 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
   3: 0A004D0A:0016 0200580A:C002 01 00000000:00000000 00:00000000 00000000     0        0 4714 1 0 100 0 0 10 0
   4: garbage
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4715 1
   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4716 1
"""
UDP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref
   0: 65004D0A:0E76 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4717 2 0 0
   1: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4718 2 0 0
"""
ARP = """IP address       HW type     Flags       HW address            Mask     Device
10.77.0.1        0x1         0x2         02:00:00:00:00:01     *        eth0
10.77.0.9        0x1         0x0         00:00:00:00:00:00     *        eth0
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("proc/net", "proc/1", "proc/77/fd", "proc/88", "sys/class/dmi/id", "run/systemd", "etc/ufw"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.mark.skipif(sys.byteorder == "big", reason="the tables above are of a little-endian machine")
def test_sockets_and_neighbours(root: Path) -> None:
    for name, text in (("tcp", TCP), ("tcp6", TCP6), ("udp", UDP), ("arp", ARP)):
        write(root, f"proc/net/{name}", text)
    write(root, "proc/77/comm", "nginx\n")
    (root / "proc/77/fd/5").symlink_to("socket:[4711]")
    (root / "proc/77/fd/6").symlink_to("/dev/null")
    host = read_host(root)
    camera = IPv4Address("10.77.0.101")
    assert host.listeners == (
        Listener("tcp", ANY, 80, "nginx"),
        Listener("tcp", camera, 554),
        Listener("tcp", ANY, 8080),  # IPv6 that takes IPv4 as well
        Listener("udp", camera, 3702),
    )
    assert host.connections == (Connection(camera, 554, IPv4Address("10.88.0.2")),)
    assert host.neighbours == (Neighbour(IPv4Address("10.77.0.1"), "02:00:00:00:00:01", "eth0"),)


def test_an_empty_folder_is_a_host_of_which_nothing_is_known(tmp_path: Path) -> None:
    host = read_host(tmp_path)
    assert (host.listeners, host.managers, host.firewalls, host.hypervisor, host.container) == ((), (), (), "", "")
    assert host.macvlan is None


@pytest.mark.parametrize(
    ("vendor", "product", "words"),
    [
        ("QEMU", "Standard PC", "KVM (Proxmox, libvirt)"),
        ("VMware, Inc.", "VMware Virtual Platform", "VMware"),
        ("Microsoft Corporation", "Virtual Machine", "Hyper-V"),
        ("Microsoft Corporation", "Surface", ""),
        ("innotek GmbH", "VirtualBox", "VirtualBox"),
        ("Raspberry Pi", "", ""),
    ],
)
def test_virtual_machines(root: Path, vendor: str, product: str, words: str) -> None:
    write(root, "sys/class/dmi/id/sys_vendor", vendor + "\n")
    write(root, "sys/class/dmi/id/product_name", product + "\n")
    assert read_host(root).hypervisor == words


def test_containers(root: Path) -> None:
    write(root, "proc/1/environ", "PATH=/bin\0container=lxc\0")
    assert read_host(root).container == "lxc"
    write(root, "run/systemd/container", "systemd-nspawn\n")
    assert read_host(root).container == "systemd-nspawn"


def test_macvlan_as_a_module_and_built_in(root: Path) -> None:
    modules = f"lib/modules/{platform.release()}"
    write(root, f"{modules}/modules.dep", "kernel/drivers/net/veth.ko.xz:\n")
    assert read_host(root).macvlan is False
    write(root, f"{modules}/modules.builtin", "kernel/drivers/net/macvlan.ko\n")
    assert read_host(root).macvlan is True


def test_managers_and_whether_they_were_told(root: Path) -> None:
    write(root, "proc/77/comm", "NetworkManager\n")
    write(root, "proc/88/comm", "systemd-network\n")
    write(root, "etc/systemd/network/05-onviftui-cameras.network", "[Link]\nUnmanaged=yes\n")
    host = read_host(root)
    assert host.managers == ("NetworkManager", "systemd-networkd") and host.told == {"systemd-networkd"}


def test_netplan_and_ifupdown(root: Path) -> None:
    write(root, "etc/network/interfaces", "auto lo\niface lo inet loopback\n")
    assert read_host(root).configured == ()
    write(root, "etc/network/interfaces.d/eth0", "allow-hotplug eth0\niface eth0 inet dhcp\n")
    write(root, "etc/netplan/50-cloud-init.yaml", "network: {}\n")
    assert read_host(root).configured == ("netplan", "ifupdown")


def test_firewalls(root: Path) -> None:
    write(root, "etc/ufw/ufw.conf", "ENABLED=yes\nLOGLEVEL=low\n")
    write(root, "proc/88/comm", "firewalld\n")
    assert read_host(root).firewalls == ("firewalld", "ufw")


def test_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = read_host()
        assert isinstance(host, HostFacts)
        assert Listener("tcp", IPv4Address("127.0.0.1"), server.getsockname()[1]) in host.listeners

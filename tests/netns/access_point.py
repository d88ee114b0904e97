"""A host that hangs on Wi-Fi: what an access point lets through, and how the kernel shows a wireless adapter.

Few kernels can make a wireless adapter without a radio (mac80211_hwsim), so that both are made by hand: the port of the
bridge passes the host's own MAC alone, and sysfs has for the adapter what the kernel puts there for a wireless one.
"""

from __future__ import annotations

from .lan import MACS, Lan, Namespace

# The adapter's own attributes stay what they are: links into the real folder, which is kept under another name.
_WIRELESS = """
set -eu
device=$(readlink -f "/sys/class/net/$1")
kept=$(mktemp -d)
mount --bind "$device" "$kept"
mount -t tmpfs -o mode=755 tmpfs "$device"
for attribute in "$kept"/*; do ln -s "$attribute" "$device/"; done
mkdir -p "$device/ieee80211/phy0"
echo phy0 >"$device/ieee80211/phy0/name"
ln -s ieee80211/phy0 "$device/phy80211"
"""


def admit_only_the_host(lan: Lan) -> None:
    """The port knows the host's MAC and drops all others: access points, port security, hypervisors without
    promiscuous mode."""
    lan.bridge.run(["bridge", "link", "set", "dev", "p-host", "learning", "off"])
    lan.bridge.ip("link set dev p-host type bridge_slave fdb_flush")
    lan.bridge.run(["bridge", "fdb", "replace", MACS["host"], "dev", "p-host", "master", "static"])
    lan.bridge.run(["bridge", "link", "set", "dev", "p-host", "locked", "on"])


def make_wireless(machine: Namespace, link: str) -> None:
    """For every program in `machine`, until it ends: /sys/class/net/LINK/phy80211 is there, as cfg80211 makes it."""
    machine.run(["sh", "-c", _WIRELESS, "sh", link])

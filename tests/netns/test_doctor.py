"""`netsetup doctor` and `netsetup check` on a LAN that is ill on purpose: the cause is named, with what to do."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .access_point import admit_only_the_host
from .applied import Netsetup
from .chain import new_chain
from .lan import MACS, OUTSIDE, RECORDER, Lan, wait_until
from .talk import listening
from .verdict import start_stand_in

CAMERAS = 3


@pytest.fixture
def netsetup(lan: Lan, tmp_path: Path) -> Netsetup:
    made = Netsetup(lan, tmp_path)
    made.apply(CAMERAS)
    return made


def findings(netsetup: Netsetup, command: str = "doctor") -> dict[str, list[dict[str, Any]]]:
    """By id; without what is only fine."""
    if command == "doctor":
        return doctor(netsetup, netsetup.state / "no-arm.sock")
    return _by_id(netsetup, command, "--parent", "eth0")


def doctor(netsetup: Netsetup, socket: Path) -> dict[str, list[dict[str, Any]]]:
    return _by_id(netsetup, "doctor", "--socket", socket)


def _by_id(netsetup: Netsetup, *words: str | Path) -> dict[str, list[dict[str, Any]]]:
    answer = json.loads(netsetup(*words, "--json", check=False).stdout)
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in answer["findings"]:
        if finding["severity"] != "ok":
            found.setdefault(finding["id"], []).append(finding)
    return found


def test_a_healthy_lan_has_no_problem(netsetup: Netsetup) -> None:
    start_stand_in(netsetup.lan.host, netsetup.cameras())
    found = findings(netsetup)
    assert not [f for group in found.values() for f in group if f["severity"] == "problem"], found


def _port_security(lan: Lan, ends: ExitStack) -> None:
    admit_only_the_host(lan)


def _no_router(lan: Lan, ends: ExitStack) -> None:
    lan.router.ip("link set eth0 down")


def _claimed(lan: Lan, ends: ExitStack) -> None:
    lan.recorder.ip("address add 10.77.0.102/24 dev eth0")


def _elsewhere(lan: Lan, ends: ExitStack) -> None:
    server = ends.enter_context(listening(lan.host, "10.77.0.101", 80))
    client = ends.enter_context(lan.outside.socket(socket.AF_INET, socket.SOCK_STREAM))
    client.settimeout(5)
    client.connect(("10.77.0.101", 80))
    ends.enter_context(server.accept()[0])


def _no_cable(lan: Lan, ends: ExitStack) -> None:
    lan.unplug_host()


def _deleted(lan: Lan, ends: ExitStack) -> None:
    lan.host.ip("link del vcam2")


def _down(lan: Lan, ends: ExitStack) -> None:
    lan.host.ip("link set vcam2 down")


def _no_address(lan: Lan, ends: ExitStack) -> None:
    lan.host.ip("address flush dev vcam2")


def _no_rule(lan: Lan, ends: ExitStack) -> None:
    lan.host.ip("rule del pref 12002")


def _sysctl(lan: Lan, ends: ExitStack) -> None:
    lan.host.sysctl("net/ipv4/conf/vcam2/rp_filter", 1)


def _port_80(lan: Lan, ends: ExitStack) -> None:
    ends.enter_context(listening(lan.host, "0.0.0.0", 80))


def _gone(lan: Lan, ends: ExitStack) -> None:
    lan.bridge.ip("link del p-host")


def _switched_off(lan: Lan, ends: ExitStack) -> None:
    lan.host.ip("link set eth0 down")


def _nothing(lan: Lan, ends: ExitStack) -> None:
    """No proxyd, nor anything else that could be a camera."""


BY_HAND, RESTORE = "another MAC", "systemctl start netsetup"
# By the id of the finding: the cause, the camera, and what is said: what it is, then why it matters and what to do.
ILLS: dict[str, tuple[Callable[[Lan, ExitStack], None], str, str, tuple[str, ...]]] = {
    "mac-blocked": (_port_security, "vcam2", "10.77.0.1 answers the host, but not vcam2 with MAC", ("docs/hosts.md",)),
    "gateway-silent": (_no_router, "", "10.77.0.1 answers neither the host nor its cameras", ("gateway of this LAN",)),
    "address-claimed": (
        *(_claimed, "vcam2", f"10.77.0.102 of vcam2 is already used by the device with MAC {MACS['recorder']}"),
        ("Give that device another address", "--exclude 10.77.0.102"),
    ),
    "recorder-elsewhere": (
        *(_elsewhere, "vcam1", f"{OUTSIDE} is connected to vcam1 from another subnet"),
        ("sees the router's MAC for all cameras", "put it on the cameras' LAN 10.77.0.0/24"),
    ),
    "parent-no-cable": (_no_cable, "", "The cable of eth0 is unplugged", ("cameras resume by themselves",)),
    "parent-gone": (_gone, "", "The network adapter eth0 is gone", ("Plug it in again",)),
    "parent-down": (_switched_off, "", "eth0 is switched off", ("ip link set eth0 up",)),
    "camera-missing": (_deleted, "vcam2", "vcam2 is missing", ("Another program removed it", RESTORE)),
    "camera-down": (_down, "vcam2", "vcam2 is switched off", (BY_HAND, RESTORE)),
    "address-missing": (_no_address, "vcam2", "10.77.0.102", (BY_HAND, RESTORE)),
    "rules-incomplete": (_no_rule, "vcam2", "vcam2 lacks routes or rules", (BY_HAND, RESTORE)),
    "sysctl-changed": (_sysctl, "vcam2", "rp_filter", (BY_HAND, RESTORE)),
    "port-taken": (_port_80, "", "80", ()),
    "nothing-listens": (_nothing, "vcam2", "Nothing listens on 10.77.0.102 port 80 and 554", ("proxyd",)),
}


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("ill", ILLS)
def test_the_doctor_names_the_cause(netsetup: Netsetup, ends: ExitStack, ill: str) -> None:
    cause, camera, words, more = ILLS[ill]
    cause(netsetup.lan, ends)
    found = findings(netsetup)
    assert ill in found, found
    about = [finding for finding in found[ill] if not camera or finding["camera"] == camera]
    assert about, found[ill]
    assert words in about[0]["what"], about[0]
    assert about[0]["todo"]
    rest = f"{about[0]['why']} {about[0]['todo']}"
    assert all(part in rest for part in more), rest
    assert RECORDER not in about[0]["what"]


def test_what_blocks_a_mac_is_told_by_what_the_host_is(netsetup: Netsetup, ends: ExitStack) -> None:
    """Virtual machines need their hypervisor's leave, others their switch's."""
    _port_security(netsetup.lan, ends)
    found = findings(netsetup)["mac-blocked"]
    assert {finding["camera"] for finding in found} == {f"vcam{n}" for n in range(1, CAMERAS + 1)}
    in_vm = "allow promiscuous mode, MAC changes and forged transmits"
    on_iron = f"Raise the MAC limit (port security) of the switch port to {CAMERAS + 1} or more"
    assert all((in_vm in finding["todo"]) != (on_iron in finding["todo"]) for finding in found)


def test_a_mac_that_somebody_else_has_is_told(netsetup: Netsetup) -> None:
    recorder = netsetup.lan.recorder
    recorder.ip(f"link set eth0 down\nlink set eth0 address {netsetup.cameras()[1].mac}\nlink set eth0 up")
    assert netsetup.lan.host.ping(RECORDER)
    (about,) = findings(netsetup)["mac-claimed"]
    assert about["camera"] == "vcam2" and about["what"].endswith(f"is also that of {RECORDER}.")
    assert "cloned machine" in about["todo"]


def test_a_camera_without_lease_is_told_with_the_next_try(lan: Lan) -> None:
    """The arm knows how the camera stands with the DHCP server: there is none."""
    with new_chain(lan) as chain:
        chain.netsetup("apply", "--parent", "eth0", "--count", "1", "--dhcp", "--yes")
        (about,) = doctor(chain.netsetup, chain.arm_socket)["no-lease"]
        assert "systemctl status netsetup" in about["todo"]
        chain.start_arm()
        wait_until("it looks for a server", lambda: "dhcp-searching" in doctor(chain.netsetup, chain.arm_socket))
        (about,) = doctor(chain.netsetup, chain.arm_socket)["dhcp-searching"]
    assert about["what"].startswith("vcam1 has no address: looking for a DHCP server on eth0. Next try in ")
    assert "--static" in about["todo"]

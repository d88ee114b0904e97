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
from .lan import MACS, OUTSIDE, RECORDER, Lan
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
    words = ["--socket", netsetup.state / "no-arm.sock"] if command == "doctor" else ["--parent", "eth0"]
    answer = json.loads(netsetup(command, "--json", *words, check=False).stdout)
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


ILLS: dict[str, tuple[Callable[[Lan, ExitStack], None], str, str]] = {
    "mac-blocked": (_port_security, "vcam2", "with MAC"),
    "gateway-silent": (_no_router, "", "10.77.0.1"),
    "address-claimed": (_claimed, "vcam2", MACS["recorder"]),
    "recorder-elsewhere": (_elsewhere, "vcam1", OUTSIDE),
    "parent-no-cable": (_no_cable, "", "eth0"),
    "camera-missing": (_deleted, "vcam2", "vcam2"),
    "camera-down": (_down, "vcam2", "vcam2"),
    "address-missing": (_no_address, "vcam2", "10.77.0.102"),
    "rules-incomplete": (_no_rule, "vcam2", "vcam2"),
    "sysctl-changed": (_sysctl, "vcam2", "rp_filter"),
    "port-taken": (_port_80, "", "80"),
}


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("ill", ILLS)
def test_the_doctor_names_the_cause(netsetup: Netsetup, ends: ExitStack, ill: str) -> None:
    cause, camera, words = ILLS[ill]
    cause(netsetup.lan, ends)
    found = findings(netsetup)
    assert ill in found, found
    about = [finding for finding in found[ill] if not camera or finding["camera"] == camera]
    assert about, found[ill]
    assert words in about[0]["what"], about[0]
    assert about[0]["todo"]
    assert RECORDER not in about[0]["what"]

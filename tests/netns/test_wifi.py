"""A host on Wi-Fi: netsetup says so before anything is made, refuses, and names the cause when cameras fell silent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .access_point import admit_only_the_host, make_wireless
from .applied import Netsetup
from .chain import new_chain
from .lan import HOST, ROUTER, Lan, wait_until
from .talk import can_reach, listening

CANNOT = "eth0 is Wi-Fi, which cannot be used"
INSTEAD = "proxyd run --shared ADDRESS"
WISH = ("--parent", "eth0", "--count", "2", "--static", "10.77.0.101/24", "--gateway", ROUTER)


@pytest.fixture
def netsetup(lan: Lan, tmp_path: Path) -> Netsetup:
    return Netsetup(lan, tmp_path)


def go_wireless(lan: Lan) -> None:
    admit_only_the_host(lan)
    make_wireless(lan.host, "eth0")
    assert lan.host.run(["cat", "/sys/class/net/eth0/phy80211/name"]).stdout == "phy0\n"
    assert lan.host.mac("eth0") == "02:00:00:00:00:10"  # the rest of sysfs is as it was


def findings(netsetup: Netsetup, command: str, *words: str | Path) -> dict[str, list[dict[str, Any]]]:
    """By id. The exit code must be that of a problem."""
    done = netsetup(command, "--json", *words, check=False)
    assert done.returncode == 1, done.stderr
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        found.setdefault(finding["id"], []).append(finding)
    return found


def test_check_says_that_wifi_cannot_be_used(netsetup: Netsetup) -> None:
    go_wireless(netsetup.lan)
    (about,) = findings(netsetup, "check", "--parent", "eth0")["parent-wireless"]
    assert about["severity"] == "problem" and about["what"] == f"{CANNOT}."
    assert "one MAC per client" in about["why"] and INSTEAD in about["todo"]


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes", "--no-probe")])
def test_plan_and_apply_refuse_wifi_and_change_nothing(netsetup: Netsetup, command: tuple[str, ...]) -> None:
    go_wireless(netsetup.lan)
    done = netsetup(*command, *WISH, check=False)
    assert done.returncode == 1
    assert CANNOT in done.stderr and INSTEAD in done.stderr and "Traceback" not in done.stderr
    assert "vcam" not in netsetup.lan.host.run(["ip", "link"]).stdout
    assert not (netsetup.state / "plans.json").exists()


def test_the_arm_refuses_wifi_in_the_same_words(lan: Lan) -> None:
    go_wireless(lan)
    with new_chain(lan) as chain:
        chain.start_arm()
        for request in ({"do": "plan", "parent": "eth0"}, {"do": "add"}):
            no = chain.refused_by_arm(count=2, **request)
            assert CANNOT in no["error"] and INSTEAD in no["hint"]


def test_the_doctor_names_wifi_as_the_cause_of_silent_cameras(netsetup: Netsetup) -> None:
    """The machine moved from its cable to Wi-Fi with its cameras: the host is heard, no camera is."""
    lan, cameras = netsetup.lan, netsetup.apply(2)
    with listening(lan.host, "0.0.0.0", 8080):
        assert all(can_reach(lan.recorder, camera.address, 8080) for camera in cameras)
        go_wireless(lan)
        lan.recorder.ip("neigh flush all")
        assert can_reach(lan.recorder, HOST, 8080)
        assert not any(can_reach(lan.recorder, camera.address, 8080, 1.0) for camera in cameras)
    found = findings(netsetup, "doctor", "--socket", netsetup.state / "no-arm.sock")
    (about,) = found["parent-wireless"]
    assert about["what"] == f"{CANNOT}." and INSTEAD in about["todo"]
    assert {finding["camera"] for finding in found["mac-blocked"]} == {camera.name for camera in cameras}
    for finding in found["mac-blocked"]:
        assert f"{ROUTER} answers the host" in finding["what"]
        assert CANNOT in finding["todo"] and INSTEAD in finding["todo"] and "switch port" not in finding["todo"]


def test_what_stands_on_wifi_can_be_removed(netsetup: Netsetup) -> None:
    netsetup.apply(2)
    go_wireless(netsetup.lan)
    netsetup("remove", "--all", "--yes")
    wait_until("no camera", lambda: "vcam" not in netsetup.lan.host.run(["ip", "link"]).stdout)

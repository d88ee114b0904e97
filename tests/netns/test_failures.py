"""What goes wrong on real LANs, caused on purpose: seen by the arm, said in words, repaired where it can be."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .chain import Chain, new_chain
from .frames import captured
from .lan import LAN, MACS, RECORDER, ROUTER, Lan, flood, wait_until
from .recipe import Camera
from .verdict import announce, watch_visits

CAMERAS = 3


@pytest.fixture
def chain(lan: Lan) -> Iterator[Chain]:
    """Three cameras with static addresses and their arm; no proxyd."""
    with new_chain(lan) as made:
        made.netsetup.apply(CAMERAS)
        made.start_arm()
        yield made


def told(chain: Chain) -> str:
    """All that the arm says at this moment: notices, troubles and the cameras' messages."""
    status = chain.ask_arm(do="status")
    rows: list[dict[str, Any]] = [*status["parents"], *status["cameras"]]
    return "\n".join([*(n["text"] for n in status["notices"]), *(row["message"] for row in rows), status["problem"]])


def wait_told(chain: Chain, words: str) -> None:
    try:
        wait_until(words, lambda: words in told(chain))
    except AssertionError:
        raise AssertionError(f"never said {words!r}, but:\n{told(chain)}") from None


def examine(chain: Chain) -> None:
    near, routed = watch_visits(chain.lan, chain.netsetup.cameras())
    assert near.right, str(near)
    assert routed.right, str(routed)


def settled(chain: Chain) -> bool:
    """Everything in the kernel is as planned, as the command line sees it."""
    return chain.netsetup("status", "--detailed-exitcode", check=False).returncode == 0


def wait_repaired(chain: Chain) -> None:
    wait_until("the kernel is as planned", lambda: settled(chain))


def test_a_pulled_cable_is_told_and_forgotten_when_it_is_back(chain: Chain) -> None:
    lan = chain.lan
    lan.unplug_host()
    wait_told(chain, "The cable of eth0 is unplugged. Cameras resume by themselves when it is back.")
    lan.plug_host()
    wait_told(chain, "eth0 is connected again.")
    wait_until("no trouble", lambda: not any(row["message"] for row in chain.ask_arm(do="status")["cameras"]))
    examine(chain)


def test_a_parent_that_is_switched_off_is_told(chain: Chain) -> None:
    chain.lan.host.ip("link set eth0 down")
    wait_told(chain, "eth0 is switched off.")
    chain.lan.host.ip(f"link set eth0 up\nroute add default via {ROUTER}")
    wait_told(chain, "eth0 is connected again.")
    wait_repaired(chain)
    examine(chain)


def test_a_renamed_parent_is_followed(chain: Chain) -> None:
    chain.lan.host.ip("link set eth0 down\nlink set eth0 name lan0\nlink set lan0 up")
    chain.lan.host.ip(f"route add default via {ROUTER}")
    wait_told(chain, "The network adapter eth0 is called lan0 now; the settings were updated.")
    wait_until("the plan follows", lambda: [plan["parent"] for plan in chain.netsetup.plans()] == ["lan0"])
    wait_repaired(chain)
    examine(chain)


def test_a_parent_that_goes_and_comes_back_gets_its_cameras_again(chain: Chain) -> None:
    lan = chain.lan
    lan.bridge.ip("link del p-host")
    wait_told(chain, "The network adapter eth0 is gone. Plug it in again; cameras resume by themselves.")
    lan.plug(lan.host, "p-host", MACS["host"])
    lan.host.ip(f"address add 10.77.0.10/24 dev eth0\nlink set eth0 up\nroute add default via {ROUTER}")
    wait_until("the interfaces are back", lambda: "vcam3@" in lan.host.run(["ip", "link"]).stdout)
    wait_repaired(chain)
    examine(chain)


def test_a_deleted_camera_is_restored_and_told(chain: Chain) -> None:
    chain.lan.host.ip("link del vcam2")
    wait_told(chain, "vcam2 was removed by another program and has been restored.")
    wait_repaired(chain)
    examine(chain)


def test_a_camera_that_is_switched_off_is_restored_and_told(chain: Chain) -> None:
    chain.lan.host.ip("link set vcam2 down")
    wait_told(chain, "vcam2 was switched off by another program and has been restored.")
    wait_repaired(chain)
    examine(chain)


def _damage(camera: Camera, table: int) -> dict[str, str]:
    address = camera.address
    return {
        "address removed": f"address del {address}/24 dev {camera.name}",
        "addresses flushed": f"address flush dev {camera.name}",
        "rule removed": f"rule del from {address} lookup {table}",
        "rules flushed": "rule flush\nrule add pref 32766 lookup main\nrule add pref 32767 lookup default",
        "way out removed": f"route del default via {ROUTER} table {table}",
        "LAN route removed": f"route del {LAN} table {table}",
        "table flushed": f"route flush table {table}",
        "down and up": f"link set {camera.name} down\nlink set {camera.name} up",
        "a second address": f"address add 10.77.0.222/24 dev {camera.name}",
        "renamed": f"link set {camera.name} down\nlink set {camera.name} name other7\nlink set other7 up",
        "another MAC": (
            f"link set {camera.name} down\nlink set {camera.name} address 02:99:99:99:99:99\nlink set {camera.name} up"
        ),
    }


@pytest.mark.parametrize("kind", _damage(Camera("", "", ""), 0))
def test_whatever_is_changed_by_hand_is_put_back_and_told(chain: Chain, kind: str) -> None:
    camera = chain.netsetup.cameras()[1]
    chain.lan.host.ip(_damage(camera, 7002)[kind])
    wait_told(chain, "nother program")
    wait_repaired(chain)
    examine(chain)


def test_sysctls_changed_by_hand_are_put_back(chain: Chain) -> None:
    """They give no event: the arm looks by the clock, or whenever anything else happens."""
    chain.lan.host.sysctl("net/ipv4/conf/vcam1/arp_ignore", 0)
    chain.lan.host.sysctl("net/ipv4/conf/eth0/arp_ignore", 0)
    chain.lan.host.ip("link set lo mtu 60000")
    wait_repaired(chain)
    examine(chain)


def test_a_flood_of_events_hides_nothing(chain: Chain) -> None:
    """More events than fit into the arm's socket while it sleeps: the kernel drops some (ENOBUFS)."""
    assert chain.arm
    chain.arm.send_signal(signal.SIGSTOP)
    flood(chain.lan.host, chain.arm)
    chain.lan.host.ip("link del vcam3")
    chain.arm.send_signal(signal.SIGCONT)
    wait_told(chain, "vcam3 was removed by another program and has been restored.")
    wait_until("the loss is noticed", lambda: "lost kernel events" in chain.log_of("arm"))
    wait_repaired(chain)
    examine(chain)


def test_an_address_claimed_by_another_device_is_told_with_its_mac(chain: Chain) -> None:
    camera = chain.netsetup.cameras()[0]
    with captured(chain.lan.bridge, "p-host") as cable:
        announce(chain.lan.recorder, MACS["recorder"], camera.address)
        wait_told(chain, f"{camera.address} is already used by the device with MAC {MACS['recorder']}")
        cable.wait_for("the camera defends itself", lambda f: f.source == camera.address and not f.outgoing)
    row = next(row for row in chain.ask_arm(do="status")["cameras"] if row["name"] == camera.name)
    assert row["claimed_by"] == MACS["recorder"]
    examine(chain)


def test_a_taken_address_is_not_used_at_boot(lan: Lan) -> None:
    with new_chain(lan) as chain:
        cameras = chain.netsetup.apply(2)
        lan.reboot_host()
        lan.recorder.ip(f"address add {cameras[0].address}/24 dev eth0")
        chain.start_arm()
        wait_told(chain, f"Address {cameras[0].address} is already used by the device with MAC {MACS['recorder']}.")
        assert cameras[0].address not in lan.host.run(["ip", "-4", "addr"]).stdout
        assert cameras[1].address in lan.host.run(["ip", "-4", "addr"]).stdout
        lan.recorder.ip(f"address del {cameras[0].address}/24 dev eth0")
        wait_told(chain, "The address of vcam1 is free now.")
        examine(chain)


def test_an_arm_outside_its_limits_says_so(chain: Chain, tmp_path: Path) -> None:
    refused = chain.refused_by_arm(do="plan", parent="lo", count=1)
    assert "lo" in refused["error"]
    refused = chain.refused_by_arm(do="add", count=500)
    assert "128" in refused["error"] or "At most" in refused["error"]
    assert RECORDER not in str(refused)

"""Every trap that was found on real hosts, set on purpose: seen, and repaired where it can be.

Repairs here are a second `netsetup apply`; the arm does the same by itself (test_failures.py).
"""

from __future__ import annotations

import errno
import json
import re
import socket
from pathlib import Path

import pytest

from .applied import Netsetup
from .frames import captured
from .lan import HOST, MACS, OUTSIDE, RECORDER, ROUTER, Lan
from .stand_in import DISCOVERY, GROUP
from .talk import can_reach, listening, talk
from .verdict import judge_host, start_stand_in, watch_visits

UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH}


def test_an_address_with_a_prefix_route_is_put_right(lan: Lan, tmp_path: Path) -> None:
    """Else the host's own traffic moves to that camera as soon as the parent bounces."""
    netsetup = Netsetup(lan, tmp_path)
    (camera, _) = netsetup.apply(2)
    lan.host.ip(f"address del {camera.address}/24 dev {camera.name}\naddress add {camera.address}/24 dev {camera.name}")
    assert f"dev {camera.name}" in lan.host.run(["ip", "route", "show", "10.77.0.0/24"]).stdout
    netsetup.again()
    assert f"dev {camera.name}" not in lan.host.run(["ip", "route", "show", "10.77.0.0/24"]).stdout
    lan.host.ip(f"link set eth0 down\nlink set eth0 up\nroute add default via {ROUTER}")
    with captured(lan.bridge, "p-host") as cable:
        assert talk(lan.host, lan.recorder, RECORDER) == HOST
        assert talk(lan.host, lan.outside, OUTSIDE) == HOST
    judge_host(cable, HOST, MACS["host"])


def test_a_parent_whose_routes_have_a_metric_keeps_the_hosts_traffic(lan: Lan, tmp_path: Path) -> None:
    """NetworkManager gives its routes the metric 100."""
    lan.host.ip(
        f"route del default\nroute del 10.77.0.0/24 dev eth0\nroute add 10.77.0.0/24 dev eth0 src {HOST} metric 100\n"
        f"route add default via {ROUTER} dev eth0 metric 100"
    )
    cameras = Netsetup(lan, tmp_path).apply(2)
    with captured(lan.bridge, "p-host") as cable:
        assert talk(lan.host, lan.recorder, RECORDER) == HOST
        assert talk(lan.host, lan.outside, OUTSIDE) == HOST
    judge_host(cable, HOST, MACS["host"])
    near, routed = watch_visits(lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)


def test_strict_reverse_path_filters_do_not_swallow_probes(lan: Lan, tmp_path: Path) -> None:
    lan.host.sysctl("net/ipv4/conf/all/rp_filter", 1)
    lan.host.sysctl("net/ipv4/conf/default/rp_filter", 1)
    lan.host.sysctl("net/ipv4/conf/eth0/rp_filter", 1)
    netsetup = Netsetup(lan, tmp_path)
    cameras = netsetup.apply(2)
    deaf, other = cameras
    lan.host.sysctl(f"net/ipv4/conf/{deaf.name}/rp_filter", 0)  # then the strict one of `all` counts
    program = start_stand_in(lan.host, cameras)
    with captured(lan.bridge, "p-host") as cable:
        for times in (1, 2):  # when the second Probe is answered, all answers to the first one are through
            _ask_group(lan)
            cable.wait_for("answers", lambda f: (f.source, f.target) == (other.address, RECORDER), count=times)
    assert not cable.sent(lambda f: (f.source, f.target) == (deaf.address, RECORDER))
    lan.host.end(program)
    assert f"net.ipv4.conf.{deaf.name}.rp_filter to 2" in netsetup.again().stdout
    near, routed = watch_visits(lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)


def _ask_group(lan: Lan) -> None:
    """The stand-ins' Probe by multicast, from the recorder."""
    with lan.recorder.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(RECORDER))
        asker.sendto(b"probe", (GROUP, DISCOVERY))


def test_a_changed_address_does_not_go_with_the_old_one(lan: Lan, tmp_path: Path) -> None:
    """With promote_secondaries=0 the kernel deletes the second address of a network with the first."""
    netsetup = Netsetup(lan, tmp_path)
    before = netsetup.apply(2)
    for camera in before:
        lan.host.sysctl(f"net/ipv4/conf/{camera.name}/promote_secondaries", 0)
    lan.host.sysctl("net/ipv4/conf/all/promote_secondaries", 0)
    after = netsetup.apply(2, "--exclude", ",".join(camera.address for camera in before))
    assert {camera.address for camera in after} == {"10.77.0.103", "10.77.0.104"}
    shown = lan.host.run(["ip", "-4", "addr"]).stdout
    assert not [camera for camera in before if f" {camera.address}/" in shown]
    near, routed = watch_visits(lan, after)
    assert near.right, str(near)
    assert routed.right, str(routed)


def test_an_interface_put_down_and_up_fails_closed_until_it_is_repaired(lan: Lan, tmp_path: Path) -> None:
    netsetup = Netsetup(lan, tmp_path)
    cameras = netsetup.apply(2)
    camera = cameras[0]
    lan.host.ip(f"link set {camera.name} down\nlink set {camera.name} up")
    with captured(lan.bridge, "p-host") as cable, lan.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((camera.address, 0))
        for target in (RECORDER, OUTSIDE):
            with pytest.raises(OSError) as refused:
                out.sendto(b"by whom?", (target, 5000))
            assert refused.value.errno in UNREACHABLE
    assert not cable.sent(lambda frame: frame.source == camera.address and frame.target_port == 5000)
    changed = netsetup.again().stdout
    assert camera.name in changed
    assert cameras[1].name not in changed
    near, _ = watch_visits(lan, cameras)
    assert near.right, str(near)


def test_a_deleted_interface_leaves_rules_that_do_not_pile_up(lan: Lan, tmp_path: Path) -> None:
    netsetup = Netsetup(lan, tmp_path)
    cameras = netsetup.apply(3)
    rules = lan.host.run(["ip", "rule"]).stdout
    for _ in range(2):
        lan.host.ip(f"link del {cameras[1].name}")
        assert netsetup("apply", "--detailed-exitcode", check=False).returncode == 2
        netsetup.again()
        assert lan.host.run(["ip", "rule"]).stdout == rules
    near, _ = watch_visits(lan, cameras)
    assert near.right, str(near)


def test_a_taken_mac_is_refused_and_everything_is_as_before(lan: Lan, tmp_path: Path) -> None:
    """A second macvlan with the same MAC is accepted at first and refused only when it comes up."""
    netsetup = Netsetup(lan, tmp_path)
    cameras = netsetup.apply(2)
    lan.host.ip(f"link del {cameras[0].name}")
    lan.host.ip(f"link add name other link eth0 address {cameras[0].mac} type macvlan mode bridge\nlink set other up")
    before = _kernel(lan)
    done = netsetup.again(check=False)
    assert done.returncode == 1
    assert "MAC" in done.stderr
    assert _kernel(lan) == before
    lan.host.ip("link del other")
    netsetup.again()
    near, _ = watch_visits(lan, cameras)
    assert near.right, str(near)


@pytest.mark.parametrize(
    ("commands", "parent", "words"),
    [
        ("link add name br1 type bridge\nlink set eth0 master br1", "eth0", "br1"),
        ("link add name mv0 link eth0 type macvlan mode bridge\nlink set mv0 up", "mv0", "macvlan"),
        ("", "lo", "lo"),
        ("", "eth7", "eth7"),
    ],
)
def test_a_parent_that_cannot_carry_cameras_is_refused_in_words(
    lan: Lan, tmp_path: Path, commands: str, parent: str, words: str
) -> None:
    if commands:
        lan.host.ip(commands)
    before = _kernel(lan)
    done = Netsetup(lan, tmp_path)(
        "apply", "--parent", parent, "--count", "2", "--static", "10.77.0.101/24", "--yes", check=False
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert _kernel(lan) == before


def test_an_address_that_another_device_has_is_not_taken(lan: Lan, tmp_path: Path) -> None:
    before = _kernel(lan)
    done = Netsetup(lan, tmp_path)(
        *("apply", "--parent", "eth0", "--count", "2", "--static", f"{RECORDER}/24", "--yes"), check=False
    )
    assert done.returncode == 1
    assert f"{RECORDER} by {MACS['recorder']}" in done.stderr
    assert _kernel(lan) == before


def test_a_bridge_is_a_fine_parent(lan: Lan, tmp_path: Path) -> None:
    """As on hosts of virtual machines: the adapter is a port of vmbr0, which has the address."""
    lan.host.ip(
        f"link add name vmbr0 address {MACS['host']} type bridge\nlink set eth0 master vmbr0\nlink set vmbr0 up\n"
        f"address flush dev eth0\naddress add {HOST}/24 brd + dev vmbr0\nroute add default via {ROUTER}"
    )
    cameras = Netsetup(lan, tmp_path).apply(3, parent="vmbr0")
    near, routed = watch_visits(lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)


def test_a_second_adapter_on_the_same_lan_does_not_answer_for_the_cameras(lan: Lan, tmp_path: Path) -> None:
    lan.plug(lan.host, "p-host2", "02:00:00:00:00:11", "eth1")
    lan.host.ip("address add 10.77.0.11/24 dev eth1\nlink set eth1 up")
    cameras = Netsetup(lan, tmp_path).apply(3)
    with captured(lan.bridge, "p-host2") as second:
        near, routed = watch_visits(lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)
    ours = {camera.address for camera in cameras}
    assert not second.sent(lambda frame: frame.source in ours)


def test_a_service_of_the_host_on_every_address_is_found_before_it_is_met(lan: Lan, tmp_path: Path) -> None:
    """One that holds a camera's port keeps the camera from it; any other answers at the camera's address."""
    netsetup = Netsetup(lan, tmp_path)
    with listening(lan.host, "0.0.0.0", 80), listening(lan.host, "0.0.0.0", 8022):
        said = netsetup("check", "--parent", "eth0", "--json", check=False)
        (camera,) = netsetup.apply(1)
        assert can_reach(lan.recorder, camera.address, 8022)
        with pytest.raises(OSError), listening(lan.host, camera.address, 80):
            pass
    assert said.returncode == 1
    found = {finding["id"]: finding for finding in json.loads(said.stdout)["findings"]}
    assert "holds port 80 on every address of this host" in found["port-taken"]["what"]
    assert "let it listen on the host's own address only" in found["port-taken"]["todo"]
    assert found["services-everywhere"]["what"].endswith("tcp 8022.")
    assert "They answer on the cameras' addresses, too." in found["services-everywhere"]["why"]


def _kernel(lan: Lan) -> str:
    """All that netsetup might have touched."""
    script = "ip -d link; ip -4 addr; ip rule; ip -4 route show table all"
    script += "; grep -r . /proc/sys/net/ipv4/conf | grep -v '/route'"
    shown = lan.host.run(["sh", "-c", script]).stdout
    shown = re.sub(r"state (UP|UNKNOWN|DOWN|LOWERLAYERDOWN)", "", shown)  # settles in its own time
    return "\n".join(line for line in shown.splitlines() if "valid_lft" not in line)

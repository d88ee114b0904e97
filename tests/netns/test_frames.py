"""What netsetup makes, seen from the LAN: every camera a machine of its own, and the host is itself as before."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from .applied import Netsetup
from .frames import captured
from .lan import HOST, MACS, OUTSIDE, RECORDER, ROUTER, Lan, wait_until
from .talk import can_reach, talk
from .verdict import judge_host, start_stand_in, visit, watch_visits


@pytest.mark.parametrize("count", [4, 32])
def test_every_frame_of_every_camera_has_its_own_mac(lan: Lan, tmp_path: Path, count: int) -> None:
    cameras = Netsetup(lan, tmp_path).apply(count)
    assert len({camera.mac for camera in cameras}) == len({camera.address for camera in cameras}) == count
    near, routed = watch_visits(lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)


def test_the_hosts_own_traffic_keeps_its_own_mac(lan: Lan, tmp_path: Path) -> None:
    cameras = Netsetup(lan, tmp_path).apply(4)

    def host_is_itself() -> None:
        with captured(lan.bridge, "p-host") as cable:
            assert talk(lan.host, lan.recorder, RECORDER) == HOST
            assert talk(lan.host, lan.outside, OUTSIDE) == HOST
            assert talk(lan.recorder, lan.host, HOST) == RECORDER
            assert talk(lan.outside, lan.host, HOST) == OUTSIDE
        judge_host(cable, HOST, MACS["host"])
        assert not [frame for frame in cable.sent() if frame.source in {camera.address for camera in cameras}]

    host_is_itself()
    lan.unplug_host()
    wait_until("no carrier", lambda: lan.host.run(["cat", "/sys/class/net/eth0/carrier"]).stdout == "0\n")
    lan.plug_host()
    wait_until("carrier", lambda: lan.host.run(["cat", "/sys/class/net/eth0/operstate"]).stdout == "up\n")
    host_is_itself()
    lan.host.ip(f"link set eth0 down\nlink set eth0 up\nroute replace default via {ROUTER} metric 100")
    host_is_itself()
    near, routed = watch_visits(lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)


def test_clients_on_the_same_host_and_behind_its_bridges_reach_the_cameras(lan: Lan, tmp_path: Path) -> None:
    with closing(lan.namespace("container")) as container:
        lan.host.ip(
            "link add name docker0 type bridge\naddress add 172.17.0.1/16 dev docker0\nlink set docker0 up\n"
            f"link add name veth1 type veth peer name eth0 netns {container.pid}\n"
            "link set veth1 master docker0\nlink set veth1 up"
        )
        lan.host.sysctl("net/ipv4/ip_forward", 1)
        container.ip("address add 172.17.0.2/16 dev eth0\nlink set eth0 up\nroute add default via 172.17.0.1")
        cameras = Netsetup(lan, tmp_path).apply(4)
        start_stand_in(lan.host, cameras)
        everyone = {camera.address for camera in cameras}
        for client in (lan.host, container):
            answered = visit(client, cameras, "")
            assert {kind: answered.get(kind) for kind in ("http", "rtsp")} == {"http": everyone, "rtsp": everyone}
        assert not can_reach(container, RECORDER, 9, 0.2)


def test_cameras_connect_out_by_their_own_mac_when_bound(lan: Lan, tmp_path: Path) -> None:
    (camera, *_) = Netsetup(lan, tmp_path).apply(2)
    with captured(lan.bridge, "p-host") as cable, lan.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((camera.address, 0))
        out.sendto(b"to the LAN", (RECORDER, 5000))
        out.sendto(b"through the router", (OUTSIDE, 5000))
        cable.wait_for("both datagrams", lambda f: f.source == camera.address and f.target_port == 5000, count=2)
    assert {f.source_mac for f in cable.sent(lambda f: f.source == camera.address)} == {camera.mac}

"""The LAN itself: wired as it says, and it sees what it claims to see."""

from __future__ import annotations

import signal
import socket

from .frames import ARP, ICMP, captured
from .lan import HOST, MACS, OUTSIDE, RECORDER, Lan


def test_machines_reach_each_other_and_the_outside(lan: Lan) -> None:
    for target in (HOST, OUTSIDE):
        assert lan.recorder.ping(target)
    assert lan.host.mac("eth0") == MACS["host"]
    assert lan.host.python("import netsetup.model; print('found')") == "found\n"


def test_the_cable_shows_who_sent_what(lan: Lan) -> None:
    with captured(lan.bridge, "p-host") as cable:
        assert lan.recorder.ping(HOST)
        cable.wait_for("the host's answer", lambda frame: not frame.outgoing and frame.protocol == ICMP)
    answers = cable.sent(lambda frame: frame.ethertype == ARP and frame.protocol == 2)
    assert [frame.arp_mac for frame in answers] == [MACS["host"]]
    assert {frame.source_mac for frame in cable.sent()} == {MACS["host"]}
    asked = [frame for frame in cable.frames if frame.outgoing and frame.protocol == ICMP]
    assert {(frame.source, frame.source_mac) for frame in asked} == {(RECORDER, MACS["recorder"])}


def test_sockets_of_a_namespace_work_in_this_process(lan: Lan) -> None:
    with (
        lan.host.socket(socket.AF_INET, socket.SOCK_STREAM) as server,
        lan.outside.socket(socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        server.bind((HOST, 80))
        server.listen()
        client.settimeout(5)
        client.connect((HOST, 80))
        connection, peer = server.accept()
        connection.close()
        assert peer[0] == OUTSIDE


def test_a_reboot_leaves_nothing_in_the_kernel(lan: Lan) -> None:
    lan.host.ip("link add vcam1 link eth0 type macvlan mode bridge")
    program = lan.host.popen(["cat"], stdin=-1)
    lan.reboot_host()
    assert program.returncode == -signal.SIGKILL
    assert lan.host.run(["ls", "/sys/class/net"]).stdout.split() == ["eth0", "lo"]
    assert lan.recorder.ping(HOST)

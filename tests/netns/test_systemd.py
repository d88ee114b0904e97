"""`netsetup install` and the units under a real systemd: from nothing to cameras, over a reboot, to nothing."""

from __future__ import annotations

import json
from pathlib import Path

from netsetup.installed import SERVICES

from .booted import Booted
from .chain import NVR_PASSWORD, NVR_USER, new_chain
from .dhcp_servers import start_dnsmasq
from .lan import NVR, wait_until
from .talk import can_reach

NETSETUP = "/opt/onviftui/.venv/bin/netsetup"
CAMERAS = 2
# Bits of linux/capability.h: NET_BIND_SERVICE is 10, NET_ADMIN 12, NET_RAW 13.
CAPABILITIES = {"netsetup.service": (1 << 12) | (1 << 13), "proxyd.service": 1 << 10, "onviftui-ssh.service": 0}


def files(machine: Booted) -> set[str]:
    """Of /etc and of what programs keep, without what systemd and the tools for users keep of their own."""
    found = machine.run("find", "/etc", "/usr/local", "/var/lib").splitlines()
    return {name for name in found if not name.startswith(("/var/lib/systemd", "/var/lib/private"))} - {
        f"/etc/{name}-" for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
    }


def addresses(machine: Booted) -> dict[str, str]:
    """Of the cameras' interfaces."""
    rows = json.loads(machine.run("ip", "-json", "-4", "address", "show", "type", "macvlan"))
    return {row["ifname"]: row["addr_info"][0]["local"] for row in rows if row.get("addr_info")}


def wait_for_cameras(machine: Booted) -> dict[str, str]:
    """Until a recorder reaches all of them on the standard ports."""
    try:
        wait_until("leases", lambda: len(addresses(machine)) == CAMERAS)
        found = addresses(machine)
        sockets = [(address, port) for address in found.values() for port in (80, 554)]
        wait_until("cameras", lambda: all(can_reach(machine.lan.recorder, *one) for one in sockets))
    except AssertionError as error:
        raise AssertionError(f"{error}\n{machine.log()}") from None
    return found


def look_at_services(machine: Booted) -> None:
    """All run under their own user, with exactly their capabilities, and have not been started a second time."""
    for service in SERVICES:
        shown = machine.run("systemctl", "show", "-p", "ActiveState,NRestarts,MainPID,User", service)
        state = dict(line.split("=", 1) for line in shown.splitlines())
        assert (state["ActiveState"], state["NRestarts"]) == ("active", "0"), shown
        rows = machine.run("cat", f"/proc/{state['MainPID']}/status").splitlines()
        status = {key: value.split() for key, _, value in (row.partition(":") for row in rows)}
        for kind in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[kind][0], 16) == CAPABILITIES[service], (service, kind)
        assert (status["NoNewPrivs"], status["Seccomp"]) == (["1"], ["2"])
        uid = machine.run("id", "-u", state["User"]).strip()
        assert set(status["Uid"]) == {uid} and uid != "0"


def started_again(machine: Booted, service: str) -> bool:
    """By systemd, once, and it says that it is ready."""
    shown = machine.run("systemctl", "show", "-p", "ActiveState,NRestarts", service).split()
    return set(shown) == {"ActiveState=active", "NRestarts=1"}


def test_from_install_over_a_reboot_to_uninstall(machine: Booted, tmp_path: Path) -> None:
    lan, before = machine.lan, files(machine)
    users = machine.run("cat", "/etc/passwd", "/etc/group")
    network = ("sh", "-c", "ip rule; ip -4 route show table all; ls /sys/class/net")
    routing = machine.run(*network)
    start_dnsmasq(lan.router, tmp_path)
    with new_chain(lan) as chain:
        chain.start_nvr(CAMERAS)
        machine.run("mount", "-o", "remount,bind,ro", "/usr/local")
        refused = machine.run(NETSETUP, "install", "--parent", "eth0", "--yes", code=1)
        assert "Could not link /usr/local/bin/proxyd" in refused
        assert "Everything is as it was before." in refused
        assert files(machine) == before
        machine.run("mount", "-o", "remount,bind,rw", "/usr/local")
        mistyped = machine.run(NETSETUP, "install", "--parent", "eht0", "--yes", code=1)
        assert "There is no interface eht0. There are: eth0." in mistyped
        assert files(machine) == before
        machine.run(NETSETUP, "install", "--parent", "eth0", "--yes")
        assert "Everything is installed." in machine.run(NETSETUP, "install", "--detailed-exitcode")
        look_at_services(machine)

        add = ["onviftui", "nvr", "add", "--host", NVR, "--user", NVR_USER, "--password-stdin", "--json"]
        nvr = json.loads(machine.run(*add, stdin=NVR_PASSWORD + "\n"))
        machine.run("onviftui", "nvr", "scan", str(nvr["id"]))
        # proxyd asks the arm: its user, found by the socket, may.
        machine.run("onviftui", "interface", "add", str(CAMERAS), "--yes")
        cameras = wait_for_cameras(machine)
        assert "ok: vcam1 has" in machine.run("netsetup", "doctor")
        ordinary = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        assert "Try it as root." in machine.run(*ordinary, "netsetup", "status", code=1)
        look_at_services(machine)

        machine.reboot()
        assert wait_for_cameras(machine) == cameras
        look_at_services(machine)

        machine.run("systemctl", "kill", "--signal=KILL", *SERVICES)
        wait_until("all are there again", lambda: all(started_again(machine, one) for one in SERVICES))
        assert wait_for_cameras(machine) == cameras

    machine.run("systemctl", "stop", *SERVICES)
    for service in SERVICES:
        assert machine.run("systemctl", "show", "-P", "Result", service).strip() == "success"
        assert machine.run("systemctl", "show", "-P", "ActiveState", service).strip() == "inactive"
    assert addresses(machine) == cameras  # they outlive the services
    machine.run("systemctl", "start", *SERVICES)
    machine.run("netsetup", "uninstall", "--purge", "--yes")
    assert files(machine) == before
    assert machine.run("cat", "/etc/passwd", "/etc/group") == users
    assert machine.run(*network) == routing
    assert not machine.run("systemctl", "--failed", "--plain", "--no-legend").strip()

"""The arm on a LAN of namespaces: applies at boot, repairs, follows adapters, keeps leases, obeys its limits."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns.applied import Netsetup
from tests.netns.dhcp_servers import start_dnsmasq
from tests.netns.lan import Lan, skip_unless_possible, wait_until

from .arm import Arm


@pytest.fixture
def lan() -> Iterator[Lan]:
    skip_unless_possible()
    with Lan() as made:
        yield made


def everything(lan: Lan) -> list[str]:
    """Links, addresses, rules and routes of ours, sorted."""
    links = json.loads(lan.host.run(["ip", "-j", "link"]).stdout)
    words = [f"{one['ifname']} {one['address']} {one.get('ifalias')} {'UP' in one['flags']}" for one in links]
    for query in (["-br", "-4", "address"], ["rule"], ["-4", "route", "show", "table", "all"]):
        words += [" ".join(line.split()) for line in lan.host.run(["ip", *query]).stdout.splitlines()]
    return sorted(word.replace(" UP ", " ").replace(" UNKNOWN ", " ") for word in words)


def static(lan: Lan, tmp_path: Path, count: int) -> Arm:
    """An arm that was stopped, with static interfaces in the kernel and on disk."""
    arm = Arm(lan, tmp_path)
    Netsetup(lan, arm.state).apply(count)
    return arm


def test_what_other_programs_do_to_cameras_is_undone_and_said(lan: Lan, tmp_path: Path) -> None:
    arm = static(lan, tmp_path, 4)
    good = everything(lan)
    arm.start()
    assert everything(lan) == good
    for harm, words in (
        ("link del vcam2", "vcam2 was removed by another program and has been restored."),
        ("link set vcam3 down", "vcam3 was switched off by another program and has been restored."),
        ("rule del pref 10004", "Another program changed the cameras' network; put back: add rule 10004"),
        ("route flush table 7001", "put back: set route"),
        ("address del 10.77.0.104/24 dev vcam4", "put back: add address 10.77.0.104/24 to vcam4"),
        ("rule add pref 10099 from 10.77.0.199 lookup 7001 protocol kernel", "put back: remove rule 10099"),
    ):
        lan.host.ip(harm)
        arm.wait_for_notice(words)
        arm.wait_for("all is as before", lambda: everything(lan) == good)
    assert arm.status()["problem"] == ""


def test_interfaces_survive_the_end_and_the_death_of_the_arm(lan: Lan, tmp_path: Path) -> None:
    arm = static(lan, tmp_path, 3).start()
    good = everything(lan)
    for how in (signal.SIGTERM, signal.SIGKILL):
        arm.end(how)
        assert everything(lan) == good
        arm.start()
        assert everything(lan) == good
    assert arm.end() == 0
    assert not arm.socket.exists()


def test_a_reboot_brings_everything_back(lan: Lan, tmp_path: Path) -> None:
    arm = static(lan, tmp_path, 3).start()
    arm.end()
    lan.reboot_host()
    arm.start()
    arm.wait_for("addresses", lambda: arm.addresses() == {f"vcam{n}": [f"10.77.0.10{n}"] for n in (1, 2, 3)})


def test_two_arms_do_not_fight(lan: Lan, tmp_path: Path) -> None:
    arm = Arm(lan, tmp_path).start()
    refused = lan.host.run([sys.executable, "-m", "netsetup", "serve", *arm.words], check=False)
    assert refused.returncode == 1
    assert "An arm is running" in refused.stderr
    assert arm.status()["ok"]


def test_the_command_line_and_the_arm_do_not_undo_each_other(lan: Lan, tmp_path: Path) -> None:
    arm = static(lan, tmp_path, 2).start()
    Netsetup(lan, arm.state).apply(4)
    arm.wait_for("the arm sees 4", lambda: len(arm.cameras()) == 4)
    Netsetup(lan, arm.state)("remove", "vcam1", "--yes")
    arm.wait_for("the arm sees 3", lambda: list(arm.cameras()) == ["vcam2", "vcam3", "vcam4"])
    assert sorted(arm.addresses()) == ["vcam2", "vcam3", "vcam4"]
    assert not [text for text in arm.notices() if "another program" in text.lower()]


def test_adapters_may_lose_their_cable_and_change_their_name(lan: Lan, tmp_path: Path) -> None:
    arm = static(lan, tmp_path, 2).start()
    lan.unplug_host()
    arm.wait_for_notice("The cable of eth0 is unplugged.")
    assert "cable of eth0" in arm.cameras()["vcam1"]["message"]
    lan.plug_host()
    arm.wait_for_notice("eth0 is connected again.")
    before = lan.host.run(["ip", "-j", "link", "show", "vcam1"]).stdout
    lan.host.ip("link set eth0 down\nlink set eth0 name lan7\nlink set lan7 up")
    arm.wait_for_notice("The network adapter eth0 is called lan7 now; the settings were updated.")
    arm.wait_for("routes", lambda: lan.recorder.ping("10.77.0.101", 0.2))
    after = lan.host.run(["ip", "-j", "link", "show", "vcam1"]).stdout
    assert json.loads(before)[0]["ifindex"] == json.loads(after)[0]["ifindex"]  # streams went on
    assert arm.status()["limits"]["parents"] == ["lan7"]
    arm.done("add", count=1, dry_run=True)
    arm.end()
    arm.start()
    assert [parent["name"] for parent in arm.status()["parents"]] == ["lan7"]


def test_an_adapter_may_be_unplugged_and_come_back(lan: Lan, tmp_path: Path) -> None:
    arm = static(lan, tmp_path, 2).start()
    lan.bridge.ip("link del p-host")
    arm.wait_for_notice("The network adapter eth0 is gone.")
    lan.plug(lan.host, "p-host", "02:00:00:00:00:10")
    lan.host.ip("address add 10.77.0.10/24 dev eth0\nlink set eth0 up")
    arm.wait_for("the cameras are back", lambda: lan.recorder.ping("10.77.0.102", 0.2))
    assert not [text for text in arm.notices() if "another program" in text.lower()]


def test_a_static_address_that_somebody_has_is_not_taken(lan: Lan, tmp_path: Path) -> None:
    arm = static(lan, tmp_path, 2)
    lan.reboot_host()
    lan.recorder.ip("address add 10.77.0.102/24 dev eth0")
    began = time.monotonic()
    arm.start()
    assert time.monotonic() - began > 3, "before the first use an address is asked for in RFC 5227's own time"
    words = "Address 10.77.0.102 is already used by the device with MAC 02:00:00:00:00:20."
    arm.wait_for_notice(words)
    assert arm.addresses() == {"vcam1": ["10.77.0.101"], "vcam2": []}
    assert arm.cameras()["vcam2"]["message"].startswith(words)
    lan.recorder.ip("address del 10.77.0.102/24 dev eth0")
    lan.host.ip("link set lo down\nlink set lo up")  # any event makes the arm ask again; else it does within a minute
    arm.wait_for("vcam2 has its address", lambda: arm.addresses()["vcam2"] == ["10.77.0.102"])
    answer = arm.ask("plan", parent="eth0", count=3, first="10.77.0.18/24")
    lan.recorder.ip("address add 10.77.0.103/24 dev eth0")
    refused = arm.ask("add", count=1)
    assert answer["ok"] and not refused["ok"]
    assert "10.77.0.103 by 02:00:00:00:00:20" in refused["error"]
    assert len(arm.cameras()) == 2
    arm.wait_for("it is remembered", lambda: set(_remembered(arm)) == {"10.77.0.101/24", "10.77.0.102/24"})
    arm.end()
    lan.reboot_host()
    lan.recorder.ip("address add 10.77.0.101/24 dev eth0")
    arm.start()
    arm.wait_for_notice("Address 10.77.0.101 is already used")
    assert arm.addresses() == {"vcam1": [], "vcam2": ["10.77.0.102"]}


def _remembered(arm: Arm) -> list[str]:
    """Addresses that were in use: after a restart they are asked for more shortly."""
    return list(json.loads((arm.state / "arm.json").read_text())["addresses"].values())


def test_only_what_root_allows(lan: Lan, tmp_path: Path) -> None:
    arm = Arm(lan, tmp_path, more='most = 3\nranges = ["10.77.0.128/25"]').start()
    lan.host.ip("link add other0 type veth peer name other1\nlink set other0 up")
    for request, words in (
        ({"do": "add", "count": 4}, "At most 3"),
        ({"do": "add", "count": 1, "parent": "other0"}, "other0 is not allowed"),
        ({"do": "plan", "parent": "eth0", "count": 1, "first": "10.77.0.101/24"}, "outside the allowed addresses"),
        ({"do": "plan", "parent": "eth0", "count": 1, "name_prefix": "eth"}, "Names must begin with vcam"),
        ({"do": "remove", "names": ["eth0"]}, "no interface eth0"),
    ):
        answer = arm.ask(**request)
        assert not answer["ok"] and answer["kind"] == "BadRequest" and words in answer["error"], answer
    plan = arm.done("plan", parent="eth0", count=2, first="10.77.0.130/24")
    changed = json.loads(json.dumps(plan["plans"]))
    changed[0]["slots"][0]["address"] = "10.77.0.5/24"
    assert "digest" in arm.ask("apply", plans=changed, digest=plan["digest"])["error"]
    lan.host.ip("link add dev vcam1 link other0 type macvlan mode bridge")
    foreign = arm.ask("apply", plans=plan["plans"], digest=plan["digest"])
    assert not foreign["ok"] and "vcam1" in foreign["error"]
    assert arm.addresses() == {"vcam1": []}
    assert arm.status()["cameras"] == []


def test_leases_are_had_kept_and_moved(lan: Lan, tmp_path: Path) -> None:
    server = start_dnsmasq(lan.router, tmp_path, lease_s=120, renew_s=4)
    arm = Arm(lan, tmp_path).start()
    shown = arm.done("add", count=3, dry_run=True)
    assert [one["name"] for one in shown["added"]] == ["vcam1", "vcam2", "vcam3"]
    assert arm.addresses() == {}
    arm.done("hostnames", names={shown["added"][0]["mac"]: "Front gate (süd)"})
    arm.done("add", count=3, digest=shown["digest"])
    arm.wait_for("leases", lambda: all(camera["address"] for camera in arm.cameras().values()))
    arm.wait_for("addresses", lambda: all(arm.addresses().values()))
    before = arm.addresses()
    assert {camera["message"] for camera in arm.cameras().values()} == {""}
    wait_until("the host name", lambda: "front-gate-sud" in (tmp_path / "dnsmasq.leases").read_text())

    arm.end(signal.SIGKILL)  # nothing changes without the arm, nor when it comes back without a server
    lan.router.end(server)
    arm.start()
    assert arm.addresses() == before
    arm.end()
    lan.reboot_host()
    arm.start()
    arm.wait_for("still valid leases are used", lambda: arm.addresses() == before)

    (tmp_path / "dnsmasq.leases").unlink()
    start_dnsmasq(lan.router, tmp_path, first="10.77.0.60", last="10.77.0.70", lease_s=120, renew_s=4)
    arm.wait_for_notice("A reservation for MAC")
    arm.wait_for(
        "new addresses", lambda: all(one[0].startswith("10.77.0.6") for one in arm.addresses().values() if one), 30
    )
    arm.wait_for("old addresses went", lambda: all(len(kernel_addresses(lan, n)) == 1 for n in (1, 2, 3)), 30)
    assert lan.recorder.ping(arm.addresses()["vcam3"][0])

    arm.done("remove", names=["vcam1", "vcam2", "vcam3"])
    arm.wait_for("all gone", lambda: arm.addresses() == {})
    assert "lookup 7001" not in lan.host.run(["ip", "rule"]).stdout


def test_cameras_change_between_static_addresses_and_dhcp(lan: Lan, tmp_path: Path) -> None:
    start_dnsmasq(lan.router, tmp_path, first="10.77.0.60", last="10.77.0.70")
    arm = static(lan, tmp_path, 2).start()
    arm.wait_for("static", lambda: {camera["phase"] for camera in arm.cameras().values()} == {"static"})
    netsetup = Netsetup(lan, arm.state)
    netsetup("apply", "--parent", "eth0", "--count", "2", "--dhcp", "--yes")
    arm.wait_for("leases", lambda: all("10.77.0.6" in "".join(one) for one in arm.addresses().values()), 30)
    netsetup.apply(2)
    arm.wait_for("static again", lambda: {camera["phase"] for camera in arm.cameras().values()} == {"static"})
    assert arm.addresses() == {"vcam1": ["10.77.0.101"], "vcam2": ["10.77.0.102"]}


def kernel_addresses(lan: Lan, number: int) -> list[str]:
    rows = json.loads(lan.host.run(["ip", "-j", "-4", "address", "show", "dev", f"vcam{number}"]).stdout)
    return [one["local"] for row in rows for one in row.get("addr_info", [])]


def test_without_a_server_the_reason_is_said(lan: Lan, tmp_path: Path) -> None:
    arm = Arm(lan, tmp_path).start()
    arm.done("add", count=2)
    arm.wait_for("words", lambda: "DHCP" in arm.cameras()["vcam1"]["message"])
    assert arm.addresses() == {"vcam1": [], "vcam2": []}
    assert arm.cameras()["vcam2"]["address"] is None


def test_what_was_applied_without_asking_is_asked_about_by_the_arm(lan: Lan, tmp_path: Path) -> None:
    recorder = "02:00:00:00:00:20"
    lan.recorder.ip("address add 10.77.0.101/24 dev eth0\naddress add 10.77.0.102/24 dev eth0")
    arm = static(lan, tmp_path, 1)  # with --no-probe
    arm.start()
    arm.wait_for("the conflict", lambda: arm.cameras()["vcam1"]["claimed_by"] == recorder)
    assert recorder in arm.cameras()["vcam1"]["message"]
    arm.end()
    lan.unplug_host()
    wait_until("no cable", lambda: lan.host.run(["cat", "/sys/class/net/eth0/carrier"]).stdout == "0\n")
    Netsetup(lan, arm.state)("apply", "--parent", "eth0", "--count", "3", "--yes")  # asks, but nobody can answer
    arm.start()
    assert "cable" in arm.cameras()["vcam2"]["message"]
    lan.plug_host()
    arm.wait_for("the other conflict", lambda: arm.cameras()["vcam2"]["claimed_by"] == recorder)
    assert arm.cameras()["vcam3"]["claimed_by"] is None

    lan.host.ip("address add 10.77.0.103/24 dev eth0")  # and what the host itself takes later
    arm.wait_for("the host", lambda: arm.cameras()["vcam3"]["claimed_by"] == "02:00:00:00:00:10")


def test_what_happens_to_the_state_folder_costs_no_camera_its_interface(lan: Lan, tmp_path: Path) -> None:
    arm = static(lan, tmp_path, 2)
    good = everything(lan)
    arm.start()
    for file in arm.state.iterdir():
        file.unlink()
    lan.host.ip("link del vcam1")
    arm.wait_for_notice("The plans were gone")
    arm.wait_for("all is as before", lambda: everything(lan) == good)
    assert [slot["name"] for slot in Netsetup(lan, arm.state).plans()[0]["slots"]] == ["vcam1", "vcam2"]

    (arm.state / "journal").write_bytes(bytes(range(256)) * 200)
    lan.host.ip("link del vcam2")
    arm.wait_for("repaired with a journal of garbage", lambda: everything(lan) == good)

    arm.state.chmod(0o777)
    assert "may be written by others" in arm.ask("add", count=1)["error"]
    lan.host.ip("link del vcam1")
    arm.wait_for("it trusts nothing there", lambda: "may be written by others" in arm.status()["problem"])
    arm.state.chmod(0o700)
    arm.wait_for("all is as before", lambda: everything(lan) == good)

    lan.host.run(["mount", "--bind", arm.state, arm.state])
    lan.host.run(["mount", "-o", "remount,bind,ro", arm.state])
    lan.host.ip("link del vcam2")
    arm.wait_for("it says that it cannot write", lambda: "can only be read" in arm.status()["problem"])
    refused = arm.ask("remove", names=["vcam1"])
    assert not refused["ok"] and "can only be read" in refused["hint"]
    lan.host.run(["umount", arm.state])
    arm.wait_for("all is as before", lambda: everything(lan) == good)
    assert arm.status()["problem"] == ""


def test_a_full_disk_costs_no_camera_its_address(lan: Lan, tmp_path: Path) -> None:
    start_dnsmasq(lan.router, tmp_path)
    arm = Arm(lan, tmp_path)
    arm.state.mkdir()
    lan.host.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", arm.state])
    arm.start()
    arm.done("add", count=1)
    lan.host.run(["dd", "if=/dev/zero", f"of={arm.state}/full", "bs=1k", "count=100"], check=False)
    arm.wait_for("an address all the same", lambda: any(arm.addresses().values()), 20)
    arm.wait_for_notice("No space left on device. Is the disk full?")
    refused = arm.ask("add", count=1)
    assert not refused["ok"] and "No space left" in refused["error"]
    assert list(arm.addresses()) == ["vcam1"]
    lan.host.run(["rm", f"{arm.state}/full"])
    arm.done("add", count=1)

"""`netsetup check` and `doctor` on a host in a namespace, with faults that are made on purpose."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from proxyd.api import models as m

from .chain import all_running, new_chain, wait_for_cameras
from .lan import Lan, Namespace, wait_until

NETSETUP = [sys.executable, "-m", "netsetup"]
STATIC = ["--parent", "eth0", "--static", "10.77.0.101/24", "--gateway", "10.77.0.1", "--yes", "--no-probe"]


def apply(host: Namespace, state: Path, count: int) -> None:
    host.run([*NETSETUP, "apply", *STATIC, "--count", str(count), *places(state)])


def places(state: Path) -> list[str]:
    return ["--state", str(state), "--config", str(state / "none.toml")]


def examined(host: Namespace, state: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """By camera and id, without what is only worth a note."""
    words = ["doctor", "--json", "--state", str(state), "--socket", str(state / "none.sock")]
    done = host.run([*NETSETUP, *words], check=False)
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    return {(x["camera"], x["id"]): x for x in answer["findings"] if x["severity"] != "note"}


def test_healthy_cameras_are_answered_by_their_own_mac(lan: Lan, tmp_path: Path) -> None:
    def picture() -> str:
        commands = (["address"], ["rule"], ["route", "show", "table", "all"])
        return "".join(lan.host.run(["ip", "-4", "-o", *words]).stdout for words in commands)

    apply(lan.host, tmp_path, 32)
    before = picture()
    found = examined(lan.host, tmp_path)
    assert picture() == before, "looking changes nothing"
    ok = [x for (_, id_), x in found.items() if id_ == "camera-ok"]
    assert len(ok) == 32 and all("10.77.0.1 answers it" in x["what"] for x in ok)
    assert set(found) - {(x["camera"], "camera-ok") for x in ok} == {("", "arm-away")}


def test_faults_made_by_hand_are_named(lan: Lan, tmp_path: Path) -> None:
    host = lan.host
    apply(host, tmp_path, 6)
    host.ip("link set vcam2 down\nlink del vcam3\naddress flush dev vcam5\nrule del pref 10006")
    host.sysctl("net/ipv4/conf/vcam1/rp_filter", 0)
    host.sysctl("net/ipv4/conf/eth0/arp_ignore", 0)
    lan.nvr.ip("address add 10.77.0.104/24 dev eth0")
    found = examined(host, tmp_path)
    expected = {
        ("", "host-incomplete"),
        ("vcam1", "sysctl-changed"),
        ("vcam2", "camera-down"),
        ("vcam3", "camera-missing"),
        ("vcam4", "address-claimed"),
        ("vcam5", "address-missing"),
        ("vcam6", "rules-incomplete"),
    }
    assert expected <= set(found), found
    assert "MAC 02:00:00:00:00:30" in found["vcam4", "address-claimed"]["what"]
    lan.nvr.ip("address del 10.77.0.104/24 dev eth0")
    host.run([*NETSETUP, "apply", "--yes", "--no-probe", *places(tmp_path)])
    assert not [x for x in examined(host, tmp_path).values() if x["severity"] == "problem"]


def test_a_switch_that_drops_foreign_macs(lan: Lan, tmp_path: Path) -> None:
    """A virtual switch without promiscuous mode: it delivers only to the MAC that it gave out itself."""
    lan.bridge.run(["bridge", "link", "set", "dev", "p-host", "learning", "off", "flood", "off"])
    lan.bridge.run(["bridge", "fdb", "replace", "02:00:00:00:00:10", "dev", "p-host", "master", "static"])
    apply(lan.host, tmp_path, 3)
    found = examined(lan.host, tmp_path)
    for name in ("vcam1", "vcam2", "vcam3"):
        blocked = found[name, "mac-blocked"]
        assert blocked["what"].startswith(f"10.77.0.1 answers the host, but not {name} with MAC")
        assert "promiscuous" in blocked["todo"] or "port security" in blocked["todo"]
    assert ("", "gateway-silent") not in found


def test_a_gateway_that_is_off_and_a_cable_that_is_out(lan: Lan, tmp_path: Path) -> None:
    apply(lan.host, tmp_path, 2)
    lan.router.ip("link set eth0 down")
    found = examined(lan.host, tmp_path)
    assert ("", "gateway-silent") in found and ("vcam1", "mac-blocked") not in found
    lan.unplug_host()
    found = examined(lan.host, tmp_path)
    assert found["", "parent-no-cable"]["what"] == "The cable of eth0 is unplugged."


def checked(host: Namespace, state: Path, *more: str) -> dict[str, Any]:
    done: subprocess.CompletedProcess[str]
    done = host.run([*NETSETUP, "check", "--json", *more, *places(state)], check=False)
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    return {x["id"]: x for x in answer["findings"]}


def test_check_finds_the_parent_and_what_is_in_the_way(lan: Lan, tmp_path: Path) -> None:
    assert checked(lan.host, tmp_path)["parent"]["what"] == "eth0 is wired and up, with 10.77.0.10/24."
    assert "port-80" in checked(lan.host, tmp_path)
    server = lan.host.popen(
        [sys.executable, "-m", "http.server", "80", "--bind", "0.0.0.0"], stderr=subprocess.DEVNULL
    )  # fmt: skip
    lan.host.run(["sh", "-c", "until grep -q ':0050 00000000:0000 0A' /proc/net/tcp; do sleep 0.05; done"])
    taken = checked(lan.host, tmp_path)["port-taken"]
    assert "holds port 80 on every address" in taken["what"]
    lan.host.end(server)
    apply(lan.host, tmp_path, 2)
    assert not {"rule-before", "routing-shared"} & set(checked(lan.host, tmp_path)), "ours are not foreign"
    lan.host.ip("rule add pref 500 lookup 99\nrule add pref 501 fwmark 1 lookup 98\nrule add pref 10050 lookup 97")
    lan.host.ip("route add 10.99.0.0/24 via 10.77.0.1 table 7300")
    found = checked(lan.host, tmp_path)
    assert "(rule 500)" in found["rule-before"]["what"] and "rules 10050," in found["routing-shared"]["what"]
    lan.host.run([*NETSETUP, "remove", "--all", "--yes", *places(tmp_path)])
    lan.host.ip("link add br7 type bridge\nlink set eth0 master br7")
    assert checked(lan.host, tmp_path, "--parent", "eth0")["parent-port"]["todo"] == "Use --parent br7."


async def test_the_same_through_the_arm_and_proxyd(lan: Lan) -> None:
    """`onviftui interface doctor` on a host that works, then with one more fault that only the network shows."""
    with new_chain(lan) as chain:
        chain.netsetup.apply(3)
        chain.start_nvr(3)
        chain.start_arm()
        chain.start_proxyd()
        async with chain.client() as client:
            await chain.adopt_nvr(client)
            cameras = await wait_for_cameras(client, "three cameras run", all_running(3))
            findings: list[m.Finding] = await client.call("interface.doctor")
            assert {x.severity for x in findings} == {"ok"}, findings
            assert {x.camera for x in findings} == {camera.id for camera in cameras}
            lan.nvr.ip(f"address add {cameras[0].address}/24 dev eth0")
            first: m.Finding = (await client.call("interface.doctor"))[0]
            assert (first.id, first.severity, first.camera) == ("address-claimed", "problem", cameras[0].id)
            done = await asyncio.to_thread(
                lan.host.run,
                [sys.executable, "-m", "onviftui", "--socket", chain.rpc_socket, "interface", "doctor"],
                check=False,
            )
            assert done.returncode == 1 and done.stdout.startswith(f"problem: Address {cameras[0].address} of ")


def test_without_a_dhcp_server_the_clients_own_words_are_said(lan: Lan) -> None:
    with new_chain(lan) as chain:
        chain.state.mkdir(mode=0o700)
        words = ["apply", "--parent", "eth0", "--count", "1", "--dhcp", "--yes"]
        lan.host.run([*NETSETUP, *words, *places(chain.state)])
        alone = examined(lan.host, chain.state)
        assert "systemctl status netsetup" in alone["vcam1", "no-lease"]["todo"]
        chain.start_arm()

        def searching() -> Any:
            found = [x for x in chain.ask_arm(do="doctor")["findings"] if x["id"] == "dhcp-searching"]
            return found[0] if found and "Next try in" in found[0]["what"] else None

        finding = wait_until("the doctor says that it searches", searching, 30)
        assert finding["what"].startswith("vcam1 has no address: looking for a DHCP server on eth0")
        assert finding["camera"] == "vcam1" and finding["severity"] == "problem" and "--static" in finding["todo"]

"""The guard: services of the host that listen everywhere do not answer on cameras, and all that cameras do goes on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from .applied import Netsetup
from .chain import Chain, all_running, new_chain, wait_for_cameras
from .dhcp_servers import start_dnsmasq
from .frames import captured
from .lan import HOST, MACS, RECORDER, Lan, Namespace, wait_until
from .recipe import Camera
from .talk import can_reach, listening
from .test_leases import rows as lease_rows
from .test_leases import wait_bound
from .verdict import EXCHANGES, KINDS, ask_arp, judge, start_stand_in, visit

SERVICE, UDP_SERVICE = 8080, 161
TABLE = "table ip onviftui_guard"


@pytest.fixture(autouse=True)
def _nft_is_there() -> None:
    """The product does without; here it is the second opinion on what is in the kernel."""
    if shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin") is None:
        pytest.skip("nft is not installed (Debian: apt install nftables)")


@pytest.fixture
def netsetup(lan: Lan, tmp_path: Path) -> Netsetup:
    return Netsetup(lan, tmp_path)


@pytest.fixture
def chain(lan: Lan) -> Iterator[Chain]:
    with new_chain(lan) as made:
        yield made


def ruleset(lan: Lan) -> str:
    return lan.host.run(["nft", "list", "ruleset"]).stdout


def examine(lan: Lan, cameras: list[Camera]) -> None:
    """As `verdict.watch_visits` from the LAN, but that a closed port says nothing."""
    everyone = {camera.address for camera in cameras}
    with captured(lan.bridge, "p-host") as cable:
        stand_in = start_stand_in(lan.host, cameras)
        ask_arp(lan.recorder, sorted(everyone), MACS["recorder"], RECORDER)
        answered = visit(lan.recorder, cameras)
        routed = visit(lan.outside, cameras, "")
    assert answered == dict.fromkeys(EXCHANGES - {"refused"} | {"multicast probe"}, everyone)
    assert routed == dict.fromkeys(EXCHANGES - {"refused"}, everyone)
    verdict = judge(cable, cameras, set(KINDS) - {"reset"})
    assert verdict.frames == verdict.right_frames and not verdict.missing, str(verdict)
    lan.host.end(stand_in)


@contextmanager
def services(host: Namespace) -> Iterator[socket.socket]:
    """One of each kind on all addresses of the host; gives the UDP socket."""
    with listening(host, "0.0.0.0", SERVICE), host.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("0.0.0.0", UDP_SERVICE))
        datagrams.settimeout(20)
        yield datagrams


def hears(datagrams: socket.socket, asker: Namespace, address: str, port: int, said: bytes = b"anybody?") -> bool:
    with asker.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(said, (address, port))
    return datagrams.recv(65536) == said


def speak(asker: Namespace, addresses: Sequence[str], port: int, said: bytes) -> None:
    """One datagram to each."""
    with asker.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for address in addresses:
            out.sendto(said, (address, port))


def reachable(machines: Sequence[Namespace], addresses: Sequence[str], port: int) -> list[bool]:
    """Of each machine for each address. All are tried at once: what is dropped takes its time."""
    pairs = list(itertools.product(machines, addresses))
    with ThreadPoolExecutor(len(pairs)) as pool:
        return list(pool.map(lambda pair: can_reach(pair[0], pair[1], port, 1.0), pairs))


def test_only_the_host_itself_answers_for_its_services(netsetup: Netsetup) -> None:
    lan, cameras = netsetup.lan, netsetup.apply(2)
    with services(lan.host) as datagrams:
        for machine in (lan.recorder, lan.outside):
            assert all(can_reach(machine, camera.address, SERVICE) for camera in cameras)
            assert all(hears(datagrams, machine, camera.address, UDP_SERVICE) for camera in cameras)
        netsetup("apply", "--guard", "--yes")
        for machine in (lan.recorder, lan.outside):
            assert can_reach(machine, HOST, SERVICE)
            # What comes to the host overtakes nothing that came to its cameras before.
            speak(machine, [camera.address for camera in cameras], UDP_SERVICE, b"anybody there?")
            assert hears(datagrams, machine, HOST, UDP_SERVICE)
        assert not any(reachable([lan.recorder, lan.outside], [camera.address for camera in cameras], SERVICE))
        # The host itself is not an other.
        assert can_reach(lan.host, cameras[0].address, SERVICE)
    examine(lan, cameras)


def test_the_guard_is_a_change_like_every_other(netsetup: Netsetup) -> None:
    """Dry run, digest, again, undo, other ports, remove."""
    lan, cameras = netsetup.lan, netsetup.apply(1)
    (camera,) = cameras
    before = ruleset(lan)
    assert before == ""
    shown = netsetup("apply", "--guard")
    line = "let only tcp 80, 322, 443, 554, discovery, media and ping in on vcam*"
    assert line in shown.stdout and "guarded but for tcp 80, 322, 443, 554" in shown.stdout
    assert ruleset(lan) == before
    digest = shown.stdout.split("Digest: ")[1].split()[0]
    assert netsetup("apply", "--guard", "--digest", digest).stdout == f"{line}\n"
    guarded = ruleset(lan)
    assert TABLE in guarded and 'iifname "vcam*" jump camera' in guarded and "tcp dport 443 accept" in guarded
    assert "Nothing to change" in netsetup.again().stdout
    assert ruleset(lan) == guarded
    with listening(lan.host, "0.0.0.0", SERVICE):
        assert not can_reach(lan.recorder, camera.address, SERVICE, 1.0)
        netsetup("apply", "--guard", f"80,{SERVICE}", "--yes")
        assert can_reach(lan.recorder, camera.address, SERVICE)
        netsetup("undo", "--yes", "--no-probe")
        assert ruleset(lan) == guarded
        netsetup("undo", "--yes", "--no-probe")
        assert ruleset(lan) == before
        assert can_reach(lan.recorder, camera.address, SERVICE)
    netsetup("apply", "--guard", "--yes")
    assert ruleset(lan) == guarded
    netsetup.apply(2)  # more cameras keep it
    assert netsetup.plans()[0]["guard"] == [80, 322, 443, 554] and ruleset(lan) == guarded
    netsetup("apply", "--no-guard", "--yes")
    assert ruleset(lan) == before
    netsetup("apply", "--guard", "--yes")
    netsetup("remove", "--all", "--yes")
    assert ruleset(lan) == before


def test_a_published_port_of_a_container_is_not_on_the_cameras(netsetup: Netsetup) -> None:
    """Docker redirects what comes to any local address before `input` sees it; its answers have the host's MAC."""
    lan, (camera,) = netsetup.lan, netsetup.apply(1)
    with contextlib.closing(lan.namespace("container")) as container:
        lan.host.ip(
            f"link add docker0 type veth peer name eth0 netns {container.pid}\n"
            "address add 172.17.0.1/16 dev docker0\nlink set docker0 up"
        )
        container.ip("address add 172.17.0.2/16 dev eth0\nlink set eth0 up\nroute add default via 172.17.0.1")
        lan.host.sysctl("net/ipv4/ip_forward", 1)
        publish = "fib daddr type local tcp dport 9000 dnat to 172.17.0.2:80"
        lan.host.run(["nft", "add table ip nat; add chain ip nat in { type nat hook prerouting priority dstnat; }"])
        lan.host.run(["nft", "add", "rule", "ip", "nat", "in", publish])
        docker = ruleset(lan)
        with listening(container, "172.17.0.2", 80), captured(lan.bridge, "p-host") as cable:
            assert can_reach(lan.recorder, HOST, 9000)
            assert can_reach(lan.recorder, camera.address, 9000)
            cable.wait_for("the host's MAC", lambda f: f.source == camera.address and f.source_mac == MACS["host"])
            netsetup("apply", "--guard", "--yes")
            cable.frames.clear()
            assert not can_reach(lan.recorder, camera.address, 9000, 1.0)
            assert can_reach(lan.recorder, HOST, 9000)
            assert not cable.sent(lambda f: f.source == camera.address and f.source_mac != camera.mac)
        # What others have in nftables is untouched.
        assert ruleset(lan).startswith(docker)


def test_fragments_and_answers_to_what_the_cameras_ask_come_in(netsetup: Netsetup) -> None:
    lan, (camera,) = netsetup.lan, netsetup.apply(1)
    netsetup("apply", "--guard", "--yes")
    with lan.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as discovery:
        discovery.bind((camera.address, 3702))
        discovery.settimeout(2)
        assert hears(discovery, lan.recorder, camera.address, 3702, b"x" * 4000)
    with listening(lan.recorder, RECORDER, 7000), lan.host.socket(socket.AF_INET, socket.SOCK_STREAM) as asker:
        asker.bind((camera.address, 0))
        asker.settimeout(3)
        asker.connect((RECORDER, 7000))


@pytest.mark.parametrize("harm", ["flush ruleset", "flush chain ip onviftui_guard camera"])
def test_a_guard_that_others_took_away_is_missed_and_put_back(netsetup: Netsetup, harm: str) -> None:
    lan, _ = netsetup.lan, netsetup.apply(2)
    netsetup("apply", "--guard", "--yes")
    guarded = ruleset(lan)
    lan.host.run(["nft", harm])
    assert netsetup("status", "--detailed-exitcode", check=False).returncode == 2
    answer = netsetup("doctor", "--json", "--socket", netsetup.state / "no-arm.sock", check=False).stdout
    (finding,) = [f for f in json.loads(answer)["findings"] if f["id"] == "guard-changed"]
    assert finding["severity"] == "problem" and "let only tcp 80, 322, 443, 554" in finding["what"] and finding["todo"]
    assert "host-incomplete" not in answer
    netsetup.again()
    assert ruleset(lan) == guarded


def test_check_names_the_guard_and_then_is_content(netsetup: Netsetup) -> None:
    lan, _ = netsetup.lan, netsetup.apply(1)

    def finding(id_: str) -> list[dict[str, str]]:
        said = netsetup("check", "--parent", "eth0", "--json", check=False).stdout
        return [one for one in json.loads(said)["findings"] if one["id"] == id_]

    with listening(lan.host, "0.0.0.0", SERVICE):
        (open_,) = finding("services-everywhere")
        assert f"tcp {SERVICE}" in open_["what"] and "netsetup apply --guard --yes" in open_["todo"]
        netsetup("apply", "--guard", "--yes")
        assert not finding("services-everywhere")
        (closed,) = finding("guard")
        assert closed["severity"] == "ok" and str(SERVICE) in closed["what"]


def test_the_arm_keeps_the_guard_and_gives_it_to_nobody_else(chain: Chain) -> None:
    lan = chain.lan
    chain.netsetup.apply(2, "--guard")
    guarded = ruleset(lan)
    chain.start_arm()
    chain.kill_arm()
    lan.host.run(["nft", "flush", "ruleset"])
    chain.start_arm()  # with CAP_NET_ADMIN and CAP_NET_RAW alone
    assert ruleset(lan) == guarded
    # The arm follows links and routes, not nftables; the next look, whatever it is for, sees it.
    lan.host.run(["nft", "flush", "ruleset"])
    lan.host.ip("link del vcam2")
    wait_until("the guard is back", lambda: ruleset(lan) == guarded)
    shown = chain.ask_arm(do="plan", parent="eth0", count=3)
    assert shown["plans"][0]["guard"] == [80, 322, 443, 554]
    chain.ask_arm(do="add", count=1)
    assert ruleset(lan) == guarded
    chain.netsetup("apply", "--no-guard", "--yes", "--no-probe")
    assert ruleset(lan) == ""
    said = chain.ask_arm(do="doctor")["findings"]  # before its next look, it knows what root wishes now
    assert not [finding for finding in said if finding["id"] == "guard-changed"]
    no = chain.refused_by_arm(do="apply", plans=shown["plans"], digest=shown["digest"])
    assert "Only root can change the guard" in no["error"]
    assert ruleset(lan) == ""


def test_leases_come_and_are_renewed_through_the_guard(chain: Chain, tmp_path: Path) -> None:
    start_dnsmasq(chain.lan.router, tmp_path, renew_s=2)
    chain.netsetup("apply", "--parent", "eth0", "--count", "2", "--dhcp", "--guard", "--yes")
    chain.start_arm()
    cameras = wait_bound(chain, 2)
    assert TABLE in ruleset(chain.lan)
    first = {row["mac"]: row["expires"] for row in lease_rows(chain)}
    wait_until("both are renewed", lambda: all(row["expires"] > first[row["mac"]] for row in lease_rows(chain)))
    assert wait_bound(chain, 2) == cameras


async def test_a_recorder_finds_adopts_and_plays_guarded_cameras(chain: Chain) -> None:
    lan = chain.lan
    made = chain.netsetup.apply(3, "--guard")
    chain.start_arm()
    chain.start_nvr(3)
    chain.start_proxyd()
    async with chain.client() as client:
        await chain.adopt_nvr(client)
        await wait_for_cameras(client, "all run", all_running(3))
        username, password = await chain.credentials(client)
        seen = await asyncio.to_thread(
            chain.record, count=3, username=username, password=password, play_s=2.0, frames=21
        )
    assert seen["found"].keys() == {camera.address for camera in made}
    for camera in seen["cameras"].values():
        assert "error" not in camera, camera["error"]
        assert camera["lost"] == [0, 0] and min(camera["frames"]) > 20
    assert TABLE in ruleset(lan)

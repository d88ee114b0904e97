"""Cameras with addresses by DHCP, from real servers: every lease on its own interface, every trouble in words."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .chain import Chain, new_chain
from .dhcp_servers import SERVERS, Message, Start, messages, start_dnsmasq
from .frames import Capture, captured
from .lan import PATIENCE_S, RECORDER, Lan, skip_unless_possible, wait_until
from .recipe import Camera
from .test_failures import told, wait_told
from .verdict import watch_visits


@pytest.fixture(params=SERVERS)
def start_server(request: pytest.FixtureRequest) -> Start:
    return SERVERS[request.param]


@pytest.fixture
def chain(lan: Lan) -> Iterator[Chain]:
    with new_chain(lan) as made:
        yield made


def plan(chain: Chain, count: int) -> None:
    chain.netsetup("apply", "--parent", "eth0", "--count", str(count), "--dhcp", "--yes")


def rows(chain: Chain) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chain.ask_arm(do="status")["cameras"]
    return found


def wait_bound(chain: Chain, count: int, timeout_s: float = PATIENCE_S) -> list[Camera]:
    """All cameras, once that many have an address in the kernel."""

    def bound() -> list[Camera] | None:
        found = [Camera(r["name"], r["mac"], r["address"].split("/")[0]) for r in rows(chain) if r["address"]]
        if len(found) != count:
            return None
        shown = chain.lan.host.run(["ip", "-4", "addr"]).stdout
        return found if all(f" {camera.address}/" in shown for camera in found) else None

    try:
        cameras: list[Camera] = wait_until(f"{count} leases", bound, timeout_s)
    except AssertionError:
        raise AssertionError(f"{rows(chain)}\n{chain.log_of('arm')}") from None
    return cameras


def test_every_camera_gets_a_lease_and_its_own_frames(chain: Chain, tmp_path: Path, start_server: Start) -> None:
    start_server(chain.lan.router, tmp_path)
    plan(chain, 32)
    chain.start_arm()
    cameras = wait_bound(chain, 32)
    assert len({camera.address for camera in cameras}) == 32
    near, routed = watch_visits(chain.lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)


def test_removed_cameras_give_their_leases_back(chain: Chain, tmp_path: Path) -> None:
    start_dnsmasq(chain.lan.router, tmp_path)
    plan(chain, 2)
    chain.start_arm()
    cameras = wait_bound(chain, 2)
    gone = cameras[1]
    chain.ask_arm(do="remove", names=[gone.name])
    wait_until("the release", lambda: f"DHCPRELEASE(eth0) {gone.address}" in (tmp_path / "dnsmasq.log").read_text())
    assert gone.name not in chain.lan.host.run(["ip", "link"]).stdout
    assert wait_bound(chain, 1) == cameras[:1]


def test_a_renamed_adapter_keeps_the_leases_of_its_cameras(chain: Chain, tmp_path: Path) -> None:
    start_dnsmasq(chain.lan.router, tmp_path)
    plan(chain, 2)
    chain.start_arm()
    cameras = wait_bound(chain, 2)
    log = tmp_path / "dnsmasq.log"
    asked = log.read_text().count("DHCPREQUEST")
    chain.lan.host.ip("link set eth0 down\nlink set eth0 name lan7\nlink set lan7 up")
    wait_until("they are confirmed", lambda: log.read_text().count("DHCPREQUEST") >= asked + 2)
    assert wait_bound(chain, 2) == cameras
    assert "DHCPRELEASE" not in log.read_text()


def late(chain: Chain, folder: Path, start_server: Start) -> None:
    plan(chain, 2)
    chain.start_arm()
    wait_until("it looks for a server", lambda: all("looking for a DHCP server" in r["detail"] for r in rows(chain)))
    assert all(row["next_try"] for row in rows(chain))
    start_server(chain.lan.router, folder)
    wait_bound(chain, 2)


def silence(chain: Chain, folder: Path, start_server: Start) -> None:
    plan(chain, 2)
    chain.start_arm()
    wait_told(chain, "o DHCP answer on eth0")
    assert all(row["next_try"] for row in rows(chain))


def refusals(cable: Capture) -> dict[str, Message]:
    """By MAC: the request of that camera that the server answered by DHCPNAK."""
    said = messages(list(cable.frames))
    return {
        one.mac: next(asked for asked in said if asked.kind == "REQUEST" and asked.xid == one.xid)
        for one in said
        if one.kind == "NAK"
    }


def moved(chain: Chain, folder: Path, start_server: Start) -> None:
    """Renewals are refused, because other addresses are reserved for these cameras now."""
    server = start_server(chain.lan.router, folder, lease_s=120, renew_s=2)
    plan(chain, 2)
    chain.start_arm()
    before = {camera.mac: camera.address for camera in wait_bound(chain, 2)}
    chain.lan.router.end(server)
    with captured(chain.lan.bridge, "p-router") as cable:
        moves = move(chain, folder, start_server, before, lease_s=120, renew_s=2)
        wait_moved(chain, before, moves)
    refused = refusals(cable)
    assert {mac: asked.in_use for mac, asked in refused.items()} == before
    near, routed = watch_visits(chain.lan, wait_bound(chain, 2))
    assert near.right, str(near)
    assert routed.right, str(routed)


def refused_at_boot(chain: Chain, folder: Path, start_server: Start) -> None:
    """The same, and the cameras hear of it when they ask for their remembered addresses after a start (INIT-REBOOT)."""
    server = start_server(chain.lan.router, folder)
    plan(chain, 2)
    chain.start_arm()
    before = {camera.mac: camera.address for camera in wait_bound(chain, 2)}
    chain.kill_arm()
    chain.lan.router.end(server)
    with captured(chain.lan.bridge, "p-router") as cable:
        moves = move(chain, folder, start_server, before)
        chain.start_arm()
        wait_moved(chain, before, moves)
    refused = refusals(cable)
    assert {mac: (asked.in_use, asked.requested) for mac, asked in refused.items()} == {
        mac: ("", address) for mac, address in before.items()
    }


def move(chain: Chain, folder: Path, start_server: Start, before: dict[str, str], **options: int) -> dict[str, str]:
    """Starts the server again with other addresses reserved for these cameras: in its pool, because Kea 2.2 refuses
    only what it could give, and is silent about the rest. Returns the new addresses by MAC."""
    moves = {mac: f"10.77.0.{200 + n}" for n, mac in enumerate(before)}
    start_server(chain.lan.router, folder, reservations=moves, **options)
    return moves


def wait_moved(chain: Chain, before: dict[str, str], moves: dict[str, str]) -> None:
    """Until it is told, and the cameras have the new addresses and no longer the old ones."""
    for mac, address in before.items():
        wait_told(chain, f"moved from {address} to {moves[mac]}")
        wait_told(chain, f"A reservation for MAC {mac} in the DHCP server avoids this.")
        assert f"the DHCP server refused {address}; another one will be asked for" in chain.log_of("arm")

    def old_is_gone() -> bool:
        shown = chain.lan.host.run(["ip", "-4", "addr"]).stdout
        return not any(f" {address}/" in shown for address in before.values())

    wait_until("the former addresses are gone", old_is_gone)
    cameras = wait_bound(chain, 2)
    assert {camera.mac: camera.address for camera in cameras} == moves


def empty_pool(chain: Chain, folder: Path, start_server: Start) -> None:
    start_server(chain.lan.router, folder, first="10.77.0.150", last="10.77.0.151")
    plan(chain, 3)
    chain.start_arm()
    wait_bound(chain, 2)
    wait_told(chain, "its address pool may be used up")
    assert len([row for row in rows(chain) if row["address"]]) == 2


def taken_offer(chain: Chain, folder: Path, start_server: Start) -> None:
    """The whole pool but one address belongs to the recorder, and the server does not know."""
    chain.lan.recorder.ip("\n".join(f"address add 10.77.0.{n}/24 dev eth0" for n in (150, 151, 153)))
    start_server(chain.lan.router, folder, first="10.77.0.150", last="10.77.0.153")
    plan(chain, 1)
    chain.start_arm()
    (camera,) = wait_bound(chain, 1, 90)
    assert camera.address == "10.77.0.152"
    log = next(folder.glob("*.log")).read_text()
    assert "DECLINE" in log
    assert RECORDER not in told(chain)


def renewed(chain: Chain, folder: Path, start_server: Start) -> None:
    server = start_server(chain.lan.router, folder, lease_s=120, renew_s=2)
    plan(chain, 4)
    chain.start_arm()
    cameras = wait_bound(chain, 4)
    expiries = {row["name"]: row["expires"] for row in rows(chain)}
    wait_until("all are renewed", lambda: all(row["expires"] > expiries[row["name"]] for row in rows(chain)))
    assert wait_bound(chain, 4) == cameras
    chain.lan.router.end(server)
    chain.kill_arm()
    chain.start_arm()  # nobody answers now: what was leased is still ours
    assert wait_bound(chain, 4) == cameras


CASES = [
    (case, server) for case in (renewed, late, moved, refused_at_boot, empty_pool, taken_offer) for server in SERVERS
] + [(silence, "dnsmasq")]


def test_waiting_for_servers_and_clocks(tmp_path: Path) -> None:
    """Each on a LAN of its own and all at once, because they mostly wait: some for half a minute."""
    skip_unless_possible()

    def play(case: Callable[[Chain, Path, Start], None], server: str) -> str:
        folder = tmp_path / f"{case.__name__}-{server}"
        folder.mkdir()
        try:
            with Lan() as lan, new_chain(lan) as chain:
                case(chain, folder, SERVERS[server])
        except Exception:
            return f"{case.__name__}, {server}:\n{traceback.format_exc()}"
        return ""

    with ThreadPoolExecutor(len(CASES)) as pool:
        failures = list(filter(None, pool.map(lambda one: play(*one), CASES)))
    assert not failures, "\n".join(failures)

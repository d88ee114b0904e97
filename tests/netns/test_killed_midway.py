"""kill -9 in the middle of their work: of the arm at boot, at a repair and while leases come, of proxyd, of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from proxyd.api import models as m

from .chain import NVR_PASSWORD, NVR_USER, Chain, all_running, new_chain, wait_for_cameras
from .dhcp_servers import start_dnsmasq
from .lan import NVR, Lan, halt_at, wait_until
from .talk import can_reach
from .test_failures import examine, wait_repaired
from .test_kill_and_reboot import CAMERAS, identity, play_all, progress, shows, start_all
from .test_leases import plan, rows, wait_bound
from .verdict import watch_visits

SLOTS = 12


@pytest.fixture
def chain(lan: Lan) -> Iterator[Chain]:
    with new_chain(lan) as made:
        yield made


def kill_arm_at(chain: Chain, what: str, reached: Callable[[], bool]) -> None:
    """Once `reached`. Raises AssertionError when the arm had ended by itself."""
    arm = chain.arm
    assert arm
    assert halt_at(arm, what, reached), chain.log_of("arm")
    chain.kill_arm()


def test_the_arm_killed_at_boot_or_at_a_repair_finishes_at_the_next_start(chain: Chain) -> None:
    lan = chain.lan
    chain.netsetup.apply(SLOTS)
    chain.start_arm()  # from now on it knows that the addresses are free, and does not ask for seconds

    def known() -> bool:
        memory = chain.state / "arm.json"
        return memory.exists() and memory.read_text().count("10.77.0.") >= SLOTS

    wait_until("the addresses are remembered", known)
    before = chain.netsetup.cameras()
    half_made = 0
    for seen in ("eth0/arp_ignore:1", "vcam1:", "vcam6:", "vcam12:", "10.77.0.101", "10.77.0.112", "lookup 7006"):
        lan.reboot_host()
        chain.launch_arm()
        kill_arm_at(chain, seen, partial(shows, lan, seen))
        half_made += progress(lan).count("lookup 70") < 2 * SLOTS
        chain.start_arm()
        wait_repaired(chain)
    assert half_made >= 3, "the kills came too late to prove anything"
    for seen in ("vcam3:", "10.77.0.103"):
        lan.host.ip("link del vcam3")
        kill_arm_at(chain, seen, partial(shows, lan, seen))
        chain.start_arm()
        wait_repaired(chain)
    assert chain.netsetup.cameras() == before
    examine(chain)


def test_the_arm_killed_while_leases_come_keeps_what_was_in_use(chain: Chain, tmp_path: Path) -> None:
    start_dnsmasq(chain.lan.router, tmp_path)
    log = tmp_path / "dnsmasq.log"
    plan(chain, 8)
    chain.launch_arm()
    kill_arm_at(chain, "granted", lambda: "DHCPACK" in log.read_text())
    chain.launch_arm()
    kill_arm_at(chain, "the first one in use", lambda: bool(in_use(chain)))
    used = in_use(chain)
    assert used
    chain.start_arm()
    cameras = wait_bound(chain, 8)
    assert used <= {(camera.name, camera.address) for camera in cameras}
    assert len({row["address"] for row in rows(chain)}) == 8
    near, routed = watch_visits(chain.lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)


def in_use(chain: Chain) -> set[tuple[str, str]]:
    """Names and addresses of cameras in the kernel."""
    lines = chain.lan.host.run(["ip", "-4", "-o", "address"]).stdout.splitlines()
    words = [line.split() for line in lines if ": vcam" in line]  # `N: vcamN inet ADDRESS/24 …`
    return {(one[1], one[3].partition("/")[0]) for one in words}


async def test_proxyd_killed_at_a_scan_and_at_its_starts_loses_and_doubles_nothing(chain: Chain) -> None:
    lan = chain.lan
    made = chain.netsetup.apply(CAMERAS)
    chain.start_arm()
    chain.start_nvr(CAMERAS)
    chain.start_proxyd()
    wish = {"host": NVR, "port": 80, "username": NVR_USER, "password": NVR_PASSWORD, "name": "NVR"}
    async with chain.client() as client:
        nvr: m.Nvr = await client.call("nvr.add", wish)
        await client.call("nvr.scan", {"id": nvr.id})
        chain.kill_proxyd()
    chain.start_proxyd()
    async with chain.client() as client:
        await client.call("nvr.scan", {"id": nvr.id})
        await wait_for_cameras(client, "one is there", lambda all_: bool(all_))
        chain.kill_proxyd()
    chain.start_proxyd()
    async with chain.client() as client:
        early = identity(await client.call("camera.list"))
        await client.call("nvr.scan", {"id": nvr.id})
        before = identity(await wait_for_cameras(client, "all run", all_running(CAMERAS)))
        assert set(early) <= set(before)
        secret = await chain.credentials(client)
    for camera in made:  # they start one after the other
        chain.kill_proxyd()
        chain.start_proxyd()
        wait_until("it answers", partial(can_reach, lan.recorder, camera.address, 80, 0.2))
    for camera in made:
        lan.reboot_host()
        chain.launch_arm()
        chain.start_proxyd()
        kill_arm_at(chain, "it is there", partial(shows, lan, f"{camera.name}:"))
        chain.kill_proxyd()
    assert identity(await start_all(chain)) == before
    await play_all(chain, *secret)

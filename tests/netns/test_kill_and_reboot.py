"""kill -9 at any moment, and the power gone: what a recorder knows of its cameras stays true."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proxyd.api import models as m

from .applied import Netsetup
from .chain import Chain, all_running, new_chain, wait_for_cameras
from .lan import Lan, halt_at, wait_until
from .verdict import watch_visits

CAMERAS = 3
_PLAY_S = 4.0


def identity(cameras: list[m.Camera]) -> list[tuple[object, ...]]:
    return sorted((camera.id, camera.uuid, camera.mac, camera.address, camera.interface) for camera in cameras)


def indexes(lan: Lan) -> str:
    """Changes when any interface was made anew."""
    return lan.host.run(["sh", "-c", "grep . /sys/class/net/*/ifindex"]).stdout


async def start_all(chain: Chain) -> list[m.Camera]:
    chain.start_arm()
    chain.start_proxyd()
    async with chain.client() as client:
        cameras: list[m.Camera] = await client.call("camera.list")
        if not cameras:
            await chain.adopt_nvr(client)
        return await wait_for_cameras(client, "all run", all_running(CAMERAS))


async def play_all(chain: Chain, username: str, password: str) -> None:
    """Raises AssertionError when any camera cannot be found, adopted and played whole."""
    wish: dict[str, Any] = {"count": CAMERAS, "username": username, "password": password, "play_s": 1.0}
    seen = await asyncio.to_thread(lambda: chain.record(**wish))
    assert len(seen["found"]) == CAMERAS
    assert not [camera["error"] for camera in seen["cameras"].values() if "error" in camera]
    assert all(camera["lost"] == [0, 0] for camera in seen["cameras"].values())


async def test_killed_and_rebooted_everything_is_as_it_was(lan: Lan) -> None:
    with new_chain(lan) as chain:
        chain.netsetup.apply(CAMERAS)
        chain.start_nvr(CAMERAS)
        before = identity(await start_all(chain))
        links = indexes(lan)
        async with chain.client() as client:
            secret = await chain.credentials(client)

            # The arm dies while streams run: nobody notices, and the next one changes nothing.
            wish: dict[str, Any] = {"count": CAMERAS, "username": secret[0], "password": secret[1], "play_s": _PLAY_S}
            playing = asyncio.create_task(asyncio.to_thread(lambda: chain.record(**wish)), name="recorder")
            await wait_for_cameras(client, "streams", lambda all_: any(x.clients for c in all_ for x in c.streams))
            chain.kill_arm()
            chain.start_arm()
            seen = await playing
            assert all(camera.get("lost") == [0, 0] for camera in seen["cameras"].values()), seen
            assert indexes(lan) == links

        chain.kill_proxyd()
        assert identity(await start_all_again(chain)) == before
        await play_all(chain, *secret)

        chain.kill_proxyd()
        chain.kill_arm()
        assert indexes(lan) == links
        assert identity(await start_all(chain)) == before
        await play_all(chain, *secret)

        lan.reboot_host()
        assert identity(await start_all(chain)) == before
        await play_all(chain, *secret)


async def start_all_again(chain: Chain) -> list[m.Camera]:
    """Of proxyd alone."""
    chain.start_proxyd()
    async with chain.client() as client:
        return await wait_for_cameras(client, "all run", all_running(CAMERAS))


async def test_proxyd_first_or_the_arm_first_is_all_the_same(lan: Lan) -> None:
    with new_chain(lan) as chain:
        chain.netsetup.apply(CAMERAS)
        chain.start_nvr(CAMERAS)
        before = identity(await start_all(chain))
        lan.reboot_host()
        chain.start_proxyd()
        async with chain.client() as client:
            waiting = m.CameraState.WAITING_FOR_ADDRESS
            await wait_for_cameras(client, "they wait", lambda all_: all(c.state is waiting for c in all_))
            chain.start_arm()
            assert identity(await wait_for_cameras(client, "all run", all_running(CAMERAS))) == before


def test_an_apply_that_is_killed_at_any_moment_is_finished_or_taken_back_by_the_next(lan: Lan, tmp_path: Path) -> None:
    """Killed when so many of the interfaces are there, wherever that is in its work."""
    netsetup = Netsetup(lan, tmp_path)
    clean = _kernel(lan)
    how = ["apply", "--parent", "eth0", "--count", "24", "--static", "10.77.0.101/24", "--gateway", "10.77.0.1"]
    for seen in ("arp_ignore", "vcam1:", "vcam12:", "vcam24:", "10.77.0.101", "10.77.0.112", "7005", "11524"):
        argv = [sys.executable, "-m", "netsetup", *how, "--yes", "--no-probe", "--state", str(tmp_path)]
        applying = lan.host.popen(argv)
        halt_at(applying, seen, partial(shows, lan, seen))
        lan.host.end(applying, signal.SIGKILL)
        if len(seen) % 2:  # half of them are taken back
            netsetup("remove", "--all", "--yes")
            assert _kernel(lan) == clean, seen
        else:
            cameras = netsetup.apply(24)
            assert netsetup("status", "--detailed-exitcode", check=False).returncode == 0
            assert len(cameras) == 24
    near, routed = watch_visits(lan, netsetup.apply(24))
    assert near.right, str(near)
    assert routed.right, str(routed)
    netsetup("remove", "--all", "--yes")
    assert _kernel(lan) == clean


def test_an_apply_that_is_ended_puts_everything_back(lan: Lan, tmp_path: Path) -> None:
    """`kill`, and twice as a closed terminal does it: on the way back, too."""
    clean = _kernel(lan)
    argv = [sys.executable, "-m", "netsetup", "apply", "--parent", "eth0", "--count", "200", "--dhcp", "--yes"]
    for how in (signal.SIGTERM, signal.SIGHUP):
        applying = lan.host.popen([*argv, "--state", str(tmp_path)])
        assert halt_at(applying, "some are there", partial(shows, lan, "vcam12:"))
        applying.send_signal(how)
        applying.send_signal(signal.SIGCONT)
        assert lan.host.end(applying, how) == 1
        assert _kernel(lan) == clean


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda how: how.name)
def test_what_is_saved_is_done_whoever_ends_it_then(lan: Lan, tmp_path: Path, how: signal.Signals) -> None:
    """Its last words do not fit into the pipe: so it is met in the moment between its work and its end."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as said, os.fdopen(writer, "wb", buffering=0) as full:
        os.set_blocking(writer, False)
        filled = 0
        with contextlib.suppress(BlockingIOError):
            while written := os.write(writer, b"-" * 4096):
                filled += written
        os.set_blocking(writer, True)
        argv = [sys.executable, "-m", "netsetup", "apply", "--parent", "eth0", "--count", "3", "--dhcp", "--yes"]
        applying = lan.host.popen([*argv, "--state", str(tmp_path)], stdout=full, env={"PYTHONUNBUFFERED": ""})
        full.close()
        wait_until("all is saved, the event loop is closed", lambda: _only_speaks(applying.pid, tmp_path))
        applying.send_signal(how)
        text = said.read(filled)
        while more := said.read(4096):
            text += more
    assert lan.host.end(applying) == 0
    assert b"vcam3" in text
    netsetup = Netsetup(lan, tmp_path)
    assert netsetup("status", "--detailed-exitcode", check=False).returncode == 0
    assert len(netsetup.plans()[0]["slots"]) == 3


def _only_speaks(pid: int, state: Path) -> bool:
    """It has saved its work, and has no event loop any more."""
    if not (state / "plans.json").exists():
        return False
    try:
        return not any("eventpoll" in str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # one was closed meanwhile
        return False


def progress(lan: Lan) -> str:
    """How far the host has got: what ip(8) says, and whether the adapter's sysctl is set (…eth0/arp_ignore:1)."""
    script = "ip -o link | sed 's/@/: /'; ip -4 addr; ip rule; grep -H 1 /proc/sys/net/ipv4/conf/eth0/arp_ignore"
    return lan.host.run(["sh", "-c", script], check=False).stdout


def shows(lan: Lan, words: str) -> bool:
    return words in progress(lan)


def _kernel(lan: Lan) -> str:
    script = "ip -o link | cut -d: -f2; ip -o -4 addr | awk '{print $2, $4}'; ip rule; ip -4 route show table all"
    script += "; cd /proc/sys/net/ipv4/conf; grep . */arp_ignore */arp_announce */rp_filter"
    return lan.host.run(["sh", "-c", script]).stdout

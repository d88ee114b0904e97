"""The DHCP server moves a camera while a recorder watches it: streams end instead of hanging, and it is found anew."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from proxyd.api import models as m

from .chain import all_running, new_chain, wait_for_cameras
from .dhcp_servers import start_kea
from .frames import ARP, FIN, IPV4, RST, TCP, UDP, Frame, captured
from .lan import PATIENCE_S, Lan, wait_until
from .test_leases import plan, wait_bound

_GROUP = "239.255.255.250"
_WATCH = """
import asyncio, sys, time
from tests.player.play import Player

async def watch():
    url, user, password = sys.argv[1:]
    async with Player(url, user, password) as player:
        print("playing", flush=True)
        began = time.monotonic()
        try:
            await player.play(60, silence_s=30)
        except Exception as error:
            print(f"ended by {type(error).__name__}: {error}", flush=True)
            raise SystemExit(0)

asyncio.run(watch())
"""

_STALL = """
import asyncio, sys
from tests.player.play import Player

async def stall():
    url, user, password = sys.argv[1:]
    async with Player(url, user, password) as player:
        player._client._writer.transport.pause_reading()
        print("playing", flush=True)
        await asyncio.sleep(100)

asyncio.run(stall())
"""


def start_player(lan: Lan, program: str, *words: str) -> subprocess.Popen[str]:
    """Returns when it plays."""
    argv = [sys.executable, "-c", program, *words]
    player = lan.recorder.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert player.stdout
    assert player.stdout.readline() == "playing\n"
    return player


def start_stalled_player(lan: Lan, url: str, username: str, password: str) -> None:
    """Returns when its stream is stuck in the camera's socket, because it does not read."""
    former = lan.recorder.sysctl("net/ipv4/tcp_rmem")
    lan.recorder.sysctl("net/ipv4/tcp_rmem", "4096 4096 4096")
    start_player(lan, _STALL, url, username, password)
    lan.recorder.sysctl("net/ipv4/tcp_rmem", former)

    def stuck() -> bool:
        rows = lan.host.run(["ss", "-Htn", "sport", "=", "554"]).stdout.splitlines()
        return any(int(row.split()[2]) > 20_000 for row in rows)  # Send-Q

    wait_until("its stream is stuck", stuck)


def said(frame: Frame, address: str, action: str) -> bool:
    return (
        frame.protocol == UDP and (frame.source, frame.target) == (address, _GROUP) and action.encode() in frame.payload
    )


def announced(frame: Frame, address: str) -> bool:
    return frame.ethertype == ARP and frame.source == frame.target == address


def assert_order(frames: list[Frame], mac: str, old: str, new: str) -> None:
    """A refused lease is lost at once (RFC 2131, 4.4.5): the camera takes leave and ends its streams while it can.
    Nothing leaves by the old address any more when the new one is used, and that is probed three times before that
    (RFC 5227).
    """
    by_old = [f for f in frames if f.source == old and f.ethertype == IPV4]
    by_new = [f for f in frames if f.source == new and f.ethertype in (ARP, IPV4)]
    probes = [f for f in frames if (f.ethertype, f.source, f.target) == (ARP, "0.0.0.0", new)]
    ends = [f for f in by_old if f.protocol == TCP and f.source_port == 554 and f.flags & (RST | FIN)]
    bye = next(f for f in by_old if said(f, old, "Bye"))
    assert {f.flags & (RST | FIN) for f in ends} >= {RST, FIN}, "a reset for the player that does not read"
    assert len(probes) == 3 and {f.source_mac for f in probes} == {mac}
    assert max(bye.time_s, ends[0].time_s, by_old[-1].time_s, probes[-1].time_s) < by_new[0].time_s
    assert {f.source_mac for f in by_new} == {mac}


async def test_streams_end_and_the_camera_is_found_at_its_new_address(lan: Lan, tmp_path: Path) -> None:
    with new_chain(lan) as chain:
        server = start_kea(lan.router, tmp_path, lease_s=120, renew_s=2)
        plan(chain, 2)
        chain.start_arm()
        made = wait_bound(chain, 2)
        chain.start_nvr(2)
        chain.start_proxyd()
        async with chain.client() as client:
            await chain.adopt_nvr(client)
            first, second = await wait_for_cameras(client, "both run", all_running(2))
            assert first.mac and second.address
            username, password = await chain.credentials(client)
            secret = (first.streams[0].url, username, password)
            await asyncio.to_thread(start_stalled_player, lan, *secret)
            watcher = await asyncio.to_thread(start_player, lan, _WATCH, *secret)
            assert watcher.stdout
            lan.router.end(server)
            with captured(lan.bridge, "p-host") as cable:
                start_kea(lan.router, tmp_path, lease_s=120, renew_s=2, reservations={first.mac: "10.77.0.222"})
                cameras = await wait_for_cameras(
                    client,
                    "the first one moved",
                    lambda all_: ("10.77.0.222", m.CameraState.ADDRESS_CHANGED) in [(c.address, c.state) for c in all_],
                )
                end = await asyncio.wait_for(asyncio.to_thread(watcher.stdout.readline), PATIENCE_S)
                assert end.startswith("ended by"), end
                cable.wait_for("hello", lambda frame: said(frame, "10.77.0.222", "Hello"))
                cable.wait_for("bye", lambda frame: said(frame, first.address or "", "Bye"))
                cable.wait_for("announcements", lambda frame: announced(frame, "10.77.0.222"), count=2)
            assert_order(cable.sent(), first.mac, first.address or "", "10.77.0.222")
            by_id = {camera.id: camera for camera in cameras}
            assert by_id[second.id].address == second.address
            assert f"moved from {first.address} to 10.77.0.222" in by_id[first.id].reason
            assert (by_id[first.id].mac, by_id[first.id].uuid) == (first.mac, first.uuid)
            seen = await asyncio.to_thread(chain.record, count=2, username=username, password=password, play_s=1.0)
            await wait_for_cameras(client, "the recorder came to the new address", all_running(2))
            logs = await client.call("log.tail")
    assert set(seen["found"]) == {"10.77.0.222", second.address}
    assert not [camera["error"] for camera in seen["cameras"].values() if "error" in camera]
    assert any("10.77.0.222" in entry.message and first.mac in entry.message for entry in logs), logs
    macs = {camera.mac for camera in made}
    ours = {first.address, second.address, "10.77.0.222"}
    assert {f.source_mac for f in cable.sent(lambda f: f.ethertype == IPV4 and f.source in ours)} <= macs

"""proxyd and its arm together on the LAN: interfaces asked for through proxyd, leases that come, move and go."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.errors import ArmUnreachable, Conflict, InvalidInput
from proxyd.store.rows import FoundInterface
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store
from tests.netns.chain import Chain, all_running, new_chain, wait_for_cameras
from tests.netns.dhcp_servers import start_dnsmasq
from tests.netns.lan import Lan, skip_unless_possible, wait_until


@pytest.fixture
def chain() -> Iterator[Chain]:
    skip_unless_possible()
    with Lan() as lan, new_chain(lan) as made:
        yield made


async def log_with(client: RpcClient, words: str) -> m.LogEntry:
    async with asyncio.timeout(60):
        while True:
            entries: list[m.LogEntry] = await client.call("log.tail", {"limit": 100})
            for entry in entries:
                if words in entry.message:
                    return entry
            await asyncio.sleep(0.05)


async def test_interfaces_come_through_proxyd_and_cameras_follow_their_leases(chain: Chain) -> None:
    chain.start_nvr(2)
    chain.start_arm(most=3)
    chain.start_proxyd()
    async with chain.client() as client:
        await chain.adopt_nvr(client)
        await wait_for_cameras(client, "wait", lambda all_: [c.state for c in all_] == [m.CameraState.NO_INTERFACE] * 2)
        shown: m.InterfaceChange = await client.call("interface.add", {"count": 2, "dry_run": True})
        assert ([one.name for one in shown.added], shown.done) == (["vcam1", "vcam2"], False)
        await client.call("interface.add", {"count": 2, "digest": shown.digest})
        waiting = await wait_for_cameras(client, "the arm's words", lambda all_: all("DHCP" in c.reason for c in all_))
        assert {camera.state for camera in waiting} == {m.CameraState.WAITING_FOR_ADDRESS}
        assert all("Next try at " in camera.reason for camera in waiting)
        with pytest.raises(Conflict, match="not as it was"):
            await client.call("interface.add", {"count": 1, "digest": shown.digest})
        with pytest.raises(InvalidInput, match="At most 3"):
            await client.call("interface.add", {"count": 2})
        with pytest.raises(Conflict, match="vcam1 is in use by"):
            await client.call("interface.remove", {"names": ["vcam1"]})

        server = start_dnsmasq(chain.lan.router, chain.folder, lease_s=120, renew_s=5)
        running = await wait_for_cameras(client, "run", all_running(2), 40)
        names = (chain.folder / "dnsmasq.leases").read_text()
        assert all("".join(c if c.isalnum() else "-" for c in camera.name.lower()) in names for camera in running), (
            names
        )

        before = {camera.id: camera.address for camera in running}
        first = running[0]
        with chain.lan.recorder.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.settimeout(30)
            stream.connect((first.address, 554))
            stream.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            assert stream.recv(4096).startswith(b"RTSP/1.0 200")
            chain.lan.router.end(server)
            (chain.folder / "dnsmasq.leases").unlink()
            start_dnsmasq(chain.lan.router, chain.folder, first="10.77.0.60", last="10.77.0.70", lease_s=120, renew_s=5)
            ended = asyncio.create_task(asyncio.to_thread(_ended, stream), name="stream")
            moved = await wait_for_cameras(
                client,
                "cameras moved",
                lambda all_: all_running(2)(all_) and all((c.address or "").startswith("10.77.0.6") for c in all_),
                40,
            )
            assert await ended  # told, not left hanging
        assert {camera.id: camera.mac for camera in moved} == {camera.id: camera.mac for camera in running}
        assert not {camera.address for camera in moved} & set(before.values())
        entry = await log_with(client, "A reservation for MAC")
        assert entry.subject in ("vcam1", "vcam2")
        with chain.lan.recorder.socket(socket.AF_INET, socket.SOCK_STREAM) as again:
            again.settimeout(60)
            again.connect((moved[0].address, 80))

        await client.call("camera.remove", {"ids": [moved[1].id]})
        gone = moved[1].interface or ""
        await client.call("interface.remove", {"names": [gone]})
        async with asyncio.timeout(60):
            while gone in [one.name for one in await client.call("interface.list")]:
                await asyncio.sleep(0.05)
        assert gone not in chain.lan.host.run(["ip", "-o", "link"]).stdout


def _ended(stream: socket.socket) -> bool:
    """Whether the peer said that it is over (FIN or RST); the time limit of the socket says that it hangs."""
    try:
        while stream.recv(4096):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


async def test_repairs_are_seen_in_the_log_and_streams_live_through_them(chain: Chain) -> None:
    chain.netsetup.apply(1)
    chain.start_nvr(1)
    chain.start_arm()
    chain.start_proxyd()
    async with chain.client() as client:
        await chain.adopt_nvr(client)
        (camera,) = await wait_for_cameras(client, "runs", all_running(1))
        with chain.lan.recorder.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.settimeout(60)
            stream.connect((camera.address, 554))
            chain.lan.host.ip("link del vcam1")
            entry = await log_with(client, "vcam1 was removed by another program and has been restored.")
            assert (entry.level, entry.subject) == ("warning", "vcam1")
            stream.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            assert stream.recv(4096).startswith(b"RTSP/1.0 200")
        chain.kill_arm(signal.SIGKILL)
        with pytest.raises(ArmUnreachable) as refused:
            await client.call("interface.add", {"count": 1})
        assert "systemctl status netsetup" in refused.value.hint
        assert all_running(1)(await client.call("camera.list"))
        chain.start_arm()
        shown: m.InterfaceChange = await client.call("interface.add", {"count": 1, "dry_run": True})
        assert [one.name for one in shown.added] == ["vcam2"]
        chain.lan.unplug_host()
        await log_with(client, "The cable of eth0 is unplugged.")
        chain.lan.plug_host()
        await log_with(client, "eth0 is connected again.")


async def test_everything_works_without_an_arm(chain: Chain) -> None:
    chain.netsetup.apply(2)
    chain.start_nvr(2)
    chain.start_proxyd()
    async with chain.client() as client:
        await chain.adopt_nvr(client)
        await wait_for_cameras(client, "run", all_running(2))
        chain.lan.host.ip("link del vcam2")
        waiting = await wait_for_cameras(
            client, "one waits", lambda all_: all_[1].state is m.CameraState.WAITING_FOR_ADDRESS
        )
        assert waiting[1].reason.startswith("vcam2 is gone or has no address; the camera starts when it gets one.")
        chain.netsetup.again()
        await wait_for_cameras(client, "run again", all_running(2))
        chain.netsetup("remove", "vcam2", "--yes")
        waiting = await wait_for_cameras(
            client, "one waits again", lambda all_: all_[1].state is m.CameraState.WAITING_FOR_ADDRESS
        )
        assert "`netsetup undo` brings it back" in waiting[1].reason
        chain.netsetup("undo", "--yes", "--no-probe")
        await wait_for_cameras(client, "run after all", all_running(2))
        wait_until("reachable", lambda: chain.lan.recorder.ping("10.77.0.102", 0.2))


async def test_macs_of_proxyds_database_go_to_no_other_interface(chain: Chain) -> None:
    """It knows one under another name, and one under the name that it would come back with; both are away."""
    first, second = (one["mac"] for one in _planned(chain, 2))
    data = chain.folder / "data"
    store = await Store.open(data / "proxyd.db", Secrets.load(data / "proxyd.key"))
    rows = [FoundInterface(name, mac, None, 24, "netlink") for name, mac in (("gate0", first), ("vcam2", second))]
    await store.register_interfaces(rows)
    await store.close()
    chain.start_proxyd()
    async with chain.client() as client:
        shown: m.InterfaceChange = await client.call("interface.add", {"count": 2, "dry_run": True})
        added = {one.name: one.mac for one in shown.added}
        assert list(added) == ["vcam2", "vcam3"]
        assert added["vcam2"] == second
        await client.call("interface.add", {"count": 2, "digest": shown.digest})
        async with asyncio.timeout(60):
            while "vcam3" not in [one.name for one in await client.call("interface.list")]:
                await asyncio.sleep(0.05)
    made = chain.lan.host.run(["ip", "link"]).stdout
    assert first not in made
    assert set(added.values()) == {mac for mac in added.values() if mac in made}


def _planned(chain: Chain, count: int) -> list[dict[str, str]]:
    """What the arm would make if it were asked by somebody who knows of nothing."""
    chain.start_arm()
    planned: list[dict[str, str]] = chain.ask_arm(do="plan", parent="eth0", count=count)["added"]
    return planned

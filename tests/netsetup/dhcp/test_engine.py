"""The engine against real servers, in namespaces."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from netsetup.dhcp.frames import Arp, arp_frame, parse_arp
from netsetup.errors import NetsetupError
from netsetup.model import Lease
from tests.netns.dhcp_servers import SERVERS, start_dnsmasq, start_kea
from tests.netns.lan import RECORDER, Lan

from .camera_host import CameraHost, mac_of, make_interfaces, packet_socket_in

RECORDER_MAC = "02:00:00:00:00:20"


@pytest.mark.parametrize("server", SERVERS)
async def test_a_lease_is_taken_remembered_and_given_back(lan: Lan, tmp_path: Path, server: str) -> None:
    make_interfaces(lan.host, 2)
    SERVERS[server](lan.router, tmp_path)
    async with CameraHost(lan.host) as cameras:
        await cameras.want([1, 2])
        await cameras.until("two leases", lambda: len(cameras.leases) == 2)
        await cameras.until("both bound", lambda: cameras.phase(1) == cameras.phase(2) == "bound")
        before = dict(cameras.leases)
    lease = before[mac_of(1)]
    assert lease.address.network == IPv4Interface("10.77.0.0/24").network
    assert (lease.gateway, lease.server) == (IPv4Address("10.77.0.1"), IPv4Address("10.77.0.1"))
    assert lease.obtained < lease.t1 < lease.t2 < lease.expires == pytest.approx(lease.obtained + 3600)
    assert {lease.address.ip for lease in before.values()} <= {IPv4Address("10.77.0.99") + n for n in range(160)}

    async with CameraHost(lan.host) as again:  # the arm was restarted: the addresses are still on the interfaces
        await again.want([1, 2], before)
        await again.until("both leases", lambda: len(again.leases) == 2)
        await again.until("both bound", lambda: again.phase(1) == again.phase(2) == "bound")
        assert {mac: lease.address for mac, lease in again.leases.items()} == {
            mac: lease.address for mac, lease in before.items()
        }
        assert again.engine.counters["DISCOVER"] == 0
        phases = [state.phase for mac, state in again.seen if mac == mac_of(1)]
        assert list(dict.fromkeys(phases)) == ["waiting", "rebooting", "checking", "bound"]
        await again.want([2])
        assert again.engine.counters["RELEASE"] == 1
        assert list(again.engine.states()) == [mac_of(2)]
        assert lan.router.ping(str(again.address(2)))


@pytest.mark.parametrize("server", SERVERS)
async def test_128_leases(lan: Lan, tmp_path: Path, server: str) -> None:
    SERVERS[server](lan.router, tmp_path)
    async with CameraHost(lan.host, configure=False) as cameras:
        await cameras.want(range(1, 129))
        await cameras.until("128 leases", lambda: len(cameras.leases) == 128, 30)
        assert len({lease.address for lease in cameras.leases.values()}) == 128
        assert cameras.engine.counters["ACK"] == 128


async def test_names_reach_the_server_and_answers_may_be_broadcast(lan: Lan, tmp_path: Path) -> None:
    make_interfaces(lan.host, 1)
    start_dnsmasq(lan.router, tmp_path, options=("--dhcp-broadcast",))
    async with CameraHost(lan.host) as cameras:
        await cameras.want([1])
        await cameras.until("a lease", lambda: cameras.leases)
        (line,) = (tmp_path / "dnsmasq.leases").read_text().splitlines()
        assert line.split()[1:] == [mac_of(1), str(cameras.address(1)), "camera-1", f"01:{mac_of(1)}"]
        await cameras.engine.stop(release=cameras.engine.states().keys())
        assert cameras.engine.counters["RELEASE"] == 1


async def test_addresses_of_the_host_and_of_other_cameras_are_declined(lan: Lan, tmp_path: Path) -> None:
    """Nothing of this machine can be heard on the wire by its own packet socket."""
    make_interfaces(lan.host, 3)
    start_dnsmasq(lan.router, tmp_path, reservations={mac_of(1): "10.77.0.10", mac_of(2): "10.77.0.60"})
    async with CameraHost(lan.host) as cameras:
        cameras.engine.set_host({IPv4Address("10.77.0.10"): "02:00:00:00:00:10"})
        await cameras.engine.set_static({mac_of(3): IPv4Interface("10.77.0.60/24")})
        await cameras.want([1, 2])
        await cameras.until("both declined", lambda: cameras.engine.counters["DECLINE"] == 2)
        messages = [cameras.engine.states()[mac_of(index)].message for index in (1, 2)]
        assert messages[0].startswith("address 10.77.0.10 is already used by the device with MAC 02:00:00:00:00:10")
        assert messages[1].startswith(f"address 10.77.0.60 is already used by the device with MAC {mac_of(3)}")
        assert not cameras.leases


async def test_an_address_that_the_host_gets_later_is_given_up(lan: Lan, tmp_path: Path) -> None:
    make_interfaces(lan.host, 2)
    start_dnsmasq(lan.router, tmp_path)
    async with CameraHost(lan.host) as cameras:
        await cameras.engine.set_static({mac_of(2): IPv4Interface("10.77.0.60/24")})
        await cameras.want([1])
        await cameras.until("a lease", lambda: cameras.leases)
        first = cameras.leases[mac_of(1)].address.ip
        host = {first: "02:00:00:00:00:10", IPv4Address("10.77.0.60"): "02:00:00:00:00:10"}
        cameras.engine.set_host(host)
        assert cameras.engine.counters["DECLINE"] == 1
        message = cameras.engine.states()[mac_of(1)].message
        assert message.startswith(f"address {first} is already used by the device with MAC 02:00:00:00:00:10")
        assert cameras.engine.states()[mac_of(2)].claimed_by == "02:00:00:00:00:10"
        await cameras.until("another one", lambda: cameras.leases and cameras.leases[mac_of(1)].address.ip != first)


async def test_an_address_that_nobody_was_asked_about_is_asked_about_when_it_is_in_use(lan: Lan) -> None:
    make_interfaces(lan.host, 1)
    async with CameraHost(lan.host) as cameras:
        await cameras.engine.set_static({mac_of(1): IPv4Interface(f"{RECORDER}/24")})
        await cameras.until("it is claimed", lambda: cameras.engine.states()[mac_of(1)].claimed_by == RECORDER_MAC)


async def test_renewed_by_timer_kept_through_a_silence_lost_at_expiry_and_got_again(lan: Lan, tmp_path: Path) -> None:
    make_interfaces(lan.host, 1)
    kea = start_kea(lan.router, tmp_path, lease_s=5, renew_s=1)
    async with CameraHost(lan.host) as cameras:
        await cameras.want([1])
        await cameras.until("two renewals", lambda: cameras.engine.counters["ACK"] >= 3)
        address = cameras.address(1)
        assert {lease.address.ip for _, lease in cameras.told if lease} == {address}
        assert "renewing" in [state.phase for _, state in cameras.seen]
        assert cameras.engine.counters["DISCOVER"] == 1

        lan.router.end(kea)
        await cameras.until("rebinding", lambda: cameras.phase(1) == "rebinding")
        assert cameras.address(1) == address
        assert "does not renew it" in cameras.engine.states()[mac_of(1)].message
        await cameras.until("expiry", lambda: not cameras.leases)
        assert cameras.phase(1) == "searching"
        assert f"the lease of {address} has expired" in cameras.engine.states()[mac_of(1)].message

        start_kea(lan.router, tmp_path, lease_s=5, renew_s=1)
        await cameras.until("a lease again", lambda: cameras.leases)
        assert cameras.address(1) == address


async def test_a_server_that_comes_back_is_met_by_all_at_once(lan: Lan, tmp_path: Path) -> None:
    """Without waiting for the long delays that each has reached by then."""
    async with CameraHost(lan.host, configure=False) as cameras:
        await cameras.want(range(1, 9))
        await cameras.until("all have asked twice", lambda: cameras.engine.counters["DISCOVER"] >= 16, 10)
        start_dnsmasq(lan.router, tmp_path)
        await cameras.until("the first lease", lambda: cameras.leases, 20)
        await cameras.until("the other leases", lambda: len(cameras.leases) == 8, 3)


async def test_another_network_moves_the_camera(lan: Lan, tmp_path: Path) -> None:
    make_interfaces(lan.host, 1)
    dnsmasq = start_dnsmasq(lan.router, tmp_path)
    async with CameraHost(lan.host) as cameras:
        await cameras.want([1])
        await cameras.until("a lease", lambda: cameras.phase(1) == "bound")
        before = cameras.address(1)
        lan.router.end(dnsmasq)
        lan.unplug_host()
        lan.router.ip("address add 10.99.0.1/24 dev eth0\naddress del 10.77.0.1/24 dev eth0")
        start_dnsmasq(lan.router, tmp_path, first="10.99.0.50", last="10.99.0.60", gateway="10.99.0.1")
        lan.plug_host()
        cameras.engine.link_up()
        await cameras.until("the refusal", lambda: cameras.engine.counters["NAK"])
        await cameras.until("a lease of the other network", lambda: cameras.address(1) not in (None, before))
        await cameras.until("bound", lambda: cameras.phase(1) == "bound")
    assert [lease is None for _, lease in cameras.told] == [False, True, False]
    assert cameras.address(1) in IPv4Interface("10.99.0.0/24").network
    message = [state.message for _, state in cameras.seen if state.phase == "bound"][-1]
    assert message == (
        f"moved from {before} to {cameras.address(1)}; a reservation for MAC {mac_of(1)} in the DHCP server avoids this"
    )


async def test_a_used_up_pool_leaves_the_others_alone(lan: Lan, tmp_path: Path) -> None:
    start_kea(lan.router, tmp_path, first="10.77.0.100", last="10.77.0.101")
    async with CameraHost(lan.host, configure=False) as cameras:
        await cameras.want([1, 2, 3])
        await cameras.until(
            "words about the pool",
            lambda: any("address pool may be used up" in s.message for s in cameras.engine.states().values()),
        )
        phases = sorted(cameras.phase(index) for index in (1, 2, 3))
        assert phases == ["bound", "bound", "searching"]
        searching = next(state for state in cameras.engine.states().values() if state.phase == "searching")
        assert searching.next_try is not None
        assert searching.address is None


async def test_an_address_in_use_is_declined(lan: Lan, tmp_path: Path) -> None:
    lan.recorder.ip("address add 10.77.0.100/24 dev eth0")
    start_kea(lan.router, tmp_path)  # gives 10.77.0.100 first
    async with CameraHost(lan.host, configure=False) as cameras:
        await cameras.want([1])
        await cameras.until("the conflict", lambda: cameras.engine.counters["DECLINE"])
        state = cameras.engine.states()[mac_of(1)]
        assert (state.phase, state.claimed_by) == ("waiting", RECORDER_MAC)
        assert f"10.77.0.100 is already used by the device with MAC {RECORDER_MAC}" in state.message
        assert not cameras.told
        await cameras.until("another address", lambda: cameras.leases)
        assert cameras.address(1) == IPv4Address("10.77.0.101")
        assert "DHCP4_DECLINE_LEASE" in (tmp_path / "kea.log").read_text()


async def test_an_address_is_defended_once_then_given_up(lan: Lan, tmp_path: Path) -> None:
    start_dnsmasq(lan.router, tmp_path)
    with packet_socket_in(lan.recorder)() as claimant:
        claimant.bind(("eth0", 0x0806))
        claimant.setblocking(False)
        async with CameraHost(lan.host, configure=False) as cameras:
            await cameras.want([1])
            await cameras.until("bound", lambda: cameras.phase(1) == "bound")
            address = cameras.address(1)
            assert address
            for sent in range(2):
                await _wait_for_announcements(claimant, address, 2 if sent == 0 else 1)
                claimant.send(arp_frame(Arp(2, RECORDER_MAC, address, mac_of(1), address)))
                await cameras.until(
                    "the conflict", lambda: cameras.engine.states()[mac_of(1)].claimed_by == RECORDER_MAC
                )
            await cameras.until("giving up", lambda: not cameras.leases)
            assert cameras.engine.counters["DECLINE"] == 1


async def _wait_for_announcements(listener: socket.socket, address: IPv4Address, count: int) -> None:
    async with asyncio.timeout(60):
        while count:
            arp = parse_arp(await asyncio.get_running_loop().sock_recv(listener, 2048))
            count -= arp is not None and arp.sender == arp.target == address


async def test_a_static_address_is_defended_and_kept(lan: Lan) -> None:
    address = IPv4Interface("10.77.0.90/24")
    with packet_socket_in(lan.recorder)() as claimant:
        claimant.bind(("eth0", 0x0806))
        claimant.setblocking(False)
        async with CameraHost(lan.host) as cameras:
            await cameras.engine.set_static({mac_of(1): address})
            assert cameras.engine.states()[mac_of(1)].message == "10.77.0.90, set by hand"
            claimant.send(arp_frame(Arp(1, RECORDER_MAC, address.ip, "00:00:00:00:00:00", address.ip)))
            await cameras.until("the conflict", lambda: cameras.engine.states()[mac_of(1)].claimed_by)
            await _wait_for_announcements(claimant, address.ip, 1)
            assert cameras.engine.states()[mac_of(1)].address == address
            await cameras.engine.set_static({})
            assert cameras.engine.states() == {}


async def test_the_adapter_goes_and_comes_back(lan: Lan, tmp_path: Path) -> None:
    start_dnsmasq(lan.router, tmp_path)
    async with CameraHost(lan.host, configure=False) as cameras:
        await cameras.want([1])
        await cameras.until("bound", lambda: cameras.phase(1) == "bound")
        lan.host.ip("link del eth0")
        cameras.engine.announce(mac_of(1))  # goes nowhere, and is no error
        lan.plug(lan.host, "p-host", "02:00:00:00:00:10")
        lan.host.ip("link set eth0 up")
        cameras.engine.link_up()
        await cameras.until("asked again", lambda: cameras.engine.counters["ACK"] == 2)


async def test_leases_are_told_anew_when_the_clock_was_set(lan: Lan, tmp_path: Path) -> None:
    """A Raspberry Pi boots in the past; the file would hold a lease that ended before it began."""
    start_dnsmasq(lan.router, tmp_path)
    behind = [-1e6]
    clock = time.monotonic
    async with CameraHost(lan.host, configure=False, now=lambda: clock() + behind[0], steady=clock) as cameras:
        await cameras.want([1])
        await cameras.until("bound", lambda: cameras.phase(1) == "bound")
        first = cameras.leases[mac_of(1)]
        assert first.expires < clock()
        behind[0] = 0.0
        cameras.engine.link_up()
        await cameras.until("corrected", lambda: cameras.leases[mac_of(1)] != first)
        assert cameras.leases[mac_of(1)].obtained == pytest.approx(first.obtained + 1e6)


async def test_what_a_listener_raises_is_logged_and_nothing_stops(
    lan: Lan, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start_dnsmasq(lan.router, tmp_path)
    async with CameraHost(lan.host, configure=False) as cameras:
        first = cameras.engine._telling._changed

        async def broken(mac: str, lease: Lease | None) -> None:
            await first(mac, lease)
            raise RuntimeError("the kernel is made of cheese")

        cameras.engine._telling._changed = broken
        await cameras.want([1, 2])
        await cameras.until("both", lambda: len(cameras.leases) == 2)
        assert "could not be put to use" in caplog.text


async def test_the_parent_must_be_there(lan: Lan) -> None:
    host = CameraHost(lan.host)
    host.engine._wire.parent = "eth7"
    with pytest.raises(NetsetupError, match="There is no network interface eth7"):
        await host.engine.start()


async def test_an_expired_lease_is_not_used_but_asked_for(lan: Lan, tmp_path: Path) -> None:
    start_kea(lan.router, tmp_path)
    async with CameraHost(lan.host, configure=False) as cameras:
        await cameras.want([1, 2])
        await cameras.until("two", lambda: len(cameras.leases) == 2)
        old = cameras.leases[mac_of(2)]
    expired = replace(old, obtained=1.0, t1=2.0, t2=3.0, expires=4.0)
    async with CameraHost(lan.host, configure=False) as cameras:
        await cameras.want([2], {mac_of(2): expired})
        await cameras.until("a lease", lambda: cameras.leases)
        assert cameras.told[0] == (mac_of(2), None)
        assert cameras.address(2) == old.address.ip
        assert cameras.engine.counters["DISCOVER"] == 1

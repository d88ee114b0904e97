"""Converging on a kernel in memory: any change from any state, a refusal at any step."""

from __future__ import annotations

import asyncio
import tempfile
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netsetup.errors import BadRequest, KernelRefused, NetsetupError
from netsetup.execute import converge, pending
from netsetup.journal import Journal
from netsetup.model import END_RULE, MARK, Address, Facts, HostLink, Lease, Plan, Slot, Sysctl
from netsetup.steps import AddAddress, AddRule, PutRoute, RemoveAddress, RemoveLinks, SetState, SetSysctl, Step
from tests.netsetup.fake_kernel import ETH0, ETH1, FOREIGN, HOST, FakeKernel, comparable


def mac(block: int, index: int) -> str:
    return f"a2:6f:0{block}:00:{index >> 8:02x}:{index & 255:02x}"


def slot(block: int, index: int, address: str | None) -> Slot:
    name = f"vcam{1000 * block + index}"
    return Slot(index, name, mac(block, index), IPv4Interface(address) if address else None)


def static_plan(count: int, *, block: int = 0, net: str = "10.77.0", start: int = 101) -> Plan:
    slots = tuple(slot(block, i, f"{net}.{start + i - 1}/24") for i in range(1, count + 1))
    return Plan(("eth0", "eth1")[block], block, "static", slots, IPv4Address(f"{net}.1"))


def dhcp_plan(count: int, block: int = 0) -> Plan:
    return Plan(("eth0", "eth1")[block], block, "dhcp", tuple(slot(block, i, None) for i in range(1, count + 1)))


def lease(of: Slot, address: str, gateway: str | None = None) -> Lease:
    server = IPv4Address("10.77.0.1")
    return Lease(of.mac, IPv4Interface(address), IPv4Address(gateway) if gateway else server, server, 0, 1, 2, 3)


GUARDS = st.sampled_from(((), (80, 322, 443, 554), (8000,)))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Plan], dict[str, Lease]]:
    """Plans for up to two parents, some slots missing, some leases there."""
    plans: list[Plan] = []
    leases: dict[str, Lease] = {}
    for block, parent in enumerate(("eth0", "eth1")):
        indexes = draw(st.sets(st.integers(1, 4), max_size=3))
        if not indexes:
            continue
        net = draw(st.sampled_from(("10.77.0", "10.78.0")))
        if draw(st.booleans()):
            slots = tuple(slot(block, i, f"{net}.{100 + 20 * block + i}/24") for i in sorted(indexes))
            gateway = draw(st.sampled_from((None, IPv4Address(f"{net}.1"))))
            plans.append(Plan(parent, block, "static", slots, gateway, guard=draw(GUARDS)))
        else:
            slots = tuple(slot(block, i, None) for i in sorted(indexes))
            plans.append(Plan(parent, block, "dhcp", slots, guard=draw(GUARDS)))
            for one in slots:
                if draw(st.booleans()):
                    host = draw(st.integers(150, 152)) + 10 * one.index + 50 * block
                    leases[one.mac] = lease(one, f"{net}.{host}/24", f"{net}.1")
    return plans, leases


@given(st.lists(worlds(), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_sequence_of_wishes_is_reached_and_then_nothing_is_left_to_do(
    sequence: list[tuple[list[Plan], dict[str, Lease]]],
) -> None:
    async def run() -> None:
        kernel = FakeKernel()
        for plans, leases in sequence:
            await converge(plans, leases, journal=None, kernel=kernel)
            done = len(kernel.steps)
            assert await converge(plans, leases, journal=None, kernel=kernel) == []
            assert len(kernel.steps) == done
            wished = {s.name for plan in plans for s in plan.slots}
            assert {link.name for link in kernel.state.links if link.ours} == wished
            assert [x for x in kernel.state.links if not x.ours] == list(HOST.links)
            assert [x for x in kernel.state.addresses if not x.link.startswith("vcam")] == list(HOST.addresses)

    asyncio.run(run())


@given(worlds(), worlds(), st.integers(1, 80))
@settings(max_examples=120, deadline=None)
def test_a_refusal_at_any_step_leaves_everything_as_it_was(
    before: tuple[list[Plan], dict[str, Lease]], after: tuple[list[Plan], dict[str, Lease]], refused: int
) -> None:
    async def run() -> None:
        kernel = FakeKernel()
        await converge(*before, journal=None, kernel=kernel)
        was = kernel.state
        kernel.steps.clear()
        kernel.refuse = refused
        try:
            changes = await converge(*after, journal=None, kernel=kernel)
        except KernelRefused as error:
            assert "Everything was put back" in str(error)
            assert comparable(kernel.state) == comparable(was)
        else:
            assert len(changes) < refused

    asyncio.run(run())


@given(worlds(), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_a_killed_run_is_completed_or_taken_back_by_the_next(
    world: tuple[list[Plan], dict[str, Lease]], killed_after: int
) -> None:
    """kill -9: nothing after the step runs, not even the putting back."""

    class Killed(FakeKernel):
        dead = False

        async def do(self, step: Step) -> None:
            if len(self.steps) >= killed_after:
                if self.dead:
                    raise OSError
                self.dead = True
                await asyncio.Event().wait()
            await super().do(step)

    async def run(journal: Path) -> None:
        kernel = Killed()
        task = asyncio.ensure_future(converge(*world, journal=journal, kernel=kernel))
        while not (task.done() or kernel.dead):
            await asyncio.sleep(0)
        left = kernel.state
        text = journal.read_text() if journal.exists() else ""
        task.cancel()  # what it still does is in a world that is no longer looked at
        await asyncio.gather(task, return_exceptions=True)
        journal.write_text(text)
        forward = FakeKernel(left)
        await converge(*world, journal=journal, kernel=forward)
        fresh = FakeKernel()
        await converge(*world, journal=None, kernel=fresh)
        assert comparable(forward.state) == comparable(fresh.state)
        journal.write_text(text)
        back = FakeKernel(left)
        await converge([], {}, journal=journal, kernel=back)
        assert comparable(back.state) == comparable(HOST)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "journal"))


async def test_a_cancelled_run_is_put_back() -> None:
    class Slow(FakeKernel):
        async def do(self, step: Step) -> None:
            if len(self.steps) == 10:
                self.steps.append(step)
                reached.set()
                await asyncio.Event().wait()
            await super().do(step)

    reached = asyncio.Event()
    kernel = Slow()
    task = asyncio.create_task(converge([static_plan(2)], {}, journal=None, kernel=kernel))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert comparable(kernel.state) == comparable(HOST)


async def test_a_kernel_that_refuses_everything_is_reported_with_what_is_left() -> None:
    kernel = FakeKernel(refuse=12, for_ever=True)
    with pytest.raises(KernelRefused, match="could not be put back: remove interface vcam1"):
        await converge([static_plan(1)], {}, journal=None, kernel=kernel)


async def test_a_foreign_interface_with_a_wanted_name_is_refused_before_anything_is_done() -> None:
    stranger = HostLink("vcam2", 50, "52:54:00:00:00:50", "macvlan", True, True, parent="eth0", alias="backup")
    kernel = FakeKernel(Facts(links=(*HOST.links, stranger), addresses=HOST.addresses, sysctls=HOST.sysctls))
    with pytest.raises(BadRequest, match="vcam2 already, and it is not one of ours"):
        await converge([static_plan(3)], {}, journal=None, kernel=kernel)
    assert kernel.steps == []


async def test_somebody_who_changes_it_back_all_the_time_is_named_a_cause() -> None:
    class Stubborn(FakeKernel):
        async def do(self, step: Step) -> None:
            await super().do(step)
            self.state = Facts(self.state.links, self.state.addresses, (), self.state.rules, self.state.sysctls)

    with pytest.raises(KernelRefused, match=r"did not last.*another program"):
        await converge([static_plan(1)], {}, journal=None, kernel=Stubborn())


async def test_host_settings_come_back_with_the_last_camera(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    kernel = FakeKernel()
    await converge([static_plan(1), static_plan(1, block=1, net="10.78.0")], {}, journal=journal, kernel=kernel)
    assert Sysctl("ipv4", "eth0", "arp_ignore", "1") in kernel.state.sysctls
    await converge([static_plan(1)], {}, journal=journal, kernel=kernel)
    assert Sysctl("ipv4", "eth1", "arp_ignore", "0") in kernel.state.sysctls
    assert Sysctl("ipv4", "eth0", "arp_ignore", "1") in kernel.state.sysctls
    kernel.steps.clear()
    await converge([], {}, journal=journal, kernel=kernel)
    assert comparable(kernel.state) == comparable(HOST)
    # The host must not answer ARP for cameras that still stand.
    assert [type(step) for step in kernel.steps[:1]] == [RemoveLinks]
    assert isinstance(kernel.steps[-1], SetSysctl)
    assert Journal(journal).entries() == []


async def test_all_is_set_only_while_another_adapter_is_on_the_lan(tmp_path: Path) -> None:
    second = Address("eth1", IPv4Interface("10.77.0.11/24"), False)
    # FOREIGN stands for any interface of the host that has an address there: it counts, too.
    quiet = Facts(HOST.links[:-1], HOST.addresses[:-1], (), (), HOST.sysctls)
    kernel = FakeKernel(quiet)
    await converge([static_plan(1)], {}, journal=tmp_path / "j", kernel=kernel)
    assert Sysctl("ipv4", "all", "arp_ignore", "0") in kernel.state.sysctls
    kernel.state = Facts(
        kernel.state.links,
        (*kernel.state.addresses, second),
        kernel.state.routes,
        kernel.state.rules,
        kernel.state.sysctls,
    )
    assert await converge([static_plan(1)], {}, journal=tmp_path / "j", kernel=kernel) == [
        "set net.ipv4.conf.all.arp_ignore to 1"
    ]
    await converge([], {}, journal=tmp_path / "j", kernel=kernel)
    assert Sysctl("ipv4", "all", "arp_ignore", "0") in kernel.state.sysctls


async def test_a_new_lease_comes_before_the_old_one_goes() -> None:
    plan = dhcp_plan(1)
    one = plan.slots[0]
    kernel = FakeKernel()
    old, new = lease(one, "10.77.0.150/24"), lease(one, "10.77.0.160/24")
    await converge([plan], {one.mac: old}, journal=None, kernel=kernel)
    kernel.steps.clear()
    await converge([plan], {one.mac: new}, journal=None, old={one.mac: [old]}, kernel=kernel)
    assert {a.address for a in kernel.state.addresses if a.link == "vcam1"} == {old.address, new.address}
    assert not any(isinstance(step, RemoveAddress) for step in kernel.steps)
    sources = {rule.source for rule in kernel.state.rules if rule.table == 7001}
    assert {str(source) for source in sources} == {"10.77.0.150/32", "10.77.0.160/32"}
    assert all(r.source in (None, IPv4Address("10.77.0.160")) for r in kernel.state.routes)
    await converge([plan], {one.mac: new}, journal=None, kernel=kernel)
    assert {a.address for a in kernel.state.addresses if a.link == "vcam1"} == {new.address}


async def test_moving_in_one_go_adds_first_and_removes_last() -> None:
    plan = dhcp_plan(1)
    one = plan.slots[0]
    kernel = FakeKernel()
    await converge([plan], {one.mac: lease(one, "10.77.0.150/24")}, journal=None, kernel=kernel)
    kernel.steps.clear()
    await converge([plan], {one.mac: lease(one, "10.77.0.160/24")}, journal=None, kernel=kernel)
    kinds = [type(step) for step in kernel.steps]
    assert kinds.index(AddAddress) < kinds.index(PutRoute) < kinds.index(AddRule) < kinds.index(RemoveAddress)


async def test_a_moved_lan_never_has_two_skips() -> None:
    """`not from A goto end` and `not from B goto end` together would send every camera out by the host's MAC."""
    kernel = FakeKernel()
    await converge([static_plan(2)], {}, journal=None, kernel=kernel)

    class Watching(FakeKernel):
        async def do(self, step: Step) -> None:
            await super().do(step)
            assert sum(rule.action == "goto" for rule in self.state.rules) <= 1

    moved = Watching(kernel.state)
    await converge([static_plan(2, net="10.78.0")], {}, journal=None, kernel=moved)
    assert sum(rule.action == "goto" for rule in moved.state.rules) == 1


async def test_down_by_hand_comes_up_with_its_routes() -> None:
    kernel = FakeKernel()
    await converge([static_plan(1)], {}, journal=None, kernel=kernel)
    whole = comparable(kernel.state)
    await kernel.do(SetState("vcam1", False))
    changes = await converge([static_plan(1)], {}, journal=None, kernel=kernel)
    assert changes[0] == "set vcam1 up"
    assert comparable(kernel.state) == whole


async def test_without_its_parent_a_plan_waits_and_the_others_stand() -> None:
    kernel = FakeKernel(Facts(tuple(x for x in HOST.links if x is not ETH1), HOST.addresses, (), (), HOST.sysctls))
    await converge([static_plan(1), static_plan(1, block=1, net="10.78.0")], {}, journal=None, kernel=kernel)
    assert [link.name for link in kernel.state.links if link.ours] == ["vcam1"]


async def test_a_changed_mac_makes_the_interface_anew() -> None:
    kernel = FakeKernel()
    await converge([static_plan(1)], {}, journal=None, kernel=kernel)
    other = Plan("eth0", 0, "static", (Slot(1, "vcam1", "a2:6f:77:00:00:01", IPv4Interface("10.77.0.101/24")),))
    changes = await converge([other], {}, journal=None, kernel=kernel)
    assert "remove interface vcam1" in changes
    link = kernel.state.link("vcam1")
    assert link is not None and link.mac == "a2:6f:77:00:00:01" and link.alias == f"{MARK} 1"


async def test_a_foreign_address_on_a_camera_goes_and_a_kernel_made_route_is_prevented() -> None:
    kernel = FakeKernel()
    await converge([static_plan(1)], {}, journal=None, kernel=kernel)
    whole = comparable(kernel.state)
    await kernel.do(RemoveAddress(Address("vcam1", IPv4Interface("10.77.0.101/24"))))
    await kernel.do(AddAddress(Address("vcam1", IPv4Interface("10.77.0.101/24"), False)))
    await kernel.do(AddAddress(Address("vcam1", IPv4Interface("10.77.0.240/24"), False)))
    await converge([static_plan(1)], {}, journal=None, kernel=kernel)
    assert comparable(kernel.state) == whole


async def test_facts_and_pending_agree_with_what_is_done() -> None:
    kernel = FakeKernel()
    steps = pending([static_plan(3)], {}, HOST)
    await converge([static_plan(3)], {}, journal=None, kernel=kernel)
    assert kernel.steps == steps
    assert not any(x == FOREIGN.name for step in steps for x in (getattr(step, "name", None),))
    assert any(rule.preference == END_RULE for rule in kernel.state.rules)
    assert ETH0 in kernel.state.links


def test_errors_are_of_one_family() -> None:
    assert issubclass(KernelRefused, NetsetupError)

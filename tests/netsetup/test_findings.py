"""Every row of the table of failures, and what else check and doctor say: from made-up facts, in exact words."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

import pytest

from netsetup.camera_findings import address_of, by_camera, camera_findings, host_incomplete
from netsetup.dhcp.state import DhcpState
from netsetup.execute import pending, wanted
from netsetup.findings_text import findings_json, findings_text, has_problem
from netsetup.guard import DAMAGED
from netsetup.host_facts import ANY, Connection, HostFacts, Listener, Neighbour
from netsetup.host_findings import host_findings
from netsetup.install import usual_parents
from netsetup.lan_findings import Evidence, parent_findings
from netsetup.model import MARK, Address, Facts, Finding, Guard, HostLink, Lease, Plan, Slot

GATEWAY = IPv4Address("10.77.0.1")
HOST_MAC = "02:00:00:00:00:10"
ETH0 = HostLink("eth0", 2, HOST_MAC, "", True, True)
HOST_LAN = Address("eth0", IPv4Interface("10.77.0.10/24"), noprefixroute=False)
LO = HostLink("lo", 1, "00:00:00:00:00:00", "", True, True)
SLOTS = tuple(
    Slot(i, f"vcam{i}", f"a2:6f:00:00:00:{i:02x}", IPv4Interface(f"10.77.0.{100 + i}/24")) for i in range(1, 5)
)
PLAN = Plan("eth0", 0, "static", SLOTS, GATEWAY)
DHCP = replace(PLAN, method="dhcp", slots=tuple(replace(slot, address=None) for slot in SLOTS), gateway=None)


def facts_of(plan: Plan = PLAN) -> Facts:
    """A host on which everything of the plan is as it should be."""
    bare = Facts((LO, ETH0), (HOST_LAN,), host_routes=(("eth0", GATEWAY, 100),))
    wish = wanted([plan], {}, bare)
    cameras = tuple(
        HostLink(x.name, 10 + n, x.mac, "macvlan", True, True, parent=x.parent, alias=x.alias)
        for n, x in enumerate(wish.links)
    )
    return replace(
        bare,
        links=bare.links + cameras,
        addresses=bare.addresses + wish.addresses,
        routes=wish.routes,
        rules=wish.rules,
        sysctls=wish.sysctls,
    )


def served(slot: Slot, *ports: int) -> tuple[Listener, ...]:
    assert slot.address
    return tuple(Listener("udp" if port == 3702 else "tcp", slot.address.ip, port) for port in ports)


HOST = HostFacts(listeners=served(SLOTS[0], 80, 554, 3702))
ASKED = dict.fromkeys((HOST_MAC, *(slot.mac for slot in SLOTS)), GATEWAY)
ALL_HEARD = Evidence(ASKED, dict.fromkeys(ASKED, "02:00:00:00:00:01"))


def of_camera(
    facts: Facts | None = None,
    host: HostFacts = HOST,
    plan: Plan = PLAN,
    state: DhcpState | None = None,
    evidence: Evidence = ALL_HEARD,
    now: float = 0.0,
) -> list[Finding]:
    facts = facts or facts_of(plan)
    slot = plan.slots[0]
    steps = by_camera(pending([plan], {}, facts), [plan])
    address = address_of(plan, slot, {}, now)
    return camera_findings(
        plan,
        slot,
        address,
        facts,
        host,
        pending=steps.get(slot.name, []),
        state=state,
        evidence=evidence,
        now=now,
    )


def only(findings: list[Finding], id_: str) -> Finding:
    assert [finding.id for finding in findings] == [id_], findings
    return findings[0]


def without(facts: Facts, name: str) -> Facts:
    return replace(
        facts,
        links=tuple(x for x in facts.links if x.name != name),
        addresses=tuple(x for x in facts.addresses if x.link != name),
        routes=tuple(x for x in facts.routes if x.link != name),
        sysctls=tuple(x for x in facts.sysctls if x.link != name),
    )


def changed(facts: Facts, name: str, **values: object) -> Facts:
    return replace(
        facts,
        links=tuple(replace(x, **values) if x.name == name else x for x in facts.links),  # type: ignore[arg-type]  # fields by name
    )


# Cameras -------------------------------------------------------------------------------------------------------------


def test_all_is_well() -> None:
    found = only(of_camera(), "camera-ok")
    assert found.severity == "ok" and found.camera == "vcam1"
    assert found.what == "vcam1 has 10.77.0.101 and MAC a2:6f:00:00:00:01, and 10.77.0.1 answers it."


def test_deleted_by_hand() -> None:
    found = only(of_camera(without(facts_of(), "vcam1")), "camera-missing")
    assert "vcam1 is missing" in found.what and "restores it" in found.todo


def test_switched_off() -> None:
    found = of_camera(changed(facts_of(), "vcam1", up=False))
    assert [x.id for x in found] == ["camera-down", "not-as-planned"]


def test_rules_routes_addresses_and_sysctls_gone() -> None:
    facts = facts_of()
    found = only(of_camera(replace(facts, rules=tuple(r for r in facts.rules if r.table != 7001))), "rules-incomplete")
    assert "add rule 10001: from 10.77.0.101/32 to 10.77.0.0/24 lookup 7001" in found.what
    found = only(of_camera(replace(facts, addresses=facts.addresses[:1])), "address-missing")
    assert "add address 10.77.0.101/24 to vcam1" in found.what
    spoiled = tuple(replace(s, value="0") if s.link == "vcam1" else s for s in facts.sysctls)
    assert only(of_camera(replace(facts, sysctls=spoiled)), "sysctl-changed").what.endswith("and 3 more.")


def test_what_is_missing_for_all_cameras_is_said_once() -> None:
    facts = facts_of()
    spoiled = tuple(replace(s, value="0") if s.link == "eth0" else s for s in facts.sysctls)
    rules = tuple(rule for rule in facts.rules if rule.table != 254)
    steps = by_camera(pending([PLAN], {}, replace(facts, sysctls=spoiled, rules=rules)), [PLAN])
    assert set(steps) == {""}
    found = only(host_incomplete(steps[""]), "host-incomplete")
    assert "net.ipv4.conf.eth0.arp_ignore to 1" in found.what and found.camera == ""
    assert host_incomplete([]) == []


def test_leftovers_are_no_finding() -> None:
    facts = facts_of()
    old = replace(facts.addresses[1], address=IPv4Interface("10.77.0.200/24"))
    only(of_camera(replace(facts, addresses=(*facts.addresses, old))), "camera-ok")


def test_address_claimed_by_another_device() -> None:
    claim = replace(ALL_HEARD, claimed={SLOTS[0].mac: "de:ad:00:00:00:01"})
    found = only(of_camera(evidence=claim), "address-claimed")
    assert found.what == "Address 10.77.0.101 of vcam1 is already used by the device with MAC de:ad:00:00:00:01."
    state = DhcpState("static", 0.0, claimed_by="de:ad:00:00:00:02")
    assert "de:ad:00:00:00:02" in only(of_camera(state=state), "address-claimed").what


def test_mac_claimed_by_another_device() -> None:
    twin = Neighbour(IPv4Address("10.77.0.55"), SLOTS[0].mac, "eth0")
    found = only(of_camera(host=replace(HOST, neighbours=(twin,))), "mac-claimed")
    assert "also that of 10.77.0.55" in found.what and "--mac-prefix" in found.todo


@pytest.mark.parametrize(
    ("heard", "hypervisor", "wireless", "todo"),
    [
        ([HOST_MAC], "VMware", False, "promiscuous mode, MAC changes and forged transmits"),
        ([HOST_MAC], "", False, "Raise the MAC limit (port security) of the switch port to 5 or more"),
        ([HOST_MAC, SLOTS[1].mac], "VMware", False, "Raise the MAC limit"),
        ([HOST_MAC], "", True, "which cannot be used"),
    ],
)
def test_only_the_host_is_answered(heard: list[str], hypervisor: str, wireless: bool, todo: str) -> None:
    evidence = Evidence(ASKED, dict.fromkeys(heard, "02:00:00:00:00:01"))
    host = replace(HOST, hypervisor=hypervisor)
    found = only(of_camera(changed(facts_of(), "eth0", wireless=wireless), host, evidence=evidence), "mac-blocked")
    assert "10.77.0.1 answers the host, but not vcam1 with MAC a2:6f:00:00:00:01" in found.what and todo in found.todo


def test_a_gateway_that_answers_nobody() -> None:
    silent = Evidence(ASKED)
    only(of_camera(evidence=silent), "camera-ok")
    assert only(parent_findings(PLAN, facts_of(), HOST, silent), "gateway-silent").severity == "warning"
    assert parent_findings(PLAN, facts_of(), HOST, ALL_HEARD) == []


def test_nobody_could_be_asked() -> None:
    found = only(parent_findings(PLAN, facts_of(), HOST, Evidence(unheard="not allowed.")), "nobody-asked")
    assert found.severity == "note"


def test_parent_unplugged_switched_off_and_gone() -> None:
    facts = facts_of()
    found = only(parent_findings(PLAN, changed(facts, "eth0", carrier=False), HOST, Evidence()), "parent-no-cable")
    assert found.what == "The cable of eth0 is unplugged." and "resume by themselves" in found.todo
    only(parent_findings(PLAN, changed(facts, "eth0", up=False), HOST, Evidence()), "parent-down")
    gone = without(without(facts, "eth0"), "vcam1")
    assert "network adapter eth0 is gone" in only(parent_findings(PLAN, gone, HOST, Evidence()), "parent-gone").what
    assert of_camera(gone) == []
    wireless = changed(facts, "eth0", wireless=True)
    assert [x.id for x in parent_findings(PLAN, wireless, HOST, ALL_HEARD)] == ["parent-wireless"]


def test_ports() -> None:
    nothing = of_camera(host=HostFacts())
    assert [x.id for x in nothing] == ["camera-ok", "nothing-listens"]
    assert nothing[1].what == "Nothing listens on 10.77.0.101 port 80 and 554."
    taken = HostFacts(listeners=(Listener("tcp", ANY, 80, "nginx"), *served(SLOTS[0], 554)))
    assert "nginx holds port 80 on every address" in only(of_camera(host=taken), "port-taken").what
    hidden = of_camera(host=HostFacts(listeners=served(SLOTS[0], 80, 554)))
    assert [x.id for x in hidden] == ["camera-ok", "discovery-off"]


def test_a_guard_that_shuts_a_port_of_the_camera() -> None:
    host = HostFacts(listeners=served(SLOTS[0], 80, 554))
    found = of_camera(host=host, plan=replace(PLAN, guard=(8000,)))
    (shut,) = [finding for finding in found if finding.severity != "note"]
    assert shut.id == "guard-shuts"
    assert shut.severity == "problem" and "port 80 and 554 of vcam1" in shut.what
    assert shut.todo == "netsetup apply --guard 80,554,8000 --yes"
    open_ = of_camera(host=host, plan=replace(PLAN, guard=(80, 322, 443, 554)))
    assert [x.id for x in open_] == ["camera-ok", "discovery-off"]


def test_recorder_on_another_subnet() -> None:
    address = IPv4Address("10.77.0.101")
    near, far = (Connection(address, 554, IPv4Address(f"10.{net}.0.2")) for net in (77, 88))
    found = of_camera(host=replace(HOST, connections=(near, far)))
    assert [x.id for x in found] == ["camera-ok", "recorder-elsewhere"]
    assert "10.88.0.2" in found[1].what and "router's MAC" in found[1].why and "10.77.0.0/24" in found[1].todo


# Leases --------------------------------------------------------------------------------------------------------------


def test_no_dhcp_answer() -> None:
    state = DhcpState("searching", 0.0, next_try=112.0, message="no DHCP answer on eth0: check that …")
    found = only(of_camera(plan=DHCP, state=state, now=100.0), "dhcp-searching")
    assert found.what.startswith("vcam1 has no address: no DHCP answer on eth0") and "Next try in 12 s" in found.what
    assert found.severity == "problem"
    assert only(of_camera(plan=DHCP, state=replace(state, phase="checking")), "dhcp-checking").severity == "warning"


def test_nobody_asks_for_leases() -> None:
    assert "systemctl status netsetup" in only(of_camera(plan=DHCP), "no-lease").todo


def test_a_lease_that_moved_or_is_unsure() -> None:
    address = IPv4Interface("10.77.0.101/24")
    lease = Lease(SLOTS[0].mac, address, GATEWAY, GATEWAY, 0.0, 50.0, 80.0, 100.0)
    assert address_of(DHCP, DHCP.slots[0], {lease.mac: lease}, 99.0) == address
    assert address_of(DHCP, DHCP.slots[0], {lease.mac: lease}, 100.0) is None

    def found(message: str, phase: str = "bound") -> list[str]:
        state = DhcpState(phase, 0.0, message=message)
        facts = facts_of()
        return [x.id for x in camera_findings(DHCP, DHCP.slots[0], address, facts, HOST, state=state)]

    assert found("10.77.0.101 from 10.77.0.1") == ["camera-ok"]
    moved = "moved from 10.77.0.50 to 10.77.0.101; a reservation for MAC a2:6f:00:00:00:01 avoids this"
    assert found(moved) == ["camera-ok", "lease-moved"]
    assert found("10.77.0.101 is kept from before; no DHCP answer", "rebooting") == ["camera-ok", "lease-unsure"]


# The host ------------------------------------------------------------------------------------------------------------


def of_host(facts: Facts | None = None, host: HostFacts | None = None, parent: str = "eth0") -> dict[str, Finding]:
    found = host_findings(facts or facts_of(), host or HostFacts(macvlan=True), [parent], plans=[PLAN])
    assert all(x.what.endswith(".") and (x.severity == "ok" or x.why or x.todo) for x in found)
    return {finding.id: finding for finding in found if finding.severity != "ok"}


def test_a_good_host_has_nothing_to_report() -> None:
    assert of_host() == {}


@pytest.mark.parametrize(
    ("values", "id_", "words"),
    [
        ({"wireless": True}, "parent-wireless", "by cable; or run all cameras on one address"),
        ({"master": "br0"}, "parent-port", "Use --parent br0"),
        ({"kind": "macvlan", "parent": "enp1"}, "parent-macvlan", "Use enp1"),
        ({"kind": "wireguard"}, "parent-kind", "wired"),
        ({"carrier": False}, "parent-down", "Plug it in"),
        ({"up": False}, "parent-down", "ip link set eth0 up"),
    ],
)
def test_parents_that_will_not_do(values: dict[str, object], id_: str, words: str) -> None:
    found = of_host(changed(facts_of(), "eth0", **values))
    assert next(iter(found)) == id_ and words in found[id_].todo


def test_parents_that_are_missing() -> None:
    assert "There is eth0" in of_host(parent="eth7")["parent-gone"].todo
    assert of_host(parent="lo")["parent-loopback"].severity == "problem"
    assert host_findings(facts_of(), HostFacts(), [])[-1].id == "no-parent"
    assert "parent-no-address" in of_host(replace(facts_of(), addresses=()))


def test_lans() -> None:
    tiny = replace(HOST_LAN, address=IPv4Interface("10.77.0.10/30"))
    assert of_host(replace(facts_of(), addresses=(tiny,)))["lan-small"].severity == "problem"
    second = Address("eth1", IPv4Interface("10.77.0.11/24"))
    assert "eth1 is on the same LAN" in of_host(replace(facts_of(), addresses=(HOST_LAN, second)))["two-adapters"].what


def test_ports_of_the_host() -> None:
    listeners = (
        Listener("tcp", ANY, 80, "apache2"),
        Listener("tcp", ANY, 22),
        Listener("tcp", IPv4Address("10.77.0.10"), 554),
        Listener("udp", ANY, 3702, "wsdd"),
    )
    found = of_host(host=HostFacts(macvlan=True, listeners=listeners))
    assert found["port-taken"].what == "apache2 holds port 80 on every address of this host."
    assert "tcp 22" in found["services-everywhere"].what and "wsdd" in found["discovery-taken"].what


def test_services_that_the_guard_keeps_from_the_cameras() -> None:
    host = HostFacts(macvlan=True, listeners=tuple(Listener("tcp", ANY, port) for port in (22, 443)))

    def told(guard: Guard | None) -> dict[str, str]:
        found = host_findings(replace(facts_of(), guard=guard), host, ["eth0"])
        return {x.id: f"{x.what} {x.todo}" for x in found if x.id in ("guard", "services-everywhere")}

    for none in (None, DAMAGED):
        (open_,) = told(none).values()
        assert "tcp 22, 443." in open_ and "netsetup apply --guard --yes" in open_
    both = told(Guard(("vcam",), (80, 322, 443, 554)))
    assert "tcp 22)" in both["guard"]
    assert "tcp 443." in both["services-everywhere"] and "--guard PORT,… --yes" in both["services-everywhere"]
    assert told(Guard(("vcam",), (80, 554))).keys() == {"guard"}


def test_what_else_runs_there() -> None:
    host = HostFacts(
        container="docker",
        hypervisor="VMware",
        macvlan=False,
        managers=("NetworkManager", "ConnMan"),
        told=frozenset(),
        firewalls=("ufw", "nftables", "firewalld"),
    )
    found = host_findings(facts_of(), host, ["eth0"], prefix="cam")
    ids = [x.id for x in found if x.severity != "ok"]
    expected = ["no-macvlan", "container", "virtual-machine", "manager", "manager", "firewall", "firewall", "firewall"]
    assert ids == expected
    assert "ufw allow in on cam+" in next(x for x in found if x.id == "firewall").todo
    told = HostFacts(macvlan=True, managers=("NetworkManager",), told=frozenset({"NetworkManager"}))
    assert of_host(host=told) == {}
    named = HostFacts(macvlan=True, configured=("ifupdown",))
    assert "manager-named" in {x.id for x in host_findings(facts_of(), named, ["eth0"])}


def test_interfaces_of_others() -> None:
    taken = HostLink("vcam9", 20, "02:00:00:00:00:99", "macvlan", True, True, parent="eth0")
    other = HostLink("mac0", 21, "02:00:00:00:00:98", "macvlan", True, True, parent="eth0")
    facts = facts_of()
    assert list(of_host(replace(facts, links=(*facts.links, taken, other)))) == ["name-taken", "other-macvlans"]


def test_the_usual_parent() -> None:
    facts = facts_of()
    assert usual_parents(facts) == ["eth0"]
    wlan = HostLink("wlan0", 5, "02:00:00:00:00:05", "", True, True, wireless=True)
    routed = replace(facts, links=(*facts.links, wlan), host_routes=(("wlan0", GATEWAY, 50), *facts.host_routes))
    assert usual_parents(routed) == ["eth0"]
    assert usual_parents(replace(facts, host_routes=())) == ["eth0"]
    assert all(link.alias.startswith(MARK) for link in facts.links if link.kind == "macvlan")


# Text ----------------------------------------------------------------------------------------------------------------


def test_what_many_cameras_share_is_said_once() -> None:
    steps = [Finding("x", "problem", f"vcam{i} is lost.", "Why.", "Do.", f"vcam{i}") for i in range(1, 12)]
    text = findings_text([Finding("y", "ok", "Fine."), *steps])
    assert text.splitlines()[0] == (
        "problem: vcam1 is lost.  And the same of vcam2, vcam3, vcam4, vcam5, vcam6, vcam7 and 4 more."
    )
    assert text.count("why: Why.") == 1 and text.endswith("ok: Fine.\n")
    assert findings_text([]) == "Nothing to report.\n"


def test_json_says_whether_there_is_a_problem() -> None:
    fine = [Finding("a", "warning", "Careful.")]
    assert not has_problem(fine) and findings_json(fine)["ok"]
    assert not findings_json([*fine, Finding("b", "problem", "Broken.")])["ok"]

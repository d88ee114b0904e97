"""Is this host fit for cameras with MAC addresses of their own? One sentence each: what, why, what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from .guard import DAMAGED
from .host_facts import ANY, HostFacts, Listener
from .model import Facts, Finding, Guard, HostLink, Plan
from .parents import wireless_finding

_CARRIERS = ("", "bridge", "bond", "team", "vlan", "veth")  # kinds of links that a macvlan may stand on
_TCP = (80, 554)
_DISCOVERY = 3702
_PORTS = "tcp 80, tcp 554, udp 3702 and icmp"
_OPEN = {
    "ufw": "ufw allow in on {prefix}+ to any port 80,554 proto tcp; "
    "ufw allow in on {prefix}+ to any port 3702 proto udp",
    "firewalld": "Allow " + _PORTS + " in the zone of {prefix}+ (firewall-cmd --get-default-zone).",
    "nftables": 'Accept in the chain of hook input: iifname "{prefix}*" with ' + _PORTS + ".",
}


def host_findings(
    facts: Facts, host: HostFacts, parents: Sequence[str], *, prefix: str = "vcam", plans: Sequence[Plan] = ()
) -> list[Finding]:
    """Everything that `netsetup check` says, in the order in which people should read it within one severity."""
    found = list(_kernel(host))
    for parent in parents:
        found += _parent(facts, host, parent, plans)
    found += _ports(facts, host)
    found += _managers(host, prefix)
    found += _firewalls(host, prefix)
    found += _others(facts, plans, prefix)
    if not parents:
        todo = "Say which one: netsetup check --parent eth0"
        found.append(Finding("no-parent", "problem", "No wired network adapter was found.", "", todo))
    return found


def _kernel(host: HostFacts) -> Iterator[Finding]:
    if host.macvlan is False:
        yield Finding(
            "no-macvlan",
            "problem",
            "This kernel has no macvlan.",
            "Without it an adapter has one MAC only, and a recorder sees one camera.",
            "Install the kernel's extra modules (Ubuntu: linux-modules-extra-$(uname -r)), or another kernel.",
        )
    elif host.macvlan:
        yield Finding("macvlan", "ok", "The kernel has macvlan.")
    else:
        why = "The modules of this kernel cannot be seen from here."
        yield Finding("macvlan-unknown", "note", "Whether the kernel has macvlan shows when the plan is applied.", why)
    if host.container:
        yield Finding(
            "container",
            "warning",
            f"This is a container ({host.container}).",
            "It has a network of its own, or may not change that of its host.",
            "Install on the host itself, or give it the host's network and CAP_NET_ADMIN: docs/hosts.md.",
        )
    if host.hypervisor:
        yield Finding(
            "virtual-machine",
            "warning",
            f"This is a virtual machine ({host.hypervisor}).",
            "Its virtual switch usually drops frames of MACs that it did not give out.",
            "Allow promiscuous mode, MAC changes and forged transmits: docs/hosts.md. netsetup doctor tests it.",
        )
    if host.all_sysctls.get("rp_filter") == "1":
        why = "It would drop multicast Probes; the cameras' own setting cures it."
        yield Finding("rp-filter", "ok", "The host filters strictly by return path (rp_filter 1).", why)


def _parent(facts: Facts, host: HostFacts, parent: str, plans: Sequence[Plan]) -> Iterator[Finding]:
    link = facts.link(parent)
    if link is None:
        there = ", ".join(x.name for x in facts.links if x.kind in _CARRIERS and x.name != "lo" and not x.ours)
        yield Finding(
            "parent-gone", "problem", f"There is no network adapter {parent}.", "", f"There is {there or 'none'}."
        )
        return
    unfit = _unfit(link)
    if unfit is not None:
        yield unfit
        return
    if not link.up or not link.carrier:
        state, todo = ("has no cable", "Plug it in.") if link.up else ("is switched off", f"ip link set {parent} up")
        yield Finding("parent-down", "warning", f"{parent} {state}.", "Nothing can be tried out until then.", todo)
    lans = [a.address for a in facts.addresses if a.link == parent]
    if not lans:
        why = "Then the host itself cannot reach recorder and NVR, and DHCP must tell the cameras' network."
        yield Finding(
            "parent-no-address", "warning", f"{parent} has no IPv4 address.", why, f"Give {parent} an address first."
        )
    for lan in lans:
        size, most = lan.network.num_addresses - 3, max((len(plan.slots) for plan in plans), default=0)
        if size < max(most, 1):
            yield Finding(
                "lan-small",
                "problem",
                f"The LAN {lan.network} has room for {max(size, 0)} more devices.",
                "Every camera needs an address of its own.",
                "Use a larger network (a shorter prefix) on router, host and recorder.",
            )
    yield from _same_lan(facts, parent, [lan.network for lan in lans])
    if lans and link.up and link.carrier:
        words = ", ".join(str(lan) for lan in lans)
        yield Finding("parent", "ok", f"{parent} is wired and up, with {words}.")


def _unfit(link: HostLink) -> Finding | None:
    """Why no macvlan can stand on it."""
    name = link.name
    if link.wireless:
        return wireless_finding(name)
    if name == "lo":
        return Finding("parent-loopback", "problem", "lo reaches no other machine.", "", "Choose a network adapter.")
    if link.kind == "macvlan":
        why = "The kernel would silently use the adapter under it."
        return Finding(
            "parent-macvlan", "problem", f"{name} is a macvlan itself.", why, f"Use {link.parent or 'that one'}."
        )
    if link.master:
        why = "A port of a bridge or bond belongs to that; the kernel refuses cameras on it."
        todo = f"Use --parent {link.master}."
        return Finding("parent-port", "problem", f"{name} is a port of {link.master}.", why, todo)
    if link.kind not in _CARRIERS:
        why = "Only adapters that carry Ethernet frames can have cameras."
        return Finding("parent-kind", "problem", f"{name} is a {link.kind} interface.", why, "Choose a wired adapter.")
    return None


def _same_lan(facts: Facts, parent: str, lans: Sequence[IPv4Network]) -> Iterator[Finding]:
    ours = {link.name for link in facts.links if link.ours} | {parent}
    for address in facts.addresses:
        if address.link not in ours and any(address.address.ip in lan for lan in lans):
            yield Finding(
                "two-adapters",
                "note",
                f"{address.link} is on the same LAN as {parent}.",
                "It would answer ARP for cameras; netsetup sets arp_ignore for all adapters against that.",
                "Better: one adapter per LAN.",
            )


def _ports(facts: Facts, host: HostFacts) -> Iterator[Finding]:
    tcp = [x for x in host.listeners if x.protocol == "tcp" and x.address == ANY]
    for port in _TCP:
        holders = [x for x in tcp if x.port == port]
        if holders:
            yield Finding(
                "port-taken",
                "problem",
                f"{_program(holders)} holds port {port} on every address of this host.",
                "Recorders expect cameras on 80 and 554, and no camera can have it there.",
                "Stop it, or let it listen on the host's own address only; or set other ports in proxyd.toml.",
            )
        else:
            yield Finding(f"port-{port}", "ok", f"Port {port} is free for cameras.")
    discovery = [x for x in host.listeners if x.protocol == "udp" and x.port == _DISCOVERY and x.address == ANY]
    if discovery:
        why = "It answers discovery on this machine, too; the cameras answer beside it."
        yield Finding("discovery-taken", "note", f"{_program(discovery)} listens on udp 3702.", why)
    yield from _everywhere(sorted({x.port for x in tcp if x.port not in _TCP}), facts.guard)


def _everywhere(ports: Sequence[int], guard: Guard | None) -> Iterator[Finding]:
    """Services of the host on every address, those that the guard keeps from the cameras and the others."""
    left_open = guard.tcp if guard and guard != DAMAGED else None
    reached = [port for port in ports if left_open is None or port in left_open]
    kept = [port for port in ports if port not in reached]
    if kept:
        words = ", ".join(map(str, kept))
        yield Finding(
            "guard", "ok", f"The guard keeps services of this host (tcp {words}) from the cameras' addresses."
        )
    if reached:
        closed = " PORT,… --yes, with the cameras' ports alone" if left_open else " --yes"
        yield Finding(
            "services-everywhere",
            "note",
            f"Services of this host on every address: tcp {', '.join(map(str, reached))}.",
            "They answer on the cameras' addresses, too.",
            f"Let recorders reach the cameras only: netsetup apply --guard{closed} (docs/netsetup.md). "
            "Or bind them to the host's own address.",
        )


def _program(listeners: Sequence[Listener]) -> str:
    names = sorted({x.program for x in listeners if x.program})
    return ", ".join(names) or "Another program"


def _managers(host: HostFacts, prefix: str) -> Iterator[Finding]:
    for manager in host.managers:
        if manager in host.told:
            yield Finding("manager-told", "ok", f"{manager} runs, and leaves {prefix}* alone.")
        elif manager in ("NetworkManager", "systemd-networkd", "dhcpcd"):
            why = "It may ask for addresses itself, rename the cameras' interfaces or take their addresses away."
            yield Finding(
                "manager", "warning", f"{manager} manages this host's network.", why, "netsetup install tells it."
            )
        else:
            why = "netsetup does not know how to tell it to leave the cameras' interfaces alone."
            todo = f"Exclude {prefix}* in its settings."
            yield Finding("manager", "warning", f"{manager} manages this host's network.", why, todo)
    for tool in host.configured:
        yield Finding("manager-named", "ok", f"{tool} touches only what its files name; {prefix}* is not there.")
    if not host.managers and not host.configured:
        yield Finding("manager-none", "ok", "No network manager runs that would touch new interfaces.")


def _firewalls(host: HostFacts, prefix: str) -> Iterator[Finding]:
    for firewall in host.firewalls:
        todo = _OPEN[firewall].format(prefix=prefix)
        what, why = f"A firewall is on ({firewall}).", f"Recorders must reach the cameras: {_PORTS}."
        yield Finding("firewall", "warning", what, why, todo)


def _others(facts: Facts, plans: Sequence[Plan], prefix: str) -> Iterator[Finding]:
    """Other programs that do the same, or stand where we would."""
    names = {slot.name for plan in plans for slot in plan.slots}
    for link in facts.links:
        if link.ours or not (link.name.startswith(prefix) or link.name in names):
            continue
        yield Finding(
            "name-taken",
            "warning",
            f"{link.name} is there already and not ours.",
            "Names like that are for cameras; it stays untouched.",
            "Remove it with what made it, or choose another --name-prefix.",
        )
    foreign = [
        x.name for x in facts.links if x.kind in ("macvlan", "ipvlan") and not x.ours and not x.name.startswith(prefix)
    ]
    if foreign:
        yield Finding(
            "other-macvlans",
            "note",
            f"There are other interfaces of this kind: {', '.join(foreign[:6])}.",
            "With settings of other tools recorders see the wrong MAC for them.",
            "If they are virtual cameras of another tool, remove them first.",
        )


def routing_findings(before: Sequence[int], among: Sequence[int], tables: Sequence[int]) -> list[Finding]:
    """About rules and routes of other programs; the words of `foreign.Foreign`."""
    found = []
    if before:
        found.append(
            Finding(
                "rule-before",
                "warning",
                f"Another program sends all traffic to a table of its own (rule {_few(before)}).",
                "Frames of cameras then leave by another adapter, and with its MAC.",
                "See: ip rule. A VPN: let it route only what belongs into it.",
            )
        )
    if among or tables:
        what = f"rules {_few(among)}" if among else f"routes in table {_few(tables)}"
        found.append(
            Finding(
                "routing-shared",
                "warning",
                f"Another program has {what}, where netsetup puts those of cameras.",
                "They may take packets from each other.",
                "Move the other program's to other numbers, or remove what an earlier tool left behind.",
            )
        )
    return found


def _few(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - 4} more" if len(numbers) > 4 else ""
    return ", ".join(map(str, numbers[:4])) + more

"""What is wrong with cameras on the LAN, one sentence each: what, why it matters, what to do. Pure.

Which steps are pending and which sockets are open is collected by `doctor`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

from .desired import number
from .host_facts import ANY, HostFacts
from .lan_findings import Evidence, claims, elsewhere, unheard
from .model import TABLE, Facts, Finding, Lease, Plan, Severity, Slot
from .steps import (
    AddAddress,
    AddRule,
    PutGuard,
    PutRoute,
    RemoveAddress,
    RemoveGuard,
    RemoveRoute,
    RemoveRule,
    SetSysctl,
    Step,
    words,
)

if TYPE_CHECKING:
    from .dhcp.state import DhcpState

_SETTLED = ("bound", "renewing", "rebinding", "rebooting", "static")
_PASSING = ("requesting", "checking")
_NAMED = 3  # changes in one sentence
_BY_HAND = "Another program or a person changed it; recorders do not reach the camera, or see another MAC."
_RESTORE = "The service netsetup restores it: systemctl start netsetup, or once: netsetup apply --yes"
_TCP = (80, 554)
_DISCOVERY = 3702


def address_of(plan: Plan, slot: Slot, leases: Mapping[str, Lease], now: float) -> IPv4Interface | None:
    """`now` is CLOCK_REALTIME."""
    lease = leases.get(slot.mac) if plan.method == "dhcp" else None
    return slot.address or (lease.address if lease and lease.expires > now else None)


def camera_findings(
    plan: Plan,
    slot: Slot,
    address: IPv4Interface | None,
    facts: Facts,
    host: HostFacts,
    *,
    pending: Sequence[Step] = (),
    state: DhcpState | None = None,
    evidence: Evidence | None = None,
    now: float = 0.0,
) -> list[Finding]:
    """About one camera; one of severity ok when nothing but notes is found. `pending`: of this camera; `now`:
    CLOCK_REALTIME."""
    evidence = evidence or Evidence()
    name, link = slot.name, facts.link(slot.name)
    if link is None:
        if facts.link(plan.parent) is None:
            return []
        why = "Another program removed it, or nobody applied the plan since the machine started."
        return [Finding("camera-missing", "problem", f"{name} is missing.", why, _RESTORE, name)]
    found: list[Finding] = []
    if not link.up:
        found.append(Finding("camera-down", "problem", f"{name} is switched off.", _BY_HAND, _RESTORE, name))
    found += _address(plan, slot, address, state, now)
    found += _incomplete(name, pending)
    if address is not None:
        found += claims(slot, address, facts, host, state, evidence)
        found += unheard(plan, slot, facts, host, evidence)
        found += _sockets(slot, address, host)
        found += _shut(plan, slot, address, host)
        found += elsewhere(slot, address, host)
    if all(finding.severity == "note" for finding in found) and address is not None:
        heard = f", and {evidence.asked[slot.mac]} answers it" if slot.mac in evidence.answered else ""
        found.insert(0, Finding("camera-ok", "ok", f"{name} has {address.ip} and MAC {slot.mac}{heard}.", camera=name))
    return found


def by_camera(steps: Iterable[Step], plans: Sequence[Plan]) -> dict[str, list[Step]]:
    """Pending steps by the interface they are about, "" for the host; what is only left over is not there."""
    by_table = {TABLE + number(plan, slot): slot.name for plan in plans for slot in plan.slots}
    names = set(by_table.values())
    found: dict[str, list[Step]] = {}
    for step in steps:
        if isinstance(step, (RemoveAddress, RemoveRoute, RemoveRule)):
            continue
        subject = next(
            (getattr(step, f) for f in ("link", "sysctl", "address", "route", "rule") if hasattr(step, f)), None
        )
        name = getattr(step, "name", None) or getattr(subject, "link", None) or getattr(subject, "name", "")
        name = name if name in names else by_table.get(getattr(subject, "table", None) or 0, "")
        found.setdefault(name, []).append(step)
    return found


def host_incomplete(pending: Sequence[Step]) -> list[Finding]:
    """Rules, sysctls and the guard, which all cameras of a parent need."""
    found: list[Finding] = []
    guard = [step for step in pending if isinstance(step, (PutGuard, RemoveGuard))]
    rest = [step for step in pending if step not in guard]
    if rest:
        why = "Frames of cameras leave with the host's own MAC, or the host answers ARP for them."
        found.append(Finding("host-incomplete", "problem", f"The host is not as planned: {_few(rest)}.", why, _RESTORE))
    if guard:
        why = "Other services of this host answer on the cameras' addresses, or recorders do not reach the cameras."
        what = f"The guard of the cameras' interfaces is not as planned: {_few(guard)}."
        found.append(Finding("guard-changed", "problem", what, why, _RESTORE))
    return found


def _address(
    plan: Plan, slot: Slot, address: IPv4Interface | None, state: DhcpState | None, now: float
) -> list[Finding]:
    """The lease engine's own words: they say what to do, too."""
    name = slot.name
    if plan.method == "static":
        return []
    if state is None:
        if address is not None:
            return []
        todo = "systemctl status netsetup: that service asks the DHCP server."
        return [Finding("no-lease", "problem", f"{name} has no address.", "Nobody asks for one.", todo, name)]
    if state.phase in _SETTLED and address is not None:
        if state.claimed_by or not state.message or state.message.startswith(f"{address.ip} from"):
            return []
        id_ = "lease-moved" if state.message.startswith("moved") else "lease-unsure"
        return [Finding(id_, "note", f"{name}: {state.message}.", camera=name)]
    again = f" Next try in {max(0, state.next_try - now):.0f} s." if state.next_try else ""
    severity: Severity = "warning" if state.phase in _PASSING else "problem"
    what = f"{name} has no address: {state.message or state.phase}.{again}"
    todo = "Without a DHCP server here, give static addresses: netsetup plan --static …"
    return [Finding("dhcp-" + state.phase, severity, what, "Nobody reaches it until then.", todo, name)]


def _incomplete(name: str, pending: Sequence[Step]) -> list[Finding]:
    kinds = (
        ("address-missing", AddAddress, "does not have its address"),
        ("rules-incomplete", (AddRule, PutRoute), "lacks routes or rules"),
        ("sysctl-changed", SetSysctl, "has other kernel settings than planned"),
    )
    found = []
    for id_, kind, what in kinds:
        steps = [step for step in pending if isinstance(step, kind)]
        if steps:
            found.append(Finding(id_, "problem", f"{name} {what}: {_few(steps)}.", _BY_HAND, _RESTORE, name))
    rest = [s for s in pending if not isinstance(s, (AddAddress, AddRule, PutRoute, SetSysctl))]
    if rest and not found:
        found.append(
            Finding("not-as-planned", "problem", f"{name} is not as planned: {_few(rest)}.", _BY_HAND, _RESTORE, name)
        )
    return found


def _sockets(slot: Slot, address: IPv4Interface, host: HostFacts) -> list[Finding]:
    own = {(x.protocol, x.port) for x in host.listeners if x.address == address.ip}
    everywhere = {x.port: x for x in host.listeners if x.protocol == "tcp" and x.address == ANY}
    found = []
    for port in _TCP:
        if ("tcp", port) not in own and port in everywhere:
            program = everywhere[port].program or "Another program"
            todo = "Stop it, or let it listen on the host's own address only."
            what = f"{program} holds port {port} on every address of this host, {slot.name}'s too."
            found.append(Finding("port-taken", "problem", what, "The camera cannot be reached there.", todo, slot.name))
    closed = [str(port) for port in _TCP if ("tcp", port) not in own and port not in everywhere]
    if closed:
        todo = "Is proxyd running, and does a camera stand on it? onviftui interface list"
        what = f"Nothing listens on {address.ip} port {' and '.join(closed)}."
        found.append(Finding("nothing-listens", "note", what, "No camera is served there.", todo, slot.name))
    elif ("udp", _DISCOVERY) not in own and not found:
        why = "Recorders find it by its address only."
        found.append(Finding("discovery-off", "note", f"{slot.name} does not answer discovery.", why, "", slot.name))
    return found


def _shut(plan: Plan, slot: Slot, address: IPv4Interface, host: HostFacts) -> list[Finding]:
    """Nobody on this machine notices by trying: the guard is for what arrives from others."""
    served = {x.port for x in host.listeners if x.protocol == "tcp" and x.address == address.ip}
    shut = sorted(served - set(plan.guard)) if plan.guard else []
    if not shut:
        return []
    what = (
        f"The guard keeps recorders from port {' and '.join(map(str, shut))} of {slot.name}, where the camera listens."
    )
    todo = f"netsetup apply --guard {','.join(map(str, sorted(served | set(plan.guard))))} --yes"
    return [Finding("guard-shuts", "problem", what, "The camera cannot be reached there.", todo, slot.name)]


def _few(steps: Collection[Step]) -> str:
    said = [words(step) for step in steps]
    more = f" and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
    return "; ".join(said[:_NAMED]) + more

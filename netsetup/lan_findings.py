"""What the LAN says about cameras and the adapter under them: who answers ARP, who claims what. Pure.

The evidence is collected by `doctor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from .host_facts import HostFacts
from .model import Facts, Finding, Plan, Slot
from .parents import state_of, wireless_finding

if TYPE_CHECKING:
    from .dhcp.state import DhcpState

_CUT_OFF = "None of its cameras is reached until then."


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the LAN answered. By MAC of the camera; the parent's own MAC stands for the host."""

    asked: Mapping[str, IPv4Address] = field(default_factory=dict)  # whom ARP asked for as that MAC
    answered: Mapping[str, str] = field(default_factory=dict)  # which MAC answered it
    claimed: Mapping[str, str] = field(default_factory=dict)  # another device that uses the camera's address
    unheard: str = ""  # why nobody could be asked


def parent_findings(plan: Plan, facts: Facts, host: HostFacts, evidence: Evidence) -> list[Finding]:
    """About the adapter under the cameras."""
    parent, link = plan.parent, facts.link(plan.parent)
    match state_of(facts, parent):
        case "gone":
            return [
                Finding(
                    "parent-gone",
                    "problem",
                    f"The network adapter {parent} is gone.",
                    "Its cameras have no way to the LAN.",
                    "Plug it in again; cameras resume by themselves. On another adapter: netsetup plan --parent …",
                )
            ]
        case "down":
            todo = f"ip link set {parent} up; cameras resume by themselves."
            return [Finding("parent-down", "problem", f"{parent} is switched off.", _CUT_OFF, todo)]
        case "no cable":
            todo = f"Plug the cable of {parent} in; cameras resume by themselves."
            return [Finding("parent-no-cable", "problem", f"The cable of {parent} is unplugged.", _CUT_OFF, todo)]
    assert link
    found: list[Finding] = []
    if link.wireless:
        found.append(wireless_finding(parent))
    if evidence.unheard:
        found.append(
            Finding(
                "nobody-asked",
                "note",
                f"The LAN of {parent} could not be asked: {evidence.unheard}",
                "",
                "Try it as root.",
            )
        )
    target = evidence.asked.get(link.mac)
    if target is not None and link.mac not in evidence.answered:
        silent = [s for s in plan.slots if s.mac in evidence.asked and s.mac not in evidence.answered]
        if silent or not plan.slots:
            found.append(
                Finding(
                    "gateway-silent",
                    "warning",
                    f"{target} answers neither the host nor its cameras on {parent}.",
                    "Recorders behind that gateway do not reach the cameras.",
                    f"Is {target} the gateway of this LAN, and is it on? Other VLAN? See docs/hosts.md.",
                )
            )
    return found


def claims(
    slot: Slot, address: IPv4Interface, facts: Facts, host: HostFacts, state: DhcpState | None, evidence: Evidence
) -> list[Finding]:
    found = []
    claimant = evidence.claimed.get(slot.mac) or (state.claimed_by if state else None)
    if claimant:
        found.append(
            Finding(
                "address-claimed",
                "problem",
                f"Address {address.ip} of {slot.name} is already used by the device with MAC {claimant}.",
                "The recorder reaches now one and now the other.",
                f"Give that device another address, or this camera: plan with --exclude {address.ip}.",
                slot.name,
            )
        )
    others = {str(n.address) for n in host.neighbours if n.mac == slot.mac and n.address != address.ip}
    others |= {link.name for link in facts.links if link.mac == slot.mac and link.name != slot.name and not link.ours}
    if others:
        found.append(
            Finding(
                "mac-claimed",
                "problem",
                f"MAC {slot.mac} of {slot.name} is also that of {', '.join(sorted(others))}.",
                "Switches send the camera's frames now here and now there.",
                "Is there a second installation or a cloned machine? Plan one of them with another --mac-prefix.",
                slot.name,
            )
        )
    return found


def unheard(plan: Plan, slot: Slot, facts: Facts, host: HostFacts, evidence: Evidence) -> list[Finding]:
    """The test that tells a network which blocks foreign MACs from every other fault: the host is answered, a camera
    is not."""
    parent = facts.link(plan.parent)
    target = evidence.asked.get(slot.mac)
    if target is None or slot.mac in evidence.answered or parent is None or parent.mac not in evidence.answered:
        return []
    others = [s.mac for s in plan.slots if s.mac in evidence.answered]
    if parent.wireless:
        wireless = wireless_finding(plan.parent)
        todo = f"{wireless.what} {wireless.todo}"
    elif host.hypervisor and not others:
        todo = (
            f"This is a virtual machine ({host.hypervisor}): allow promiscuous mode, MAC changes and forged transmits."
        )
    else:
        todo = f"Raise the MAC limit (port security) of the switch port to {len(plan.slots) + 1} or more."
    return [
        Finding(
            "mac-blocked",
            "problem",
            f"{target} answers the host, but not {slot.name} with MAC {slot.mac}.",
            f"What {plan.parent} is plugged into drops frames of this MAC.",
            f"{todo} See docs/hosts.md.",
            slot.name,
        )
    ]


def elsewhere(slot: Slot, address: IPv4Interface, host: HostFacts) -> list[Finding]:
    far = {c.remote for c in host.connections if c.local == address.ip and c.remote not in address.network}
    if not far:
        return []
    return [
        Finding(
            "recorder-elsewhere",
            "note",
            f"{', '.join(map(str, sorted(far)))} is connected to {slot.name} from another subnet.",
            "A recorder there sees the router's MAC for all cameras.",
            f"If it goes by MAC, put it on the cameras' LAN {address.network}.",
            slot.name,
        )
    ]

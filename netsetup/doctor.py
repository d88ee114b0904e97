"""`netsetup doctor`: every camera examined from the machine itself; the arm answers "doctor" with the same.

Beside the kernel's own account, the LAN is asked: for the gateway as the host and as every camera (who is answered
tells a port that blocks foreign MACs from every other fault), and for each camera's address (somebody else's answer).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from .arm_client import ask_arm
from .camera_findings import address_of, by_camera, camera_findings, host_incomplete
from .config import DEFAULT_SOCKET, DEFAULT_STATE
from .dhcp.arp import arp_reply, probe_all
from .dhcp.state import DhcpState
from .errors import BadRequest, NetsetupError
from .execute import pending, watched
from .files import StateDir
from .findings_text import findings_json, findings_text, has_problem
from .host import read_host
from .host_facts import ANY, HostFacts
from .kernel import read_facts
from .lan_findings import Evidence, parent_findings
from .model import Facts, Finding, Lease, Plan
from .parents import state_of
from .steps import Step

_AT_ONCE = 64  # packet sockets
_ARP_TIMEOUT_S = 1.0
_LAN_TIMEOUT_S = 20.0


async def examine(
    plans: Sequence[Plan], leases: Mapping[str, Lease], *, states: Mapping[str, DhcpState] | None = None
) -> list[Finding]:
    """Never raises for what is wrong with the host: that is a finding. `states`: the lease engines', by MAC; None when
    nobody asks who holds the leases. Changes nothing; takes at most a few seconds whatever the number of cameras."""
    now = time.time()
    found: list[Finding] = []
    facts = await read_facts(watched(plans, None))
    host = await asyncio.to_thread(read_host)
    valid = {mac: lease for mac, lease in leases.items() if lease.expires > now}
    steps: list[Step] = []
    try:
        steps = pending(plans, valid, facts)
    except BadRequest as error:
        found.append(Finding("name-taken", "problem", error.message, "Its camera has no interface.", error.hint))
    steps_by_camera = by_camera(steps, plans)
    found += host_incomplete(steps_by_camera.get("", []))
    for plan in plans:
        addresses = {slot.mac: address_of(plan, slot, valid, now) for slot in plan.slots}
        evidence = await _ask_lan(plan, {m: a for m, a in addresses.items() if a}, facts, host)
        found += parent_findings(plan, facts, host, evidence)
        for slot in plan.slots:
            found += camera_findings(
                plan,
                slot,
                addresses[slot.mac],
                facts,
                host,
                pending=steps_by_camera.get(slot.name, []),
                state=(states or {}).get(slot.mac),
                evidence=evidence,
                now=now,
            )
    if not plans:
        todo = "netsetup plan --parent eth0 --count 16 --dhcp shows what would be made."
        found.append(Finding("no-plan", "note", "No interfaces are planned.", "", todo))
    return found


async def _ask_lan(plan: Plan, addresses: Mapping[str, IPv4Interface], facts: Facts, host: HostFacts) -> Evidence:
    """By MAC; an adapter without cable is not asked."""
    parent = facts.link(plan.parent)
    if parent is None or state_of(facts, plan.parent) != "up":
        return Evidence()
    own = next((a.address for a in facts.addresses if a.link == plan.parent), None)
    asked: dict[str, IPv4Address] = {}
    sources: dict[str, IPv4Address] = {}
    for mac, address in addresses.items():
        target = _whom(plan, address, facts, host, {a.ip for a in addresses.values()})
        if target is not None:
            asked[mac], sources[mac] = target, address.ip
    if asked:
        target = next(iter(asked.values()))
        asked[parent.mac] = target
        sources[parent.mac] = own.ip if own and target in own.network else ANY
    places = asyncio.Semaphore(_AT_ONCE)

    async def ask(mac: str) -> tuple[str, str | None]:
        async with places:
            return mac, await arp_reply(plan.parent, mac, sources[mac], asked[mac], _ARP_TIMEOUT_S)

    try:
        async with asyncio.timeout(_LAN_TIMEOUT_S):
            claimed = await probe_all(plan.parent, {m: a.ip for m, a in addresses.items()}, quick=True)
            answers = await asyncio.gather(*(ask(mac) for mac in asked))
    except (NetsetupError, OSError, TimeoutError) as error:
        return Evidence(unheard=getattr(error, "message", "") or str(error) or "no time left.")
    return Evidence(asked, {mac: answer for mac, answer in answers if answer}, claimed)


def _whom(
    plan: Plan, address: IPv4Interface, facts: Facts, host: HostFacts, ours: set[IPv4Address]
) -> IPv4Address | None:
    """The gateway, else any device of the LAN that the host has spoken to lately."""
    gateways = [
        plan.gateway,
        *(route.via for route in facts.routes if route.via),
        *(via for _, via, _ in facts.host_routes),
    ]
    known = [n.address for n in host.neighbours if n.link == plan.parent]
    return next((ip for ip in [*gateways, *known] if ip is not None and ip in address.network and ip not in ours), None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help=f"default {DEFAULT_STATE}")
    parser.add_argument("--socket", type=Path, default=DEFAULT_SOCKET, metavar="PATH", help=f"default {DEFAULT_SOCKET}")


def run(args: argparse.Namespace) -> int:
    """1 when there is a problem. Asks the arm, which holds the leases; without it, what this machine knows."""
    findings = asyncio.run(_findings(args))
    sys.stdout.write(json.dumps(findings_json(findings)) + "\n" if args.json else findings_text(findings))
    return 1 if has_problem(findings) else 0


async def _findings(args: argparse.Namespace) -> list[Finding]:
    answer = await ask_arm(args.socket, {"do": "doctor"})
    if answer is not None:
        return [Finding(**finding) for finding in answer["findings"]]
    state = StateDir(args.state)
    plans = state.plans()
    found = await examine(plans, state.leases())
    if plans:
        why = "Nobody repairs interfaces, renews leases or applies the plan after a restart."
        todo = "systemctl start netsetup; if it is not installed yet: netsetup install --yes"
        found.append(Finding("arm-away", "warning", "The service netsetup does not run.", why, todo))
    return found

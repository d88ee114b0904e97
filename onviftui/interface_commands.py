"""The commands `onviftui interface …`: one coroutine per verb, from parsed arguments to output and exit code."""

from __future__ import annotations

import argparse
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.models import Finding, Interface, InterfaceChange, PlannedInterface

from .confirm import confirm
from .output import Column, Output, counted, local_time

CHANGE_TIMEOUT_S = 90.0  # new static addresses are asked for on the network before they are used


async def interface_list(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    interfaces: list[Interface] = await client.call("interface.available" if args.available else "interface.list")
    if out.json_mode:
        out.document(interfaces)
        return 0
    columns = (
        Column("ID", right=True),
        Column("NAME"),
        Column("ADDRESS"),
        Column("MAC"),
        Column("KIND", optional=True),
        Column("LINK", optional=True),
        Column("LEASE UNTIL", optional=True),
        Column("CAMERA", right=True),
        Column("MESSAGE", least=12, optional=True),
    )
    rows = [
        (
            i.id,
            i.name,
            i.address or "none",
            i.mac,
            i.kind,
            "up" if i.up else "down",
            local_time(i.lease_until) or i.method,
            i.camera or "free",
            i.message,
        )
        for i in interfaces
    ]
    out.table(columns, rows)
    return 0


async def interface_add(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params: dict[str, Any] = {"count": args.count}
    if args.parent is not None:
        params["parent"] = args.parent
    return await _change("interface.add", params, args, client, out)


async def interface_remove(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    return await _change("interface.remove", {"names": args.names}, args, client, out)


async def _change(method: str, params: dict[str, Any], args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    """Shows first, asks, then does exactly what was shown."""
    shown: InterfaceChange = await client.call(method, params | {"dry_run": True}, timeout_s=CHANGE_TIMEOUT_S)
    if args.dry_run:
        _say(shown, out)
        return 0
    if not args.yes and not out.json_mode:
        _say(shown, out)
    confirm(f"{_what(shown)}?", yes=args.yes, otherwise="Nothing was changed.")
    done: InterfaceChange = await client.call(method, params | {"digest": shown.digest}, timeout_s=CHANGE_TIMEOUT_S)
    _say(done, out)
    return 0


def _what(change: InterfaceChange) -> str:
    parts = [f"add {counted(len(change.added), 'interface')}" if change.added else ""]
    parts.append(f"remove {counted(len(change.removed), 'interface')}" if change.removed else "")
    words = " and ".join(filter(None, parts)) or "change nothing"
    return words[0].upper() + words[1:]


def _say(change: InterfaceChange, out: Output) -> None:
    if out.json_mode:
        out.document(change)
        return
    columns = (Column(""), Column("NAME"), Column("MAC"), Column("ADDRESS"), Column("PARENT"))
    rows = [_row("+", one) for one in change.added] + [_row("-", one) for one in change.removed]
    out.table(columns, rows)
    if not change.done:
        out.say("Nothing was changed yet.")
    elif change.added:
        out.say(f"Added {counted(len(change.added), 'interface')}. Cameras that wait for one start by themselves.")
    else:
        out.say(f"Removed {counted(len(change.removed), 'interface')}.")


def _row(sign: str, one: PlannedInterface) -> tuple[str, ...]:
    return sign, one.name, one.mac, one.address or "by DHCP", one.parent


async def interface_doctor(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    """Exit code 1 when there is a problem."""
    return say_findings(await client.call("interface.doctor", timeout_s=CHANGE_TIMEOUT_S), out)


def say_findings(findings: list[Finding], out: Output) -> int:
    """The exit code: 1 when there is a problem."""
    if out.json_mode:
        out.document(findings)
    else:
        for finding in findings:
            _say_finding(finding, out)
    return 1 if any(finding.severity == "problem" for finding in findings) else 0


def _say_finding(finding: Finding, out: Output) -> None:
    out.say(f"{finding.severity}: {finding.what}")
    if finding.why:
        out.say(f"    why: {finding.why}")
    if finding.todo:
        out.say(f"    do:  {finding.todo}")


COMMANDS = {
    "list": interface_list,
    "add": interface_add,
    "remove": interface_remove,
    "doctor": interface_doctor,
}

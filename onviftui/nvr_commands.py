"""The commands `onviftui nvr …`: one coroutine per verb, from parsed arguments to output and exit code."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
from datetime import UTC, datetime
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.models import FoundNvr, Job, JobState, Nvr, NvrTest, ScanDiff
from proxyd.errors import InvalidInput, ProxyError

from .address import split_address
from .confirm import confirm
from .naming import find_id
from .output import Column, Output, counted, format_pairs, local_time
from .progress import ProgressLine, run_scan
from .secret_input import read_password
from .words import format_clock_offset, number_ranges

_TESTED = {"host", "port", "username", "password"}
_TEST_TIMEOUT_S = 90.0
_TRANSPORTS = {
    "auto": "auto: TCP, and UDP where the NVR refuses that",
    "tcp": "TCP, inside the RTSP connection",
    "udp": "UDP",
}


async def nvr_discover(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params = {"timeout_s": args.timeout, "probe": args.probe}
    found: list[FoundNvr] = await client.call("nvr.discover", params, timeout_s=args.timeout + 60)
    if out.json_mode:
        out.document(found)
    elif not found:
        out.say("No ONVIF device answered. Is ONVIF switched on in the NVR, and is it in this network?")
        out.say("Without multicast, ask it directly: onviftui nvr discover --probe ADDRESS")
    else:
        columns = (
            Column("HOST"),
            Column("PORT", right=True),
            Column("CHANNELS", right=True),
            Column("NAME", least=8),
            Column("HARDWARE", least=8, optional=True),
            Column("NOTE", least=12),
        )
        rows = [
            (f.host, f.port, "?" if f.channels is None else f.channels, f.name, f.hardware, _found_note(f))
            for f in found
        ]
        out.table(columns, rows)
    if not out.json_mode:
        for silent in unanswered(args.probe, found):
            out.note(f"{silent} did not answer. Is it on, is ONVIF switched on in it, is that its address?")
    return 0


def unanswered(probed: list[str], found: list[FoundNvr]) -> list[str]:
    """Hosts that were asked by number and are not among those found; names may be found under their number."""
    silent = []
    for probe in probed:
        host, _ = split_address(probe)
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            if host not in {f.host for f in found}:
                silent.append(host)
    return silent


def _found_note(found: FoundNvr) -> str:
    if found.known is not None:
        return f"already added as NVR {found.known}"
    if not found.answers:
        return found.note or "announces itself but does not answer"
    return found.note or ("wants a password" if found.needs_password else "")


async def nvr_add(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params = _access_params(args)
    params["password"] = read_password(from_stdin=args.password_stdin, what=f"Password of {args.user} on {args.host}")
    nvr: Nvr = await client.call("nvr.add", params)
    if out.json_mode:
        out.document(nvr)
    else:
        out.say(f"Added NVR {nvr.id} ({nvr.name}). Next: onviftui nvr scan {nvr.id}")
    return 0


async def nvr_list(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    nvrs: list[Nvr] = await client.call("nvr.list")
    if out.json_mode:
        out.document(nvrs)
    elif not nvrs:
        out.say("No NVR yet. Add one: onviftui nvr add --host ADDRESS --user USER")
    else:
        columns = (
            Column("ID", right=True),
            Column("NAME", least=8),
            Column("ADDRESS"),
            Column("STATE"),
            Column("PICTURES", right=True),
            Column("LAST SCAN", optional=True),
            Column("REASON", least=10),
        )
        rows = [
            (
                n.id,
                n.name,
                f"{n.host}:{n.port}",
                n.state,
                _pictures(n),
                local_time(n.last_scan) or "never",
                n.reason,
            )
            for n in nvrs
        ]
        out.table(columns, rows)
    return 0


def _pictures(nvr: Nvr) -> str:
    return f"{nvr.online}/{nvr.channels}" if nvr.last_scan else "?"


async def nvr_show(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    nvr: Nvr = await client.call("nvr.get", {"id": await _nvr_id(args.id, client)})
    if out.json_mode:
        out.document(nvr)
        return 0
    out.lines(
        format_pairs(
            [
                ("id", nvr.id),
                ("name", nvr.name),
                ("address", f"{nvr.host}:{nvr.port}"),
                ("user", nvr.username),
                ("state", nvr.state),
                ("reason", nvr.reason),
                ("channels", f"{nvr.channels}, {nvr.online} with a picture" if nvr.last_scan else "not read yet"),
                ("device", f"{nvr.manufacturer} {nvr.model}".strip()),
                ("firmware", nvr.firmware),
                ("serial", nvr.serial),
                ("clock", format_clock_offset(nvr.clock_offset_s, datetime.now(UTC))),
                ("transport", _TRANSPORTS[nvr.transport]),
                ("events", nvr.events or "not fetched: none of its cameras runs"),
                ("last scan", local_time(nvr.last_scan) or "never"),
                ("running job", nvr.job),
            ]
        )
    )
    return 0


async def nvr_edit(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params = _access_params(args)
    if not params and not args.password_stdin:
        raise InvalidInput(
            "Nothing to change.", "Give --host, --port, --user, --name, --transport or --password-stdin."
        )
    params["id"] = await _nvr_id(args.id, client)
    if args.password_stdin:
        params["password"] = read_password(from_stdin=True, what="New password")
    if not args.no_test:
        await _require_working(params, client)
    nvr: Nvr = await client.call("nvr.update", params)
    if out.json_mode:
        out.document(nvr)
    else:
        next_step = "" if nvr.last_scan else f" Next: onviftui nvr scan {nvr.id}"
        out.say(f"Changed NVR {nvr.id} ({nvr.name}).{next_step}")
    return 0


async def _require_working(params: dict[str, Any], client: RpcClient) -> None:
    """New address and account are tried before they are kept; a name alone sends nothing. Raises ProxyError."""
    tested = {name: value for name, value in params.items() if name in _TESTED}
    if not tested:
        return
    test: NvrTest = await client.call("nvr.test", tested | {"id": params["id"]}, timeout_s=_TEST_TIMEOUT_S)
    if not test.ok:
        raise ProxyError(test.message, f"{test.hint} Nothing was saved. --no-test saves it all the same.".strip())


async def nvr_remove(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    nvr_id = await _nvr_id(args.id, client)
    nvr: Nvr = await client.call("nvr.get", {"id": nvr_id})
    confirm(f"Remove NVR {nvr.id} ({nvr.name}) with its cameras ({counted(nvr.channels, 'channel')})?", yes=args.yes)
    removed: Nvr = await client.call("nvr.remove", {"id": nvr_id})
    if out.json_mode:
        out.document(removed)
    else:
        out.say(f"Removed NVR {removed.id} ({removed.name}).")
    return 0


async def nvr_scan(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    nvr_id = await _nvr_id(args.id, client)
    if args.no_wait:
        params = {"id": nvr_id, "start": not args.no_start, "restore": args.restore}
        params |= {"preview": True} if args.preview else {}
        job: Job = await client.call("nvr.scan", params)
        if out.json_mode:
            out.document(job)
        else:
            out.say(f"Job {job.id}: {job.title}. Watch it: onviftui job list")
        return 0
    progress = ProgressLine(out.err)
    job = await run_scan(
        client, nvr_id, start=not args.no_start, restore=args.restore, preview=args.preview, progress=progress
    )
    if job.state is JobState.CANCELLED:
        if not job.done:
            raise ProxyError("Scan cancelled before the first channel was read.", "Nothing was changed.")
        raise ProxyError(
            f"Scan cancelled after {counted(job.done, 'channel')}.",
            "Nothing was changed." if job.preview else "What it found so far is kept; scan again for the rest.",
        )
    if job.state is not JobState.DONE:
        raise ProxyError(job.error or "The scan failed.", job.hint)
    if out.json_mode:
        out.document(job)
    else:
        out.lines(scan_summary(job.diff or ScanDiff(), job))
        if job.outcome == "waiting":
            out.say(f"Nothing was changed yet. Keep it: onviftui job apply {job.id}")
        elif job.diff and job.diff.new:
            out.say("Next: 'onviftui camera list' shows their addresses for the recorder.")
    return 0


def scan_summary(diff: ScanDiff, job: Job) -> list[str]:
    """What a scan changed, in words."""
    changes = [
        f"{len(numbers)} {word} ({number_ranges(numbers)})"
        for word, numbers in (
            ("new", diff.new),
            ("changed", diff.changed),
            ("missing", diff.missing),
            ("without picture", diff.offline),
        )
        if numbers
    ]
    summary = [f"Scanned {counted(job.done, 'channel')}: {', '.join(changes) or 'nothing changed'}."]
    summary += [f"  channel {number}: {words}" for number, words in sorted(diff.words.items())] if job.preview else []
    return summary + [f"Note: {warning}" for warning in diff.warnings]


async def nvr_test(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params = _access_params(args)
    if args.id is not None:
        params["id"] = await _nvr_id(args.id, client)
    elif not args.host or not args.user:
        raise InvalidInput("Which NVR?", "Give its id or name, or --host and --user.")
    if args.id is None or args.password_stdin:
        params["password"] = read_password(from_stdin=args.password_stdin, what="Password of the NVR's ONVIF user")
    test: NvrTest = await client.call("nvr.test", params)
    if not test.ok and not out.json_mode:
        raise ProxyError(test.message, test.hint)
    if out.json_mode:
        out.document(test)
    else:
        out.say(test.message)
    return 0 if test.ok else 1


async def _nvr_id(typed: str, client: RpcClient) -> int:
    return find_id(typed, await client.call("nvr.list"), "nvr")


def _access_params(args: argparse.Namespace) -> dict[str, Any]:
    """Only what was typed."""
    typed = {
        "host": args.host,
        "port": args.port,
        "username": args.user,
        "name": getattr(args, "name", None),
        "transport": getattr(args, "transport", None),
    }
    return {name: value for name, value in typed.items() if value is not None}


COMMANDS = {
    "discover": nvr_discover,
    "add": nvr_add,
    "list": nvr_list,
    "show": nvr_show,
    "edit": nvr_edit,
    "remove": nvr_remove,
    "scan": nvr_scan,
    "test": nvr_test,
}

"""The commands `onviftui camera …` about what recorders do with a camera: one coroutine per verb."""

from __future__ import annotations

import argparse

from proxyd.api.client import RpcClient
from proxyd.api.models import Camera, Exchange, TraceEntry

from .interface_commands import say_findings
from .naming import find_id, find_ids
from .output import Column, Output, counted, harmless, local_time
from .refusals import newest_refusal, refusal_words
from .words import request_words


async def camera_trace(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera_id = find_id(args.id, await client.call("camera.list"), "camera")
    if args.raw is not None:
        return await _print_exchange(camera_id, args.raw, client, out)
    params = {"id": camera_id, "limit": args.limit} | ({"recorder": args.recorder} if args.recorder else {})
    entries: list[TraceEntry] = await client.call("camera.trace", params)
    if out.json_mode:
        out.document(entries)
        return 0
    columns = (
        Column("NO", right=True, optional=True),
        Column("TIME"),
        Column("CLIENT"),
        Column("PROTOCOL", optional=True),
        Column("OPERATION", least=12),
        Column("AUTH", optional=True),
        Column("MS", right=True, optional=True),
        Column("RESULT"),
        Column("REASON", least=12),
    )
    if not entries:
        out.say("No recorder has asked this camera for anything since the daemon started.")
        return 0
    out.table(columns, [_cells(entry) for entry in entries])
    if refusal := newest_refusal(entries):
        out.note(refusal_words(refusal, f"onviftui camera credentials {camera_id}"))
    return 0


def _cells(entry: TraceEntry) -> tuple[object, ...]:
    return (
        entry.number,
        local_time(entry.at),
        entry.client,
        entry.protocol,
        request_words(entry),
        entry.auth,
        "" if entry.took_ms is None else entry.took_ms,
        "ok" if entry.ok else "refused",
        entry.reason,
    )


async def _print_exchange(camera_id: int, number: int, client: RpcClient, out: Output) -> int:
    found: Exchange = await client.call("camera.exchange", {"id": camera_id, "number": number})
    if out.json_mode:
        out.document(found)
        return 0
    entry = found.entry
    result = "answered" if entry.ok else f"refused: {entry.reason}"
    out.say(harmless(f"{local_time(entry.at)}  {entry.client}  {entry.operation}, {result}"))
    for title, side in (("the recorder", found.request), ("the camera", found.reply)):
        out.say(f"\n--- {title} sent ---")
        for line in side.splitlines():
            out.say(harmless(line.expandtabs()))
    return 0


async def camera_doctor(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    """Exit code 1 when there is a problem."""
    camera_id = find_id(args.id, await client.call("camera.list"), "camera")
    return say_findings(await client.call("camera.diagnosis", {"id": camera_id}), out)


async def camera_forget_adoption(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    ids = find_ids(args.ids, args.all, await client.call("camera.list"), "camera")
    cameras: list[Camera] = await client.call("adoption.forget", {"ids": ids}) if ids else []
    if out.json_mode:
        out.document(cameras)
    else:
        out.say(
            f"Forgot which recorder has {counted(len(cameras), 'camera')}. Who comes now is met for the first time."
        )
    return 0


COMMANDS = {"trace": camera_trace, "doctor": camera_doctor, "forget-adoption": camera_forget_adoption}

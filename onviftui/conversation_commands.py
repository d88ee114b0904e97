"""The commands `onviftui camera …` about what recorders do with a camera: one coroutine per verb."""

from __future__ import annotations

import argparse

from proxyd.api.client import RpcClient
from proxyd.api.models import Exchange, TraceEntry

from .naming import find_id
from .output import Column, Output, harmless, local_time
from .refusals import newest_refusal, refusal_words


async def camera_trace(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera_id = find_id(args.id, await client.call("camera.list"), "camera")
    if args.raw is not None:
        return await _print_exchange(camera_id, args.raw, client, out)
    entries: list[TraceEntry] = await client.call("camera.trace", {"id": camera_id, "limit": args.limit})
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
        entry.operation,
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


COMMANDS = {"trace": camera_trace}

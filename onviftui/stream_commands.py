"""The command `onviftui camera streams`: what passes through a camera at the moment, and who gets it."""

from __future__ import annotations

import argparse

from proxyd.api.client import RpcClient
from proxyd.api.streams import StreamClient, StreamStatus

from .naming import find_id
from .output import Column, Output, counted, format_pairs, local_time
from .stream_words import flow_words, sent_words, told_words
from .words import Look, format_mbit


async def camera_streams(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera_id = find_id(args.id, await client.call("camera.list"), "camera")
    streams: list[StreamStatus] = await client.call("camera.streams", {"id": camera_id})
    if out.json_mode:
        out.document(streams)
        return 0
    if not streams:
        out.say("Its NVR has not told of any stream yet.")
    for stream in streams:
        out.lines(format_pairs(_pairs(stream)))
    clients = [(stream.name, client) for stream in streams for client in stream.clients]
    if clients:
        columns = (
            Column("STREAM"),
            Column("CLIENT"),
            Column("BY"),
            Column("SINCE"),
            Column("SKIPS", right=True),
            Column("DROPPED", right=True),
        )
        out.table(columns, [_cells(name, client) for name, client in clients])
    return 0


def _pairs(stream: StreamStatus) -> list[tuple[str, object]]:
    look = Look()
    rate = f"  {format_mbit(stream.source_bps) or 0} Mbit/s" if stream.state == "running" else ""
    return [
        ("stream", f"{stream.name}, {stream.state}"),
        ("told", told_words(stream, look)),
        ("sent", sent_words(stream, look)),
        ("warning", stream.warning),
        ("from the NVR", f"{flow_words(stream)}{rate}"),
        ("lost", f"{counted(stream.lost, 'packet')}, {counted(stream.reconnects, 'reconnect')}"),
        ("to recorders", f"{format_mbit(stream.bps) or 0} Mbit/s, {len(stream.clients)} playing"),
        ("in all", f"{stream.bytes_total} bytes in {stream.packets_total} packets"),
    ]


def _cells(name: str, client: StreamClient) -> tuple[object, ...]:
    return name, client.address, client.transport, local_time(client.since), client.skips, client.dropped


COMMANDS = {"streams": camera_streams}

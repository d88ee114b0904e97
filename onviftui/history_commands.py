"""The commands `onviftui camera history` and `onviftui history`: what passed in the last five minutes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from proxyd.api.client import RpcClient
from proxyd.api.history import CameraHistory, History, StreamHistory

from .naming import find_id
from .output import Column, Output
from .widgets.sparkline import sparkline
from .words import Look, format_mbit

_MINUTES = (5, 4, 3, 2, 1)
_RATES = (Column("MBIT/S", right=True), Column("FROM NVR", right=True, optional=True))
_COUNTS = (Column("LOST", right=True), Column("CLIENTS", right=True))
_NOTHING = "Nothing passed in the last five minutes."


async def camera_history(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera_id = find_id(args.id, await client.call("camera.list"), "camera")
    history: CameraHistory = await client.call("camera.history", {"id": camera_id})
    if out.json_mode:
        out.document(history)
        return 0
    busy = [stream for stream in history.streams if any(stream.source_bps) or any(stream.clients)]
    if not busy:
        out.say(_NOTHING)
        return 0
    for stream in busy:
        out.say(f"{stream.name:<6}{_drawn(stream.source_bps, out)}")
    columns = (Column("STREAM"), Column("MINUTE"), *_RATES, Column("FPS", right=True), *_COUNTS)
    out.table(columns, [(stream.name, *cells) for stream in busy for cells in _minutes(stream, history.step_s)])
    return 0


async def history(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    found: History = await client.call("history")
    if out.json_mode:
        out.document(found)
    elif not any(found.bps):
        out.say(_NOTHING)
    else:
        out.say(_drawn(found.bps, out))
        out.table((Column("MINUTE"), *_RATES, *_COUNTS), _minutes(found, found.step_s))
    return 0


def _minutes(of: StreamHistory | History, step_s: int) -> list[tuple[object, ...]]:
    """The cells of each minute: means, what was lost in it, and how many played at its end."""
    steps = 60 // step_s
    rows: list[tuple[object, ...]] = []
    for ago in _MINUTES:
        part = slice(-ago * steps, len(of.bps) - (ago - 1) * steps)
        fps = [f"{_mean(of.fps[part]):.1f}"] if isinstance(of, StreamHistory) else []
        rates = (_mbit(of.bps[part]), _mbit(of.source_bps[part]))
        words = "the last" if ago == 1 else f"{ago} ago"
        rows.append((words, *rates, *fps, sum(of.lost[part]), of.clients[part][-1]))
    return rows


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def _mbit(values: Sequence[float]) -> str:
    return format_mbit(round(_mean(values))) or "0"


def _drawn(bps: Sequence[int], out: Output) -> str:
    """Ends with numbers, for those who do not see blocks."""
    row = sparkline(bps, len(bps), Look(ascii=not _draws_blocks(out)))
    numbers = f"now {format_mbit(bps[-1]) or 0}, most {format_mbit(max(bps))} Mbit/s"
    return f"{row}  {numbers}" if row else numbers


def _draws_blocks(out: Output) -> bool:
    return "utf" in (getattr(out.out, "encoding", None) or "utf-8").lower()

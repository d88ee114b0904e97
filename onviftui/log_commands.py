"""The commands `onviftui log …`: what was done and by whom, and the daemon's own lines."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.logs import DaemonLine, DaemonLog
from proxyd.api.models import LogEntry

from .naming import find_id
from .output import Output, counted, harmless, local_time

_LEVELS = ("info", "warning", "error")
_POLL_S = 0.5


async def tail(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera, nvr = await _numbers(args, client)
    subject = f"camera {camera}" if camera is not None else f"nvr {nvr}" if nvr is not None else ""
    params = {"level": args.level, "subject": subject, "actor": args.by, "text": args.text}
    if args.follow:
        await client.subscribe()
    entries: list[LogEntry] = await client.call("log.tail", {"limit": args.limit, "before": args.before, **params})
    if out.json_mode and not args.follow:
        out.document(entries)
        return 0
    newest = 0
    for entry in entries:
        _show_entry(entry, out)
        newest = entry.id
    out.out.flush()
    if args.follow:
        async for event in client.events():
            if event.kind == "log" and event.data.get("id", 0) > newest:
                entry = LogEntry.model_validate(event.data)
                if _matches(entry, params):
                    _show_entry(entry, out)
                    out.out.flush()
    return 0


def _matches(entry: LogEntry, params: dict[str, str]) -> bool:
    """As the daemon chooses."""
    text = params["text"].casefold()
    return (
        _LEVELS.index(entry.level) >= _LEVELS.index(params["level"])
        and params["subject"] in ("", entry.subject)
        and params["actor"].casefold() in entry.actor.casefold()
        and (text in entry.message.casefold() or text in entry.subject.casefold())
    )


def _show_entry(entry: LogEntry, out: Output) -> None:
    """With --json --follow one JSON object per line."""
    if out.json_mode:
        out.out.write(entry.model_dump_json() + "\n")
        return
    actor = f" ({entry.actor})" if entry.actor else ""
    out.say(harmless(f"{local_time(entry.at)}  {entry.level:<7}  {entry.subject}: {entry.message}{actor}"))


async def daemon(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera, nvr = await _numbers(args, client)
    params: dict[str, Any] = {"level": args.level, "text": args.text, "camera": camera, "nvr": nvr}
    log: DaemonLog = await client.call("log.daemon", {"limit": args.limit, **params})
    if out.json_mode and not args.follow:
        out.document(log)
        return 0
    _show_lines(log, out)
    while args.follow:
        await asyncio.sleep(_POLL_S)
        log = await client.call("log.daemon", {"limit": 1000, "after": log.newest, **params})
        if log.forgotten:
            out.note(f"{counted(log.forgotten, 'line')} came too fast and are not kept.")
        _show_lines(log, out)
    return 0


def _show_lines(log: DaemonLog, out: Output) -> None:
    for line in log.lines:
        if out.json_mode:
            out.out.write(line.model_dump_json() + "\n")
        else:
            out.lines(harmless(words) for words in line_words(line))
    out.out.flush()


def line_words(line: DaemonLine) -> list[str]:
    """A line as text; its traceback below it, indented."""
    first = f"{local_time(line.at)}  {line.level:<7}  {line.part}: {line.message}"
    return [first, *(f"    {row}" for row in line.detail.splitlines())]


async def _numbers(args: argparse.Namespace, client: RpcClient) -> tuple[int | None, int | None]:
    """Of the camera and the NVR that are asked for. Raises ProxyError when there is none of that name."""
    camera = find_id(args.camera, await client.call("camera.list"), "camera") if args.camera else None
    nvr = find_id(args.nvr, await client.call("nvr.list"), "nvr") if args.nvr else None
    return camera, nvr


COMMANDS = {"tail": tail, "daemon": daemon}

"""The commands `onviftui camera snapshot` and `camera sheet`: pictures into files, pipes and terminals."""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import shutil
import sys
from pathlib import Path

from proxyd.api.client import RpcClient
from proxyd.api.models import Camera, Picture
from proxyd.errors import InvalidInput, ProxyError

from .naming import find_id
from .output import Output, counted
from .picture_words import origin_words, why_none
from .terminal import Colours, colours_of, light_background, speaks_utf8

AT_ONCE = 3
_DEADLINE_S = 60.0
_NAMED = 8  # cameras without a picture, in the note below a sheet
_WIDEST = 1920


async def camera_snapshot(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera_id = find_id(args.id, await client.call("camera.list"), "camera")
    if args.show:
        return await _show(camera_id, args, client, out)
    target = _target(args.output)
    if target is None and not out.json_mode:
        _refuse_terminal("Use --show, -o FILE, or send it to a program or file.")
    picture: Picture = await client.call("camera.snapshot", {"id": camera_id})
    image = base64.b64decode(picture.data)
    if target is not None:
        await _write_file(target, image)
    if out.json_mode:
        summary = picture.model_dump(exclude={"data"}) | {"bytes": len(image)}
        out.document(summary | ({"data": picture.data} if target is None else {"file": str(target)}))
    elif target is None:
        _write_out(image)
    else:
        out.say(f"Wrote {target} ({len(image)} bytes, {picture.content_type}, {origin_words(picture)}).")
    if picture.fallback and not out.json_mode:
        out.note(f"Note: this is the stand-in picture that the recorder gets, too. Why: {why_none(picture)}")
    return 0


async def camera_sheet(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    from .pictures.jpeg_sheet import MOST, WIDTH, Entry, sheet, size_for

    cameras: list[Camera] = await client.call("camera.list")
    if args.nvr is not None:
        nvr = find_id(args.nvr, await client.call("nvr.list"), "NVR")
        cameras = [camera for camera in cameras if camera.nvr == nvr]
    if not cameras:
        raise InvalidInput("There is no camera to make a sheet of.", "onviftui camera list shows which there are.")
    if len(cameras) > MOST:
        raise InvalidInput(f"A sheet has at most {MOST} pictures.", "Choose one NVR with --nvr.")
    target = _target(args.output)
    if target is None and not out.json_mode:
        _refuse_terminal("Use -o FILE, or send it to a program or file.")
    if target is None and out.json_mode:
        raise InvalidInput("With --json the sheet needs a file.", "Use -o FILE.")
    cameras.sort(key=lambda camera: (camera.nvr, camera.channel, camera.id))
    line = asyncio.Semaphore(AT_ONCE)

    async def entry(camera: Camera) -> Entry:
        async with line:
            try:
                params = {"id": camera.id, "max_width": WIDTH}
                picture: Picture = await client.call("camera.snapshot", params, _DEADLINE_S)
            except ProxyError as error:
                return Entry(camera.name, None, error.message)
        if picture.fallback:
            return Entry(camera.name, None, why_none(picture))
        return Entry(camera.name, base64.b64decode(picture.data))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(entry(camera), name=f"picture of camera {camera.id}") for camera in cameras]
    entries = [task.result() for task in tasks]
    image = await asyncio.to_thread(sheet, entries)
    if target is None:
        _write_out(image)
    else:
        await _write_file(target, image)
    without = [found.name for found in entries if found.picture is None]
    if out.json_mode:
        width, height = size_for(len(entries))
        told = {"file": str(target), "bytes": len(image), "width": width, "height": height}
        out.document(told | {"cameras": len(entries), "without": without})
    elif target is not None:
        out.say(f"Wrote {target}: {counted(len(entries), 'camera')}, {len(image)} bytes.")
    if without and not out.json_mode:
        out.note(f"Note: {counted(len(without), 'camera')} without a picture: {some_names(without)}.")
    return 0


def some_names(names: list[str]) -> str:
    """All of few; of many the first, and how many more."""
    if len(names) <= _NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more; --json names all"


async def _show(camera: int, args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    """In the terminal, by the same methods as the UI."""
    from .pictures import ask_tty, blocks, kitty
    from .pictures.capability import Answers, Method, choose, may_ask
    from .pictures.drawing import Canvas, draw
    from .pictures.scaling import NotAPicture, fitted

    if out.json_mode or args.output is not None or not sys.stdout.isatty():
        raise InvalidInput("--show draws in a terminal.", "Leave out --json and -o, and run it in a terminal.")
    environ, wanted = os.environ, os.environ.get("ONVIFTUI_PICTURES", "auto")
    answers = Answers()
    if sys.stdin.isatty() and may_ask(environ, wanted):
        answers = await asyncio.to_thread(ask_tty.ask, sys.stdin.fileno())
    colours, ascii_only = colours_of(environ), not speaks_utf8(environ)
    method = choose(environ, colours, answers, wanted=wanted, ascii_only=ascii_only)
    if method is Method.OFF:
        method = Method.CHARACTERS if ascii_only or colours in (Colours.NONE, Colours.SIXTEEN) else Method.BLOCKS
    size = shutil.get_terminal_size()
    canvas = Canvas(
        method,
        (max(1, size.columns - 1), max(1, size.lines - 2)),  # with room for the line below and the prompt
        answers.cell,
        colours is Colours.TRUE,
        ascii_only,
        not light_background(environ),
    )
    params = {"id": camera, "max_width": max(16, min(_WIDEST, canvas.pixels))}
    picture: Picture = await client.call("camera.snapshot", params, _DEADLINE_S)
    shape = (picture.width, picture.height) if picture.width and picture.height else (16, 9)
    data = base64.b64decode(picture.data)
    try:
        drawn = draw(data, shape, canvas)
    except NotAPicture as error:
        raise ProxyError(f"What came is {error}.", "Save it with -o FILE and look at it.") from None
    if method is Method.KITTY:
        from .pictures.scaling import load, within

        columns, rows = fitted(shape, canvas.room, canvas.cell or (1, 2))
        pixels = within(shape, (columns * (canvas.cell or (8, 16))[0], rows * (canvas.cell or (8, 16))[1]))
        out.out.write(kitty.put(load(data, pixels), columns, rows) + "\n")
    elif method is Method.SIXEL:
        out.out.write(drawn.over + "\n")
    else:
        out.out.write(blocks.written(drawn.rows, true_colour=canvas.true_colour))
    shown = f"{picture.width}×{picture.height}, {picture.size} bytes" if picture.size else ""
    out.say(", ".join(filter(None, (origin_words(picture), shown))))
    if picture.fallback:
        out.note(f"Note: this is the stand-in picture that the recorder gets, too. Why: {why_none(picture)}")
    return 0


def _target(output: Path | None) -> Path | None:
    """None: standard output."""
    return None if output is None or str(output) == "-" else output


def _refuse_terminal(hint: str) -> None:
    if sys.stdout.isatty():
        raise InvalidInput("A picture would garble this terminal.", hint)


def _write_out(image: bytes) -> None:
    sys.stdout.buffer.write(image)
    sys.stdout.buffer.flush()


async def _write_file(target: Path, image: bytes) -> None:
    try:
        await asyncio.to_thread(target.write_bytes, image)
    except OSError as error:
        raise ProxyError(f"Cannot write {target}: {error.strerror}.", "Choose another -o FILE.") from None


COMMANDS = {"snapshot": camera_snapshot, "sheet": camera_sheet}

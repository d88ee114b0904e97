"""The command `onviftui camera qr`: a camera's ONVIF address, for the camera of a phone or tablet."""

from __future__ import annotations

import argparse
import os

from proxyd.api.client import RpcClient
from proxyd.api.models import Camera
from proxyd.errors import Conflict

from .naming import find_id
from .output import Output, harmless

_WHITE_ON_BLACK, _AS_BEFORE = "\x1b[97;40m", "\x1b[0m"
_REVERSED = "\x1b[7m"


async def camera_qr(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    from .widgets.qr import half_blocks, light_modules, runs  # here: the library is of no use to other commands

    cameras: list[Camera] = await client.call("camera.list")
    wanted = find_id(args.id, cameras, "camera")
    camera = next(camera for camera in cameras if camera.id == wanted)
    if camera.onvif_url is None:
        raise Conflict(f"{camera.name} has no address yet.", f"onviftui camera show {camera.id} says why.")
    light = light_modules(camera.onvif_url)
    if out.json_mode:
        modules = ["".join("0" if module else "1" for module in row) for row in light]
        out.document({"camera": camera.id, "text": camera.onvif_url, "modules": modules})
        return 0
    coloured = out.out.isatty() and "NO_COLOR" not in os.environ
    if "utf" in (getattr(out.out, "encoding", None) or "utf-8").lower():
        before, after = (_WHITE_ON_BLACK, _AS_BEFORE) if coloured else ("", "")
        out.lines(f"{before}{row}{after}" for row in half_blocks(light))
    elif out.out.isatty():  # blanks on a reversed ground: nothing else is dense enough in ASCII
        out.lines("".join(_cells(*run) for run in row) for row in runs(light))
    else:
        raise Conflict("A QR code cannot be drawn in ASCII alone.", "Add --json, or set LANG to a UTF-8 locale.")
    out.say(harmless(f"{camera.name}: {camera.onvif_url}"))
    return 0


def _cells(light: bool, cells: int) -> str:
    return f"{_REVERSED}{' ' * cells}{_AS_BEFORE}" if light else " " * cells

"""`onviftui camera edit-all`: many cameras changed at once, all or none."""

from __future__ import annotations

import argparse
from typing import Any

from proxyd.api.bulk import SWITCHES, CamerasUpdated
from proxyd.api.client import RpcClient
from proxyd.api.models import Camera
from proxyd.errors import InvalidInput

from .confirm import confirm
from .naming import find_ids
from .output import Column, Output, counted
from .secret_input import read_password


async def camera_edit_all(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    cameras: list[Camera] = await client.call("camera.list")
    ids = find_ids(args.ids, args.all, cameras, "camera")
    params: dict[str, Any] = {switch: wanted == "on" for switch in SWITCHES if (wanted := getattr(args, switch))}
    if args.names is not None:
        params["pattern"] = args.names
    if args.user is not None:
        params["username"] = args.user
    if args.user is not None or args.password_stdin:
        params["password"] = read_password(from_stdin=args.password_stdin, what="Password of these cameras")
    if not params or not ids:
        raise InvalidInput("Nothing to change.", "Give --names, --discovery or another option, and cameras.")
    params["ids"] = ids
    preview: CamerasUpdated = await client.call("camera.update_all", params | {"dry_run": True})
    if args.dry_run:
        _print(preview, out)
        return 0
    if not args.yes and not out.json_mode:
        _print(preview, out)
    confirm(f"Change {counted(len(ids), 'camera')}?", yes=args.yes, otherwise="Nothing was changed.")
    done: CamerasUpdated = await client.call("camera.update_all", params)
    if out.json_mode:
        out.document(done)
    else:
        out.say(f"Changed {counted(len(done.cameras), 'camera')}. Take it back with: onviftui undo")
    return 0


def _print(preview: CamerasUpdated, out: Output) -> None:
    if out.json_mode:
        out.document(preview)
    elif preview.names:
        columns = (Column("CAMERA", right=True), Column("NAME", least=10), Column("NEW NAME", least=10))
        out.table(columns, [(one.camera, one.before, one.after) for one in preview.names])
    else:
        out.say(f"{counted(len(preview.cameras), 'camera')}: " + ", ".join(camera.name for camera in preview.cameras))

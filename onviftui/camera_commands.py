"""The commands `onviftui camera …`: one coroutine per verb, from parsed arguments to output and exit code."""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import urlsplit

from proxyd.api.client import RpcClient
from proxyd.api.models import Camera, CameraEvent, CameraState, Credentials, Stream
from proxyd.errors import InvalidInput

from . import (
    bulk_commands,
    certificate_commands,
    conversation_commands,
    history_commands,
    picture_commands,
    qr_commands,
    stream_commands,
)
from .confirm import confirm
from .naming import find_id, find_ids
from .output import Column, Output, counted, format_pairs, harmless, local_time
from .secret_input import read_password
from .words import HTTPS_BEGINS, codec_name, format_mbit


async def camera_list(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    cameras: list[Camera] = await client.call("camera.list")
    if out.json_mode:
        out.document(cameras)
    elif not cameras:
        out.say("No camera yet. Scan an NVR: onviftui nvr scan ID")
    else:
        _print_cameras(cameras, out)
    return 0


def _print_cameras(cameras: list[Camera], out: Output) -> None:
    columns = (
        Column("ID", right=True),
        Column("NAME", least=8),
        Column("NVR", right=True, optional=True),
        Column("CH", right=True, optional=True),
        Column("STATE"),
        Column("ADDRESS"),
        Column("ADOPTED BY", optional=True),
        Column("MAIN", least=9, optional=True),
        Column("REASON", least=10),
    )
    rows = [
        (
            c.id,
            c.name,
            c.nvr,
            c.channel,
            c.state,
            _place(c),
            c.adopted_by or "none",
            _main_stream(c),
            c.reason,
        )
        for c in cameras
    ]
    out.table(columns, rows)


def _place(camera: Camera) -> str:
    """What is typed into a recorder: the address, with the port where it is not 80."""
    return urlsplit(camera.onvif_url).netloc if camera.onvif_url else camera.address or "none"


def _main_stream(camera: Camera) -> str:
    stream = next((s for s in camera.streams if s.name == "main"), None)
    return f"{codec_name(stream.codec)} {stream.width}×{stream.height}" if stream else "none"


async def camera_show(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera: Camera = await client.call("camera.get", {"id": await _camera_id(args.id, client)})
    if out.json_mode:
        out.document(camera)
        return 0
    nvr = next((nvr.name for nvr in await client.call("nvr.list") if nvr.id == camera.nvr), "unknown")
    interface = f"{camera.interface}, {camera.mac}" if camera.interface else "none"
    out.lines(
        format_pairs(
            [
                ("id", camera.id),
                ("name", camera.name),
                ("state", camera.state),
                ("reason", camera.reason),
                ("note", camera.note),
                ("NVR", f"{camera.nvr} ({nvr}), channel {camera.channel}"),
                ("address", camera.address or "none"),
                ("interface", interface),
                ("ONVIF", camera.onvif_url),
                ("snapshot", camera.snapshot_url),
                ("last snapshot", camera.picture),
                *[(f"{stream.name} stream", _stream_line(stream)) for stream in camera.streams],
                *[(f"{stream.name} by TLS", stream.rtsps_url) for stream in camera.streams if stream.rtsps_url],
                ("user", camera.username),
                ("password", f"onviftui camera credentials {camera.id}"),
                ("adopted by", camera.adopted_by or f"none; onviftui camera doctor {camera.id} says why"),
                ("recorder", camera.recorder or "none has asked yet"),
                ("clients", camera.clients),
                ("last event", f"{camera.last_event}, {local_time(camera.last_event_at)}" if camera.last_event else ""),
                ("discovery", "on" if camera.discovery else "off"),
                ("notifies", ", ".join(["its own LAN", *camera.notify])),
                ("sound", "on" if camera.audio else "off: recorders get none"),
                ("H.265", "on" if camera.h265 else "off: hidden from recorders where there is H.264"),
                ("metadata", "on" if camera.metadata else "off: recorders get no events beside the video"),
                ("forwarding", "on: recorders may change encoder and picture" if camera.forward else "off"),
                (
                    "sharing",
                    "on: one session with the NVR per stream" if camera.share else "off: one per recorder",
                ),
                ("HTTPS", camera.https_url or (HTTPS_BEGINS if camera.https else "off")),
                ("clock", f"may differ by {camera.clock_window_s} s"),
                ("accounts", ", ".join(camera.accounts) or "its own alone"),
                ("PTZ", "yes" if camera.ptz else "no"),
                (
                    "loudspeaker",
                    "yes: recorders can talk" if camera.speaker else "no" if camera.audio else "no: sound is off",
                ),
                ("starts at boot", "yes" if camera.enabled else "no"),
                ("serial", camera.serial),
                ("uuid", camera.uuid),
            ]
        )
    )
    return 0


def _stream_line(stream: Stream) -> str:
    picture = f"{codec_name(stream.codec)} {stream.width}×{stream.height}"
    live = (
        f", now {format_mbit(stream.bps) or 0} Mbit/s to {counted(stream.clients, 'client')}" if stream.clients else ""
    )
    return f"{stream.url}  {picture}, {stream.fps} fps, {stream.bitrate} kbit/s{live}"


async def camera_edit(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params: dict[str, Any] = {}
    if args.name is not None:
        params["name"] = args.name
    if args.user is not None:
        params["username"] = args.user
    if args.discovery is not None:
        params["discovery"] = args.discovery == "on"
    if args.notify is not None:
        params["notify"] = [] if args.notify == "none" else args.notify.split(",")
    for switch in ("audio", "h265", "metadata", "forward", "share", "https"):
        if (chosen := getattr(args, switch)) is not None:
            params[switch] = chosen == "on"
    if args.clock_window is not None:
        params["clock_window_s"] = args.clock_window
    if args.drop_accounts:
        params["drop_accounts"] = True
    if not params and not args.password_stdin:
        raise InvalidInput(
            "Nothing to change.", "Give --discovery, --https or another option: onviftui camera edit --help"
        )
    params["id"] = await _camera_id(args.id, client)
    if args.password_stdin:
        params["password"] = read_password(from_stdin=True, what="New password of this camera")
    camera: Camera = await client.call("camera.update", params)
    if out.json_mode:
        out.document(camera)
    else:
        out.say(f"Changed camera {camera.id} ({camera.name}).")
        if "username" in params or "password" in params:
            out.say("The recorder must be given the new user name and password.")
        if params.get("https"):
            out.say(f"Next: 'onviftui camera show {camera.id}' shows its addresses for HTTPS and RTSPS.")
    return 0


async def camera_start(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    return await _for_several("camera.start", args, client, out)


async def camera_stop(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    return await _for_several("camera.stop", args, client, out)


async def camera_restart(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    return await _for_several("camera.restart", args, client, out)


async def camera_remove(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    cameras: list[Camera] = await client.call("camera.list")
    ids = find_ids(args.ids, args.all, cameras, "camera")
    if ids:
        names = ", ".join(camera.name for camera in cameras if camera.id in ids)
        confirm(f"Remove {counted(len(ids), 'camera')} ({names}) and free the interfaces?", yes=args.yes)
    removed: list[Camera] = await client.call("camera.remove", {"ids": ids}) if ids else []
    if out.json_mode:
        out.document(removed)
    else:
        out.say(f"Removed {counted(len(removed), 'camera')}.")
    return 0


async def _for_several(method: str, args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    """Exit code 1 when a camera that should run failed; waiting for its NVR or address is not failing."""
    ids = find_ids(args.ids, args.all, await client.call("camera.list"), "camera")
    cameras: list[Camera] = await client.call(method, {"ids": ids}) if ids else []
    if out.json_mode:
        out.document(cameras)
    elif cameras:
        _print_cameras(cameras, out)
    else:
        out.say("There are no cameras.")
    return 1 if any(camera.state is CameraState.FAILED for camera in cameras) else 0


async def camera_ptz(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params: dict[str, Any] = {"id": await _camera_id(args.id, client), "action": args.action}
    params |= {"seconds": args.seconds, "speed": args.speed}
    if args.preset is not None:
        params["preset"] = args.preset
    camera: Camera = await client.call("camera.ptz", params)
    if out.json_mode:
        out.document(camera)
    else:
        out.say(f"{camera.name}: {args.action}{f' {args.preset}' if args.preset else ''}.")
    return 0


async def camera_presets(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    names: list[str] = await client.call("camera.presets", {"id": await _camera_id(args.id, client)})
    if out.json_mode:
        out.document(names)
    elif not names:
        out.say("It has no preset with a name; name one on the NVR.")
    else:
        out.lines(map(harmless, names))
    return 0


async def camera_events(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera_id = await _camera_id(args.id, client)
    events: list[CameraEvent] = await client.call("camera.events", {"id": camera_id, "limit": args.limit})
    if out.json_mode:
        out.document(events)
    elif not events:
        out.say("Nothing has happened before this camera since the daemon started, or its NVR sends no events.")
    else:
        columns = (Column("TIME"), Column("EVENT", least=12), Column("TOPIC", least=12, optional=True))
        out.table(columns, [(local_time(event.at), event.what, event.topic) for event in events])
    return 0


async def camera_credentials(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    credentials: Credentials = await client.call("camera.credentials", {"id": await _camera_id(args.id, client)})
    if out.json_mode:
        out.document(credentials)
    else:
        out.lines(format_pairs([("user", credentials.username), ("password", credentials.password)]))
    return 0


async def _camera_id(typed: str, client: RpcClient) -> int:
    return find_id(typed, await client.call("camera.list"), "camera")


COMMANDS = {
    "list": camera_list,
    "show": camera_show,
    **stream_commands.COMMANDS,
    "history": history_commands.camera_history,
    "qr": qr_commands.camera_qr,
    "edit": camera_edit,
    "edit-all": bulk_commands.camera_edit_all,
    "start": camera_start,
    "stop": camera_stop,
    "restart": camera_restart,
    "remove": camera_remove,
    **picture_commands.COMMANDS,
    "ptz": camera_ptz,
    "presets": camera_presets,
    **conversation_commands.COMMANDS,
    "events": camera_events,
    "credentials": camera_credentials,
    **certificate_commands.COMMANDS,
}

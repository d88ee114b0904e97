"""The commands `onviftui source …`: cameras that are known by their RTSP addresses, one by one or from a list."""

from __future__ import annotations

import argparse
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.models import JobState, NvrTest, Source, SourceImported
from proxyd.errors import InvalidInput, ProxyError

from .address import user_in
from .naming import find_id
from .output import Column, Output, counted
from .progress import ProgressLine, run_scan
from .secret_input import read_password
from .source_words import LIST_KB, TOO_LARGE, remark
from .text_file import read_text

_IMPORT_TIMEOUT_S = 60.0
_SIGNS = {"new": "+", "known": "=", "unusable": "!"}


async def source_add(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params = _address_params(args) | ({"name": args.name} if args.name is not None else {})
    source: Source = await client.call("source.add", params | {"scan": False})
    if not args.no_scan:
        job = await run_scan(client, source.nvr, progress=ProgressLine(out.err))
        if job.state is not JobState.DONE:
            added = "The camera" if source.camera is None else f"Camera {source.camera}"
            again = f"onviftui nvr scan {source.nvr}"
            if source.camera is not None:
                again = f"onviftui source edit {source.camera} corrects address and account, {again} reads them again."
            raise ProxyError(
                f"{added} was added, but its streams were not read: {job.error or 'cancelled.'}",
                f"{job.hint} {again}".strip(),
            )
        for warning in job.diff.warnings if job.diff else ():
            out.note(warning)
    if out.json_mode:
        out.document(source)
    else:
        where = f"camera {source.camera}" if source.camera is not None else "a camera"
        out.say(
            f"Added {where} ({source.name}) to NVR {source.nvr}. Its address for the recorder: onviftui camera list"
        )
    return 0


async def source_test(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    test: NvrTest = await client.call("source.test", _address_params(args), timeout_s=_IMPORT_TIMEOUT_S)
    if not test.ok and not out.json_mode:
        raise ProxyError(test.message, test.hint)
    if out.json_mode:
        out.document(test)
    else:
        out.say(test.message)
    return 0 if test.ok else 1


async def source_list(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    sources: list[Source] = await client.call("source.list")
    if out.json_mode:
        out.document(sources)
    elif not sources:
        out.say("No camera was added by its RTSP address. Add one: onviftui source add rtsp://USER@HOST/PATH")
    else:
        columns = (
            Column("CAMERA", right=True),
            Column("NVR", right=True),
            Column("NAME", least=8),
            Column("MAIN", least=20),
            Column("SUB", least=12, optional=True),
        )
        out.table(columns, [(s.camera or "removed", s.nvr, s.name, s.main, s.sub or "") for s in sources])
    return 0


async def source_edit(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    typed = {"main": args.main, "sub": args.sub, "snapshot": args.snapshot, "username": args.user, "name": args.name}
    params: dict[str, Any] = {name: value for name, value in typed.items() if value is not None}
    params |= {name: "" for name in ("sub", "snapshot") if params.get(name) == "none"}
    if "main" in params and "username" not in params and (user := user_in(args.main)):
        params["username"] = user
    if not params and not args.password_stdin:
        raise InvalidInput("Nothing to change.", "Give --main, --sub, --snapshot, --user, --name or --password-stdin.")
    if params.get("username") or args.password_stdin:
        params["password"] = read_password(from_stdin=args.password_stdin, what="Password of this camera's account")
    params["camera"] = find_id(args.id, await client.call("camera.list"), "camera")
    params["test"] = not args.no_test
    source: Source = await client.call("source.update", params, timeout_s=_IMPORT_TIMEOUT_S)
    if out.json_mode:
        out.document(source)
    else:
        out.say(f"Changed camera {source.camera} ({source.name}). Its streams are being read: onviftui job list")
    return 0


async def source_import(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params: dict[str, Any] = {"format": args.format, "text": read_text(args.file, LIST_KB, too_large=TOO_LARGE)}
    if args.user is not None:
        if str(args.file) == "-" and args.password_stdin:
            raise InvalidInput("The list and the password cannot both come from standard input.", "Name the file.")
        params["username"] = args.user
        params["password"] = read_password(from_stdin=args.password_stdin, what=f"Password of {args.user}")
    elif args.password_stdin:
        raise InvalidInput("Whose password is it?", "Give --user too.")
    result: SourceImported = await client.call(
        "source.import", params | {"dry_run": not args.yes, "scan": not args.no_scan}, timeout_s=_IMPORT_TIMEOUT_S
    )
    new = [source for source in result.sources if source.state == "new"]
    if out.json_mode:
        out.document(result)
        return 0 if new else 1
    columns = (
        Column(""),
        Column("NAME", least=8),
        Column("MAIN", least=16),
        Column("SUB", least=10, optional=True),
        Column("REMARK", least=16),
    )
    out.table(columns, [(_SIGNS[s.state], s.name, s.main, s.sub or "", remark(s)) for s in result.sources])
    for note in result.notes:
        out.note(note)
    others = len(result.sources) - len(new)
    left = f"; {counted(others, 'other')} {'is' if others == 1 else 'are'} left out" if others else ""
    if not new:
        out.say("Nothing in this list is to be added.")
        return 1
    if result.done:
        out.say(f"Added {counted(len(new), 'camera')}{left}. What they send is being read now: onviftui job list")
    else:
        out.say(f"{counted(len(new), 'camera')} would be added{left}. Nothing was done yet; do it with --yes.")
    return 0


def _address_params(args: argparse.Namespace) -> dict[str, Any]:
    """The addresses, and the password when a user is named: in an option or in the main address."""
    params = {name: value for name in ("main", "sub", "snapshot") if (value := getattr(args, name)) is not None}
    user = args.user if args.user is not None else user_in(args.main)
    if user:
        params["username"] = user
        params["password"] = read_password(from_stdin=args.password_stdin, what=f"Password of {user}")
    elif args.password_stdin:
        raise InvalidInput("Whose password is it?", "Give --user, or write rtsp://USER@HOST/PATH.")
    return params


COMMANDS = {
    "add": source_add,
    "list": source_list,
    "edit": source_edit,
    "test": source_test,
    "import": source_import,
}

"""`onviftui settings …`: what is in force, and the account that all cameras share."""

from __future__ import annotations

import argparse
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.settings import DaemonSettings

from .output import Column, Output, counted, format_pairs
from .secret_input import read_password


async def settings_show(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    known: DaemonSettings = await client.call("settings.get")
    if out.json_mode:
        out.document(known)
        return 0
    out.lines(
        format_pairs(
            [
                ("shared account", f"{known.username}, of {counted(known.sharing, 'camera')}"),
                ("known to recorders", f"{known.adopted} of them are adopted"),
                ("file", known.file or "none: everything is as it comes"),
            ]
        )
    )
    columns = (Column("SECTION"), Column("NAME"), Column("VALUE", least=10), Column("FROM"))
    out.table(columns, [(one.section, one.name, one.value, one.source) for one in known.configuration])
    return 0


async def settings_account(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params: dict[str, Any] = {}
    if args.user is not None:
        params["username"] = args.user
    if args.password_stdin or args.user is None:
        params["password"] = read_password(from_stdin=args.password_stdin, what="Password that cameras share")
    changed: DaemonSettings = await client.call("settings.account", params)
    if out.json_mode:
        out.document(changed)
    else:
        out.say(f"Changed. {counted(changed.sharing, 'camera')} share the account {changed.username} now.")
        if changed.adopted:
            out.note(
                f"{counted(changed.adopted, 'camera')} must get it in the recorder, too; until then it loses them."
            )
            out.note("Take it back with: onviftui undo")
    return 0


COMMANDS = {"show": settings_show, "account": settings_account}

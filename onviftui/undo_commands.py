"""`onviftui undo`: what can be taken back, and taking it back."""

from __future__ import annotations

import argparse

from proxyd.api.client import RpcClient
from proxyd.api.undo import Undoable, Undone

from .output import Column, Output, local_time


async def undo(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    if args.list:
        return await _list(client, out)
    params = {} if args.number is None else {"number": args.number}
    done: Undone = await client.call("undo.apply", params)
    if out.json_mode:
        out.document(done)
    else:
        out.say(f"Took back: {done.what}")
    return 0


async def _list(client: RpcClient, out: Output) -> int:
    known: list[Undoable] = await client.call("undo.list")
    if out.json_mode:
        out.document(known)
    elif not known:
        out.say("There is nothing to take back since proxyd started.")
    else:
        columns = (Column("NUMBER", right=True), Column("AT"), Column("BY", least=6), Column("WHAT", least=20))
        out.table(columns, [(one.number, local_time(one.at), one.who, one.what) for one in known])
    return 0

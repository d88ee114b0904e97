"""`onviftui backup …`: make, list, look into, fetch, restore and remove backups.

A passphrase is typed without echo, or is the first line of standard input; it is never an argument.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from pathlib import Path
from typing import BinaryIO

from proxyd.api.backups import SHORTEST_PASSPHRASE, Backup, BackupContents, Restored
from proxyd.api.client import RpcClient
from proxyd.errors import InvalidInput, ProxyError

from .backup_files import Patient, bring, pieces
from .confirm import confirm, interruptible
from .output import Column, Output, counted, local_time

DEADLINE_S = 300.0
_LONGEST_LINE = 1024


async def backup_create(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    target: Path | None = args.output
    _refuse_terminal(target, out)
    passphrase = _new_passphrase(args)
    made: Backup = await client.call("backup.create", {"passphrase": passphrase}, timeout_s=DEADLINE_S)
    if target is not None:
        await _fetch(client, made.name, target)
    if out.json_mode and str(target) != "-":
        out.document(made)
    elif str(target) != "-":
        out.say(f"Made the backup {made.name} ({_size(made.size)}).")
        out.say(f"Wrote {target}." if target else f"Keep a copy elsewhere: onviftui backup fetch {made.name} FILE")
        out.note("Without its passphrase nobody can restore it.")
    return 0


async def backup_list(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    known: list[Backup] = await client.call("backup.list")
    if out.json_mode:
        out.document(known)
    elif not known:
        out.say("No backup yet. Make one: onviftui backup create")
    else:
        columns = (
            Column("NAME", least=10),
            Column("MADE"),
            Column("SIZE", right=True),
            Column("VERSION", optional=True),
            Column("PROBLEM", least=8),
        )
        out.table(columns, [(one.name, local_time(one.at), _size(one.size), one.version, one.problem) for one in known])
    return 0


async def backup_check(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params = {"name": args.name, "passphrase": _passphrase(args)}
    found: BackupContents = await client.call("backup.check", params, timeout_s=DEADLINE_S)
    if out.json_mode:
        out.document(found)
    else:
        _describe(found, out)
    return 0


async def backup_fetch(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    _refuse_terminal(args.file, out)
    size = await _fetch(client, args.name, args.file)
    if str(args.file) != "-":
        if out.json_mode:
            out.document({"name": args.name, "file": str(args.file), "bytes": size})
        else:
            out.say(f"Wrote {args.file} ({_size(size)}).")
    return 0


async def backup_bring(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    if str(args.file) == "-" and sys.stdin.isatty():
        raise InvalidInput("Which file?", "Give its name, or: … - < FILE")
    brought = await _bring(client, args.file)
    if out.json_mode:
        out.document(brought)
    else:
        out.say(f"Brought the backup {brought.name} ({_size(brought.size)}).")
        out.say(f"To restore it: onviftui backup restore {brought.name}")
    return 0


async def backup_restore(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    if (args.name is None) == (args.file is None):
        raise InvalidInput("Which backup?", "Give its name (onviftui backup list), or --file FILE.")
    passphrase = _passphrase(args)
    name = args.name if args.file is None else (await _bring(client, args.file)).name
    params = {"name": name, "passphrase": passphrase}
    found: BackupContents = await client.call("backup.check", params, timeout_s=DEADLINE_S)
    if not args.yes and not out.json_mode:
        _describe(found, out)
    question = "Replace all NVRs, cameras and settings of this machine by these, and start proxyd anew?"
    confirm(question, yes=args.yes, otherwise="Nothing was restored.")
    done: Restored = await client.call("backup.restore", params, timeout_s=DEADLINE_S)
    if out.json_mode:
        out.document(done)
        return 0
    out.say(f"Restored {name}; proxyd starts anew. What was before is in the backup {done.safety}, same passphrase.")
    for warning in done.contents.warnings:
        out.note(warning)
    return 0


async def backup_remove(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    confirm(f"Remove the backup {args.name}?", yes=args.yes)
    removed: Backup = await client.call("backup.remove", {"name": args.name})
    if out.json_mode:
        out.document(removed)
    else:
        out.say(f"Removed the backup {args.name}.")
    return 0


async def _fetch(client: RpcClient, name: str, target: Path) -> int:
    """To the file, which is whole or not there, or to standard output. The number of bytes."""
    if str(target) == "-":
        return await _pour(client, name, sys.stdout.buffer)
    new = target.with_name(f".{target.name}.part")
    try:
        with new.open("xb") as file:
            new.chmod(0o600)
            size = await _pour(client, name, file)
        new.replace(target)
    except FileExistsError:
        raise ProxyError(f"{new} is there already.", "Is another fetch under way? Else remove it.") from None
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ProxyError(f"Cannot write {target}: {error.strerror}.", "Choose another file.") from None
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return size


async def _pour(client: RpcClient, name: str, file: BinaryIO) -> int:
    size = 0
    async for data in pieces(client.call, name):
        await asyncio.to_thread(file.write, data)
        size += len(data)
    file.flush()
    return size


async def _bring(client: RpcClient, source: Path) -> Backup:
    """Raises ProxyError."""
    try:
        descriptor = os.dup(0) if str(source) == "-" else os.open(source, os.O_RDONLY | os.O_NONBLOCK)
        with Patient(descriptor) as file:
            return await bring(client.call, source, file)
    except OSError as error:
        raise ProxyError(f"Cannot read {source}: {error.strerror}.", "Choose another file.") from None


def _describe(found: BackupContents, out: Output) -> None:
    what = f"{counted(len(found.nvrs), 'NVR')}, {counted(len(found.cameras), 'camera')}"
    out.say(f"{found.name}: made {local_time(found.at)} by proxyd {found.version}; {what}.")
    if found.nvrs:
        out.say(f"NVRs: {', '.join(found.nvrs)}")
    if found.cameras:
        out.say(f"Cameras: {', '.join(found.cameras)}")
    for warning in found.warnings:
        out.note(warning)


def _refuse_terminal(target: Path | None, out: Output) -> None:
    if str(target) == "-" and sys.stdout.isatty():
        raise InvalidInput("A backup would garble this terminal.", "Send it to a file: … - > FILE")


def _new_passphrase(args: argparse.Namespace) -> str:
    """Asked for twice on a terminal. Raises InvalidInput when it is too short."""
    passphrase = _passphrase(args)
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise InvalidInput(
            f"The passphrase needs at least {SHORTEST_PASSPHRASE} characters.",
            "Several words are easy to type.",
        )
    if sys.stdin.isatty() and _typed("The passphrase again: ") != passphrase:
        raise InvalidInput("The two passphrases differ; nothing was done.", "Try again.")
    return passphrase


def _passphrase(args: argparse.Namespace) -> str:
    """Only the line is read of standard input: a backup may follow there. Raises InvalidInput."""
    if sys.stdin.isatty():
        try:
            return _typed("Passphrase of the backup: ")
        except EOFError:
            raise InvalidInput("No passphrase was typed; nothing was done.") from None
    if not args.passphrase_stdin:
        raise InvalidInput("The passphrase is missing.", "Pass it as the first line: … --passphrase-stdin < FILE")
    line = b""
    with interruptible():
        while len(line) < _LONGEST_LINE and not line.endswith(b"\n") and (one := os.read(0, 1)):
            line += one
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeError:
        raise InvalidInput("The passphrase on standard input is not UTF-8 text.", "Convert it, or type it.") from None


def _typed(question: str) -> str:
    with interruptible():
        return getpass.getpass(question)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1e3))} kB"


COMMANDS = {
    "create": backup_create,
    "list": backup_list,
    "check": backup_check,
    "fetch": backup_fetch,
    "bring": backup_bring,
    "restore": backup_restore,
    "remove": backup_remove,
}

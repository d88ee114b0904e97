"""The commands `onviftui user …`: who may log in by SSH. One coroutine per verb.

Keys come from a file or standard input, passwords from standard input or a terminal without echo; neither is repeated.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.ssh_keys import MAX_KEY_LINE, UnfitKey, parse_key
from proxyd.api.users import User, Users
from proxyd.errors import InvalidInput

from .confirm import confirm, interruptible
from .output import Column, Output, counted, harmless
from .secret_input import read_password

NOBODY = (
    "Nobody may log in by SSH yet. The first one: onviftui user add NAME --role admin --key-file FILE.pub\n"
    "Who has no key yet makes one with: ssh-keygen -t ed25519"
)


async def user_list(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    known: Users = await client.call("user.list")
    if out.json_mode:
        out.document(known)
        return 0
    if known.users:
        columns = (Column("NAME"), Column("ROLE"), Column("PASSWORD"), Column("KEY"), Column("COMMENT", least=8))
        out.table(columns, [row for user in known.users for row in _rows(user)])
    else:
        out.say(NOBODY)
    for problem in known.problems:
        out.note(f"Note: {harmless(problem)}")
    return 0


def _rows(user: User) -> list[tuple[str, ...]]:
    """One line per key; name and role stand in the first."""
    head = (user.name, str(user.role), "yes" if user.password else "no")
    keys = [(key.fingerprint, f"{key.comment} ({short_kind(key.kind)})".strip()) for key in user.keys] or [("none", "")]
    return [(*(("", "", "") if i else head), *key) for i, key in enumerate(keys)]


def short_kind(kind: str) -> str:
    return kind.removesuffix("@openssh.com").removeprefix("ssh-")


async def user_add(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    ways = [bool(args.key_file), args.key_stdin, args.password_stdin]
    if sum(ways) != 1:
        raise InvalidInput(
            f"How does {harmless(args.name)} log in?",
            "Give one of: --key-file FILE.pub, --key-stdin, --password-stdin.",
        )
    params: dict[str, Any] = {"name": args.name}
    if args.role:
        params["role"] = args.role
    if args.password_stdin:
        params["password"] = read_password(from_stdin=True, what=f"New password of {args.name}")
    else:
        params["key"] = _read_key(Path("-") if args.key_stdin else args.key_file)
    user: User = await client.call("user.add", params)
    return _say(user, f"{user.name} ({user.role}) may log in by SSH, with {_ways(user)}.", out)


def _read_key(file: Path) -> str:
    """Looked at here already, so that a private key is never sent anywhere. Raises InvalidInput."""
    try:
        if str(file) == "-":
            with interruptible():
                data = sys.stdin.buffer.read(MAX_KEY_LINE + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(MAX_KEY_LINE + 1)
    except OSError as error:
        raise InvalidInput(f"Cannot read {file}: {error.strerror}.", "Check its name and its rights.") from None
    try:
        return parse_key(data.decode(errors="replace")).line()
    except UnfitKey as error:
        raise InvalidInput(error.message, error.hint, {"key": error.message}) from None


async def user_remove(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    confirm(f"Let {harmless(args.name)} log in by SSH no more?", yes=args.yes)
    user: User = await client.call("user.remove", {"name": args.name})
    return _say(user, f"{user.name} cannot log in by SSH any more.", out)


async def user_remove_key(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    user: User = await client.call("user.remove_key", {"name": args.name, "fingerprint": args.fingerprint})
    return _say(user, f"Removed the key. {user.name} still has {_ways(user)}.", out)


async def user_role(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    user: User = await client.call("user.role", {"name": args.name, "role": args.role})
    return _say(user, f"{user.name} is {user.role} by SSH from the next login on.", out)


async def user_password(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    if args.clear and args.password_stdin:
        raise InvalidInput("--clear takes the password away, --password-stdin sets one.", "Give one of them.")
    password = (
        None if args.clear else read_password(from_stdin=args.password_stdin, what=f"New password of {args.name}")
    )
    user: User = await client.call("user.password", {"name": args.name, "password": password})
    done = "has no password any more" if args.clear else "has a new password"
    return _say(user, f"{user.name} {done}; logs in with {_ways(user)}.", out)


def _ways(user: User) -> str:
    return " or ".join([counted(len(user.keys), "key")] * bool(user.keys) + ["a password"] * user.password)


def _say(user: User, words: str, out: Output) -> int:
    if out.json_mode:
        out.document(user)
    else:
        out.say(words)
    return 0


COMMANDS = {
    "list": user_list,
    "add": user_add,
    "remove": user_remove,
    "remove-key": user_remove_key,
    "role": user_role,
    "password": user_password,
}

"""Methods about people who log in by SSH.

One change at a time, made of what stands in the files at that moment. The last administrator stays one: nobody could
log in any more to give somebody else that role.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from proxyd.api import users as u
from proxyd.api.models import NoParams, Role
from proxyd.api.ssh_keys import SshKey, UnfitKey, parse_key
from proxyd.api.ssh_passwords import SALT_BYTES, PasswordHash, hash_password
from proxyd.api.ssh_users import MAX_KEYS_PER_USER, MAX_USERS, SshUser, SshUsers
from proxyd.errors import Conflict, InvalidInput, NotFound

from .access import Caller
from .parts import Parts, reveal
from .user_files import UserFiles

_SUBJECT = "users"


class UserMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._files = UserFiles(parts.users)
        self._one_at_a_time = asyncio.Lock()

    async def user_list(self, p: NoParams, who: Caller) -> u.Users:
        known = await asyncio.to_thread(self._files.read)
        return u.Users(
            users=[_model(user) for user in sorted(known.users, key=lambda user: user.name)],
            problems=[str(problem) for problem in known.problems],
            folder=str(self._files.folder),
        )

    async def user_add(self, p: u.UserAdd, who: Caller) -> u.User:
        key = None if p.key is None else _fit_key(p.key)
        secret = await _hashed(reveal(p.password))

        def change(known: SshUsers) -> SshUsers:
            user = known.get(p.name)
            if user is not None and p.role not in (None, user.role):
                raise Conflict(f"{p.name} is {user.role} already.", "To change that: onviftui user role")
            if user is not None and secret is not None:
                raise Conflict(f"{p.name} is there already.", "To change the password: onviftui user password")
            if user is None:
                if key is None and secret is None:
                    raise InvalidInput("A new user needs a key or a password.", fields={"key": "is missing"})
                if len(known.users) >= MAX_USERS:
                    raise Conflict(f"There are {MAX_USERS} users already.", "Remove one who does not come any more.")
                user = SshUser(p.name, p.role or Role.VIEWER, (), secret)
            return known.with_user(_with_key(known, user, key))

        what = f"key {key.fingerprint}" if key else "a password"
        return await self._change(p.name, change, f"Added {{user}} to those who log in by SSH, with {what}.", who)

    async def user_remove(self, p: u.UserByName, who: Caller) -> u.User:
        removed: list[SshUser] = []

        def change(known: SshUsers) -> SshUsers:
            removed.append(_user(known, p.name))
            return _still_has_admin(known, known.without_user(p.name))

        await _to_its_end(self._write(change, lambda known: f"Removed {p.name} from those who log in by SSH.", who))
        return _model(removed[-1])

    async def user_remove_key(self, p: u.UserRemoveKey, who: Caller) -> u.User:
        def change(known: SshUsers) -> SshUsers:
            user = _user(known, p.name)
            rest = tuple(key for key in user.keys if key.fingerprint != p.fingerprint)
            if len(rest) == len(user.keys):
                raise NotFound(f"{p.name} has no key {p.fingerprint}.", "onviftui user list shows them.")
            return known.with_user(_can_log_in(SshUser(user.name, user.role, rest, user.secret)))

        return await self._change(p.name, change, f"Removed a key of {{user}}: {p.fingerprint}.", who)

    async def user_role(self, p: u.UserRole, who: Caller) -> u.User:
        def change(known: SshUsers) -> SshUsers:
            user = _user(known, p.name)
            changed = known.with_user(SshUser(user.name, p.role, user.keys, user.secret))
            return _still_has_admin(known, changed)

        return await self._change(p.name, change, "Changed the role by SSH: {user}.", who)

    async def user_password(self, p: u.UserSetPassword, who: Caller) -> u.User:
        secret = await _hashed(reveal(p.password))

        def change(known: SshUsers) -> SshUsers:
            user = _user(known, p.name)
            return known.with_user(_can_log_in(SshUser(user.name, user.role, user.keys, secret)))

        done = (
            "Set a password for {user}, to log in by SSH." if secret else "Took the password for SSH away from {user}."
        )
        return await self._change(p.name, change, done, who)

    async def _change(self, name: str, change: Callable[[SshUsers], SshUsers], words: str, who: Caller) -> u.User:
        def said(changed: SshUsers) -> str:
            user = _user(changed, name)
            return words.format(user=f"{user.name} ({user.role})")

        return _model(_user(await _to_its_end(self._write(change, said, who)), name))

    async def _write(
        self, change: Callable[[SshUsers], SshUsers], said: Callable[[SshUsers], str], who: Caller
    ) -> SshUsers:
        def work() -> SshUsers:
            changed = change(self._files.read())
            self._files.write(changed)
            return changed

        async with self._one_at_a_time:
            changed = await asyncio.to_thread(work)
            await self._parts.log("info", _SUBJECT, said(changed), who)
        return changed


async def _to_its_end(change: Coroutine[Any, Any, SshUsers]) -> SshUsers:
    """A caller who goes away meanwhile stops no thread: what was written must come into the log, and be alone."""
    task = asyncio.create_task(change, name="change of users")
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


def _user(known: SshUsers, name: str) -> SshUser:
    user = known.get(name)
    if user is None:
        raise NotFound(f"There is no user {name}.", "onviftui user list shows all.")
    return user


def _still_has_admin(before: SshUsers, after: SshUsers) -> SshUsers:
    if before.admins() and not after.admins():
        name = before.admins()[0].name
        raise Conflict(
            f"{name} is the only administrator who can log in by SSH.",
            "Make somebody else admin first: onviftui user role NAME admin",
        )
    return after


def _can_log_in(user: SshUser) -> SshUser:
    if not user.keys and user.secret is None:
        raise Conflict(
            f"{user.name} could not log in any more: there would be neither key nor password.",
            f"Add another key first, or remove the user: onviftui user remove {user.name}",
        )
    return user


def _with_key(known: SshUsers, user: SshUser, key: SshKey | None) -> SshUser:
    if key is None:
        return user
    owner = known.owner(key)
    if owner is not None:
        raise Conflict(f"{owner.name} has this key already ({key.fingerprint}).", "A key belongs to one user.")
    if len(user.keys) >= MAX_KEYS_PER_USER:
        raise Conflict(f"{user.name} has {MAX_KEYS_PER_USER} keys already.", "Remove one that is not used any more.")
    return SshUser(user.name, user.role, (*user.keys, key), user.secret)


def _fit_key(text: str) -> SshKey:
    """Raises InvalidInput; what was brought is never repeated: it may be a private key."""
    try:
        key = parse_key(text)
    except UnfitKey as error:
        raise InvalidInput(error.message, error.hint, {"key": error.message}) from None
    try:
        load_ssh_public_key(key.line().encode())
    except (ValueError, UnsupportedAlgorithm):
        message = "The key is damaged: its numbers make no key."
        raise InvalidInput(message, "Copy the whole line of the .pub file.", {"key": message}) from None
    return key


async def _hashed(password: str | None) -> PasswordHash | None:
    return None if password is None else await asyncio.to_thread(hash_password, password, os.urandom(SALT_BYTES))


def _model(user: SshUser) -> u.User:
    keys = [u.UserKey(kind=key.kind, fingerprint=key.fingerprint, comment=key.comment) for key in user.keys]
    return u.User(name=user.name, role=user.role, keys=keys, password=user.password)

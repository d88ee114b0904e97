"""Who may log in by SSH, and what he may do: the files `authorized_keys` (as OpenSSH writes it; name and role stand in
front of each key) and `passwords`. The daemon writes them (`proxyd/rpc/user_methods`), the SSH server reads them anew
at each login. Pure: text in, text out; `ssh_users_folder` has the files.

A line that cannot be used costs only itself: it lets nobody in, a `Problem` says why, and when the file is written
again it stays there as a comment: whatever is changed around it, it must never begin to let somebody in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .ssh_keys import KINDS, MAX_KEY_LINE, SshKey, UnfitKey, parse_key_line
from .ssh_passwords import PasswordHash, parse_hash
from .states import Role

MAX_USERS = 64
MAX_KEYS_PER_USER = 16
MAX_FILE = 256 * 1024
KEYS_FILE, PASSWORDS_FILE = "authorized_keys", "passwords"
KEYS_HEAD = "# Who may log in by SSH. Change it with: onviftui user"
NOT_USED = "# not used: "
PASSWORDS_HEAD = "# Hashes of passwords for SSH. Change them with: onviftui user password"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_OPTION = re.compile(r'environment="ONVIFTUI_(USER|ROLE)=([^"\\]*)"')
_LEAST_FIRST = tuple(Role)


def is_name(name: str) -> bool:
    """Small letters, digits, `.` `_` `-`, 32 at most; it may also be the name of a file."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class SshUser:
    """Who may log in by SSH: by any of the keys, or by the password where there is one."""

    name: str
    role: Role
    keys: tuple[SshKey, ...] = ()
    secret: PasswordHash | None = None

    @property
    def password(self) -> bool:
        """Whether there is one."""
        return self.secret is not None


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that lets nobody in. Nothing of the line is in `text`."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class SshUsers:
    """`other_…`: comments, and as comments the lines that nobody could use."""

    users: tuple[SshUser, ...] = ()
    problems: tuple[Problem, ...] = ()
    other_keys: tuple[str, ...] = ()
    other_passwords: tuple[str, ...] = ()

    def get(self, name: str) -> SshUser | None:
        """None: there is no such user."""
        return next((user for user in self.users if user.name == name), None)

    def owner(self, key: SshKey) -> SshUser | None:
        """Whose key it is, whatever its comment says; None: nobody's."""
        return next((user for user in self.users if any(own.data == key.data for own in user.keys)), None)

    def admins(self) -> list[SshUser]:
        return [user for user in self.users if user.role is Role.ADMIN]

    def with_user(self, user: SshUser) -> SshUsers:
        """In place of the one of that name, else behind all others."""
        if self.get(user.name) is None:
            return replace(self, users=(*self.users, user))
        return replace(self, users=tuple(user if known.name == user.name else known for known in self.users))

    def without_user(self, name: str) -> SshUsers:
        """The same when there is no such user."""
        return replace(self, users=tuple(user for user in self.users if user.name != name))

    def keys_text(self) -> str:
        """`authorized_keys`; only what stands in it by the rules of `parse_users`."""
        ours = [f"{_options(user)} {key.line()}" for user in self.users for key in user.keys]
        return _text(KEYS_HEAD, self.other_keys, ours)

    def passwords_text(self) -> str:
        """The file `passwords`, as `parse_users` reads it."""
        ours = [f"{user.name}:{user.role}:{user.secret.text()}" for user in self.users if user.secret]
        return _text(PASSWORDS_HEAD, self.other_passwords, ours)


def parse_users(keys: str, passwords: str = "") -> SshUsers:
    """Any text. Where a name has several roles the least one counts, and a `Problem` says so."""
    reading = _Reading()
    reading.read(KEYS_FILE, keys, reading.add_key)
    reading.read(PASSWORDS_FILE, passwords, reading.add_password)
    kept = reading.others
    return SshUsers(
        tuple(reading.users.values()), tuple(reading.problems), tuple(kept[KEYS_FILE]), tuple(kept[PASSWORDS_FILE])
    )


class _Unusable(Exception):
    """The text of a Problem."""


class _Reading:
    def __init__(self) -> None:
        self.users: dict[str, SshUser] = {}
        self.problems: list[Problem] = []
        self.others: dict[str, list[str]] = {KEYS_FILE: [], PASSWORDS_FILE: []}
        self._owners: dict[str, str] = {}  # key → name

    def read(self, file: str, text: str, add: Callable[[str], None]) -> None:
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw.strip()
            if not line or line in (KEYS_HEAD, PASSWORDS_HEAD):
                continue
            if line.startswith("#"):
                self.others[file].append(line)
                if line.startswith(NOT_USED):
                    self.problems.append(Problem(file, number, "This was of no use. Take it out, or add it anew."))
                continue
            try:
                add(line)
            except _LesserRole as less:
                self.problems.append(Problem(file, number, str(less)))
            except _Unusable as why:
                self.problems.append(Problem(file, number, f"{why} It lets nobody in."))
                self.others[file].append(NOT_USED + line)

    def add_key(self, line: str) -> None:
        if len(line) > MAX_KEY_LINE:
            raise _Unusable(f"The line has more than {MAX_KEY_LINE // 1024} kB.")
        name, role, rest = _split_options(line)
        try:
            key = parse_key_line(rest)
        except UnfitKey as error:
            raise _Unusable(error.message) from None
        owner = self._owners.get(key.data)
        if owner is not None:
            raise _Unusable(f"The key is there already, as {owner}'s.")
        user = self._user(name, role)
        if len(user.keys) >= MAX_KEYS_PER_USER:
            raise _Unusable(f"{name} has {MAX_KEYS_PER_USER} keys already.")
        self._owners[key.data] = name
        self._put(replace(user, keys=(*user.keys, key)), role)

    def add_password(self, line: str) -> None:
        name, _, rest = line.partition(":")
        role, _, secret = rest.partition(":")
        _check_name(name)
        user = self._user(name, _role(role))
        if user.secret is not None:
            raise _Unusable(f"{name} has a password already.")
        try:
            hashed = parse_hash(secret)
        except ValueError as error:
            raise _Unusable(f"The password of {name} {error}.") from None
        self._put(replace(user, secret=hashed), _role(role))

    def _user(self, name: str, role: Role) -> SshUser:
        if name not in self.users and len(self.users) >= MAX_USERS:
            raise _Unusable(f"There are {MAX_USERS} users already.")
        return self.users.get(name) or SshUser(name, role)

    def _put(self, user: SshUser, role: Role) -> None:
        least = min(user.role, role, key=_LEAST_FIRST.index)
        self.users[user.name] = replace(user, role=least)
        if user.role is not role:
            raise _LesserRole(f"{user.name} is {user.role} in one line and {role} in another; {least} counts.")


class _LesserRole(Exception):
    """The line counts, but what it says of the role may not."""


def _split_options(line: str) -> tuple[str, Role, str]:
    """Name, role and the key behind them. Raises _Unusable: any other option would be a rule that nobody enforces."""
    if line.partition(" ")[0] in KINDS:
        raise _Unusable("The key has no name and no role in front of it.")
    found: dict[str, str] = {}
    rest = line
    while match := _OPTION.match(rest):
        if match[1] in found:
            raise _Unusable("It names a user or a role twice.")
        found[match[1]] = match[2]
        rest = rest[match.end() :]
        if not rest.startswith(","):
            break
        rest = rest[1:]
    if set(found) != {"USER", "ROLE"} or not rest.startswith(" "):
        raise _Unusable(
            'In front of the key stands what is not understood; only name and role are, as "user add" writes them.'
        )
    _check_name(found["USER"])
    return found["USER"], _role(found["ROLE"]), rest.strip()


def _check_name(name: str) -> None:
    if not is_name(name):
        raise _Unusable("The name of a user has small letters, digits and . _ - only, 32 at most.")


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise _Unusable(f"A role is one of: {', '.join(Role)}.") from None


def _options(user: SshUser) -> str:
    return f'environment="ONVIFTUI_USER={user.name}",environment="ONVIFTUI_ROLE={user.role}"'


def _text(head: str, others: Iterable[str], ours: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in (head, *others, *ours))

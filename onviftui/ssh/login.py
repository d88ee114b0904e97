"""Who somebody is: by the key that he proved to have, or, where that is switched on, by his password.

A login name counts only with a password; with a key it is the key that says who comes (`ssh cameras@box`). What a user
may do is taken when the login is complete, from what made it complete: a key that is only asked about grants nothing.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncssh

from proxyd.api.ssh_keys import SshKey
from proxyd.api.ssh_passwords import verify_password
from proxyd.api.ssh_users import KEYS_FILE, PASSWORDS_FILE, SshUsers
from proxyd.api.states import Role
from proxyd.errors import ProxyError

from .limits import Failures, Said
from .settings import Settings

log = logging.getLogger(__name__)

_OPTION = "onviftui-identity"
_CHECKS_AT_ONCE = 2  # each takes memory and a quarter of a second
_MAX_PASSWORD = 1024
_LINES_A_MINUTE = 60
_ROLES = list(Role)

CHANGED = "Somebody changed what you may do here, so this session was closed. Log in again."
UNREADABLE = (
    "Who may log in here cannot be read any more, so this session was closed. The administrator of the box sees the "
    "reason with: journalctl -u onviftui-ssh"
)

Read = Callable[[], SshUsers]


@dataclass(frozen=True, slots=True)
class Identity:
    """`how`: for the log, such as "key SHA256:…"."""

    name: str
    role: Role
    how: str


class Logins:
    """What all connections share: the users' files, who failed, how many passwords are looked at."""

    def __init__(self, settings: Settings, read: Read) -> None:
        self.settings = settings
        self.failures = Failures(settings.addresses)
        self._read = read
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)
        self._checking: set[asyncio.Task[Identity | None]] = set()  # _CHECKS_AT_ONCE at most
        self._said: tuple[str, ...] = ()
        self._lines = Said(_LINES_A_MINUTE)
        self._unreadable_since: float | None = None

    def warn(self, text: str, *values: object) -> None:
        """What anybody can cause, so it has a bound."""
        now = time.monotonic()
        left_out = self._lines.left_out(now)
        if self._lines.may(now):
            if left_out:
                log.warning("%d lines like the next one were left out", left_out)
            log.warning(text, *values)

    def users(self) -> SshUsers:
        """Who may log in, as the files are now; nobody while they cannot be read."""
        return self._now() or SshUsers()

    def look(self) -> SshUsers | None:
        """Who may stay; None while a file cannot be read, or holds nothing but lines that nobody can use."""
        users = self._now()
        if users is not None and not _damaged(users):
            self._unreadable_since = None
            return users
        if self._unreadable_since is None:
            self._unreadable_since = time.monotonic()
        return None

    def _now(self) -> SshUsers | None:
        """What is wrong in the files is said once."""
        try:
            users = self._read()
        except ProxyError as error:
            self._say((str(error),))
            return None
        self._say(tuple(str(problem) for problem in users.problems))
        return users

    def why_not(self, identity: Identity, users: SshUsers | None) -> str:
        """Why he may not go on with what he might do when he logged in; "" when he may. `users`: from `look`. What
        cannot be read for a moment throws out nobody; but who was taken out before may not stay for ever."""
        if users is None:
            since = self._unreadable_since
            long = since is not None and time.monotonic() - since >= self.settings.unreadable_s
            return UNREADABLE if long else ""
        user = users.get(identity.name)
        may = user is not None and _ROLES.index(user.role) >= _ROLES.index(identity.role)
        return "" if may else CHANGED

    def _say(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            if problem not in self._said:
                log.warning("%s", problem)
        self._said = problems

    async def check(self, users: SshUsers, name: str, password: str, address: str) -> Identity | None:
        """After a wait, when there were wrong ones from there. The same time goes by for names that are not there."""
        await asyncio.sleep(self.failures.delay(address, time.monotonic()))
        await self._checks.acquire()
        # Whoever asks again before the answer cancels this, but not the thread: that try counts, too.
        task = asyncio.create_task(self._verify(users, name, password, address), name="password of a login")
        self._checking.add(task)
        task.add_done_callback(self._checking.discard)
        return await asyncio.shield(task)

    async def _verify(self, users: SshUsers, name: str, password: str, address: str) -> Identity | None:
        user = users.get(name)
        try:
            right = await asyncio.to_thread(
                verify_password, password[:_MAX_PASSWORD], user.secret if user is not None else None
            )
        except RuntimeError:  # no thread can be started
            self.warn("no password can be looked at now: too many processes")
            return None
        finally:
            self._checks.release()
        if user is not None and right:
            return Identity(user.name, user.role, "password")
        count = self.failures.add(address, time.monotonic())
        self.warn("wrong password from %s (%d lately)", address, count)
        return None


def _damaged(users: SshUsers) -> bool:
    """All of a file, not a line or two."""
    useful = {
        KEYS_FILE: any(user.keys for user in users.users),
        PASSWORDS_FILE: any(user.password for user in users.users),
    }
    return any(not useful[problem.file] for problem in users.problems)


class Login:
    """One connection's."""

    def __init__(self, logins: Logins, conn: asyncssh.SSHServerConnection, address: str) -> None:
        self._logins = logins
        self._conn = conn
        self._address = address
        self._users = SshUsers()
        self._by_password: Identity | None = None
        self._names = 0
        self._asked = 0
        self._offered = 0
        self._tries = 0

    def begin(self) -> None:
        """For each login name that is tried."""
        self._names += 1
        if self._names > self._logins.settings.names_tried:
            self._end("Too many names were tried; connect again.")
            return
        self._users = self._logins.users()
        self._by_password = None
        self._conn.set_authorized_keys(_KeyRing(self._users, self._ask, self._refused))

    @property
    def passwords(self) -> bool:
        return self._logins.settings.passwords

    async def password(self, name: str, password: str) -> bool:
        """Raises asyncssh.PermissionDenied after the last try."""
        self._tries += 1
        if self._tries > self._logins.settings.password_tries:  # without having waited for the answers
            raise asyncssh.PermissionDenied("Too many wrong passwords; connect again.")
        identity = await self._logins.check(self._users, name, password, self._address)
        if identity is not None:
            self._by_password = identity
            return True
        if self._tries >= self._logins.settings.password_tries:
            raise asyncssh.PermissionDenied("Too many wrong passwords; connect again.")
        return False

    def completed(self) -> Identity | None:
        """Whose login is complete. asyncssh forgets a key's options with each new request, so they are those of the
        key that just proved itself, or there are none."""
        by_key = self._conn.get_key_option(_OPTION)
        identity = by_key if isinstance(by_key, Identity) else self._by_password
        if identity is not None:
            self._logins.failures.forget(self._address)
        return identity

    def failed(self) -> None:
        """The connection ended before anybody logged in."""
        if self._offered:
            self._logins.warn("nobody logged in from %s: %d unknown keys", self._address, self._offered)

    def _ask(self) -> bool:
        self._asked += 1
        if self._asked > self._logins.settings.keys_asked:
            self._end("Too many keys were offered; connect again.")
            return False
        return True

    def _refused(self) -> None:
        self._offered += 1
        if self._offered > self._logins.settings.keys_offered:
            self._end("Too many keys were offered; name the right one: ssh -o IdentitiesOnly=yes -i FILE")

    def _end(self, why: str) -> None:
        self._conn.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, why)


class _KeyRing(asyncssh.SSHAuthorizedKeys):
    """Our users' keys for asyncssh, which need not read the file: it would skip damaged lines in silence and obey
    options that mean nothing here. No certificates."""

    def __init__(self, users: SshUsers, ask: Callable[[], bool], refused: Callable[[], None]) -> None:
        super().__init__()
        self._users = users
        self._ask = ask
        self._refused = refused

    def validate(
        self,
        key: asyncssh.SSHKey,
        client_host: str,
        client_addr: str,
        cert_principals: Sequence[str] | None = None,
        ca: bool = False,
    ) -> dict[str, object] | None:
        if ca or not self._ask():
            return None
        offered = SshKey(key.get_algorithm(), base64.b64encode(key.public_data).decode())
        user = self._users.owner(offered)
        if user is None:
            self._refused()
            return None
        return {_OPTION: Identity(user.name, user.role, f"key {offered.fingerprint}")}

    def validate_x509(self, cert: object, client_host: str, client_addr: str) -> tuple[None, None]:
        return None, None

"""One SSH connection: its login, its sessions, and whether the client takes what we send."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING

import asyncssh

from proxyd.api.dial import bound
from proxyd.errors import NotAllowed

from .fairness import Listening
from .limits import place
from .login import Identity, Login
from .session import Session

if TYPE_CHECKING:
    from .front import Front

log = logging.getLogger(__name__)


class Connection(asyncssh.SSHServer):
    """asyncssh calls it. `identity` is there after the login."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.number = front.next_number()
        self._conn: asyncssh.SSHServerConnection | None = None
        self._login: Login | None = None
        self._identity: Identity | None = None
        self.address = "an unknown address"
        self.peer = ""
        self.sessions: list[Session] = []
        self._full = False
        self._listening: Listening | None = None
        self._without: asyncio.TimerHandle | None = None

    @property
    def identity(self) -> Identity:
        assert self._identity is not None, "asyncssh opens no session before the login"
        return self._identity

    @property
    def who(self) -> str:
        """For the log."""
        if self._identity is None:
            return self.address
        return f"{self._identity.name} ({self._identity.role}) at {self.address}"

    # what asyncssh calls

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        peer, own = conn.get_extra_info("peername"), conn.get_extra_info("sockname")
        if not peer or not own:
            conn.abort()
            return
        self.address = _plain(peer[0])
        self.peer = f"{self.address} {peer[1]} {_plain(own[0])} {own[1]}"
        self._login = Login(self._front.logins, conn, self.address)
        # asyncio tells the protocol when its buffer is full; asyncssh's has no use for that, we have: a client that
        # does not read would otherwise fill it with what fits into his window.
        transport = getattr(conn, "_transport", None)
        if transport is not None:  # asyncssh gives it to nobody; without this asyncio's own limit of 64 KiB holds
            transport.set_write_buffer_limits(high=self._front.settings.send_buffer)
            self._listening = Listening(conn, transport, self._front.settings, self._exchange)
        setattr(conn, "pause_writing", lambda: self._set_full(True))  # noqa: B010 - a method of the library's object
        setattr(conn, "resume_writing", lambda: self._set_full(False))  # noqa: B010 - likewise
        self._front.arrived(self)

    def begin_auth(self, username: str) -> bool:
        assert self._login is not None
        self._login.begin()
        return True

    def password_auth_supported(self) -> bool:
        return self._login is not None and self._login.passwords

    async def validate_password(self, username: str, password: str) -> bool:
        assert self._login is not None
        return await self._login.password(username, password)

    def auth_completed(self) -> None:
        assert self._login is not None and self._conn is not None
        self._identity = self._login.completed()
        if self._identity is None:
            self.close("Log in again.")
            return
        if why := self._front.logged_in(self):
            self.close(why)
            return
        self._front.exchanges.give_back(self.address, time.monotonic())
        log.info("%s logged in with %s", self.who, self._identity.how)
        self._wait_for_session()

    def session_requested(self) -> Session | bool:
        if self._identity is None or len(self.sessions) >= self._front.settings.sessions_per_connection:
            return False
        session = Session(self._front, self)
        self.sessions.append(session)
        session.hold("connection", self._full)
        return session

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._listening is not None:
            self._listening.close()
        self._front.left(self)
        self._conn = None
        if self._identity is None and self._login is not None:
            self._login.failed()

    # what front and sessions call

    async def dial(self) -> socket.socket:
        """A connection to the daemon that speaks for this user. Raises ProxyError."""
        identity = self.identity
        logins = self._front.logins
        if why := logins.why_not(identity, logins.look()):
            raise NotAllowed(why)
        return await bound(self._front.socket, identity.name, identity.role)

    def session_began(self) -> None:
        """It is one only now: a channel that asks for nothing keeps no connection open."""
        self._stop_waiting()

    def session_ended(self, session: Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)
        if self._conn is not None and self._without is None and not any(one.began for one in self.sessions):
            self._wait_for_session()

    def close(self, why: str) -> None:
        if self._conn is not None:
            self._conn.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    def drop(self) -> None:
        if self._conn is not None:
            self._conn.abort()

    def _wait_for_session(self) -> None:
        self._stop_waiting()
        self._without = asyncio.get_running_loop().call_later(
            self._front.settings.without_session_s, self.close, "Nothing was asked for on this connection."
        )

    def _stop_waiting(self) -> None:
        if self._without is not None:
            self._without.cancel()
            self._without = None

    def _exchange(self) -> float:
        return self._front.exchanges.wait(self.address, time.monotonic())

    def _set_full(self, full: bool) -> None:
        self._full = full
        if not full and self._listening is not None:
            self._listening.answers_taken()
        for session in self.sessions:
            session.hold("connection", full)


def _plain(address: str) -> str:
    """Without the prefix that an IPv4 address has on a socket for both."""
    return place(address) if address.startswith("::ffff:") else address.partition("%")[0]

"""The SSH server: listens, keeps the tables of connections and sessions within their limits, and ends in order."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from pathlib import Path

import asyncssh
from asyncssh import encryption, kex, mac

from . import algorithms
from .connection import Connection
from .inflating import bound_inflating
from .limits import Exchanges, Waiting
from .login import Logins, Read
from .session import Session
from .settings import Settings
from .zygote_link import ZygoteLink

log = logging.getLogger(__name__)

_STOP_S = 3.0
_LEAVE_S = 1.0
_STOPPING = "The SSH server of onviftui is being stopped or restarted. Your cameras go on running; log in again."


class Front:
    """`socket` is the daemon's, `users` reads who may log in, `folder` is ours to write in, with one for each user."""

    def __init__(self, settings: Settings, socket: Path, users: Read, folder: Path, key: asyncssh.SSHKey) -> None:
        self.settings = settings
        self.socket = socket
        self.logins = Logins(settings, users)
        self.zygote = ZygoteLink()
        self._folder = folder
        self._key = key
        self._numbers = itertools.count(1)
        self.exchanges = Exchanges(
            settings.addresses, settings.exchanges, settings.exchanges_per_s, settings.exchange_wait_s
        )
        self._waiting = Waiting(settings.waiting, settings.waiting_per_address)
        self._connections: dict[int, Connection] = {}
        self._logged_in: set[int] = set()
        self._sessions: dict[Session, asyncio.Task[None]] = {}
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self._someone_left = asyncio.Event()

    async def start(self, listener: socket.socket) -> None:
        """Begins to listen on a bound socket, once sessions can be run. Raises TimeoutError when they cannot."""
        self.zygote.start()
        await self.zygote.ready()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.settings.send_buffer)  # connections inherit it
        bound_inflating()
        self._acceptor = await asyncssh.listen(
            sock=listener,
            backlog=self.settings.waiting,
            config=None,
            server_factory=lambda: Connection(self),
            server_host_keys=[self._key],
            server_version="onviftui",
            kex_algs=algorithms.offered(algorithms.KEY_EXCHANGES, kex.get_kex_algs()),
            encryption_algs=algorithms.offered(algorithms.CIPHERS, encryption.get_encryption_algs()),
            mac_algs=algorithms.offered(algorithms.MACS, mac.get_mac_algs()),
            compression_algs=list(algorithms.COMPRESSIONS),
            signature_algs=list(algorithms.SIGNATURES),
            public_key_auth=True,
            password_auth=self.settings.passwords,
            kbdint_auth=False,
            host_based_auth=False,
            gss_host=None,
            login_timeout=self.settings.login_grace_s,
            keepalive_interval=self.settings.keepalive_s,
            keepalive_count_max=self.settings.keepalives,
            x11_forwarding=False,
            agent_forwarding=False,
            allow_scp=False,
            sftp_factory=None,
            line_editor=False,
            encoding=None,
            window=self.settings.receive_window,
        )
        self._watch = asyncio.create_task(self._watch_users(), name="users of the SSH server")

    async def stop(self) -> None:
        """Says goodbye to everybody, gives them their terminals back, and leaves no process."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._acceptor is not None:
            self._acceptor.close()
        for session in self._sessions:
            session.end(_STOPPING)
        if self._sessions:
            await asyncio.wait(self._sessions.values(), timeout=_STOP_S)
        for number in set(self._connections) - self._logged_in:
            self._connections[number].drop()
        try:  # a client leaves after its last session; cut off, it may miss the end
            async with asyncio.timeout(_LEAVE_S):
                while self._connections:
                    self._someone_left.clear()
                    await self._someone_left.wait()
        except TimeoutError:
            log.info("%d connections are cut off", len(self._connections))
        for connection in list(self._connections.values()):
            connection.close(_STOPPING)
        await self.zygote.stop()
        for task in self._sessions.values():
            task.cancel()
        await asyncio.gather(*self._sessions.values(), return_exceptions=True)

    # what connections call

    def next_number(self) -> int:
        return next(self._numbers)

    def arrived(self, connection: Connection) -> None:
        self._connections[connection.number] = connection
        victim = self._connections.get(self._waiting.add(connection.number, connection.address) or 0)
        if victim is not None:
            log.debug("a connection from %s that did not log in makes room", victim.address)
            victim.drop()

    def logged_in(self, connection: Connection) -> str:
        """Why it may not stay; "" when it may."""
        self._waiting.remove(connection.number)
        if self._stopping:
            return _STOPPING
        if len(self._logged_in) >= self.settings.connections:
            return f"{self.settings.connections} connections are open, which is the limit; try again later."
        name = connection.identity.name
        if sum(self._connections[one].identity.name == name for one in self._logged_in) >= (
            self.settings.connections_per_user
        ):
            return f"You have {self.settings.connections_per_user} open connections, which is the limit. Close one."
        self._logged_in.add(connection.number)
        return ""

    def left(self, connection: Connection) -> None:
        self._waiting.remove(connection.number)
        self._logged_in.discard(connection.number)
        self._connections.pop(connection.number, None)
        self._someone_left.set()

    # what sessions call

    def keep(self, session: Session, task: asyncio.Task[None]) -> None:
        self._sessions[session] = task
        task.add_done_callback(lambda _: self._ended(session))

    def _ended(self, session: Session) -> None:
        self._sessions.pop(session, None)
        session.connection.session_ended(session)

    def refusal(self, session: Session) -> str:
        """Why this session cannot be opened; "" when it can."""
        if self._stopping:
            return _STOPPING
        if len(self._sessions) > self.settings.sessions:
            return f"{self.settings.sessions} sessions are open, which is the limit. Close one, then try again."
        own = sum(other.user == session.user for other in self._sessions)
        if own > self.settings.sessions_per_user:
            return f"You have {self.settings.sessions_per_user} open sessions, which is the limit. Close one first."
        return ""

    def folder_of(self, user: str) -> Path:
        """The folder in which sessions write; the user's own is in it. On a full disk somebody has to look what is
        the matter, so he gets his session; what he chooses there is then not kept."""
        try:
            (self._folder / "users" / user).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self.logins.warn("what %s chooses is not kept in %s: %s", user, self._folder, error.strerror)
        return self._folder

    async def _watch_users(self) -> None:
        """Who is taken out, or may do less, does not keep his session."""
        while True:
            await asyncio.sleep(self.settings.users_s)
            if not self._logged_in:
                continue
            users = self.logins.look()
            for number in list(self._logged_in):
                connection = self._connections[number]
                why = self.logins.why_not(connection.identity, users)
                if not why:
                    continue
                log.info("%s may not stay: %s", connection.who, why)
                for session in connection.sessions:
                    session.end(why)
                if not connection.sessions:
                    connection.close(why)

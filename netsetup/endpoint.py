"""The arm's Unix socket: who may connect (SO_PEERCRED, unix(7)), one line in, lines out, limits on everything."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import socket
import stat
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from .errors import BadRequest, NetsetupError
from .protocol import MOST_REQUEST_BYTES, Request, format_error, parse_request

log = logging.getLogger(__name__)

MOST_CLIENTS = 16
IDLE_S = 60.0  # a client that is silent for so long is cut off, unless it watches
SEND_S = 10.0  # a client that does not read for so long is cut off
_BACKLOG = 32

Answers = Callable[[Request], AsyncIterator[bytes]]


class Endpoint:
    """`answers` gives the lines to send for one request; it may go on for ever (watch). NetsetupError becomes an error
    line; anything else is a bug, which the peer is told of without details."""

    def __init__(self, path: Path, user: str, answers: Answers, *, idle_s: float = IDLE_S) -> None:
        self._path = path
        self._user = user
        self._answers = answers
        self._idle_s = idle_s
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """The socket is 0660 and belongs to the group of `user`. Raises NetsetupError when it cannot be made. The
        caller makes sure that no other arm serves at this path."""
        self._remove_old()
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            try:
                before = os.umask(0o117)  # never open to others, not even before the chmod
                try:
                    listener.bind(str(self._path))
                finally:
                    os.umask(before)
                self._give_to_group()
                listener.listen(_BACKLOG)
            except BaseException:
                listener.close()
                raise
        except OSError as error:
            raise NetsetupError(
                f"Cannot make the socket {self._path}: {error.strerror or error}.",
                "Choose another place with --socket.",
            ) from None
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=MOST_REQUEST_BYTES)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in list(self._clients):
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self._server = None
        self._path.unlink(missing_ok=True)

    def _remove_old(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(self._path.lstat().st_mode):
                raise NetsetupError(f"{self._path} is no socket.", "Choose another place with --socket.")
            self._path.unlink()

    def _give_to_group(self) -> None:
        try:
            group = pwd.getpwnam(self._user).pw_gid
        except KeyError:
            log.warning("there is no user %s: only root can talk to the arm", self._user)
            return
        try:
            if self._path.stat().st_gid != group:  # the unit's Group= did it already; chown(2) is closed there
                os.chown(self._path, -1, group)
        except OSError as error:
            log.warning("cannot give %s to the group of %s: %s", self._path, self._user, error.strerror)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        task.set_name("arm client")
        crowded = len(self._clients) >= MOST_CLIENTS
        self._clients.add(task)
        try:
            if crowded:
                await _send(writer, format_error(NetsetupError("Too many programs talk to the arm.", "Try again.")))
            elif await self._may_ask(writer):
                await self._converse(reader, writer)
            writer.close()
            async with asyncio.timeout(SEND_S):
                await writer.wait_closed()
        except (ConnectionError, TimeoutError):
            pass  # the peer went, or does not read
        except asyncio.CancelledError:
            if self._server is None or self._server.is_serving():
                raise
            # By stop(). Python 3.11 would log the traceback of a client that ends so.
        finally:
            self._clients.discard(task)
            writer.transport.abort()

    async def _may_ask(self, writer: asyncio.StreamWriter) -> bool:
        uid = peer_uid(writer.get_extra_info("socket"))
        if uid in allowed_uids(self._user):
            return True
        log.warning("refused a request of uid %d", uid)
        error = BadRequest("You may not talk to the arm.", f"Only root and {self._user} may; use sudo.")
        await _send(writer, format_error(error))
        return False

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    line = await reader.readline()
            except ValueError:  # longer than the limit: what follows cannot be understood
                await _send(writer, format_error(BadRequest(f"A request may have {MOST_REQUEST_BYTES} bytes.")))
                return
            if not line.endswith(b"\n"):
                return  # the peer is done, or went within a request
            try:
                request = parse_request(line)
                async with contextlib.aclosing(self._answers(request)) as lines:  # type: ignore[type-var]  # a generator, typed as AsyncIterator
                    if getattr(request, "watch", False):
                        await self._stream(reader, writer, lines)
                        return
                    async for answer in lines:
                        await _send(writer, answer)
            except NetsetupError as error:
                await _send(writer, format_error(error))
            except (ConnectionError, TimeoutError):
                raise
            except Exception:
                log.exception("a bug in an answer")
                bug = NetsetupError("A bug keeps the arm from answering.", "Its log has the details.")
                await _send(writer, format_error(bug))

    async def _stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lines: AsyncIterator[bytes]
    ) -> None:
        """Until the peer goes or says anything more."""
        gone = asyncio.create_task(reader.read(1), name="arm client leaves")
        sending = asyncio.create_task(_send_all(writer, lines), name="arm client watches")
        try:
            await asyncio.wait([gone, sending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, sending):
                task.cancel()
            await asyncio.gather(gone, sending, return_exceptions=True)


async def _send_all(writer: asyncio.StreamWriter, lines: AsyncIterator[bytes]) -> None:
    async for line in lines:
        await _send(writer, line)


async def _send(writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line)
    async with asyncio.timeout(SEND_S):
        await writer.drain()


def peer_uid(sock: socket.socket) -> int:
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", raw)[1])


def allowed_uids(user: str) -> set[int]:
    """Root and proxyd's user, looked up anew each time: the user may be made after the arm started."""
    try:
        return {0, pwd.getpwnam(user).pw_uid}
    except KeyError:
        return {0}

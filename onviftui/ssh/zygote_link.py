"""The front's side of the zygote: starts it, has it fork sessions, hears how they end, starts another when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from .wire import Order, close_all, receive, send

log = logging.getLogger(__name__)

READY_S = 60.0
END_S = 3.0
AGAIN_S = (0.0, 0.5, 2.0, 5.0, 15.0)  # before one more is started; a zygote that lived for a minute begins anew
_LIVED_S = 60.0


class ZygoteGone(Exception):
    """It ended, or does not answer; its children ended with it."""


class Process:
    """One child of the zygote. `ended` is its wait status, or ZygoteGone."""

    def __init__(self, number: int, link: ZygoteLink) -> None:
        self.pid = 0
        self.started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._number = number
        self._link = link

    def send_signal(self, number: int) -> None:
        """Nothing happens when it has ended."""
        if not self.ended.done():
            self._link.signal(self._number, number)

    def lost(self) -> None:
        for future in (self.started, self.ended):
            if not future.done():
                future.set_exception(ZygoteGone())
                future.exception()  # seen: not everybody who could wait for it does


class ZygoteLink:
    """Owns one zygote at a time. `died` is told of each that ended by itself."""

    def __init__(self, died: Callable[[], None] | None = None) -> None:
        self._died = died
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._children: dict[int, Process] = {}
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="zygote")

    async def ready(self) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(READY_S):
            await self._ready.wait()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def spawn(self, order: Order, descriptors: list[int], deadline_s: float) -> Process:
        """The child, running. The descriptors stay the caller's. Raises ZygoteGone, or OSError: it cannot fork."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._ready.wait()
        except TimeoutError:
            raise ZygoteGone from None  # a new one is on its way
        process = Process(order.number, self)
        try:
            async with asyncio.timeout(deadline_s):
                if self._sock is None:
                    raise ZygoteGone
                self._children[order.number] = process
                send(self._sock, order.message(), descriptors)
                process.pid = await process.started
        except TimeoutError:
            self._children.pop(order.number, None)
            process.lost()
            self._give_up("does not answer")
            raise ZygoteGone from None
        except BaseException:
            self._children.pop(order.number, None)
            process.lost()
            raise
        return process

    def signal(self, number: int, which: int) -> None:
        if self._sock is not None:
            try:
                send(self._sock, {"do": "signal", "number": number, "signal": which})
            except OSError:
                self._give_up("does not read")

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            await asyncio.sleep(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
            began = loop.time()
            try:
                self._open()
                await self._gone.wait()
            finally:
                await self._close()
            tries = 1 if loop.time() - began > _LIVED_S else tries + 1
            log.error("the process that runs sessions ended unexpectedly; another one is started")
            if self._died:
                self._died()

    def _open(self) -> None:
        self._gone.clear()
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._sock.setblocking(False)
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", "onviftui.ssh.zygote", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={name: os.environ[name] for name in ("PATH", "LANG", "HOME", "PYTHONPATH") if name in os.environ},
            )
        asyncio.get_running_loop().add_reader(self._sock, self._hear)

    def _hear(self) -> None:
        assert self._sock is not None
        try:
            got = receive(self._sock)
        except BlockingIOError:
            return
        except ValueError:
            self._give_up("says what is not understood")
            return
        if got is None:
            self._over()
            return
        message, descriptors = got
        close_all(descriptors)
        self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self._ready.set()
            return
        process = self._children.get(message["number"])
        if process is None:
            return
        if "pid" in message and not process.started.done():
            process.started.set_result(message["pid"])
        elif "failed" in message:
            del self._children[message["number"]]
            if not process.started.done():
                process.started.set_exception(OSError(message["failed"]))
            process.lost()
        elif "status" in message:
            del self._children[message["number"]]
            if not process.ended.done():
                process.ended.set_result(message["status"])

    def _give_up(self, why: str) -> None:
        log.error("the process that runs sessions %s and is killed", why)
        if self._process is not None:
            self._process.kill()
        self._over()

    def _over(self) -> None:
        """No more from this one; `_keep` does the rest."""
        self._ready.clear()
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock)
        self._gone.set()

    async def _close(self) -> None:
        self._over()
        if self._sock is not None:
            self._sock.close()  # it ends by that, and its children with it
            self._sock = None
        if self._process is not None:
            process, self._process = self._process, None
            await _ended(process)
        children, self._children = list(self._children.values()), {}
        for child in children:
            child.lost()


async def _ended(process: subprocess.Popen[bytes]) -> None:
    waiting = asyncio.get_running_loop().run_in_executor(None, process.wait)
    try:
        async with asyncio.timeout(END_S):
            await asyncio.shield(waiting)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await waiting

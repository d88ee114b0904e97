"""One media process as the daemon has it: started, told what to do, heard, and ended.

Commands wait here while its socket is full, in their order and up to a limit. A process that takes no commands or is
not heard for long is as good as dead, and is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxyd.errors import ProxyError
from proxyd.media.wire import MAX_PACKET_BYTES, AskReady, Command, Event, Ready, decode_event, encode

_log = logging.getLogger(__name__)

MAX_WAITING, MAX_WAITING_BYTES = 4096, 16 << 20  # commands; hundreds of cameras that start at once are far below
_READY_S = 10.0
_ANSWER_S = 0.5  # an idle process answers in less than a thousandth of it
_AWAKE_S = 1.0
_END_S = 2.0
_TRY_AGAIN_S = 0.02
_PACKETS_PER_WAKE_UP = 64
_FULL = (errno.ENOBUFS, errno.ETOOMANYREFS)  # unix(7): descriptors under way are counted
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class MediaUnavailable(ProxyError):
    """No media process runs at the moment. Our own trouble: it says nothing about an NVR."""

    def __init__(self, why: str, hint: str = "It is started again by itself; proxyd's log says more.") -> None:
        super().__init__(f"The process that carries video {why}.", hint)


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """`moderation_ms`: how long packets may wait for others under load, 0 for not at all; `blocked_s`: how long a
    recorder may read nothing; `silent_s`: a process that has streams and says nothing for so long is taken for dead."""

    moderation_ms: int = 5
    blocked_s: float = 10.0
    silent_s: int = 10

    def arguments(self) -> list[str]:
        return ["--moderation-ms", str(self.moderation_ms), "--blocked-ms", str(round(self.blocked_s * 1000))]


class MediaProcess:
    """`on_event` gets what it says, `on_end` is called once when it is gone without having been asked."""

    def __init__(
        self,
        settings: MediaSettings,
        *,
        on_event: Callable[[Event], None],
        on_end: Callable[[MediaProcess], None],
    ) -> None:
        self._settings = settings
        self._on_event = on_event
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._waiting: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._waiting_bytes = 0
        self._writing = False
        self._silent_checks = 0
        self._asked: asyncio.Future[None] | None = None
        self._heard_at = self._loop.time()

    @property
    def pid(self) -> int:
        """0 when it does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def alive(self) -> bool:
        return self._socket is not None

    @property
    def awake(self) -> bool:
        """It was heard just now."""
        return self._loop.time() - self._heard_at < _AWAKE_S

    async def start(self) -> None:
        """Returns when it is ready. Raises MediaUnavailable; nothing is left then."""
        try:
            self._spawn()
            async with asyncio.timeout(_READY_S):
                await self._ready
        except (OSError, TimeoutError) as error:
            await self.stop()
            raise MediaUnavailable(f"cannot be started ({error or 'it does not answer'})") from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """It ends when its socket is closed; what hangs is killed. Idempotent."""
        self._disconnect()
        process, self._process = self._process, None
        if process is not None:
            await asyncio.shield(asyncio.to_thread(_end, process))

    def send(self, command: Command, descriptors: Sequence[int] = ()) -> None:
        """In order, at once or as soon as there is room. The descriptors belong to this method: they are closed when
        they are sent, or will never be. Never raises for what the process does."""
        if self._socket is None:
            _close_all(descriptors)
            return
        packet = encode(command)
        self._waiting.append((packet, tuple(descriptors)))
        self._waiting_bytes += len(packet)
        if not self._writing:
            self._write()
        if len(self._waiting) > MAX_WAITING or self._waiting_bytes > MAX_WAITING_BYTES:
            self._kill("takes no commands")

    def check(self) -> None:
        """To be called about once a second while it has streams: it reports as often."""
        self._silent_checks += 1
        if self._silent_checks > self._settings.silent_s:
            self._kill("is silent")

    async def ask(self) -> None:
        """Finds out whether one without streams, which reports nothing, is still there. It is `awake` then, or gone."""
        if self._socket is None:
            return
        if self._asked is None:
            self._asked = self._loop.create_future()
            self.send(AskReady())
        asked = self._asked
        await asyncio.wait([asked], timeout=_ANSWER_S)
        if not asked.done():
            self._kill("gives no answer")

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()

    # Parts --------------------------------------------------------------------------------------------------

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        with theirs:
            ours.setblocking(False)
            environment = {name: value for name in ("PATH", "LANG", "LC_ALL") if (value := os.environ.get(name))}
            environment |= {"PYTHONPATH": str(_PACKAGE_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                # -S: it needs the standard library only, and starts in half the time.
                [sys.executable, "-S", "-m", "proxyd.media", str(theirs.fileno()), *self._settings.arguments()],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # signals of the terminal are for the daemon
            )
        self._loop.add_reader(ours.fileno(), self._readable)

    def _readable(self) -> None:
        for _ in range(_PACKETS_PER_WAKE_UP):
            if self._socket is None:
                return
            try:
                packet = self._socket.recv(MAX_PACKET_BYTES)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                self._gone("ended")
                return
            self._silent_checks = 0
            self._heard_at = self._loop.time()
            try:
                event = decode_event(packet)
            except ValueError as error:
                self._kill(f"says something that makes no sense ({error})")
                return
            if isinstance(event, Ready):
                if not self._ready.done():
                    self._ready.set_result(None)
                self._answered()
            else:
                self._on_event(event)

    def _answered(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.set_result(None)

    def _write(self) -> None:
        """Sends what waits until the socket is full."""
        while self._waiting and self._socket is not None:
            packet, descriptors = self._waiting[0]
            try:
                socket.send_fds(self._socket, [packet], descriptors)
            except BlockingIOError:
                self._wait_for_room(self._socket)
                return
            except OSError as error:
                if error.errno in _FULL:
                    # Too much is under way, of which poll knows nothing.
                    self._loop.call_later(_TRY_AGAIN_S, self._write)
                    self._writing = True
                    return
                self._kill(f"cannot be spoken to ({error.strerror})")
                return
            self._waiting.popleft()
            self._waiting_bytes -= len(packet)
            _close_all(descriptors)
        self._writing = False
        if self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())

    def _wait_for_room(self, ours: socket.socket) -> None:
        self._writing = True
        self._loop.add_writer(ours.fileno(), self._write)

    def _kill(self, why: str) -> None:
        self.kill()
        self._gone(why)

    def _gone(self, why: str) -> None:
        if self._socket is None:
            return
        _log.warning("media process %d %s", self.pid, why)
        self._disconnect()
        if self._ready.done():
            self._on_end(self)
        else:
            self._ready.set_exception(OSError(f"it {why}"))

    def _disconnect(self) -> None:
        ours, self._socket = self._socket, None
        if ours is not None:
            self._loop.remove_reader(ours.fileno())
            self._loop.remove_writer(ours.fileno())
            ours.close()
        self._answered()  # nobody will
        while self._waiting:
            _close_all(self._waiting.popleft()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _close_all(descriptors: Sequence[int]) -> None:
    for one in descriptors:
        with contextlib.suppress(OSError):
            os.close(one)

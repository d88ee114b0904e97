"""One session of a connection: its child, its streams, its door, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
from typing import TYPE_CHECKING

import asyncssh

from onviftui.output import cut, harmless
from proxyd.errors import ProxyError

from .doorkeeper import Doorkeeper
from .endings import Ending, ending_of, idle_line, lost, told
from .environment import CappedVariables, for_session
from .remote import is_ui, split_words
from .streams import Size, Streams
from .wire import Order, close_all
from .zygote_link import Process, ZygoteGone

if TYPE_CHECKING:
    from .connection import Connection
    from .front import Front

log = logging.getLogger(__name__)

_SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "HUP": signal.SIGHUP, "QUIT": signal.SIGTERM}
_DRAIN_S = 1.0
_LOGGED_CELLS = 40
_INTERRUPT = b"\x03"
_NO_TERMINAL = (
    "The UI needs a terminal: log in without a command, or with ssh -t. There is no shell here. "
    "For scripts: ssh … camera list --json"
)


class Session(asyncssh.SSHServerSession[bytes]):
    """asyncssh calls it; `finished` is set when nothing of it is left."""

    def __init__(self, front: Front, connection: Connection) -> None:
        self._front = front
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._chan: asyncssh.SSHServerChannel[bytes] | None = None
        self.number = front.next_number()
        self.mark = secrets.token_hex(3)
        self._term: str | None = None
        self._size: Size = (0, 0, 0, 0)
        self._command = ""
        self._too_long = False
        self._streams: Streams | None = None
        self._theirs: list[int] = []  # the child's ends, until it has them
        self._process: Process | None = None
        self._door: Doorkeeper | None = None
        self._holds: set[str] = set()
        self._gone = asyncio.Event()  # the client
        self._farewell: Ending | None = None
        self._last_key = self._loop.time()
        self._last_signal = float("-inf")
        self._idle: asyncio.TimerHandle | None = None
        self.finished = asyncio.Event()
        self.began = False
        self._tiny = False  # packets

    # what asyncssh calls

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._chan = chan
        self._tiny = getattr(chan, "_send_pktsize", 1 << 15) < self._front.settings.least_packet
        chan._env = CappedVariables(self._front.settings.variables)  # asyncssh keeps as many as are sent

    def pty_requested(self, term_type: str, term_size: Size, term_modes: object) -> bool:
        self._term, self._size = term_type, term_size
        return True

    def shell_requested(self) -> bool:
        return not self._tiny

    def exec_requested(self, command: str) -> bool:
        self._too_long = len(command) > self._front.settings.command_length
        self._command = "" if self._too_long else command
        return not self._tiny

    def subsystem_requested(self, subsystem: str) -> bool:
        self._front.logins.warn("%s asked for %.20r, which is not offered", self._connection.who, subsystem)
        return False

    def session_started(self) -> None:
        self.began = True
        self._connection.session_began()
        if self._term is not None or self._command:
            self._open_streams()  # now: what the client sends may be in the next packet
        self._front.keep(self, asyncio.create_task(self._run(), name=f"session {self.number}"))

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._last_key = self._loop.time()
        if self._streams is not None:
            self._streams.type(data)

    def eof_received(self) -> bool:
        if self._streams is not None:
            self._streams.type_end()
        return True  # what the program still says is wanted

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        self._size = (width, height, pixwidth, pixheight)
        if self._streams is not None:
            self._streams.resize(self._size)

    def signal_received(self, signal: str) -> None:
        number = _SIGNALS.get(signal)
        now = self._loop.time()
        if number is None or self._process is None or now - self._last_signal < self._front.settings.signals_s:
            return
        self._last_signal = now
        self._process.send_signal(number)

    def break_received(self, msec: int) -> bool:
        if self._term is None or self._streams is None:
            return False
        self._streams.type(_INTERRUPT)
        return True

    def pause_writing(self) -> None:
        self.hold("channel", True)

    def resume_writing(self) -> None:
        self.hold("channel", False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._chan = None
        self._gone.set()
        self._hang_up(signal.SIGHUP)
        if self._streams is not None:
            self._streams.close()
        if not self.began:
            self._connection.session_ended(self)

    # what front and connection call

    @property
    def user(self) -> str:
        return self._connection.identity.name

    @property
    def connection(self) -> Connection:
        return self._connection

    def hold(self, why: str, held: bool) -> None:
        """While something holds it, nothing more is read from the program, which then has to wait."""
        (self._holds.add if held else self._holds.discard)(why)
        if self._streams is not None:
            self._streams.hold(bool(self._holds))

    def end(self, line: str) -> None:
        """Ends it from our side, and tells the user why."""
        if self._farewell is None:
            self._farewell = told(line)
            self._hang_up(signal.SIGTERM)

    # its life

    async def _run(self) -> None:
        try:
            ending = await self._serve()
            if self._process is not None:
                await self._drained()
            self._say_goodbye(ending)
        except ProxyError as error:
            self._say_goodbye(Ending(error.exit_code, str(error), clean=True))
        except Exception:
            log.exception("session %s of %s met a bug", self.mark, self._connection.who)
            self._say_goodbye(lost(self.mark))
        finally:
            if self._idle is not None:
                self._idle.cancel()
            if self._process is not None:
                self._process.send_signal(signal.SIGKILL)
            close_all(self._theirs)
            if self._streams is not None:
                self._streams.close()
            if self._door is not None:
                await self._door.close()
            self.finished.set()

    async def _serve(self) -> Ending:
        """Raises InvalidInput for a command that cannot be taken apart."""
        if self._too_long:
            most = self._front.settings.command_length
            return Ending(2, f"The command is longer than {most} characters, which is the limit.", clean=True)
        words = split_words(self._command)
        if self._term is None and not words:
            return Ending(2, _NO_TERMINAL, clean=True)
        refusal = self._front.refusal(self)
        if refusal:
            return Ending(1, refusal, clean=True)
        try:
            process = self._process = await self._start(words)
        except (ZygoteGone, OSError) as error:
            log.error("no session for %s: %r", self._connection.who, error)
            return Ending(1, f"No session can be opened now; try again in a moment. (id {self.mark})", clean=True)
        if self._gone.is_set() or self._farewell is not None:
            self._hang_up(signal.SIGHUP)  # while it was being started
        if is_ui(words) and self._front.settings.idle_s:
            self._idle = self._loop.call_later(self._front.settings.idle_s, self._look_for_keys)
        what = cut(harmless(" ".join(words[:2])), _LOGGED_CELLS) or "the UI"
        log.info("%s opened session %s: %s", self._connection.who, self.mark, what)
        try:
            ending = ending_of(await process.ended, self.mark, self._front.settings.session_memory)
        except ZygoteGone:
            ending = lost(self.mark)
        ending = self._farewell or ending
        said = f": {ending.line}" if ending.line and not self._gone.is_set() else ""
        log.info("session %s of %s ended (%d)%s", self.mark, self._connection.who, ending.status, said)
        return ending

    async def _start(self, words: list[str]) -> Process:
        """Raises ZygoteGone, OSError."""
        if self._chan is None or not self._theirs:
            raise OSError("the client is gone, or there are no descriptors left")
        settings = self._front.settings
        environment = for_session(
            self._chan.get_environment_bytes(),
            self._term,
            self._connection.peer,
            self._front.folder_of(self.user),
            self.user,
        )
        theirs, self._theirs = self._theirs, []
        try:
            door, their_door = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with their_door:
                self._door = Doorkeeper(door, self._connection.dial, f"session {self.number}")
                order = Order(
                    self.number,
                    self.mark,
                    self.user,
                    self._term is not None,
                    words,
                    environment,
                    settings.session_memory,
                )
                return await self._front.zygote.spawn(order, [*theirs, their_door.fileno()], settings.spawn_s)
        finally:
            close_all(theirs)

    def _open_streams(self) -> None:
        assert self._chan is not None
        streams = Streams(self._chan, self._term, self._size, self._front.settings.resize_s)
        try:
            self._theirs = streams.open()
        except OSError as error:
            log.error("no streams for %s: %s", self._connection.who, error)
            return
        self._streams = streams
        streams.hold(bool(self._holds))

    async def _drained(self) -> None:
        """All that the program said is with the client; or he is gone; or we end it, and he does not read."""
        if self._streams is None:
            return
        waiting = [
            asyncio.create_task(self._streams.drained(), name=f"last words of session {self.number}"),
            asyncio.create_task(self._gone.wait(), name=f"client of session {self.number}"),
        ]
        try:
            timeout_s = _DRAIN_S if self._farewell else None
            await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _say_goodbye(self, ending: Ending) -> None:
        if self._chan is None:
            return
        with contextlib.suppress(OSError):  # the channel is being closed
            if self._term is None:
                if ending.line:
                    self._chan.write_stderr(f"{ending.line}\n".encode())
            else:
                if self._streams is not None:
                    self._chan.write(self._streams.reset(clean=ending.clean))
                if ending.line:
                    self._chan.write(f"{ending.line}\r\n".encode())
            self._chan.exit(ending.status)

    def _hang_up(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._loop.call_later(self._front.settings.hangup_s, self._process.send_signal, signal.SIGKILL)

    def _look_for_keys(self) -> None:
        idle_s = self._front.settings.idle_s
        left_s = self._last_key + idle_s - self._loop.time()
        if left_s <= 0:
            self.end(idle_line(idle_s))
        else:
            self._idle = self._loop.call_later(left_s, self._look_for_keys)

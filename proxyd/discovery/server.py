"""Discovery of one running camera on real sockets: hears, waits as the standard wants, answers, greets, takes leave.

A camera whose sockets cannot be opened works all the same, it is only not found: `note` says so, `tend` tries again.
Nothing that arrives can raise out of here.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import random
import socket
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import ClassVar

from proxyd.camera.spec import CameraSpec, RecordExchange

from .guard import MAX_DATAGRAM_BYTES
from .messages import Probe, Request
from .responder import AppSequence, Counts, Responder
from .sockets import GROUP, PORT, interface_index, open_hearing, open_speaking

APP_MAX_DELAY_S = 0.5  # WS-Discovery 2005/04 section 1.4: cameras must not all answer at the same moment
HELLO_AGAIN_S = (0.05, 0.25)  # SOAP-over-UDP appendix I: UDP loses messages
MAX_WAITING = 64  # messages that wait for their moment
_RETRY_FIRST_S, _RETRY_MOST_S = 1.0, 30.0
_DATAGRAMS_AT_ONCE = 16  # then the others of this process get their turn
_TRACED_EVERY_S = 60.0  # recorders search for ever: one trace line per client and minute says enough
_MAX_TRACED = 64

_log = logging.getLogger(__name__)


class DiscoveryServer:
    """start(), stop() and tend() are idempotent and never raise OSError. Owner calls tend() about once a second."""

    # Of this process, by address and port. In shared-address mode there are many at one, and the kernel gives a unicast
    # datagram to the socket that was bound last: it is meant for all of them.
    _at: ClassVar[dict[tuple[str, int], set[DiscoveryServer]]] = {}

    def __init__(
        self,
        spec: CameraSpec,
        sequence: AppSequence,
        *,
        record: RecordExchange,
        port: int = PORT,
        uniform: Callable[[float, float], float] = random.uniform,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._record = record
        self._port = port
        self._uniform = uniform
        self._clock = clock
        self._responder = Responder(spec, sequence, lambda: uuid.uuid4().urn)
        self._running = False
        self._hear: socket.socket | None = None
        self._speak: socket.socket | None = None
        self._interface = 0
        self._https_port = 0
        self._retry_at = self._pause_s = 0.0
        self._waiting: set[asyncio.TimerHandle] = set()
        self._traced: OrderedDict[str, float] = OrderedDict()
        self.note = ""

    @property
    def counts(self) -> Counts:
        return self._responder.counts

    async def start(self) -> None:
        """Open the sockets and greet, if this camera may be found."""
        self._running = True
        if self._spec.discovery:
            self._open()

    async def stop(self) -> None:
        """Take leave and close. What waits is dropped."""
        self._running = False
        self._close(bye=True)

    def update(self, spec: CameraSpec) -> None:
        """Of the same address. Greets again when what the camera says has changed."""
        self._spec = spec
        changed = self._responder.update(spec, self._https_port)
        if not self._running:
            return
        if not spec.discovery:
            self._close(bye=True)
        elif self._speak is None:
            self._open()
        elif changed:
            self._greet()

    def listens_by_https(self, port: int) -> None:
        """The camera does so now; 0: not any more."""
        if port != self._https_port:
            self._https_port = port
            self.update(self._spec)

    def tend(self) -> None:
        """Try again what failed; join again on an interface that was made anew under the same name (its index has
        changed, the kernel has forgotten the membership)."""
        if not (self._running and self._spec.discovery):
            return
        try:
            index = interface_index(self._spec.interface)
        except OSError:
            return  # gone for now; the owner hears of it and stops this camera
        incomplete = self._hear is None or self._speak is None
        if index != self._interface or (incomplete and self._clock() >= self._retry_at):
            self._close(bye=False)
            self._open(quietly=incomplete)

    # sockets

    def _open(self, *, quietly: bool = False) -> None:
        note = ""
        try:
            self._interface = interface_index(self._spec.interface)
            self._speak = open_speaking(self._spec.address, self._interface, self._port)
            self._listen(self._speak, multicast=False)
            self._at.setdefault((self._spec.address, self._port), set()).add(self)
            self._hear = open_hearing(self._interface, self._port)
            self._listen(self._hear, multicast=True)
        except OSError as error:
            note = _failure(error, self._spec.address, self._port)
            if note != self.note:
                _log.warning("camera %d: %s", self._spec.id, note)
            self._pause_s = min(self._pause_s * 2, _RETRY_MOST_S) if self.note else _RETRY_FIRST_S
            self._retry_at = self._clock() + self._pause_s
        if self._speak is not None and not (quietly and note):
            self._greet()
        self.note = note

    def _listen(self, bound: socket.socket, *, multicast: bool) -> None:
        asyncio.get_running_loop().add_reader(bound.fileno(), self._readable, bound, multicast)

    def _close(self, *, bye: bool) -> None:
        for handle in self._waiting:
            handle.cancel()
        self._waiting.clear()
        if bye and self._speak is not None:
            self._send(self._responder.bye, (GROUP, self._port))
        for bound in (self._hear, self._speak):
            if bound is not None:
                asyncio.get_running_loop().remove_reader(bound.fileno())
                bound.close()
        self._hear = self._speak = None
        place = (self._spec.address, self._port)
        fellows = self._at.get(place, set())
        fellows.discard(self)
        if not fellows:
            self._at.pop(place, None)
        if bye:
            self.note = ""

    def _readable(self, bound: socket.socket, multicast: bool) -> None:
        for _ in range(_DATAGRAMS_AT_ONCE):
            try:
                data, sender = bound.recvfrom(MAX_DATAGRAM_BYTES + 1)
            except BlockingIOError:
                return
            except OSError as error:  # the interface went down; netlink tells the owner
                self.counts.errors += 1
                _log.debug("camera %d: discovery: %s", self._spec.id, error)
                return
            fellows = () if multicast else self._at.get((self._spec.address, self._port), ())
            for server in tuple(fellows) or (self,):
                server._take(data, sender, by_many=multicast or len(fellows) > 1)

    # conversation

    def _take(self, data: bytes, sender: tuple[str, int], *, by_many: bool) -> None:
        try:
            self._received(data, sender, by_many)
        except Exception as error:
            self.counts.errors += 1
            _log.debug("camera %d: discovery: %r", self._spec.id, error)

    def _received(self, data: bytes, sender: tuple[str, int], by_many: bool) -> None:
        request = self._responder.question(data, sender[0], self._clock())
        if request is None:
            return
        # Who asked us alone need not wait.
        delay_s = self._uniform(0, APP_MAX_DELAY_S) if by_many and isinstance(request, Probe) else 0.0
        self._later(delay_s, lambda: self._answer(request, sender))

    def _answer(self, request: Request, sender: tuple[str, int]) -> None:
        if self._send(lambda: self._responder.answer(request), sender):
            self._trace(request, sender)

    def _greet(self) -> None:
        """Hello after a random time, and once more. The second one has the same MessageID: it is the same message."""
        hello: list[bytes] = []

        def first() -> None:
            hello.append(self._responder.hello())
            again()
            self._later(self._uniform(*HELLO_AGAIN_S), again)

        def again() -> None:
            self._send(lambda: hello[0], (GROUP, self._port))

        self._later(self._uniform(0, APP_MAX_DELAY_S), first)

    def _later(self, delay_s: float, act: Callable[[], object]) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self.counts.too_many += 1
            return

        def now() -> None:
            self._waiting.discard(handle)
            act()

        handle = asyncio.get_running_loop().call_later(delay_s, now)
        self._waiting.add(handle)

    def _send(self, message: Callable[[], bytes], to: tuple[str, int]) -> bool:
        """Whether it went out. Nobody can be helped when not: the address may be gone, the sender forged."""
        if self._speak is None:
            return False
        try:
            self._speak.sendto(message(), to)
        except Exception as error:
            self.counts.errors += 1
            _log.debug("camera %d: discovery: nothing sent to %s: %s", self._spec.id, to[0], error)
            return False
        return True

    def _trace(self, request: Request, sender: tuple[str, int]) -> None:
        now, last = self._clock(), self._traced.get(sender[0])
        if last is not None and now < last + _TRACED_EVERY_S:
            return
        self._traced[sender[0]] = now
        self._traced.move_to_end(sender[0])
        if len(self._traced) > _MAX_TRACED:
            self._traced.popitem(last=False)
        client = f"{sender[0]}:{sender[1]}"
        self._record(client=client, protocol="discovery", operation=type(request).__name__, ok=True)


def _failure(error: OSError, address: str, port: int) -> str:
    """Why recorders cannot find the camera, and what to do."""
    by_hand = f"Type {address} into the recorder"
    match error.errno:
        case errno.EADDRINUSE:
            return f"Cannot be found by searching: UDP port {port} is used by another program. {by_hand}, or stop it."
        case errno.EADDRNOTAVAIL | errno.ENODEV | errno.ENXIO:
            return f"Cannot be found by searching until {address} is back on this machine."
        case _:
            return f"Cannot be found by searching: {error.strerror or error}. {by_hand}."

"""One flat epoll loop with one warm buffer, whose wake-ups are moderated.

What a relay costs is wake-ups: under load each one waits until a window is over, so that it finds more to do; and who
was idle when the first packets of a picture came waits a little for the others. A lone stream, and one that comes as
fast as it can, see no window.

About two thirds of the time go to the kernel, for one receive and one send per stream and window: a program in C that
does no more takes 60 to 75 % of what this does. Most of the rest goes to fetching what belongs to the next stream from
memory, not to what is done with it. Reading all streams before anything is sent, larger reads and larger buffers of the
kernel change nothing.
"""

from __future__ import annotations

import heapq
import select
import sys
from collections.abc import Callable
from itertools import count
from time import monotonic

READ_BYTES = 256 * 1024
# In front of what is read: room for what the last read left incomplete, at most one packet or message.
HEADROOM_BYTES = 72 * 1024
_EVENTS = 512
_BUSY = 1.5  # windows: a mean gap between wake-ups, or between sends where there are more of them, below it is load
_PICTURE = 0.3  # windows: so long the rest of a picture is waited for
_IDLE_S = 0.0003  # who waited so long had nothing to do
_MEMORY = 1 / 16  # weight of the last gap
READABLE, CAN_WRITE = select.EPOLLIN, select.EPOLLOUT
WRITABLE_AGAIN = select.EPOLLOUT | select.EPOLLET  # tells once, after a write that did not go out whole
HUNG_UP, FAILED = select.EPOLLHUP, select.EPOLLERR

Handler = Callable[[int], None]


class Loop:
    """`now` is that of the last wake-up. The opener's handler is called before all others of a wake-up: whoever is to
    get packets is known before they are read. It alone may open descriptors; what was seen of others that had their
    numbers is not for them."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._opener = -1
        self._opened: set[int] = set()  # in this wake-up
        # What ends a window: poll is no good for that, it counts whole milliseconds.
        self._urgent = select.epoll()
        self._in_a_hurry: set[int] = set()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._running = False
        self.buffer = bytearray(HEADROOM_BYTES + READ_BYTES)
        self.view = memoryview(self.buffer)
        self.room = self.view[HEADROOM_BYTES:]
        self.now = monotonic()
        self.sends = 0  # of this wake-up, counted by whoever sends
        self.big = False  # set by whoever reads a lot at once: there is no window then

    def watch(self, descriptor: int, events: int, handler: Handler, *, opener: bool = False) -> None:
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, events)
        self._opened.add(descriptor)
        if opener:
            self._opener = descriptor
            self.hurry(descriptor)

    def hurry(self, descriptor: int) -> None:
        """What comes there waits for no window, until `calm` or `forget`."""
        self._in_a_hurry.add(descriptor)
        self._urgent.register(descriptor, READABLE)

    def calm(self, descriptor: int) -> None:
        if descriptor in self._in_a_hurry:
            self._in_a_hurry.remove(descriptor)
            self._urgent.unregister(descriptor)

    def change(self, descriptor: int, events: int) -> None:
        self._epoll.modify(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """Before it is closed: others have it, too, so closing does not end what epoll knows of it."""
        del self._handlers[descriptor]
        self._epoll.unregister(descriptor)
        self.calm(descriptor)

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        """`when` as `now`. Cannot be taken back."""
        heapq.heappush(self._timers, (when, next(self._numbers), call))

    def stop(self) -> None:
        self._running = False

    def close(self) -> None:
        self._epoll.close()
        self._urgent.close()

    def run(self) -> None:
        poll, window = self._epoll.poll, self._window_s
        gap, timers = 1.0, self._timers
        self._running = True
        while self._running:
            began = monotonic()
            timeout = max(0.0, timers[0][0] - began) if timers else -1
            events = poll(timeout, _EVENTS)
            now = monotonic()
            gap += ((now - self.now) / max(1, self.sends) - gap) * _MEMORY
            loaded = gap < window * _BUSY
            if loaded and events and not self.big and now - began > _IDLE_S:
                self._rest(window * _PICTURE)
                events = _both(events, poll(0, _EVENTS))
                now = monotonic()
            self.now = now
            self.sends = 0
            self.big = False
            self._dispatch(events)
            while timers and timers[0][0] <= now:
                self._guarded(heapq.heappop(timers)[2])
            if loaded and not self.big:
                rest = now + window - monotonic()
                if rest > 0:
                    self._rest(rest)

    def _rest(self, seconds: float) -> None:
        select.select((self._urgent,), (), (), seconds)

    def _dispatch(self, events: list[tuple[int, int]]) -> None:
        handlers, opener, opened = self._handlers, self._opener, self._opened
        opened.clear()
        for descriptor, what in events:
            if descriptor == opener:
                try:
                    handlers[opener](what)
                except Exception:  # an order that could not be carried out; the next ones still can
                    _tell()
                break
        rest = iter(events)
        while True:
            try:
                for descriptor, what in rest:
                    if descriptor != opener and descriptor not in opened and (handler := handlers.get(descriptor)):
                        handler(what)
                break
            except Exception:
                _tell()
                self._give_up(handlers.get(descriptor))

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            _tell()
            self._give_up(call)

    def _give_up(self, handler: Callable[..., None] | None) -> None:
        """A bug met in one stream or recorder ends that one, not the others."""
        owner = getattr(handler, "__self__", None)
        if (give_up := getattr(owner, "give_up", None)) is not None:
            give_up()


def _both(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found = dict(first)
    for descriptor, what in second:
        found[descriptor] = found.get(descriptor, 0) | what
    return list(found.items())


def _tell() -> None:
    import traceback  # costs memory that is nearly never needed

    traceback.print_exc(limit=20, file=sys.stderr)

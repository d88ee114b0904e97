"""What carries streams from the source to the sink: nothing at all, a TCP proxy, our media process."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from proxyd.media import wire
from tests.bench.measure import family, prefer

from .loads import Load
from .peers import Peer, free_port
from .programs import HOST, Sink, Source

VIDEO = wire.Track(channels=(0, 1), codec="h264", clock_hz=90_000, video=True)
_LEG = wire.Leg(track=0, channels=(0, 1))
_DEADLINE_S = 15.0


class Engine(Protocol):
    @property
    def name(self) -> str:
        """Its key in the results."""

    def pids(self) -> list[int]:
        """Its processes."""

    def carriers(self) -> list[int]:
        """Those that packets go through."""

    def flow(self, load: Load, sink: Sink) -> AbstractContextManager[Source]:
        """Everything flows inside, and is closed afterwards. Connection i of the sink gets stream i // clients."""


class Direct:
    """No relay: what source and sink need by themselves."""

    name = "direct"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()

    def pids(self) -> list[int]:
        return []

    carriers = pids

    def flow(self, load: Load, sink: Sink) -> AbstractContextManager[Source]:
        return _through(self._folder, load, sink, self._port, self._port)


class Proxy:
    """A peer."""

    def __init__(self, folder: Path, peer: Peer) -> None:
        self._folder = folder
        self._peer = peer
        self.name = peer.name

    def pids(self) -> list[int]:
        return family(self._peer.pid)

    carriers = pids

    def flow(self, load: Load, sink: Sink) -> AbstractContextManager[Source]:
        return _through(self._folder, load, sink, self._peer.source_port, self._peer.port)


@contextmanager
def _through(folder: Path, load: Load, sink: Sink, source_port: int, port: int) -> Iterator[Source]:
    with Source(folder, load, source_port) as source:
        for number in range(load.streams):
            with socket.create_connection((HOST, port), _DEADLINE_S) as connection:
                connection.sendall(b"\r\n")  # node-tcp-proxy connects when there is something to send
                source.wait_for(connections=number + 1)  # so that streams have the order of connections
                sink.add(number, connection, group_of(load, number))
        source.go()
        yield source


def group_of(load: Load, stream: int) -> int:
    """Groups of the sink: 0 for what is paced, 1 for what is flat-out, unless all are."""
    return int(load.paced > 0 and stream >= load.paced)


class Media:
    """Our media process alone, driven over its control socket as the daemon does it. `clients` recorders share each
    stream; `moderation_ms` None: as it is by default."""

    def __init__(self, folder: Path, *, clients: int = 1, moderation_ms: int | None = None, name: str = "") -> None:
        self._folder = folder
        self._clients = clients
        self._options = [] if moderation_ms is None else ["--moderation-ms", str(moderation_ms)]
        self.name = name or "onviftui media" + ("" if moderation_ms is None else f", {moderation_ms} ms")
        self._port = free_port()
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self.ended: dict[int, str] = {}  # why, by outlet
        self._ready = False

    def __enter__(self) -> Self:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", "-m", "proxyd.media", str(theirs.fileno()), *self._options]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
        prefer(self.pids())
        self._listening = threading.Thread(target=self._listen, name="events of the media process")
        self._listening.start()
        self._wait(lambda: self._ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.shutdown(socket.SHUT_RDWR)  # it ends, and so does the thread
        self._listening.join()
        self._control.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def pids(self) -> list[int]:
        return [self._process.pid]

    carriers = pids

    @contextmanager
    def flow(self, load: Load, sink: Sink) -> Iterator[Source]:
        feeds: list[int] = []
        outlets: list[int] = []
        numbers = itertools.count()
        with Source(self._folder, load, self._port) as source, ExitStack() as ours:
            for stream in range(load.streams):
                upstream = ours.enter_context(socket.create_connection((HOST, self._port), _DEADLINE_S))
                upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                source.wait_for(connections=stream + 1)
                feeds.append(next(self._ids))
                self._send(wire.OpenFeed(feeds[-1], (VIDEO,), "bench"), upstream)
                for _ in range(self._clients):
                    near, far = (ours.enter_context(end) for end in _tcp_pair())
                    outlets.append(next(self._ids))
                    self._send(wire.OpenOutlet(outlets[-1], feeds[-1], (_LEG,)), near)
                    self._send(wire.StartOutlet(outlets[-1], at_key=False))
                    sink.add(next(numbers), far, group_of(load, stream))
            # Orders are carried out one after the other: when this has come, all streams flow.
            self._send(wire.WriteOutlet(outlets[-1], b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"))
            sink.wait_for_message(len(outlets) - 1)
            source.go()
            try:
                yield source
            finally:
                for feed in feeds:
                    self._send(wire.CloseFeed(feed, end=True))
                self._wait(lambda: self.ended.keys() >= set(outlets))

    def _send(self, command: wire.Command, *sockets: socket.socket) -> None:
        socket.send_fds(self._control, [wire.encode(command)], [one.fileno() for one in sockets])

    def _listen(self) -> None:
        while packet := self._control.recv(wire.MAX_PACKET_BYTES):
            event = wire.decode_event(packet)
            with self._changed:
                if isinstance(event, wire.OutletEnded):
                    self.ended[event.outlet] = event.why
                elif isinstance(event, wire.Ready):
                    self._ready = True
                self._changed.notify_all()

    def _wait(self, true: Callable[[], bool]) -> None:
        with self._changed:
            if not self._changed.wait_for(true, _DEADLINE_S):
                raise TimeoutError(f"{self.name} does not answer (exit code {self._process.poll()})")


def _tcp_pair() -> tuple[socket.socket, socket.socket]:
    """(the relay's end, the recorder's end)"""
    with socket.create_server((HOST, 0)) as listener:
        far = socket.create_connection(listener.getsockname(), _DEADLINE_S)
        near, _ = listener.accept()
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    near.setblocking(False)
    return near, far

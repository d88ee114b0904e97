"""What befalls the media of the simulated NVR once, at the moment it is asked for. Lasting faults are in `faults`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from proxyd.simulator.live import LiveStream
from proxyd.simulator.rtsp_connection import RtspConnection
from proxyd.simulator.rtsp_requests import RequestHandler
from proxyd.simulator.rtsp_sessions import SessionTable

_GARBAGE = random.Random(5).randbytes(700)  # noqa: S311 - the same each time; some of it looks like a packet's begin


class Troubles:
    """Of one running server. `connections` and `streams` are looked at when something befalls them."""

    def __init__(
        self,
        handler: RequestHandler,
        sessions: SessionTable,
        connections: Callable[[], Iterable[RtspConnection]],
        streams: Callable[[], Iterable[LiveStream]],
    ) -> None:
        self._handler = handler
        self._sessions = sessions
        self._connections = connections
        self._streams = streams
        self._known: dict[str, Callable[[], None]] = {
            "garbage": lambda: self._each(lambda one: one.transport.write(_GARBAGE)),
            "reset": lambda: self._each(lambda one: one.abort(reset=True)),
            "close": lambda: self._each(lambda one: one.transport.close()),
            "half-close": lambda: self._each(lambda one: one.transport.write_eof()),
            "new-ssrc": self._renumber,
            "new-nonces": handler.forget_nonces,
            "forget-sessions": self._forget,
        }

    def befall(self, trouble: str) -> None:
        """Raises ValueError naming the known ones."""
        if trouble not in self._known:
            raise ValueError(f"unknown trouble {trouble!r}; known: {', '.join(self._known)}")
        self._known[trouble]()

    def _each(self, strike: Callable[[RtspConnection], None]) -> None:
        """Every connection that media flows in."""
        playing = {session.owner for session in self._sessions if session.playing and session.interleaved}
        for connection in list(self._connections()):
            if connection in playing and not connection.transport.is_closing():
                strike(connection)

    def _renumber(self) -> None:
        for stream in self._streams():
            stream.renumber()

    def _forget(self) -> None:
        """No session is known any more (454); the connections stay, and are silent."""
        for session in self._sessions:
            self._sessions.close(session)

"""RTSP sessions of the simulator: what was set up, who plays, who has not been heard of for too long."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from proxyd.simulator.live import LiveStream, Sink, Viewer
from proxyd.simulator.rtsp_sdp import BACK_TRACK
from proxyd.simulator.rtsp_sinks import Address, TcpSink


@dataclass(eq=False, slots=True)
class SimSession:
    """Init, Ready (something set up) or Playing (RFC 2326 appendix A.2). `owner` is the connection that made it."""

    id: str
    live: LiveStream
    target: str
    owner: object
    last_seen: float
    sinks: dict[int, Sink] = field(default_factory=dict)
    udp_addresses: set[Address] = field(default_factory=set)
    viewer: Viewer | None = None

    @property
    def playing(self) -> bool:
        return self.viewer is not None

    @property
    def interleaved(self) -> bool:
        return any(isinstance(sink, TcpSink) for sink in self.sinks.values())

    def play(self) -> None:
        if self.viewer is None:
            self.viewer = Viewer(self.sinks)
            self.live.join(self.viewer)

    def pause(self) -> None:
        if self.viewer is not None:
            self.live.leave(self.viewer)
            self.viewer = None


class SessionTable:
    """All sessions of one server, never more than `limit`."""

    def __init__(self, limit: int, timeout_s: float) -> None:
        self._limit = limit
        self._timeout_s = timeout_s
        self._sessions: dict[str, SimSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[SimSession]:
        return iter(tuple(self._sessions.values()))

    @property
    def full(self) -> bool:
        return len(self._sessions) >= self._limit

    def open(self, live: LiveStream, target: str, owner: object, now: float) -> SimSession:
        session = SimSession(secrets.token_hex(8), live, target, owner, now)
        self._sessions[session.id] = session
        return session

    def get(self, session_id: str, now: float) -> SimSession | None:
        """The session, which herewith shows that its client is alive."""
        session = self._sessions.get(session_id)
        if session is not None:
            session.last_seen = now
        return session

    def close(self, session: SimSession) -> None:
        session.pause()
        self._sessions.pop(session.id, None)

    def speaks_to(self, channel: int) -> bool:
        """Somebody has the channel's loudspeaker."""
        return any(BACK_TRACK in session.sinks and session.live.stream.channel == channel for session in self)

    def owned_by(self, owner: object) -> list[SimSession]:
        return [session for session in self if session.owner is owner]

    def heard_from(self, address: Address, now: float) -> None:
        """A datagram came: RTCP of a UDP client keeps its session."""
        for session in self._sessions.values():
            if address in session.udp_addresses:
                session.last_seen = now

    def expired(self, now: float, timeout_s: float = 0) -> list[SimSession]:
        """`timeout_s`: another one than usual."""
        return [session for session in self if now - session.last_seen > (timeout_s or self._timeout_s)]

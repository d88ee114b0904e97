"""What clients say to the simulated NVR's loudspeakers (ONVIF Streaming Specification section 5.3), kept to be looked
at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from proxyd.simulator.faults import Faults
from proxyd.simulator.rtp import parse_rtp
from proxyd.simulator.rtsp_sdp import BACK_TRACK
from proxyd.simulator.rtsp_sessions import SimSession
from proxyd.simulator.rtsp_sinks import Address, TcpSink, UdpSink

_MOST_KEPT_BYTES = 1 << 20
_LAST_BYTES = 64


@dataclass(slots=True)
class Speech:
    """One loudspeaker's. `sound` is the begin of it, without headers."""

    packets: int = 0
    octets: int = 0
    misplaced: int = 0  # packets whose sequence number does not follow the one before
    nonsense: int = 0
    sound: bytearray = field(default_factory=bytearray)
    last: bytes = b""
    _next: int | None = None

    def hear(self, packet: bytes) -> None:
        try:
            parsed = parse_rtp(packet)
        except ValueError:
            self.nonsense += 1
            return
        if not parsed.payload:
            return  # only opens a way through firewalls
        self.misplaced += self._next is not None and parsed.sequence != self._next
        self._next = (parsed.sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(parsed.payload)
        self.sound += parsed.payload[: _MOST_KEPT_BYTES - len(self.sound)]
        self.last = parsed.payload

    def state(self) -> dict[str, object]:
        return {
            "packets": self.packets,
            "bytes": self.octets,
            "misplaced": self.misplaced,
            "nonsense": self.nonsense,
            "last": self.last[:_LAST_BYTES].hex(),
        }


class Loudspeakers:
    """Of all channels that `faults.speakers` names; `heard` is by channel. `arrived` is set by each packet."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.heard: dict[int, Speech] = {}
        self.arrived = asyncio.Event()

    def has(self, channel: int) -> bool:
        return not self._faults.rtsp_deaf and not self._faults.speakers.isdisjoint((channel, 0))

    def packet_in(self, sessions: list[SimSession], channel: int, packet: bytes) -> None:
        """It came in the connection that these sessions belong to, on that interleaved channel."""
        for session in sessions:
            sink = session.sinks.get(BACK_TRACK)
            if isinstance(sink, TcpSink) and sink.rtp_channel == channel:
                self._hear(session, packet)

    def packet_from(self, sessions: list[SimSession], address: Address, packet: bytes) -> None:
        """It came by UDP, to the port for RTP."""
        for session in sessions:
            sink = session.sinks.get(BACK_TRACK)
            if isinstance(sink, UdpSink) and sink.rtp_address == address:
                self._hear(session, packet)

    def _hear(self, session: SimSession, packet: bytes) -> None:
        if session.playing:
            self.heard.setdefault(session.live.stream.channel, Speech()).hear(packet)
            self.arrived.set()

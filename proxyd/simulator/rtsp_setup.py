"""SETUP in the simulator: which transport a client gets, and the sink that serves it (RFC 2326 §10.4, §12.39)."""

from __future__ import annotations

import asyncio
from typing import Protocol

from proxyd.rtsp.headers import Transport, parse_transport
from proxyd.simulator.rtsp_sdp import AUDIO_TRACK, METADATA_TRACK
from proxyd.simulator.rtsp_sessions import SessionTable, SimSession
from proxyd.simulator.rtsp_sinks import Address, TcpSink, UdpPair, UdpSink

_MAX_CHANNEL = 255


class Connection(Protocol):
    """What answers need to know of the connection that a request came by."""

    transport: asyncio.Transport
    peer: Address
    local: Address

    def cut_off(self) -> None: ...


def choose_transport(value: str) -> Transport | None:
    """The client's first choice that we can do: RTP/AVP unicast, interleaved or with a pair of ports."""
    for transport in parse_transport(value):
        if transport.unicast and transport.profile.upper() == "RTP/AVP" and (transport.tcp or transport.client_port):
            return transport
    return None


def attach(
    session: SimSession,
    track: int,
    wanted: Transport,
    connection: Connection,
    sessions: SessionTable,
    udp: UdpPair,
) -> Transport | None:
    """Give the track its sink; returns the Transport to answer with, None when the channels are taken."""
    live = session.live
    numbering = {AUDIO_TRACK: live.audio, METADATA_TRACK: live.metadata}.get(track, live.video)
    if numbering is None:
        return None
    if wanted.tcp:
        used = _used_channels(connection, session, track, sessions)
        channels = wanted.interleaved or _free_channels(used)
        if channels is None or used.intersection(channels):
            return None
        session.sinks[track] = TcpSink(connection.transport, *channels, connection.cut_off)
        return Transport(tcp=True, interleaved=channels, ssrc=numbering.ssrc, mode="PLAY")
    if wanted.client_port is None:
        return None
    host, (rtp_port, rtcp_port) = connection.peer[0], wanted.client_port
    session.sinks[track] = UdpSink(udp, (host, rtp_port), (host, rtcp_port))
    session.udp_addresses |= {(host, rtp_port), (host, rtcp_port)}
    return Transport(
        client_port=wanted.client_port,
        server_port=udp.ports,
        source=connection.local[0],
        ssrc=numbering.ssrc,
        mode="PLAY",
    )


def _used_channels(connection: Connection, session: SimSession, track: int, sessions: SessionTable) -> set[int]:
    """Interleaved channels on this connection that another track has."""
    return {
        channel
        for other in sessions.owned_by(connection)
        for other_track, sink in other.sinks.items()
        if isinstance(sink, TcpSink) and (other is not session or other_track != track)
        for channel in (sink.rtp_channel, sink.rtcp_channel)
    }


def _free_channels(used: set[int]) -> tuple[int, int] | None:
    pairs = ((first, first + 1) for first in range(0, _MAX_CHANNEL, 2))
    return next((pair for pair in pairs if not used.intersection(pair)), None)

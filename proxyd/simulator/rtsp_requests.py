"""Answers of the simulated NVR to RTSP requests (RFC 2326 §10), with a real NVR's manners.

OPTIONS is open; everything else wants Digest (without qop, as NVRs do) or Basic where it is offered.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlsplit

from proxyd.digest import DigestVerifier
from proxyd.rtsp.headers import (
    Headers,
    RtpInfo,
    Transport,
    format_rtp_info,
    format_session,
    format_transport,
    parse_session,
    parse_transport,
)
from proxyd.rtsp.messages import Request, Response
from proxyd.simulator.live import LiveStream
from proxyd.simulator.rtsp_sdp import AUDIO_TRACK, VIDEO_TRACK, ControlStyle, control_url, describe, split_control
from proxyd.simulator.rtsp_sessions import SessionTable, SimSession
from proxyd.simulator.rtsp_sinks import Address, TcpSink, UdpPair, UdpSink

METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_NONCE_LIFETIME_S = 86400  # NVRs keep a nonce for as long as the connection lives


@dataclass(frozen=True, slots=True)
class RtspSettings:
    """What one simulated NVR wants and shows."""

    username: str
    password: str = field(repr=False)
    realm: str
    algorithm: Literal["MD5", "SHA-256"]
    basic: bool
    server_header: str
    control_style: ControlStyle
    bitrate_kbps: int | None
    audio: bool
    session_timeout_s: int
    max_sessions: int


class Connection(Protocol):
    """What answers need to know of the connection that a request came by."""

    transport: asyncio.Transport
    peer: Address
    local: Address

    def cut_off(self) -> None: ...


class _Refused(Exception):
    """A request ends with this answer."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.response = Response(status, headers=Headers((n.replace("_", "-"), v) for n, v in headers.items()))


class RequestHandler:
    """One server's answers. `find_live` gives the stream for the path and query of a URL, or None (404)."""

    def __init__(
        self,
        settings: RtspSettings,
        sessions: SessionTable,
        udp: UdpPair,
        *,
        find_live: Callable[[str], LiveStream | None],
        clock: Callable[[], float],
        locked_out: Callable[[], bool],
        on_wrong_password: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._udp = udp
        self._find_live = find_live
        self._clock = clock
        self._locked_out = locked_out
        self._on_wrong_password = on_wrong_password
        self._verifier = DigestVerifier(settings.realm, secrets.token_bytes(32), nonce_lifetime_s=_NONCE_LIFETIME_S)
        self.requests: Counter[str] = Counter()

    def answer(self, request: Request, connection: Connection) -> Response:
        """Never raises for anything a client may send."""
        self.requests[request.method] += 1
        try:
            response = self._dispatch(request, connection)
        except _Refused as refused:
            response = refused.response
        headers = Headers([("CSeq", request.headers.get("CSeq") or "0"), ("Server", self._settings.server_header)])
        for name, value in response.headers:
            headers.add(name, value)
        response.headers = headers
        return response

    def _dispatch(self, request: Request, connection: Connection) -> Response:
        if request.version != "RTSP/1.0":
            raise _Refused(505)
        if "CSeq" not in request.headers:
            raise _Refused(400)
        if required := request.headers.get("Require"):
            raise _Refused(551, Unsupported=required)
        if request.method == "OPTIONS":
            return self._options(request)
        self._authenticate(request)
        match request.method:
            case "DESCRIBE":
                return self._describe(request, connection)
            case "SETUP":
                return self._setup(request, connection)
            case "PLAY":
                return self._play(request, connection)
            case "PAUSE":
                return self._pause(request)
            case "TEARDOWN":
                return self._teardown(request)
            case "GET_PARAMETER" | "SET_PARAMETER":
                return self._parameter(request)
            case _:
                raise _Refused(501, Public=METHODS)

    def _authenticate(self, request: Request) -> None:
        header = request.headers.get("Authorization")
        stale = False
        if header is not None and not self._locked_out():
            verdict = self._verifier.verify(
                header,
                method=request.method,
                uri=request.uri,
                username=self._settings.username,
                password=self._settings.password,
                now=self._clock(),
            )
            if verdict.ok:
                return
            stale = verdict.stale
            if verdict.reason in ("wrong password", "unknown user"):
                self._on_wrong_password()
        challenges = self._verifier.challenges(
            self._clock(),
            algorithms=(self._settings.algorithm,),
            basic=self._settings.basic,
            qop=False,
            stale=stale,
        )
        refused = _Refused(401)
        for challenge in challenges:
            refused.response.headers.add("WWW-Authenticate", challenge)
        raise refused

    def _options(self, request: Request) -> Response:
        response = Response(200, headers=Headers([("Public", METHODS)]))
        if "Session" in request.headers:
            self._session(request)
        return response

    def _describe(self, request: Request, connection: Connection) -> Response:
        accept = request.headers.get("Accept", "application/sdp") or ""
        if "application/sdp" not in accept.lower() and "*/*" not in accept:
            raise _Refused(406)
        target = _target(request.uri)
        live = self._find_live(target)
        if live is None:
            raise _Refused(404)
        base = _presentation_url(connection.local, target)
        body = describe(
            live.stream,
            live.media,
            address=connection.local[0],
            base=base,
            style=self._settings.control_style,
            session_id=1_000_000 + live.video.ssrc,
            bitrate_kbps=live.bitrate_kbps,
            audio=live.audio is not None,
        ).encode()
        headers = Headers([("Content-Type", "application/sdp"), ("Content-Base", f"{base}/")])
        return Response(200, headers=headers, body=body)

    def _setup(self, request: Request, connection: Connection) -> Response:
        target, track = split_control(self._settings.control_style, _target(request.uri))
        live = self._find_live(target)
        if live is None:
            raise _Refused(404)
        if track is None and live.audio is None:
            track = VIDEO_TRACK
        if track is None:
            raise _Refused(459)
        if track != VIDEO_TRACK and (track != AUDIO_TRACK or live.audio is None):
            raise _Refused(404)
        session = self._session(request) if "Session" in request.headers else None
        if session is not None and (session.playing or session.live is not live):
            raise _Refused(455 if session.playing else 459)
        wanted = _choose_transport(request.headers.get("Transport", "") or "")
        if wanted is None:
            raise _Refused(461)
        if session is None:
            if self._sessions.full:
                raise _Refused(453)
            session = self._sessions.open(live, target, connection, self._clock())
        try:
            transport = self._attach(session, track, wanted, connection)
        except _Refused:
            if not session.sinks:
                self._sessions.close(session)
            raise
        return self._in_session(session, ("Transport", format_transport(transport)))

    def _attach(self, session: SimSession, track: int, wanted: Transport, connection: Connection) -> Transport:
        numbering = session.live.audio if track == AUDIO_TRACK else session.live.video
        assert numbering is not None
        if wanted.tcp:
            used = self._used_channels(connection, session, track)
            channels = wanted.interleaved or next((c, c + 1) for c in range(0, 256, 2) if c not in used)
            if used.intersection(channels):
                raise _Refused(461)
            session.sinks[track] = TcpSink(connection.transport, *channels, connection.cut_off)
            return Transport(tcp=True, interleaved=channels, ssrc=numbering.ssrc, mode="PLAY")
        assert wanted.client_port is not None
        host, (rtp_port, rtcp_port) = connection.peer[0], wanted.client_port
        session.sinks[track] = UdpSink(self._udp, (host, rtp_port), (host, rtcp_port))
        session.udp_addresses |= {(host, rtp_port), (host, rtcp_port)}
        return Transport(
            client_port=wanted.client_port,
            server_port=self._udp.ports,
            source=connection.local[0],
            ssrc=numbering.ssrc,
            mode="PLAY",
        )

    def _used_channels(self, connection: Connection, session: SimSession, track: int) -> set[int]:
        """Interleaved channels on this connection that another track has."""
        return {
            channel
            for other in self._sessions.owned_by(connection)
            for other_track, sink in other.sinks.items()
            if isinstance(sink, TcpSink) and (other is not session or other_track != track)
            for channel in (sink.rtp_channel, sink.rtcp_channel)
        }

    def _play(self, request: Request, connection: Connection) -> Response:
        session = self._session(request)
        if not session.sinks:
            raise _Refused(455)
        if session.interleaved and session.owner is not connection:
            raise _Refused(455)
        if self._find_live(session.target) is None:  # the channel went offline after SETUP
            raise _Refused(404)
        session.play()
        base = _presentation_url(connection.local, session.target)
        entries = []
        for track in sorted(session.sinks):
            url = control_url(self._settings.control_style, base, track)
            seq, rtptime = session.live.first_packet(track)
            entries.append(RtpInfo(url if url.startswith("rtsp:") else f"{base}/{url}", seq, rtptime))
        return self._in_session(session, ("Range", "npt=now-"), ("RTP-Info", format_rtp_info(entries)))

    def _pause(self, request: Request) -> Response:
        session = self._session(request)
        if not session.sinks:
            raise _Refused(455)
        session.pause()
        return self._in_session(session)

    def _teardown(self, request: Request) -> Response:
        self._sessions.close(self._session(request))
        return Response(200)

    def _parameter(self, request: Request) -> Response:
        """A keep-alive; no parameter is known (451)."""
        session = self._session(request) if "Session" in request.headers else None
        if request.body.strip():
            raise _Refused(451)
        return self._in_session(session) if session else Response(200)

    def _session(self, request: Request) -> SimSession:
        session_id, _ = parse_session(request.headers.get("Session") or "")
        session = self._sessions.get(session_id, self._clock())
        if session is None:
            raise _Refused(454)
        return session

    def _in_session(self, session: SimSession, *headers: tuple[str, str]) -> Response:
        value = format_session(session.id, self._settings.session_timeout_s)
        return Response(200, headers=Headers([("Session", value), *headers]))


def _choose_transport(value: str) -> Transport | None:
    """The client's first choice that we can do: RTP/AVP unicast, interleaved or with a pair of ports."""
    for transport in parse_transport(value):
        if transport.unicast and transport.profile.upper() == "RTP/AVP" and (transport.tcp or transport.client_port):
            return transport
    return None


def _target(uri: str) -> str:
    """Path and query of an absolute or relative request URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise _Refused(400) from None
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def _presentation_url(local: Address, target: str) -> str:
    host, port = local
    authority = f"[{host}]" if ":" in host else host
    if port != 554:
        authority += f":{port}"
    return f"rtsp://{authority}{target.rstrip('/')}"

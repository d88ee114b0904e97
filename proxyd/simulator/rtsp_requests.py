"""Answers of the simulated NVR to RTSP requests (RFC 2326 §10), with a real NVR's manners.

OPTIONS is open; everything else wants Digest (without qop, as NVRs do) or Basic where it is offered.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from proxyd.digest import DigestVerifier
from proxyd.rtsp.backchannel import FEATURE
from proxyd.rtsp.headers import Headers, RtpInfo, format_rtp_info, format_session, format_transport, parse_session
from proxyd.rtsp.messages import Request, Response
from proxyd.simulator.faults import Faults
from proxyd.simulator.live import LiveStream
from proxyd.simulator.rtsp_sdp import (
    AUDIO_TRACK,
    BACK_TRACK,
    METADATA_TRACK,
    VIDEO_TRACK,
    ControlStyle,
    control_url,
    describe,
    presentation_url,
    split_control,
    target_of,
)
from proxyd.simulator.rtsp_sessions import SessionTable, SimSession
from proxyd.simulator.rtsp_setup import Connection, attach, choose_transport
from proxyd.simulator.rtsp_sinks import UdpPair

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
    tls: bool


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
        faults: Faults,
        *,
        find_live: Callable[[str], LiveStream | None],
        clock: Callable[[], float],
        has_speaker: Callable[[int], bool],
        locked_out: Callable[[], bool],
        on_wrong_password: Callable[[], None],
    ) -> None:
        self._has_speaker = has_speaker
        self._settings = settings
        self._sessions = sessions
        self._udp = udp
        self._faults = faults
        self._find_live = find_live
        self._clock = clock
        self._locked_out = locked_out
        self._on_wrong_password = on_wrong_password
        self.forget_nonces()
        self.requests: Counter[str] = Counter()
        self.logins: set[Connection] = set()  # between DESCRIBE and PLAY; the server takes those out that are gone
        self.peak_logins = 0

    def forget_nonces(self) -> None:
        """All that were given are stale from now on."""
        secret = secrets.token_bytes(32)
        self._verifier = DigestVerifier(self._settings.realm, secret, nonce_lifetime_s=_NONCE_LIFETIME_S)

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
        required = request.headers.get("Require")
        if required and not self._knows(required, request):
            raise _Refused(551, Unsupported=required)
        if request.method == "OPTIONS":
            return self._options(request)
        if request.method == "DESCRIBE":
            self.logins.add(connection)
            self.peak_logins = max(self.peak_logins, len(self.logins))
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

    def _knows(self, required: str, request: Request) -> bool:
        """Whether that is the way back for sound, and the stream's channel has a loudspeaker."""
        target, _ = split_control(self._settings.control_style, _target(request))
        live = self._find_live(target)
        return required.strip() == FEATURE and live is not None and self._has_speaker(live.stream.channel)

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
                basic=self._settings.basic,
            )
            if verdict.ok and not self._faults.rtsp_refuses:
                return
            stale = verdict.stale or (verdict.ok and self._faults.rtsp_refuses == "stale")
            if verdict.reason in ("wrong password", "unknown user"):
                self._on_wrong_password()
        refused = _Refused(401)
        for challenge in self._challenges(stale):
            refused.response.headers.add("WWW-Authenticate", challenge)
        raise refused

    def _challenges(self, stale: bool) -> list[str]:
        settings = self._settings
        return self._verifier.challenges(
            self._clock(), algorithms=(settings.algorithm,), basic=settings.basic, qop=False, stale=stale
        )

    def _options(self, request: Request) -> Response:
        response = Response(200, headers=Headers([("Public", METHODS)]))
        if "Session" in request.headers:
            self._session(request)
        return response

    def _describe(self, request: Request, connection: Connection) -> Response:
        accept = request.headers.get("Accept", "application/sdp") or ""
        if "application/sdp" not in accept.lower() and "*/*" not in accept:
            raise _Refused(406)
        target = _target(request)
        live = self._find_live(target)
        if live is None:
            raise _Refused(404)
        base = presentation_url(connection.local, target, tls=self._settings.tls)
        body = describe(
            live.shown,
            live.media,
            address=connection.local[0],
            base=base,
            style=self._settings.control_style,
            session_id=1_000_000 + live.video.ssrc,
            bitrate_kbps=live.bitrate_kbps,
            audio=live.audio is not None,
            back="Require" in request.headers,
            metadata=live.stream.channel in self._faults.metadata,
        ).encode()
        headers = Headers([("Content-Type", "application/sdp"), ("Content-Base", f"{base}/")])
        return Response(200, headers=headers, body=body)

    def _setup(self, request: Request, connection: Connection) -> Response:
        target, track = split_control(self._settings.control_style, _target(request))
        live = self._find_live(target)
        if live is None:
            raise _Refused(404)
        if track is None and live.audio is None:
            track = VIDEO_TRACK
        if track is None:
            raise _Refused(459)
        there = {
            VIDEO_TRACK: True,
            AUDIO_TRACK: live.audio is not None,
            BACK_TRACK: "Require" in request.headers,
            METADATA_TRACK: live.stream.channel in self._faults.metadata,
        }
        if not there.get(track):
            raise _Refused(404)
        session = self._session(request) if "Session" in request.headers else None
        if session is not None and (session.playing or session.live is not live):
            raise _Refused(455 if session.playing else 459)
        wanted = choose_transport(request.headers.get("Transport") or "")
        if wanted is None or (wanted.tcp and self._faults.rtsp_udp_only):
            raise _Refused(461)
        if self._faults.rtsp_busy:
            raise _Refused(503)
        if session is None and (self._sessions.full or 0 < self._faults.rtsp_sessions <= len(self._sessions)):
            raise _Refused(453)
        if track == BACK_TRACK and self._sessions.speaks_to(live.stream.channel):
            raise _Refused(453)
        fresh = session is None
        session = session or self._sessions.open(live, target, connection, self._clock())
        transport = attach(session, track, wanted, connection, self._sessions, self._udp)
        if transport is None:
            if fresh:
                self._sessions.close(session)
            raise _Refused(461)
        return self._in_session(session, ("Transport", format_transport(transport)))

    def _play(self, request: Request, connection: Connection) -> Response:
        session = self._session(request)
        if not session.sinks:
            raise _Refused(455)
        if session.interleaved and session.owner is not connection:
            raise _Refused(455)
        if self._find_live(session.target) is None:  # the channel went offline after SETUP
            raise _Refused(404)
        if session.playing:
            return self._in_session(session, ("Range", "npt=now-"))
        session.play()
        self.logins.discard(connection)
        base = presentation_url(connection.local, session.target, tls=self._settings.tls)
        entries = []
        for track in sorted(session.sinks.keys() - {BACK_TRACK}):
            url = control_url(self._settings.control_style, base, track)
            seq, rtptime = session.live.first_packet(track)
            entries.append(RtpInfo(url if url.startswith(("rtsp:", "rtsps:")) else f"{base}/{url}", seq, rtptime))
        information = [("RTP-Info", format_rtp_info(entries))] if entries else []
        return self._in_session(session, ("Range", "npt=now-"), *information)

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
        value = format_session(session.id, self._faults.rtsp_timeout_s or self._settings.session_timeout_s)
        return Response(200, headers=Headers([("Session", value), *headers]))


def _target(request: Request) -> str:
    try:
        return target_of(request.uri)
    except ValueError:
        raise _Refused(400) from None

"""One recorder's conversation with the camera: each request gets its answer.

Asks admission.py and session.py what is allowed and playback.py to do it. Nothing that the NVR says reaches an answer:
its errors become our own 503.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from proxyd.camera.raw_exchange import RawExchange
from proxyd.camera.spec import StreamSpec
from proxyd.camera.told import offers_metadata
from proxyd.camera.urls import rtsp_url, rtsps_url
from proxyd.errors import UpstreamError
from proxyd.rtsp.addresses import Target, parse_target
from proxyd.rtsp.admission import Admission
from proxyd.rtsp.backchannel import is_way_back, requires_way_back
from proxyd.rtsp.context import CameraContext, shown
from proxyd.rtsp.description import describe
from proxyd.rtsp.headers import (
    Headers,
    RtpInfo,
    format_rtp_info,
    format_session,
    format_transport,
    parse_transport,
)
from proxyd.rtsp.media_process import MediaUnavailable
from proxyd.rtsp.messages import Request, Response, format_request, format_response
from proxyd.rtsp.metadata_sdp import METADATA_TRACK
from proxyd.rtsp.playback import Playback, RecorderConnection
from proxyd.rtsp.session import (
    PUBLIC,
    Refused,
    SessionTable,
    State,
    choose_transport,
)
from proxyd.rtsp.shared import StreamError
from proxyd.rtsp.stats import ClientInfo
from proxyd.rtsp.talk_track import TalkTrack

SERVER = "onviftui"


class Conversation:
    """`end` is called when the connection should be closed because the stream or the session ended, `drop` when nothing
    can be said in it any more."""

    def __init__(
        self,
        context: CameraContext,
        connection: RecorderConnection,
        client: tuple[str, int],
        end: Callable[[], None],
        drop: Callable[[], None],
    ) -> None:
        self._context = context
        self._client = f"{client[0]}:{client[1]}"
        self._end = end
        self._drop = drop
        self._loop = asyncio.get_running_loop()
        self._playback = Playback(context, connection, client, self)
        self.talking = TalkTrack(
            context,
            client[0],
            playing=lambda: self._playback.playing,
            heard=self.heard,
            record=lambda operation, reason, ok: self.record(operation, reason, ok=ok),
        )
        self._admission = Admission(
            context, client[0], table=lambda: self._playback.table, features=lambda: self.talking.features
        )
        self._tls_port = connection.tls_port
        self._heard_at = self._loop.time()
        self._answering = False
        self._broken = False  # the session's stream is gone
        self._loss: StreamError | None = None  # it went while a request was under way

    @property
    def finished(self) -> bool:
        """The connection should be closed after this answer."""
        return self._admission.exhausted or self._broken

    @property
    def idle(self) -> bool:
        """There is no session, and no answer is under way."""
        return self._playback.table is None and not self._answering

    async def answer(self, request: Request) -> Response:
        """The response to one request; raises nothing for what a peer did."""
        operation = f"{request.method} {shown(parse_target(request.uri).stream)}".strip()
        since = self._loop.time()
        reason: str | None = None  # None: not worth a line
        ok = self._answering = True
        try:
            response = await self._dispatch(request)
            reason = "" if request.method in ("DESCRIBE", "PLAY") else None
        except Refused as refusal:
            response = Response(refusal.status, headers=Headers(refusal.headers))
            ok, reason = False, refusal.reason or None
        except (UpstreamError, MediaUnavailable) as error:
            if isinstance(error, UpstreamError):
                self._context.report(error)
            self._broken = self._broken or self._playback.broken
            response = Response(503)
            ok, reason = False, str(error)
            self._loss = None
        finally:
            self._answering = False
        head = [("CSeq", request.headers.get("CSeq") or "0"), ("Server", SERVER)]
        response.headers = Headers([*head, *response.headers])
        if reason is not None:
            took_s = self._loop.time() - since
            self.record(operation, reason, ok=ok, took_s=took_s, raw=_raw(request, response))
        if self._loss is not None:
            self.record(self._label("PLAY"), str(self._loss))
        return response

    def write(self, data: bytes) -> None:
        """An answer, to where answers go at the moment."""
        self._playback.write(data)

    def answered(self) -> None:
        """The answer is written: media may follow."""
        self._playback.answered()

    def heard(self) -> None:
        """Something came from the recorder, in any way."""
        self._heard_at = self._loop.time()

    def check(self, now: float) -> None:
        """Ends what has been silent for too long; called about once a second."""
        limits, playback = self._context.limits, self._playback
        silent_s = now - self._heard_at
        if playback.table is None:
            if silent_s > limits.idle_s:
                self._end()
        elif not (playback.playing and playback.over_tcp) and silent_s > limits.session_timeout_s * 1.25:
            # Over TCP the flow itself shows that the recorder is there, and who does not read is cut off. The quarter
            # is for clocks and networks.
            self.record(self._label("PLAY"), f"session expired: nothing heard for {silent_s:.0f} s")
            self._end()

    def spec_changed(self) -> None:
        """Ends the session when its upstream is no longer what the spec says."""
        stream = self._playback.stream
        if stream is None or self._playback.matches(self._context.spec.stream(stream.name)):
            return
        if self._playback.table is not None:
            self.record(self._label("TEARDOWN"), "ended: the stream or the NVR's account changed", ok=True)
        self._end()

    def playing(self) -> tuple[str, ClientInfo] | None:
        """(stream, who) while media flows."""
        table = self._playback.table
        return (table.stream, self._playback.info()) if table and self._playback.playing else None

    async def close(self) -> None:
        """The connection is gone or going: ends everything, bounded."""
        if self._playback.table is not None:
            self.record(self._label("TEARDOWN"), "the connection ended", ok=True)
        await self._end_session()

    async def _end_session(self) -> None:
        await asyncio.gather(self.talking.end(), self._playback.end())

    def record(
        self,
        operation: str,
        reason: str = "",
        *,
        ok: bool = False,
        took_s: float | None = None,
        raw: RawExchange | None = None,
    ) -> None:
        """One line of the camera's trace."""
        self._context.record(
            client=self._client,
            protocol="rtsp",
            operation=operation,
            ok=ok,
            auth=self._admission.scheme,
            reason=reason,
            took_s=took_s,
            raw=raw,
            tls=self._tls_port > 0,
        )

    # The stream, by playback --------------------------------------------------------------------------------

    def interrupted(self, error: UpstreamError) -> None:
        """It is fetched again, the session stays."""
        self.record(self._label("PLAY"), f"{error} Meanwhile the session is kept.")

    def resumed(self, after_s: float) -> None:
        self.heard()  # who stood still because of us has not been silent
        self.record(self._label("PLAY"), f"the stream goes on after {after_s:.0f} s", ok=True)

    def lost(self, error: StreamError) -> None:
        """It ended by itself."""
        if self._answering:  # the answer goes first; if the request fails of it, one line in the trace is enough
            self._broken, self._loss = True, error
            return
        self.record(self._label("PLAY"), str(error))
        self._end()

    def cut_off(self, why: str) -> None:
        """The media process has let go of the recorder's connection."""
        if why == "blocked":
            self.record("connection", f"cut off: the recorder read nothing for {self._context.limits.blocked_s:g} s")
        self._drop()

    # Requests -----------------------------------------------------------------------------------------------

    async def _dispatch(self, request: Request) -> Response:
        self._admission.understand(request)
        if request.method == "OPTIONS":
            return Response(200, headers=Headers([("Public", PUBLIC)]))
        await self._admission.admit(request)
        handlers: dict[str, Callable[[Request, Target], Awaitable[Response]]] = {
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "PAUSE": self._pause,
            "TEARDOWN": self._teardown,
            "GET_PARAMETER": self._parameter,
            "SET_PARAMETER": self._parameter,
        }
        target = parse_target(request.uri)
        if not target.stream and self._playback.stream is not None:
            # "*", or a control URL that was resolved without the slash of Content-Base.
            target = Target(self._playback.stream.name, target.track)
        response = await handlers[request.method](request, target)
        if request.method in ("DESCRIBE", "PLAY"):
            self._context.report(None)
        return response

    async def _describe(self, request: Request, target: Target) -> Response:
        accept = (request.headers.get("Accept") or "*/*").lower()
        if not any(kind in accept for kind in ("application/sdp", "application/*", "*/*")):
            raise Refused(406, "does not accept SDP")
        stream = self._stream(target)
        media = await self._playback.open(stream)
        talks = requires_way_back(request.headers.get_all("Require"))
        back = await self.talking.offered(stream) if talks else []
        headers = [("Content-Base", self._url(target.stream) + "/"), ("Content-Type", "application/sdp")]
        return Response(200, headers=Headers(headers), body=describe(self._context.spec, stream.name, media, back))

    async def _setup(self, request: Request, target: Target) -> Response:
        stream = self._stream(target)
        media = await self._playback.open(stream)
        table = self._playback.table or SessionTable(secrets.token_hex(8), target.stream)
        taken = table.tracks | self._playback.metadata.tracks | self.talking.tracks
        metadata = target.track == METADATA_TRACK and offers_metadata(self._context.spec)
        back = is_way_back(target.track)
        offered = METADATA_TRACK + 1 if metadata or back else len(media)
        status = table.setup_refusal(target.stream, target.track, offered, taken)
        if status:
            raise Refused(status, f"this track cannot be set up now ({status})")
        wishes = parse_transport(request.headers.get("Transport") or "")
        transport = choose_transport(wishes, taken, udp=not self._tls_port)
        if transport is None:
            why = "multicast?" if not self._tls_port else "by RTSPS only inside the connection: UDP would be in clear"
            raise Refused(461, f"asks for a transport that the camera does not offer ({why})")
        if back:
            granted = await self.talking.setup(stream, target.track or 0, transport)
            self._playback.table = table
        else:
            granted = await self._playback.setup(table, target.track or 0, transport)
        table.done("SETUP")
        session = format_session(table.id, self._context.limits.session_timeout_s)
        return Response(200, headers=Headers([("Transport", format_transport(granted)), ("Session", session)]))

    async def _play(self, request: Request, target: Target) -> Response:
        table = self._allowed("PLAY", target)
        headers = self._session_headers()
        if table.state is State.PLAYING:
            return Response(200, headers=headers)
        information = await self._playback.play()
        table.done("PLAY")
        headers.add("Range", "npt=0.000-")
        if "Scale" in request.headers:
            headers.add("Scale", "1.0")
        entries = [
            RtpInfo(f"{self._url(table.stream)}/trackID={track}", info.seq, info.rtptime)
            for track, info in sorted(information.items())
        ]
        if entries:
            headers.add("RTP-Info", format_rtp_info(entries))
        return Response(200, headers=headers)

    async def _pause(self, request: Request, target: Target) -> Response:
        table = self._allowed("PAUSE", target)
        if table.state is State.PLAYING:
            await self._playback.pause()
        table.done("PAUSE")
        return Response(200, headers=self._session_headers())

    async def _teardown(self, request: Request, target: Target) -> Response:
        table = self._playback.table
        assert table is not None  # or it was not admitted
        others = table.tracks | self._playback.metadata.tracks | self.talking.tracks
        if target.track is not None and len(others) > 1:
            if target.track in self.talking.tracks:
                await self.talking.end()
            elif not self._playback.remove_track(target.track):
                raise Refused(404, "this track was not set up")
            return Response(200, headers=self._session_headers())
        self.record(self._label("TEARDOWN"), ok=True)  # first: several recorders do not wait for the answer
        await self._end_session()
        return Response(200)

    async def _parameter(self, request: Request, target: Target) -> Response:
        """Keep-alives. There are no parameters to give or to take (RFC 2326 §10.8)."""
        if request.method == "SET_PARAMETER" and request.body.strip():
            raise Refused(451, "sets a parameter that the camera does not have")
        return Response(200, headers=self._session_headers())

    # Parts --------------------------------------------------------------------------------------------------

    def _stream(self, target: Target) -> StreamSpec:
        """Raises Refused when there is no such stream, or this connection is busy with another."""
        spec, table = self._context.spec, self._playback.table
        stream = spec.stream(target.stream)
        if stream is None:
            known = ", ".join(one.name for one in spec.streams)
            raise Refused(404, f"there is no such stream; the camera has: {known}")
        if stream.upstream_url is None:
            raise Refused(404, "the NVR offers no such stream")
        if table is not None and table.stream != stream.name:
            raise Refused(459, "another stream needs its own connection")
        return stream

    def _allowed(self, method: str, target: Target) -> SessionTable:
        table = self._playback.table
        assert table is not None  # or it was not admitted
        if target.stream != table.stream:
            raise Refused(459, "the session is for another stream")
        status = table.refusal(method)
        if status:
            raise Refused(status, f"{method} is not possible now")
        return table

    def _label(self, method: str) -> str:
        stream = self._playback.stream
        return f"{method} {stream.name}" if stream else method

    def _url(self, stream: str) -> str:
        spec = self._context.spec
        if self._tls_port:
            return rtsps_url(spec.address, self._tls_port, f"/{stream}")
        return rtsp_url(spec.address, spec.rtsp_port, f"/{stream}")

    def _session_headers(self) -> Headers:
        table = self._playback.table
        return Headers([("Session", table.id)] if table else [])


def _raw(request: Request, response: Response) -> RawExchange | None:
    try:
        return RawExchange.of(format_request(request), format_response(response))
    except ValueError:  # white space in the URI, or the like: the reason says it
        return None

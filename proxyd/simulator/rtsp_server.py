"""The RTSP server of the simulated NVR: connections, housekeeping and faults round the answers of rtsp_requests.

One timer per watched stream (live.py) and one for housekeeping; no tasks.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Literal

from proxyd.rtsp.messages import Interleaved
from proxyd.simulator.faults import Faults
from proxyd.simulator.live import LiveStream
from proxyd.simulator.rtsp_connection import RtspConnection
from proxyd.simulator.rtsp_requests import RequestHandler, RtspSettings
from proxyd.simulator.rtsp_sdp import ControlStyle
from proxyd.simulator.rtsp_sessions import SessionTable, SimSession
from proxyd.simulator.rtsp_sinks import Address, UdpPair
from proxyd.simulator.rtsp_speech import Loudspeakers
from proxyd.simulator.rtsp_troubles import Troubles
from proxyd.simulator.streams import SimStream

HOUSEKEEPING_S = 0.25
STOP_DEADLINE_S = 5.0


class RtspSimulator:
    """One server on one address. `resolve` maps path and query of a URL to a stream, or None when there is none."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        resolve: Callable[[str], SimStream | None],
        username: str,
        password: str,
        faults: Faults,
        realm: str = "RTSP Server",
        algorithm: Literal["MD5", "SHA-256"] = "MD5",
        basic: bool = False,
        server_header: str = "Rtsp Server/3.0",
        bitrate_kbps: int | None = None,
        control_style: ControlStyle = "relative",
        audio: bool = False,
        session_timeout_s: int = 60,
        max_sessions: int = 512,
        max_connections: int = 1024,
        idle_connection_s: float = 60.0,
        locked_out: Callable[[], bool] = lambda: False,
        on_wrong_password: Callable[[], None] = lambda: None,
        counts_from: float | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`bitrate_kbps` pads every stream up to this rate. `locked_out` true: everybody gets 401. A connection
        without session is closed when it says nothing for `idle_connection_s`. Frames are numbered by the time since
        `counts_from` (loop time; None: the start), so that a break shows in the numbers. With `tls` nobody is served
        without."""
        self.host = host
        self.port = port
        self.faults = faults
        self.wrong_passwords = 0
        self.cut_off = 0
        self.requests: Counter[str] = Counter()
        self._resolve = resolve
        self._settings = RtspSettings(
            username=username,
            password=password,
            realm=realm,
            algorithm=algorithm,
            basic=basic,
            server_header=server_header,
            control_style=control_style,
            bitrate_kbps=bitrate_kbps,
            audio=audio,
            session_timeout_s=session_timeout_s,
            max_sessions=max_sessions,
            tls=tls is not None,
        )
        self._tls = tls
        self._max_connections = max_connections
        self._idle_connection_s = idle_connection_s
        self._locked_out = locked_out
        self._tell_wrong_password = on_wrong_password
        self._sessions = SessionTable(max_sessions, session_timeout_s)
        self.loudspeakers = Loudspeakers(faults)
        self._connections: set[RtspConnection] = set()
        self._live: dict[SimStream, LiveStream] = {}
        self._server: asyncio.Server | None = None
        self._udp: UdpPair | None = None
        self._handler: RequestHandler | None = None
        self._troubles: Troubles | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._counts_from = counts_from
        self._all_gone = asyncio.Event()

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    @property
    def connections(self) -> int:
        return len(self._connections)

    @property
    def playing(self) -> list[SimStream]:
        """The stream of every session that plays."""
        return [session.live.stream for session in self._sessions if session.playing]

    @property
    def peak_logins(self) -> int:
        """The most connections that were between DESCRIBE and PLAY at the same time."""
        return self._handler.peak_logins if self._handler is not None else 0

    def befall(self, trouble: str) -> None:
        """As in Troubles. Raises ValueError when it is unknown."""
        if self._troubles is not None:
            self._troubles.befall(trouble)

    async def start(self) -> int:
        """Listen; returns the port, which a later start uses again. Raises OSError when it is taken."""
        if self._server is not None:
            return self.port
        loop = asyncio.get_running_loop()
        udp = UdpPair(self.host, self._heard_from, self.faults)
        handler = self._handler = RequestHandler(
            self._settings,
            self._sessions,
            udp,
            self.faults,
            find_live=self._find_live,
            has_speaker=self.loudspeakers.has,
            clock=loop.time,
            locked_out=self._locked_out,
            on_wrong_password=self._on_wrong_password,
        )
        handler.requests = self.requests
        try:
            self._server = await loop.create_server(
                lambda: RtspConnection(self, handler), self.host, self.port, ssl=self._tls
            )
        except BaseException:
            udp.close(loop)
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        udp.listen(loop)
        self._udp = udp
        self._troubles = Troubles(handler, self._sessions, lambda: self._connections, self._live.values)
        if self._counts_from is None:
            self._counts_from = loop.time()
        self._timer = loop.call_later(HOUSEKEEPING_S, self._keep_house)
        return self.port

    async def stop(self) -> None:
        """Close all ports, connections and sessions."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._timer is not None:
            self._timer.cancel()
        self._drop_everything(reset=False)
        if self._udp is not None:
            self._udp.close(asyncio.get_running_loop())
        self._live.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_DEADLINE_S):
                if self._connections:
                    self._all_gone.clear()
                    await self._all_gone.wait()
                await server.wait_closed()

    def _find_live(self, target: str) -> LiveStream | None:
        stream = self._resolve(target) or self._resolve(target.rstrip("/"))
        if stream is None or self._is_absent(stream):
            return None
        live = self._live.get(stream)
        if live is None:
            assert self._counts_from is not None  # it runs
            live = self._live[stream] = LiveStream(
                stream,
                loop=asyncio.get_running_loop(),
                held=lambda: self._is_held(stream),
                started_at=self._counts_from,
                cname=f"{self._settings.username}@{self.host}",
                bitrate_kbps=self._settings.bitrate_kbps,
                audio=self._settings.audio,
            )
        live.show(resized=stream.channel in self.faults.rtsp_resized)
        return live

    def _is_held(self, stream: SimStream) -> bool:
        faults = self.faults
        return faults.rtsp_stall or stream.channel in faults.rtsp_silent or self._is_absent(stream)

    def _is_absent(self, stream: SimStream) -> bool:
        return stream.channel in self.faults.offline or stream.channel in self.faults.gaps

    def _on_wrong_password(self) -> None:
        self.wrong_passwords += 1
        self._tell_wrong_password()

    def _heard_from(self, address: Address, packet: bytes) -> None:
        self._sessions.heard_from(address, asyncio.get_running_loop().time())
        if packet:
            self.loudspeakers.packet_from(list(self._sessions), address, packet)

    def _keep_house(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = loop.call_later(HOUSEKEEPING_S, self._keep_house)
        if self.faults.rtsp_reset:
            self._drop_everything(reset=True)
        for stream, live in self._live.items():
            live.show(resized=stream.channel in self.faults.rtsp_resized)
        for session in self._sessions.expired(now, self.faults.rtsp_timeout_s):
            self._end(session)
        for connection in tuple(self._connections):
            if now - connection.last_heard > self._idle_connection_s and not self._sessions.owned_by(connection):
                connection.transport.close()

    def _end(self, session: SimSession) -> None:
        """An expired session; its connection has no more use either when media went through it."""
        self._sessions.close(session)
        if session.interleaved and isinstance(session.owner, RtspConnection):
            session.owner.transport.close()

    def _drop_everything(self, *, reset: bool) -> None:
        for session in self._sessions:
            self._sessions.close(session)
        for connection in tuple(self._connections):
            connection.abort(reset=reset)

    def admit(self, connection: RtspConnection) -> bool:
        """A new connection; False: it was refused by RST."""
        if self._server is None or self.faults.rtsp_reset or len(self._connections) >= self._max_connections:
            connection.abort(reset=True)
            return False
        self._connections.add(connection)
        return True

    def still_admits(self, connection: RtspConnection) -> bool:
        """Checked at every byte that arrives, so that the fault strikes at once."""
        if self.faults.rtsp_reset:
            connection.abort(reset=True)
            return False
        return True

    def answer_delay(self) -> float:
        return self.faults.rtsp_slow_s

    def hear(self, connection: RtspConnection, packets: list[Interleaved]) -> None:
        """Media feedback in the connection keeps its sessions; sound goes to a loudspeaker."""
        sessions = self._sessions.owned_by(connection)
        for session in sessions:
            session.last_seen = connection.last_heard
        for channel, packet in packets:
            self.loudspeakers.packet_in(sessions, channel, packet)

    def count_cut_off(self) -> None:
        self.cut_off += 1

    def forget(self, connection: RtspConnection) -> None:
        """The connection is gone, and with it the sessions whose media went through it."""
        self._connections.discard(connection)
        if self._handler is not None:
            self._handler.logins.discard(connection)
        for session in self._sessions.owned_by(connection):
            if session.interleaved or not session.playing:
                self._sessions.close(session)
        if not self._connections:
            self._all_gone.set()

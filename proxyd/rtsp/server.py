"""The RTSP server of one virtual camera, on the camera's own address."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from dataclasses import replace

from proxyd.camera.guess_line import GuessLine
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec, RecordExchange, ReportUpstream, StreamName
from proxyd.digest import DigestVerifier
from proxyd.listening import listen
from proxyd.nvr.account import Account
from proxyd.rtsp.connection import ClientConnection
from proxyd.rtsp.context import CameraContext, RtspLimits
from proxyd.rtsp.metadata import Metadata
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.plane import Plane
from proxyd.rtsp.speaker import Speaker
from proxyd.rtsp.stats import ClientInfo, StreamStats
from proxyd.rtsp.streams import Streams
from proxyd.tls.listener import TlsListener

REALM = "camera"
_STOP_GRACE_S = 3.0


class RtspServer:
    """`start` and `stop` are idempotent. Every exchange that matters goes to `record`, what is seen of the NVR to
    `report`; media goes through `plane`, which runs. `opener` is shared by the cameras of an NVR: its account must not
    be tried by each of them; `guesses` by the camera's other ways in."""

    def __init__(
        self,
        spec: CameraSpec,
        *,
        record: RecordExchange,
        report: ReportUpstream,
        plane: Plane,
        opener: UpstreamOpener | None = None,
        limits: RtspLimits | None = None,
        guesses: Guesses | None = None,
    ) -> None:
        limits = limits or RtspLimits()
        guesses = guesses or Guesses(time.monotonic)
        self._context = CameraContext(
            spec,
            limits,
            record,
            report,
            DigestVerifier(REALM, secrets.token_bytes(32)),
            opener or UpstreamOpener(Account(spec.nvr), limits.upstream),
            guesses,
            GuessLine(guesses),
            plane,
        )
        self._context.streams = Streams(self._context)
        self._context.speaker = Speaker(self._context)
        self.metadata = self._context.metadata = Metadata(lambda: self._context.spec, self._context.opener)
        self._server: asyncio.Server | None = None
        self._tls = TlsListener("RTSPS", spec, lambda spec: spec.rtsps_port, self._new_connection)
        self._connections: dict[ClientConnection, None] = {}  # oldest first
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listens on the camera's address and RTSP port. Raises OSError when that is not possible."""
        if self._server is not None:
            return
        spec, backlog = self._context.spec, self._context.limits.connections
        self._server = await listen(self._new_connection, spec.address, spec.rtsp_port, backlog=backlog)
        port = int(self._server.sockets[0].getsockname()[1])
        self._context.spec = replace(spec, rtsp_port=port)  # the spec's, unless that is 0
        await self._tls.start()

    @property
    def port(self) -> int:
        """The port it listens on; the spec's before `start`."""
        return self._context.spec.rtsp_port

    @property
    def streams(self) -> Streams:
        """Those that run."""
        return self._context.streams

    @property
    def rtsps_port(self) -> int:
        """Where it listens for TLS; 0 while it does not."""
        return self._tls.port

    @property
    def note(self) -> str:
        """What keeps the camera from RTSPS that is switched on; "" when nothing does."""
        return self._tls.note

    def tend(self) -> None:
        """To be called about once a second."""
        if self._server is not None:
            self._tls.tend()

    async def stop(self) -> None:
        """Ends all sessions, with TEARDOWN to the NVR, and returns in a few seconds whatever the peers do."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await self._tls.stop()
        tasks = [one.task for one in self._connections if one.task is not None]
        for one in list(self._connections):
            one.leave()
        if tasks:
            grace_s = self._context.limits.upstream.close_s + _STOP_GRACE_S
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_STOP_GRACE_S)
        await asyncio.gather(self._context.streams.close(), self.metadata.stop())
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        if server is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_GRACE_S):
                    await server.wait_closed()

    def update(self, spec: CameraSpec) -> None:
        """Takes over changed credentials and streams. Sessions go on unless their stream's address on the NVR or the
        NVR's account changed; these are closed, and the recorder comes back. Address and port must not change."""
        before, self._context.spec = self._context.spec, replace(spec, rtsp_port=self.port)
        self._tls.update(spec)
        for stream in spec.streams:
            if stream != before.stream(stream.name) and not self._context.streams.of(stream.name):
                self._context.figures_of(stream.name).sent = None  # the NVR's settings may have changed since
        self._context.opener.update(spec.nvr)
        self.metadata.update()
        for one in list(self._connections):
            if one.conversation is not None:
                one.conversation.spec_changed()

    def stats(self) -> dict[StreamName, StreamStats]:
        """Per stream: what went to recorders since the server was made, the present rate, and who is playing."""
        now = asyncio.get_running_loop().time()
        clients: dict[str, list[ClientInfo]] = {}
        for one in self._connections:
            playing = one.conversation.playing() if one.conversation is not None else None
            if playing is not None:
                clients.setdefault(playing[0], []).append(playing[1])
        result: dict[StreamName, StreamStats] = {}
        for stream in self._context.spec.streams:
            live = self._context.streams.of(stream.name)
            result[stream.name] = self._context.figures_of(stream.name).now(
                now,
                clients.get(stream.name, []),
                runs=bool(live),
                interrupted=any(one.interrupted for one in live),
            )
        return result

    def _new_connection(self) -> ClientConnection:
        return ClientConnection(self._context, self._opened, self._ended)

    def _opened(self, connection: ClientConnection) -> bool:
        if self._server is None or not self._has_room(connection.host):
            return False
        self._connections[connection] = None
        self._schedule_sweep()
        return True

    def _has_room(self, host: str) -> bool:
        """When all places are taken, whoever holds the most gives one up, if it has one without a session: so nobody
        keeps recorders out by connecting often, and a recorder that is served is never disturbed. Nobody gets all."""
        limits, held = self._context.limits, [one for one in self._connections if not one.closing]
        count = Counter(one.host for one in held)
        if count[host] >= limits.connections_each:
            return False
        if len(held) < limits.connections:
            return True
        most = max(count.values())
        if count[host] >= most:
            return False
        spare = next((one for one in held if count[one.host] == most and one.replaceable), None)
        if spare is not None:
            spare.make_room()
        return spare is not None

    def _ended(self, connection: ClientConnection) -> None:
        self._connections.pop(connection, None)

    def _schedule_sweep(self) -> None:
        """One timer for all deadlines, and none while nobody is connected: 128 idle cameras cost nothing."""
        if self._sweep is None and self._connections:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(self._context.limits.sweep_s, self._check)

    def _check(self) -> None:
        self._sweep = None
        now = asyncio.get_running_loop().time()
        for one in list(self._connections):
            one.check(now)
        self._schedule_sweep()

"""One running camera: its RTSP server, its ONVIF server, its snapshot source, its discovery, on its own address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from proxyd.discovery.responder import AppSequence
from proxyd.discovery.server import DiscoveryServer
from proxyd.onvif.http import OnvifServer
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.plane import Plane
from proxyd.rtsp.server import RtspServer
from proxyd.rtsp.stats import StreamStats
from proxyd.snapshot.fetch import SnapshotSource
from proxyd.snapshot.picture import SnapshotPicture
from proxyd.snapshot.stream_look import StreamLook

from .commands import Perform
from .events import CameraEvent
from .guesses import Guesses
from .ports import port_holder
from .spec import CameraSpec, ReportUpstream, StreamName
from .status import Failure, start_failure
from .told import told
from .trace import Trace
from .urls import host_of


class StartFailed(Exception):
    """The camera cannot listen; `failure` says why in words."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class RunningCamera:
    """start() and stop() are idempotent; nothing here touches another camera."""

    def __init__(
        self,
        spec: CameraSpec,
        trace: Trace,
        snapshots: SnapshotSource,
        opener: UpstreamOpener,
        plane: Plane,
        report: ReportUpstream,
        *,
        limits: RtspLimits,
        sequence: AppSequence,
        perform: Perform,
        gone: Callable[[str], None],
    ) -> None:
        """`gone` is told of recorders ("host:port") whose connection is lost."""
        self.spec = spec
        self._snapshots = snapshots
        guesses = Guesses(time.monotonic)
        self._rtsp = RtspServer(
            spec, record=trace, report=report, plane=plane, opener=opener, limits=limits, guesses=guesses
        )
        self._look = StreamLook(self._rtsp.streams, opener, report)
        self._onvif = OnvifServer(
            spec, take_snapshot=self.snapshot, record=trace, perform=perform, gone=gone, guesses=guesses
        )
        self._onvif.watch(self._rtsp.metadata.take)
        self._rtsp.metadata.present = self._onvif.present
        self._discovery = DiscoveryServer(spec, sequence, record=trace)

    async def start(self) -> None:
        """Raises StartFailed; then nothing listens."""
        port = self.spec.rtsp_port
        try:
            await self._rtsp.start()
            port = self.spec.http_port
            await self._onvif.start()
        except OSError as error:
            await self.stop()
            holder = await asyncio.to_thread(port_holder, self.spec.address, port)
            raise StartFailed(start_failure(error, self.spec.address, port, holder)) from None
        self._discovery.listens_by_https(self.https_port)
        await self._discovery.start()  # last: who finds the camera will ask it at once

    async def stop(self) -> None:
        await self._discovery.stop()
        await self._look.close()
        await asyncio.gather(self._onvif.stop(), self._rtsp.stop())

    def update(self, spec: CameraSpec) -> None:
        self.spec = spec
        self._rtsp.update(spec)
        self._onvif.update(spec)
        self._discovery.update(spec)

    def deliver(self, event: CameraEvent) -> None:
        """Something happened in front of this camera."""
        self._onvif.deliver(event)

    def tend(self) -> None:
        """To be called about once a second."""
        self._rtsp.tend()
        self._onvif.tend()
        self._discovery.listens_by_https(self.https_port)
        self._discovery.tend()

    @property
    def https_port(self) -> int:
        """Where it listens; 0 while there is no HTTPS."""
        return self._onvif.https_port

    @property
    def rtsps_port(self) -> int:
        """The same for streams by TLS."""
        return self._rtsp.rtsps_port

    @property
    def note(self) -> str:
        """What is not as it should be although the camera runs, and what to do; "" when all is well."""
        return " ".join(filter(None, (self._discovery.note, self._onvif.note, self._rtsp.note)))

    async def snapshot(self) -> SnapshotPicture:
        """As recorders get it."""
        return await self._snapshots.picture(told(self.spec), self._look)  # in the size of a stream that they know

    def playing(self) -> frozenset[str]:
        """The addresses of the recorders that play now."""
        clients = (client for stream in self.stats().values() for client in stream.clients)
        return frozenset(host_of(client.address) for client in clients)

    def stats(self) -> Mapping[StreamName, StreamStats]:
        return self._rtsp.stats()

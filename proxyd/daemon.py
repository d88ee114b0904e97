"""The daemon: the one place that knows all parts. Starts them in order, stops them in reverse.

Order: data folder and its lock, key and database, NVR monitor, media process, cameras, interfaces (which start the
cameras), RPC.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from proxyd import __version__
from proxyd.api import models as m
from proxyd.api.ssh_users_folder import users_dir
from proxyd.backup.service import Backups
from proxyd.camera.guided import GuidedAdoption
from proxyd.camera.manager import CameraManager
from proxyd.config import Settings, StreamSettings, in_force
from proxyd.consequences import Consequences
from proxyd.errors import StoreError
from proxyd.holdings import allow_descriptors, lock, make_folder
from proxyd.hub import Hub
from proxyd.jobs import Jobs
from proxyd.links.arm import ArmClient
from proxyd.links.arm_watch import ArmWatch
from proxyd.links.loopback import LoopbackLinks
from proxyd.links.port import LinkSource
from proxyd.log_ring import LogRing
from proxyd.nvr.monitor import NvrMonitor
from proxyd.nvr.scan import ScanSettings
from proxyd.rpc.methods import Methods
from proxyd.rpc.parts import Parts
from proxyd.rpc.server import RpcServer
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.media_process import MediaSettings
from proxyd.rtsp.plane import Plane, PlaneSettings
from proxyd.rtsp.udp_pair import use_ports
from proxyd.snapshot.fetch import SnapshotSource
from proxyd.store import restoring
from proxyd.store.migrations import NEWEST
from proxyd.store.rows import Ports
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store
from proxyd.systemd import notify

log = logging.getLogger(__name__)

_ANSWER_LEAVES_S = 0.3  # before its connection is closed


def utc_now() -> str:
    """RFC 3339, seconds, Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Daemon:
    """`async with Daemon(settings): …` runs everything. Raises ProxyError when it cannot start."""

    def __init__(self, settings: Settings, *, start_anew: Callable[[], None] | None = None, trouble: str = "") -> None:
        """`start_anew` is called when a restored database waits for this daemon to end and for the next to begin;
        `trouble` is what the one before could say to nobody any more."""
        self._settings = settings
        self.trouble = trouble
        self._start_anew = start_anew
        self._started = utc_now()
        self._stack = AsyncExitStack()
        self._follow = Consequences()
        self._links = _link_source(settings)
        self._arm = ArmClient(settings.daemon.arm_socket) if self._links.mode == "netlink" else None
        self._arm_watch = ArmWatch(self._arm, changed=self._follow.arm_changed, noticed=self._follow.arm_noticed)
        self._hub = Hub()

    async def __aenter__(self) -> Daemon:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        settings, data = self._settings, self._settings.data
        allow_descriptors()
        self._stack.callback(lock(data).close)
        ring = LogRing()
        self._stack.callback(ring.attach())
        database = data / "proxyd.db"
        self._put_in_place(database)  # a crash may have kept the one before from it
        restoring.forget_staged(data)
        self._stack.callback(self._put_in_place, database)  # when nothing of us has it open any more
        secrets = Secrets.load(
            settings.daemon.key_file or data / "proxyd.key",
            create=not database.exists(),  # a new key would not open an old database
            credentials_directory=_folder_from_environment("CREDENTIALS_DIRECTORY"),
        )
        store = await Store.open(database, secrets)
        self._stack.push_async_callback(store.close)
        backups = Backups(store, secrets, data, self._restore) if self._start_anew else None

        self._monitor = NvrMonitor(self._follow.nvr_changed, settings.nvr.check_every_s)
        self._stack.push_async_callback(self._monitor.stop)
        snapshots = SnapshotSource(report=self._follow.report_picture)
        self._stack.push_async_callback(snapshots.close)
        use_ports(*settings.streams.udp_ports)
        plane = Plane(_plane_settings(settings.streams))
        await plane.start()
        self._stack.push_async_callback(plane.stop)
        self._cameras = CameraManager(
            store,
            self._hub,
            snapshots,
            health=self._monitor.health,
            report=self._monitor.report,
            now=utc_now,
            plane=plane,
            limits=_rtsp_limits(settings.streams),
            address_words=self._arm_watch.words,
            tenures=self._arm_watch.standing,
            named=self._arm_watch.name_cameras,
            events_changed=self._follow.events_changed,
            take_over_after=timedelta(seconds=settings.adoption.take_over_after_s),
        )
        jobs = Jobs(
            store,
            self._hub,
            ports=Ports(http=settings.http_port, rtsp=settings.rtsp_port),
            settings=ScanSettings(parallel=settings.nvr.parallel, call_timeout_s=settings.nvr.call_timeout_s),
            scanned=self._follow.scanned,
            now=utc_now,
        )
        guided = GuidedAdoption(store, self._hub, self._cameras, now=utc_now, say=self._follow.say)
        self._follow.parts = parts = Parts(
            store,
            self._hub,
            self._cameras,
            jobs,
            self._monitor,
            guided,
            users_dir(settings.socket),
            search_on=("lo",) if self._links.mode == "loopback" else None,
            arm=self._arm,
            log_ring=ring,
            backups=backups,
            configuration=in_force(settings),
            settings_file=settings.file,
        )
        methods = Methods(parts, self.status)

        for row in await store.nvrs():
            parts.watch(row)
        await guided.load()
        await self._cameras.start()
        self._stack.push_async_callback(self._cameras.stop)
        guided.start()
        self._stack.push_async_callback(guided.stop)
        await self._links.start(self._follow.interfaces_changed)
        self._stack.push_async_callback(self._links.stop)
        self._stack.push_async_callback(jobs.stop)
        await self._arm_watch.start()
        self._stack.push_async_callback(self._arm_watch.stop)

        socket = settings.socket
        make_folder(socket.parent, 0o750)
        server = RpcServer(socket, methods.handlers(), methods.snapshot, self._hub, settings.access, methods.metrics)
        await server.start()
        self._stack.push_async_callback(server.stop)
        await parts.log("info", "daemon", f"proxyd {__version__} started ({self._links.mode} mode).")
        if self._links.warning:
            await parts.log("warning", "daemon", self._links.warning)
        if self.trouble:
            await parts.log("error", "daemon", self.trouble)
            self.trouble = ""

    def _restore(self) -> None:
        """From a restore that is decided: its answer leaves first."""
        assert self._start_anew is not None
        asyncio.get_running_loop().call_later(_ANSWER_LEAVES_S, self._start_anew)

    def _put_in_place(self, database: Path) -> None:
        try:
            restoring.put_in_place(self._settings.data, database)
        except StoreError as error:
            self.trouble = f"The backup was not restored: {error}"
            log.error("%s", self.trouble)

    def status(self, role: m.Role) -> m.Status:
        cameras = self._cameras.cameras()
        return m.Status(
            version=__version__,
            pid=os.getpid(),
            started=self._started,
            mode=self._links.mode,
            data_dir=str(self._settings.data),
            nvrs=self._monitor.watched,
            cameras=len(cameras),
            states=dict(Counter(str(camera.state) for camera in cameras)),
            bps=sum(stream.bps for camera in cameras for stream in camera.streams),
            role=role,
            warning=self._links.warning,
            database_version=NEWEST,
        )


def _plane_settings(streams: StreamSettings) -> PlaneSettings:
    media = MediaSettings(moderation_ms=streams.moderation_ms, blocked_s=streams.blocked_s)
    return PlaneSettings(processes=streams.processes, media=media)


def _rtsp_limits(streams: StreamSettings) -> RtspLimits:
    return RtspLimits(
        stall_timeout_s=streams.stall_s,
        blocked_s=streams.blocked_s,
        linger_s=streams.linger_s,
        keep_s=streams.keep_s,
        logins=streams.logins_per_nvr,
    )


def _link_source(settings: Settings) -> LinkSource:
    if settings.cameras.loopback:
        return LoopbackLinks(settings.cameras.loopback)
    # Here, since the 9 MB of pyroute2 are of no use in loopback mode.
    if settings.cameras.shared:
        from proxyd.links.shared import SharedLinks

        return SharedLinks(settings.cameras.shared)
    from proxyd.links.netlink import NetlinkLinks

    return NetlinkLinks()


async def run(settings: Settings) -> None:
    """Runs until SIGTERM, SIGINT, or SIGHUP from a terminal that goes. Raises ProxyError when it cannot start."""
    stop, ending = asyncio.Event(), asyncio.Event()

    def leave() -> None:
        stop.set()
        ending.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            loop.add_signal_handler(number, leave)
    trouble = ""
    while not stop.is_set():
        ending.clear()
        daemon = Daemon(settings, start_anew=ending.set, trouble=trouble)
        async with daemon:
            log.info("ready on %s", settings.socket)
            notify("READY=1")
            await ending.wait()
            notify("STOPPING=1" if stop.is_set() else "RELOADING=1")
            log.info("stopping" if stop.is_set() else "starting anew with the database of a backup")
        trouble = daemon.trouble


def _folder_from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None

"""One function per method of the table: checks what the parameters cannot say, acts, answers with fresh models.

Every change is written to the audit log with the caller's name before the answer goes out. The functions of a noun
stand together in one class; this module finds them by name and has those that belong to no noun. What a method takes,
gives and needs is its row in `api/methods`; it raises a ProxyError, with the next step to try.
"""

from __future__ import annotations

from collections.abc import Callable

from proxyd.api import models as m
from proxyd.api.methods import METHODS
from proxyd.camera.view import log_model

from .access import Caller
from .adoption_methods import AdoptionMethods
from .backup_methods import BackupMethods
from .camera_change_methods import CameraChangeMethods
from .camera_methods import CameraMethods
from .certificate_methods import CertificateMethods
from .history_methods import HistoryMethods
from .interface_methods import InterfaceMethods
from .job_methods import JobMethods
from .log_methods import LogMethods
from .nvr_methods import NvrMethods
from .parts import Parts
from .server import Handler
from .settings_methods import SettingsMethods
from .source_methods import SourceMethods
from .undo_methods import UndoMethods
from .user_methods import UserMethods

_SNAPSHOT_LOG = 100


class Methods:
    """`status` builds the daemon's own facts for a caller's role."""

    def __init__(self, parts: Parts, status: Callable[[m.Role], m.Status]) -> None:
        self._parts = parts
        self._status = status
        self._groups = (
            NvrMethods(parts),
            SourceMethods(parts),
            CameraMethods(parts),
            CameraChangeMethods(parts),
            UndoMethods(parts),
            SettingsMethods(parts),
            BackupMethods(parts),
            HistoryMethods(parts),
            CertificateMethods(parts),
            AdoptionMethods(parts),
            InterfaceMethods(parts),
            LogMethods(parts),
            UserMethods(parts),
            JobMethods(parts),
            self,
        )

    def handlers(self) -> dict[str, Handler]:
        """Method nvr.add is a function nvr_add, and so on for the whole table; `subscribe` is the connection's own."""
        return {name: self._function(name.replace(".", "_")) for name in METHODS if name != "subscribe"}

    def _function(self, name: str) -> Handler:
        handler: Handler = next(getattr(group, name) for group in self._groups if hasattr(group, name))
        return handler

    async def snapshot(self, who: Caller) -> m.Snapshot:
        """`seq` is taken first: what changes meanwhile comes again as an event."""
        parts = self._parts
        seq = parts.hub.seq
        return m.Snapshot(
            seq=seq,
            status=self._status(who.role),
            nvrs=await parts.nvrs(),
            cameras=parts.cameras.cameras(),
            interfaces=parts.cameras.interfaces(),
            jobs=parts.jobs.jobs(),
            log=[log_model(row) for row in await parts.store.log_tail(_SNAPSHOT_LOG, 0)],
            adoption=parts.guided.model(),
        )

    async def metrics(self) -> bytes:
        """The page for Prometheus. Raises StoreError."""
        from .metrics import exposition  # here: most daemons are never asked, and have no use for its 2 MB

        cameras = self._parts.cameras.cameras()
        streams = {camera.id: self._parts.cameras.streams(camera.id) for camera in cameras}
        return exposition(cameras, await self._parts.nvrs(), streams)

    async def status(self, p: m.NoParams, who: Caller) -> m.Status:
        return self._status(who.role)

"""The two logs: what was done and by whom (kept in the database), and the daemon's own lines (kept in memory)."""

from __future__ import annotations

import time

from proxyd.api import models as m
from proxyd.api.logs import DaemonLog, LogDaemonParams
from proxyd.camera.view import log_model

from .access import Caller
from .parts import Parts


class LogMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def log_tail(self, p: m.LogTail, who: Caller) -> list[m.LogEntry]:
        rows = await self._parts.store.log_tail(
            p.limit, p.after, before=p.before, level=p.level, subject=p.subject, actor=p.actor, text=p.text
        )
        return [log_model(row) for row in rows]

    async def log_daemon(self, p: LogDaemonParams, who: Caller) -> DaemonLog:
        """For operators: lines may hold addresses of NVRs and of recorders."""
        return self._parts.log_ring.read(p, time.time())

"""What follows when a part of the daemon says that something happened: it is stored, told to the UI and logged, and the
cameras follow."""

from __future__ import annotations

import logging
import time
from typing import Literal

from proxyd.api import models as m
from proxyd.camera.nvr_events import EventsChange
from proxyd.camera.status import NvrHealth
from proxyd.errors import ProxyError, UpstreamAuthError
from proxyd.links.arm import ArmNotice
from proxyd.rpc.parts import Parts
from proxyd.store.rows import FoundInterface

log = logging.getLogger(__name__)


class Consequences:
    """`parts` is set before any of them is started: they are made with these methods to call."""

    parts: Parts

    async def interfaces_changed(self, found: list[FoundInterface]) -> None:
        await self.parts.store.register_interfaces(found)
        await self.parts.store.assign_interfaces()
        await self.parts.cameras.refresh()

    async def arm_changed(self) -> None:
        self.parts.cameras.publish()

    async def arm_noticed(self, notice: ArmNotice) -> None:
        """What the arm repaired or found goes into the log of the UI."""
        try:
            await self.parts.log(notice.level, notice.camera or "interfaces", notice.text)
        except ProxyError as error:
            log.warning("%s (not in the log of the UI: %s)", notice.text, error)

    async def say(self, level: Literal["info", "warning"], subject: str, words: str) -> None:
        await self.parts.log(level, subject, words)

    def report_picture(self, nvr_id: int, error: Exception | None) -> None:
        """Many NVRs have a web user of their own for pictures: a refusal there says nothing about the account."""
        if not isinstance(error, UpstreamAuthError):
            self.parts.monitor.report(nvr_id, error)

    async def nvr_changed(self, nvr_id: int, health: NvrHealth) -> None:
        """From the monitor: the NVR came, went, or refused its password."""
        try:
            refused = health.state is m.NvrState.WRONG_PASSWORD
            await self.parts.store.set_auth_failed(nvr_id, refused)
            row = await self.parts.store.nvr(nvr_id)
            self.parts.show_nvr(row)
            if health.state is m.NvrState.OK:
                await self.parts.log("info", f"nvr {nvr_id}", f"{row.name} answers again.")
            else:
                await self.parts.log("warning", f"nvr {nvr_id}", health.reason)
        except ProxyError as error:  # removed meanwhile, or the disk is full: the monitor must go on
            log.warning("nvr %d: %s", nvr_id, error)
        self.parts.cameras.publish()

    async def events_changed(self, change: EventsChange) -> None:
        """From the event pumps: how the events of an NVR come, or why not."""
        row = await self.parts.store.nvr(change.nvr_id)
        self.parts.show_nvr(row)
        if change.warning:
            await self.parts.log("warning", f"nvr {row.id}", f"Events of {row.name}: {change.words}")

    async def scanned(self, nvr_id: int, error: Exception | None) -> None:
        """From a scan: its result is stored; cameras come up, and everybody hears how it ended."""
        if isinstance(error, UpstreamAuthError):
            await self.parts.store.set_auth_failed(nvr_id, True)
            self.parts.refused_tries.refused((await self.parts.store.nvr(nvr_id)).access, time.monotonic())
        elif error is None:
            await self.parts.store.set_auth_failed(nvr_id, False)
            await self.parts.cameras.try_account_again(nvr_id)
        row = await self.parts.store.nvr(nvr_id)
        self.parts.watch(row)
        await self.parts.cameras.refresh()
        self.parts.show_nvr(row)
        if error:
            await self.parts.log("error", f"nvr {nvr_id}", f"Scan of {row.name} failed: {error}")
        elif row.channels and not self.parts.jobs.waiting_on(nvr_id):  # none: cancelled before the first, and logged
            words = f"Scan of {row.name}: {row.online} of {row.channels} channels have a picture."
            await self.parts.log("info", f"nvr {nvr_id}", words)

"""What cameras share of each NVR: the opener of its streams, the open conversation with it, and its events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from proxyd.errors import UpstreamAuthError
from proxyd.nvr.link import NvrLink
from proxyd.nvr.monitor import wrong_password
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.store.rows import CameraRow, NvrRow

from .events import CameraEvent
from .features import ChannelFeatures
from .nvr_events import NvrEvents, followed
from .spec import NvrAccess


class Upstreams:
    """By NVR. `deliver` is called with each event of a camera, `report` with what was seen of an NVR."""

    def __init__(
        self, *, deliver: Callable[[int, CameraEvent], None], report: Callable[[int, Exception | None], None]
    ) -> None:
        self._nvrs: dict[int, NvrRow] = {}
        self._openers: dict[int, UpstreamOpener] = {}
        self._links: dict[int, NvrLink] = {}
        self.events = NvrEvents(link=self.link, deliver=deliver, report=report)

    def opener(self, nvr_id: int, access: NvrAccess) -> UpstreamOpener:
        opener = self._openers.setdefault(nvr_id, UpstreamOpener(access))
        opener.update(access)
        return opener

    def link(self, nvr_id: int) -> NvrLink:
        """Of an NVR that has cameras."""
        if nvr_id not in self._links:
            nvr = self._nvrs[nvr_id]
            known = wrong_password(nvr.name, nvr.username).reason if nvr.auth_failed else ""
            self._links[nvr_id] = NvrLink(nvr.access, refused=UpstreamAuthError(known) if known else None)
        return self._links[nvr_id]

    def know(self, rows: Collection[CameraRow]) -> None:
        """All cameras, before those that are new start."""
        self._nvrs = {row.nvr_id: row.nvr for row in rows}

    async def follow(
        self,
        rows: Collection[CameraRow],
        running: Collection[int],
        others: Mapping[int, Sequence[ChannelFeatures]],
    ) -> None:
        """What runs now; `others`: channels without a camera. Conversations with NVRs that are gone, or have another
        address or account, end first."""
        accesses = {nvr_id: nvr.access for nvr_id, nvr in self._nvrs.items()}
        await self.events.drop(accesses)
        for nvr_id in self._openers.keys() - accesses.keys():
            del self._openers[nvr_id]
        await self._update_links(accesses)
        await self.events.follow(followed(rows, running, others))

    async def try_account_again(self, nvr_id: int) -> None:
        """It works (again), or the user said so."""
        if opener := self._openers.get(nvr_id):
            opener.forget()
        if link := self._links.get(nvr_id):
            await link.forget()
        self.events.wake(nvr_id)

    async def stop(self) -> None:
        await asyncio.gather(*(link.close() for link in self._links.values()))

    async def _update_links(self, accesses: Mapping[int, NvrAccess]) -> None:
        for nvr_id, link in list(self._links.items()):
            if nvr_id in accesses:
                await link.update(accesses[nvr_id])
            else:
                await self._links.pop(nvr_id).close()

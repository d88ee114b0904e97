"""What cameras share of each NVR: the opener of its streams, the open conversation with it, and its events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from proxyd.errors import UpstreamAuthError
from proxyd.nvr.account import Account
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
        self,
        *,
        deliver: Callable[[int, CameraEvent], None],
        report: Callable[[int, Exception | None], None],
        logins: int,
    ) -> None:
        """`logins`: how many streams log in at one NVR at the same time."""
        self._nvrs: dict[int, NvrRow] = {}
        self._accounts: dict[int, Account] = {}
        self._openers: dict[int, UpstreamOpener] = {}
        self._links: dict[int, NvrLink] = {}
        self._report = report
        self._logins = logins
        self.events = NvrEvents(link=self.link, deliver=deliver, report=self.heard)

    def heard(self, nvr_id: int, error: Exception | None) -> None:
        """Somebody used the NVR. A refusal of credentials that were changed meanwhile says nothing."""
        account = self._accounts.get(nvr_id)
        if not isinstance(error, UpstreamAuthError) or account is None or account.refused:
            self._report(nvr_id, error)

    def opener(self, nvr_id: int) -> UpstreamOpener:
        """Of an NVR that has cameras."""
        if nvr_id not in self._openers:
            self._openers[nvr_id] = UpstreamOpener(self._account(nvr_id), logins=self._logins)
        return self._openers[nvr_id]

    def link(self, nvr_id: int) -> NvrLink:
        """Of an NVR that has cameras."""
        if nvr_id not in self._links:
            self._links[nvr_id] = NvrLink(self._account(nvr_id))
        return self._links[nvr_id]

    def _account(self, nvr_id: int) -> Account:
        """One for all: a password that one way was refused is not tried on another."""
        if nvr_id not in self._accounts:
            nvr = self._nvrs[nvr_id]
            known = wrong_password(nvr.name, nvr.username).reason if nvr.auth_failed else ""
            self._accounts[nvr_id] = Account(nvr.access, refused=UpstreamAuthError(known) if known else None)
        return self._accounts[nvr_id]

    def know_account(self, nvr_id: int, access: NvrAccess) -> None:
        """From now on only this one is used; `follow` ends what uses another."""
        if account := self._accounts.get(nvr_id):
            account.update(access)

    def know(self, rows: Collection[CameraRow]) -> None:
        """All cameras, before those that are new start."""
        self._nvrs = {row.nvr_id: row.nvr for row in rows}
        for nvr_id, nvr in self._nvrs.items():
            self.know_account(nvr_id, nvr.access)

    async def follow(
        self,
        rows: Collection[CameraRow],
        running: Collection[int],
        others: Mapping[int, Sequence[ChannelFeatures]],
    ) -> None:
        """What runs now; `others`: channels without a camera. Conversations with NVRs that are gone, or have another
        address or account, end first."""
        await self.events.drop({nvr_id: nvr.access for nvr_id, nvr in self._nvrs.items()})
        for nvr_id in self._accounts.keys() - self._nvrs.keys():
            del self._accounts[nvr_id]
            self._openers.pop(nvr_id, None)
            if link := self._links.pop(nvr_id, None):
                await link.close()
        for link in self._links.values():
            await link.follow_account()
        await self.events.follow(followed(rows, running, others))

    async def try_account_again(self, nvr_id: int) -> None:
        """It works (again), or the user said so."""
        if account := self._accounts.get(nvr_id):
            account.forget()
        if link := self._links.get(nvr_id):
            await link.hang_up()
        self.events.wake(nvr_id)

    async def stop(self) -> None:
        await asyncio.gather(*(link.close() for link in self._links.values()))

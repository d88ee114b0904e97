"""Methods of the noun settings: what is in force, and the account that cameras share."""

from __future__ import annotations

from proxyd.api import models as m
from proxyd.api.settings import DaemonSettings, SettingsAccount
from proxyd.errors import InvalidInput
from proxyd.store.undoing import recording

from .access import Caller
from .parts import Parts, reveal


class SettingsMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def settings_get(self, p: m.NoParams, who: Caller) -> DaemonSettings:
        username, _ = await self._parts.store.default_credentials()
        sharing = [row for row in self._parts.cameras.rows() if not row.own_credentials]
        return DaemonSettings(
            username=username,
            sharing=len(sharing),
            adopted=sum(bool(row.adopted_by) for row in sharing),
            file=self._parts.settings_file,
            configuration=list(self._parts.configuration),
        )

    async def settings_account(self, p: SettingsAccount, who: Caller) -> DaemonSettings:
        if p.username is None and p.password is None:
            raise InvalidInput("Nothing is to be changed.", "Name a user or a password.")
        with recording(("credentials",)) as recorder:
            await self._parts.store.set_default_credentials(p.username, reveal(p.password))
        await self._parts.cameras.refresh()
        what = "Changed the account that all cameras share."
        await self._parts.log("warning", "daemon", what, who)
        self._parts.note(who, "settings.account", what, recorder)
        return await self.settings_get(m.NoParams(), who)

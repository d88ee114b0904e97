"""The form for the account that all cameras share which have none of their own."""

from __future__ import annotations

from typing import Any

from proxyd.api.settings import DaemonSettings

from ..widgets.line import line
from ..words import Tone, count
from .account_form import AccountFields


class SharedAccountForm(AccountFields[DaemonSettings]):
    """Dismissed with the settings as they are then, or None."""

    def __init__(self, known: DaemonSettings) -> None:
        super().__init__(known.username)
        self._known = known

    def on_mount(self) -> None:
        means = f"{count(self._known.sharing, 'camera')} have no account of their own and use this one. "
        if self._known.adopted:
            means += f"Recorders know {self._known.adopted} of them: they lose these cameras until the new account is "
            means += "typed into them, camera by camera."
        else:
            means += "No recorder has adopted one of them yet."
        tone = Tone.WARNING if self._known.adopted else Tone.TEXT
        self.tell(line(("Account that all cameras share", Tone.STRONG)), means, tone)

    def keep(self, params: dict[str, Any]) -> None:
        self.start("settings.account", params, "Saving…", self.dismiss)

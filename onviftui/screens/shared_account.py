"""The form for the account that all cameras share which have none of their own."""

from __future__ import annotations

from typing import Any, ClassVar

from proxyd.api.settings import DaemonSettings

from ..widgets.line import line, wrap
from ..words import Tone, count
from .dialog import WIDTH
from .field_form import FieldForm


class SharedAccountForm(FieldForm[DaemonSettings]):
    """Dismissed with the settings as they are then, or None."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("username", "User", ""),
        ("password", "Password", "unchanged"),
    )
    MOST_CHARS: ClassVar[int] = 64

    def __init__(self, known: DaemonSettings) -> None:
        super().__init__({"username": known.username}, "Save")
        self._known = known

    def on_mount(self) -> None:
        self.query_one("#test").display = False  # nothing can be tried before it is kept
        means = f"{count(self._known.sharing, 'camera')} have no account of their own and use this one. "
        if self._known.adopted:
            means += f"Recorders know {self._known.adopted} of them: they lose these cameras until the new account is "
            means += "typed into them, camera by camera."
        else:
            means += "No recorder has adopted one of them yet."
        title = line(("Account that all cameras share", Tone.STRONG))
        tone = Tone.WARNING if self._known.adopted else Tone.TEXT
        self.say([title, *wrap(means, WIDTH, tone)], "Enter next field   ^s save   Esc back", "username")

    def params(self) -> dict[str, Any] | None:
        typed = self.typed()
        wrong = {} if typed["username"] else {"username": "recorders sign in with one"}
        self.show_wrong(wrong)
        if wrong:
            return None
        params: dict[str, Any] = {"username": typed["username"]} if typed["username"] != self._known.username else {}
        return params | ({"password": typed["password"]} if typed["password"] else {})

    def test(self, params: dict[str, Any]) -> None:
        """There is nothing to test."""

    def save(self, params: dict[str, Any]) -> None:
        if params:
            self.start("settings.account", params, "Saving…", self.dismiss)
        else:
            self.dismiss(None)

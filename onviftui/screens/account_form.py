"""Forms for what recorders sign in with: the account of one camera; what they share with that of all cameras."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, TypeVar

from proxyd.api.models import Camera

from ..widgets.line import Line, line, plain, wrap
from ..words import Tone
from .dialog import WIDTH
from .field_form import FieldForm

_Saved = TypeVar("_Saved")


class AccountFields(FieldForm[_Saved]):
    """User and password, of which only what was changed is saved."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("username", "User", ""),
        ("password", "Password", "unchanged"),
    )
    MOST_CHARS: ClassVar[int] = 64

    def __init__(self, username: str) -> None:
        super().__init__({"username": username}, "Save")
        self._username = username

    def tell(self, title: Line, means: str, tone: Tone) -> None:
        self.query_one("#test").display = False  # nothing can be tried before it is kept
        self.say([title, *wrap(means, WIDTH, tone)], "Enter next field   ^s save   Esc back", "username")

    def params(self) -> dict[str, Any] | None:
        typed = self.typed()
        wrong = {} if typed["username"] else {"username": "recorders sign in with one"}
        self.show_wrong(wrong)
        if wrong:
            return None
        params: dict[str, Any] = {"username": typed["username"]} if typed["username"] != self._username else {}
        return params | ({"password": typed["password"]} if typed["password"] else {})

    def test(self, params: dict[str, Any]) -> None:
        """There is nothing to test."""

    def save(self, params: dict[str, Any]) -> None:
        if params:
            self.keep(params)
        else:
            self.dismiss(None)

    @abstractmethod
    def keep(self, params: dict[str, Any]) -> None:
        """Have the daemon keep what was changed."""


class AccountForm(AccountFields[Camera]):
    """Dismissed with the changed camera, or None."""

    def __init__(self, camera: Camera) -> None:
        super().__init__(camera.username)
        self._camera = camera

    def on_mount(self) -> None:
        who = self._camera.adopted_by or self._camera.recorder
        has_it = f"The recorder at {who} has this account. It" if who else "A recorder that has this account"
        means = f"{has_it} loses the camera until the new one is typed into it. The NVR's account stays as it is."
        self.tell(line((f"Account of {plain(self._camera.name)}", Tone.STRONG)), means, Tone.WARNING)

    def keep(self, params: dict[str, Any]) -> None:
        self.start("camera.update", {"id": self._camera.id, **params}, "Saving…", self.dismiss)

"""The form for a camera's own account: what recorders sign in with, and what a change of it means to them."""

from __future__ import annotations

from typing import Any, ClassVar

from proxyd.api.models import Camera

from ..widgets.line import line, plain, wrap
from ..words import Tone
from .dialog import WIDTH
from .field_form import FieldForm


class AccountForm(FieldForm[Camera]):
    """Dismissed with the changed camera, or None."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("username", "User", ""),
        ("password", "Password", "unchanged"),
    )
    MOST_CHARS: ClassVar[int] = 64

    def __init__(self, camera: Camera) -> None:
        super().__init__({"username": camera.username}, "Save")
        self._camera = camera

    def on_mount(self) -> None:
        self.query_one("#test").display = False  # nothing can be tried before it is kept
        who = self._camera.adopted_by or self._camera.recorder
        has_it = f"The recorder at {who} has this account. It" if who else "A recorder that has this account"
        means = f"{has_it} loses the camera until the new one is typed into it. The NVR's account stays as it is."
        title = line((f"Account of {plain(self._camera.name)}", Tone.STRONG))
        self.say([title, *wrap(means, WIDTH, Tone.WARNING)], "Enter next field   ^s save   Esc back", "username")

    def params(self) -> dict[str, Any] | None:
        typed = self.typed()
        wrong = {} if typed["username"] else {"username": "recorders sign in with one"}
        self.show_wrong(wrong)
        if wrong:
            return None
        params: dict[str, Any] = {"username": typed["username"]} if typed["username"] != self._camera.username else {}
        if typed["password"]:
            params["password"] = typed["password"]
        return params

    def test(self, params: dict[str, Any]) -> None:
        """There is nothing to test."""

    def save(self, params: dict[str, Any]) -> None:
        if params:
            self.start("camera.update", {"id": self._camera.id, **params}, "Saving…", self.dismiss)
        else:
            self.dismiss(None)

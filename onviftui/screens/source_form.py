"""The form for a camera that only has RTSP addresses: errors beside their field, a test of its streams."""

from __future__ import annotations

from typing import Any

from proxyd.api.models import NvrTest, Source

from ..widgets.line import line
from ..words import Tone
from .field_form import FieldForm


class SourceForm(FieldForm[Source]):
    """Dismissed with the new camera, or None."""

    FIELDS = (
        ("main", "Main", "rtsp://192.168.1.30/live/main"),
        ("sub", "Sub", "rtsp://… of a smaller stream, if there is one"),
        ("snapshot", "Picture", "http://… of a still picture, if there is one"),
        ("username", "User", "empty when the camera asks for none"),
        ("password", "Password", ""),
        ("name", "Name", "as you like to call it"),
    )
    MOST_CHARS = 2048

    def __init__(self, main: str = "") -> None:
        super().__init__({"main": main}, "Add")

    def on_mount(self) -> None:
        title = line(("Add a camera by its RTSP addresses", Tone.STRONG))
        self.say([title], "Enter next field   ^t test   ^s add   Esc back", "main")

    def params(self) -> dict[str, Any] | None:
        values = self.typed()
        wrong = {} if values["main"].strip() else {"main": "which address does its stream have?"}
        if values["password"] and not values["username"]:
            wrong["username"] = "whose password is it?"
        self.show_wrong(wrong)
        if wrong:
            return None
        password = {"password": values["password"]} if values["username"] else {}
        return {
            name: text for name, typed in values.items() if name != "password" and (text := typed.strip())
        } | password

    def test(self, params: dict[str, Any]) -> None:
        self.start("source.test", params, "Reading the streams…", self._tested)

    def _tested(self, result: NvrTest) -> None:
        words = " ".join(filter(None, (result.message, result.hint)))
        self.answer(words, Tone.SUCCESS if result.ok else Tone.ERROR)

    def save(self, params: dict[str, Any]) -> None:
        self.start("source.add", params, "Adding…", self.dismiss)

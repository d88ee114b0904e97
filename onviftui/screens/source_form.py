"""The forms for a camera that only has RTSP addresses: its streams are read before anything is kept."""

from __future__ import annotations

from typing import Any, ClassVar

from proxyd.api.models import NvrTest, Source
from proxyd.errors import ProxyError, UpstreamError

from ..address import user_in
from ..widgets.line import line, plain
from ..words import Tone
from .field_form import FieldForm

_HIDDEN = "…"  # where proxyd keeps a part of an address to itself
_FIELDS = (
    ("main", "Main", "rtsp://192.168.1.30/live/main"),
    ("sub", "Sub", "rtsp://… of a smaller stream, if there is one"),
    ("snapshot", "Picture", "http://… of a still picture, if there is one"),
    ("username", "User", "empty when the camera asks for none"),
    ("password", "Password", ""),
    ("name", "Name", "as you like to call it"),
)


class SourceForm(FieldForm[Source]):
    """A new camera. Dismissed with it, or None."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = _FIELDS
    MOST_CHARS: ClassVar[int] = 2048

    def __init__(self, main: str = "") -> None:
        super().__init__({"main": main}, "Add")
        self._tried: dict[str, Any] | None = None  # what a test refused; added when that is asked for once more

    def on_mount(self) -> None:
        title = line(("Add a camera by its RTSP addresses", Tone.STRONG))
        self.say([title], "Enter next field   ^t test   ^s add   Esc back", "main")

    def params(self) -> dict[str, Any] | None:
        values = self.typed()
        user = values["username"].strip() or user_in(values["main"])
        wrong = {} if values["main"].strip() else {"main": "which address does its stream have?"}
        if values["password"] and not user:
            wrong["username"] = "whose password is it?"
        self.show_wrong(wrong)
        if wrong:
            return None
        params = {name: text for name, typed in values.items() if name != "password" and (text := typed.strip())}
        if values["username"].strip() or values["password"]:
            params |= {"username": user, "password": values["password"]}
        return params

    def test(self, params: dict[str, Any]) -> None:
        self.start("source.test", params, "Reading its streams…", self._tested)

    def _tested(self, result: NvrTest) -> None:
        words = " ".join(filter(None, (result.message, result.hint)))
        self.answer(words, Tone.SUCCESS if result.ok else Tone.ERROR)

    def save(self, params: dict[str, Any]) -> None:
        """Its streams are read first; what does not work is added only by somebody who insists."""
        if self._tried == params:
            self._add(params)
            return
        self._tried = params
        asked = {name: value for name, value in params.items() if name != "name"}
        self.start("source.test", asked, "Reading its streams before it is added…", self._judged)

    def _judged(self, result: NvrTest) -> None:
        if result.ok and self._tried is not None:
            self._add(self._tried)
            return
        words = f"{result.message} {result.hint}".strip()
        self.answer(f"{words} Nothing was added. ^s again adds it all the same.", Tone.ERROR)

    def _add(self, params: dict[str, Any]) -> None:
        self.start("source.add", params, "Adding…", self.dismiss)


class KnownSourceForm(FieldForm[Source]):
    """One that is there already: dismissed with what it is now, or None. Only what was changed is sent."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = _FIELDS
    MOST_CHARS: ClassVar[int] = 2048
    TEST = ""  # saving tries it, with the password that only proxyd knows

    def __init__(self, source: Source, username: str) -> None:
        self._known = {
            "main": source.main,
            "sub": source.sub or "",
            "snapshot": source.snapshot or "",
            "username": username,
            "name": source.name,
        }
        super().__init__(self._known, "Save", {"password": "unchanged", "sub": "none", "snapshot": "none"})
        self._source = source
        self._tried: dict[str, Any] | None = None

    def on_mount(self) -> None:
        title = line((f"Edit {plain(self._source.name)}", Tone.STRONG), ("   it stays the same camera", Tone.MUTED))
        self.say([title], "Enter next field   ^s save   Esc back", "main")

    def params(self) -> dict[str, Any] | None:
        values = {name: typed if name == "password" else typed.strip() for name, typed in self.typed().items()}
        user = values["username"] or user_in(values["main"])
        wrong = {}
        if not values["main"]:
            wrong["main"] = "a camera needs one; to be rid of it: Esc, then d"
        for name in ("main", "sub", "snapshot"):
            if values[name] != self._known[name] and _HIDDEN in values[name]:
                wrong[name] = f"type the secret part in the place of {_HIDDEN}, too"
        if values["password"] and not user:
            wrong["username"] = "whose password is it?"
        if not values["name"]:
            wrong["name"] = "what is it called?"
        self.show_wrong(wrong)
        if wrong:
            return None
        changed = {name: values[name] for name, before in self._known.items() if values[name] != before}
        if values["password"] or changed.get("username"):
            changed |= {"username": user, "password": values["password"]}
        return changed

    def test(self, params: dict[str, Any]) -> None:
        """Saving does."""

    def action_test(self) -> None:
        """Likewise."""

    def save(self, params: dict[str, Any]) -> None:
        if not params:
            self.dismiss(None)
            return
        given = {"camera": self._source.camera, **params} | ({"test": False} if self._tried == params else {})
        self._tried = params
        self.start("source.update", given, "Reading its streams before it is saved…", self.dismiss)

    def refused(self, error: ProxyError) -> str:
        again = " ^s again saves it all the same." if isinstance(error, UpstreamError) else ""
        return f"{error}{again}"

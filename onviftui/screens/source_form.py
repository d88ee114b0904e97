"""The form for a camera that only has RTSP addresses: errors beside their field, a test of its streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from proxyd.api.models import NvrTest, Source
from proxyd.errors import InvalidInput, ProxyError

from ..ui import ui_of
from ..widgets.line import Line, line, wrap
from ..widgets.paint import Lines
from ..words import Tone
from .dialog import WIDTH

TEST_DEADLINE_S = 90.0
_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("main", "Main", "rtsp://192.168.1.30/live/main"),
    ("sub", "Sub", "rtsp://… of a smaller stream, if there is one"),
    ("snapshot", "Picture", "http://… of a still picture, if there is one"),
    ("username", "User", "empty when the camera asks for none"),
    ("password", "Password", ""),
    ("name", "Name", "as you like to call it"),
)


class SourceForm(ModalScreen[Source | None]):
    """Dismissed with the new camera, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("ctrl+t", "test", show=False),
        Binding("ctrl+s", "save", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("ctrl+c", "app.interrupt", show=False, priority=True),
    ]

    def __init__(self, main: str = "") -> None:
        super().__init__()
        self._main = main
        self._busy = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog form", can_focus=False):
            yield Lines(id="title")
            for name, label, placeholder in _FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label, classes="label")
                    yield Input(
                        self._main if name == "main" else "",
                        placeholder=placeholder,
                        password=name == "password",
                        compact=True,
                        max_length=2048,
                        id=name,
                    )
                yield Lines(classes="wrong", id=f"wrong-{name}")
            yield Lines(id="answer")
            with Horizontal(classes="buttons"):
                yield Button("Add", id="save", compact=True, variant="primary")
                yield Button("Test", id="test", compact=True)
                yield Button("Cancel", id="close", compact=True)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        self.query_one("#title", Lines).show([line(("Add a camera by its RTSP addresses", Tone.STRONG)), line("")])
        hint = "Enter next field   ^t test   ^s add   Esc back"
        self.query_one("#hint", Lines).show([line(""), line((hint, Tone.MUTED))])
        self.query_one("#answer", Lines).show([line("")])
        self.query_one("#main", Input).focus()

    def _params(self) -> dict[str, Any] | None:
        """The fields for the daemon; None when something here is wrong already."""
        values = {name: self.query_one(f"#{name}", Input).value for name, _, _ in _FIELDS}
        wrong = {} if values["main"].strip() else {"main": "which address does its stream have?"}
        if values["password"] and not values["username"]:
            wrong["username"] = "whose password is it?"
        self._show_wrong(wrong)
        if wrong:
            return None
        password = {"password": values["password"]} if values["username"] else {}
        return {
            name: text for name, typed in values.items() if name != "password" and (text := typed.strip())
        } | password

    def _show_wrong(self, wrong: dict[str, str]) -> None:
        first = ""
        for name, _, _ in _FIELDS:
            words = wrong.get(name, "")
            shown: list[Line] = list(wrap(words, WIDTH, Tone.ERROR, limit=2)) if words else []
            self.query_one(f"#wrong-{name}", Lines).show(shown)
            first = first or (name if words else "")
        if first:
            self.query_one(f"#{first}", Input).focus()

    def _answer(self, words: str, tone: Tone) -> None:
        self.query_one("#answer", Lines).show([line(""), *wrap(words, WIDTH, tone, limit=6)])

    def action_test(self) -> None:
        params = self._params()
        if params is not None and not self._busy:
            params.pop("name", None)
            self._start("source.test", params, "Reading the streams…", self._tested)

    def _tested(self, result: NvrTest) -> None:
        words = " ".join(filter(None, (result.message, result.hint)))
        self._answer(words, Tone.SUCCESS if result.ok else Tone.ERROR)

    def action_save(self) -> None:
        params = self._params()
        if params is not None and not self._busy:
            self._start("source.add", params, "Adding…", self.dismiss)

    def _start(self, method: str, params: dict[str, Any], doing: str, then: Callable[[Any], Any]) -> None:
        self._busy = True
        self._answer(doing, Tone.ACCENT)

        def arrived(result: Any) -> None:
            self._busy = False
            if self.is_current:
                then(result)

        def failed(error: ProxyError) -> bool:
            self._busy = False
            if not self.is_current:
                return False
            known = {name for name, _, _ in _FIELDS}
            wrong = error.fields if isinstance(error, InvalidInput) else {}
            self._show_wrong({name: words for name, words in wrong.items() if name in known})
            self._answer("" if wrong and wrong.keys() <= known else str(error), Tone.ERROR)
            return True

        ui_of(self).ask(method, params, doing="", then=arrived, failed=failed, deadline_s=TEST_DEADLINE_S)

    @on(Input.Submitted)
    def _next_field(self, event: Input.Submitted) -> None:
        names = [name for name, _, _ in _FIELDS]
        place = names.index(event.input.id or "main")
        if place + 1 < len(names):
            self.query_one(f"#{names[place + 1]}", Input).focus()
        else:
            self.action_save()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        {"save": self.action_save, "test": self.action_test, "close": self.action_close}[event.button.id or ""]()

    def action_close(self) -> None:
        self.dismiss(None)

"""The form for a new NVR or a known one: errors stand beside their field, a test says in words what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from proxyd.api.models import FoundNvr, Nvr, NvrTest
from proxyd.errors import InvalidInput, ProxyError

from ..address import read_port, split_address
from ..ui import ui_of
from ..widgets.line import Line, line, wrap
from ..widgets.paint import Lines
from ..words import Tone, count, format_clock_offset
from .dialog import WIDTH

TEST_DEADLINE_S = 90.0
_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("host", "Address", "192.168.1.20 or nvr.local"),
    ("port", "Port", "80"),
    ("username", "User", "the NVR's ONVIF user"),
    ("password", "Password", ""),
    ("name", "Name", "as you like to call it"),
)


class NvrForm(ModalScreen[Nvr | None]):
    """Dismissed with the saved NVR, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("ctrl+t", "test", show=False),
        Binding("ctrl+s", "save", show=False),
        Binding("ctrl+r", "by_stream", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("ctrl+c", "app.interrupt", show=False, priority=True),
    ]

    def __init__(self, nvr: Nvr | None = None, found: FoundNvr | None = None) -> None:
        super().__init__()
        self._nvr = nvr
        self._values = {"host": "", "port": "80", "username": "", "password": "", "name": ""}
        if nvr is not None:
            self._values |= {"host": nvr.host, "port": str(nvr.port), "username": nvr.username, "name": nvr.name}
        elif found is not None:
            self._values |= {"host": found.host, "port": str(found.port), "name": found.name[:64]}
        self._busy = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog form", can_focus=False):
            yield Lines(id="title")
            for name, label, placeholder in _FIELDS:
                hint = "unchanged" if self._nvr and name == "password" else placeholder
                with Horizontal(classes="field"):
                    yield Label(label, classes="label")
                    yield Input(
                        self._values[name],
                        placeholder=hint,
                        password=name == "password",
                        compact=True,
                        max_length=255,
                        id=name,
                    )
                yield Lines(classes="wrong", id=f"wrong-{name}")
            yield Lines(id="answer")
            with Horizontal(classes="buttons"):
                yield Button("Save" if self._nvr else "Add and scan", id="save", compact=True, variant="primary")
                yield Button("Test", id="test", compact=True)
                yield Button("Cancel", id="close", compact=True)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        title = f"Edit {self._nvr.name}" if self._nvr else "Add an NVR"
        reason = self._nvr.reason.removeprefix(f"{self._nvr.name}: ") if self._nvr else ""
        trouble = wrap(reason, WIDTH, Tone.ERROR, limit=5) if reason else []
        self.query_one("#title", Lines).show([line((title, Tone.STRONG)), *trouble, line("")])
        hint = "Enter next field   ^t test   ^s save   Esc back"
        hint += "" if self._nvr else "   ^r RTSP address"
        self.query_one("#hint", Lines).show([line(""), line((hint, Tone.MUTED))])
        self.query_one("#answer", Lines).show([line("")])
        first = "password" if self._nvr and self._nvr.state == "wrong password" else "host"
        if self._nvr is None and self._values["host"]:
            first = "username"
        self.query_one(f"#{first}", Input).focus()

    # what was typed

    def _params(self) -> dict[str, Any] | None:
        """The fields for the daemon; None when something here is wrong already."""
        values = {name: self.query_one(f"#{name}", Input).value for name, _, _ in _FIELDS}
        wrong: dict[str, str] = {}
        host, pasted_port = split_address(values["host"])
        if pasted_port is not None:
            self.query_one("#host", Input).value = host
            self.query_one("#port", Input).value = str(pasted_port)
        port = pasted_port if pasted_port is not None else read_port(values["port"] or "80")
        if not host:
            wrong["host"] = "which address does the NVR have?"
        if port is None or not 1 <= port <= 65535:
            wrong["port"] = "a number from 1 to 65535; most NVRs use 80, Reolink 8000"
        if values["host"].strip().lower().startswith("rtsp://"):
            wrong["host"] = "that is one stream: press ^r to add a camera by it"
        without_account = self._nvr is not None and self._nvr.kind == "rtsp" and not self._nvr.username
        if not values["username"] and not without_account:
            wrong["username"] = "which user may sign in on the NVR?"
        self._show_wrong(wrong)
        if wrong:
            return None
        params: dict[str, Any] = {"host": host, "port": port}
        if values["username"]:
            params["username"] = values["username"]
        if values["password"] or self._nvr is None:
            params["password"] = values["password"]
        if values["name"].strip():
            params["name"] = values["name"].strip()
        return params

    def _show_wrong(self, wrong: dict[str, str]) -> None:
        first = ""
        for name, _, _ in _FIELDS:
            words = wrong.get(name, "")
            shown: list[Line] = [line((words, Tone.ERROR))] if words else []
            self.query_one(f"#wrong-{name}", Lines).show(shown)
            first = first or (name if words else "")
        if first:
            self.query_one(f"#{first}", Input).focus()

    def _answer(self, words: str, tone: Tone) -> None:
        self.query_one("#answer", Lines).show([line(""), *wrap(words, WIDTH, tone, limit=6)])

    # test and save

    def action_test(self) -> None:
        params = self._params()
        if params is None or self._busy:
            return
        params.pop("name", None)
        if self._nvr is not None:
            params["id"] = self._nvr.id
        self._start("nvr.test", params, "Asking the NVR…", self._tested)

    def _tested(self, result: NvrTest) -> None:
        words = " ".join(filter(None, (result.message, result.hint)))
        if result.ok and result.channels is not None and "channel" not in words:
            words += f" {count(result.channels, 'channel')}."
        clock = format_clock_offset(result.clock_offset_s)
        if result.ok and clock not in ("", "right"):
            words += f" Its clock is {clock}; that does no harm."
        self._answer(words, Tone.SUCCESS if result.ok else Tone.ERROR)

    def action_save(self) -> None:
        params = self._params()
        if params is None or self._busy:
            return
        if self._nvr is None:
            self._start("nvr.add", params, "Adding…", self.dismiss)
        else:
            known = self._nvr.model_dump()
            changed = {name: value for name, value in params.items() if known.get(name) != value}
            if not changed:
                self.dismiss(None)
                return
            self._start("nvr.update", {"id": self._nvr.id, **changed}, "Saving…", self.dismiss)

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
        place = names.index(event.input.id or "host")
        if place + 1 < len(names):
            self.query_one(f"#{names[place + 1]}", Input).focus()
        else:
            self.action_save()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        {"save": self.action_save, "test": self.action_test, "close": self.action_close}[event.button.id or ""]()

    def action_by_stream(self) -> None:
        """For a camera that is no NVR. What was typed as its address goes along."""
        if self._nvr is None and not self._busy:
            typed = self.query_one("#host", Input).value.strip()
            self.dismiss(None)
            ui_of(self).add_source(typed if "://" in typed else "")

    def action_close(self) -> None:
        self.dismiss(None)

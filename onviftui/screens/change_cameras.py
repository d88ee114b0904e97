"""The form that changes many cameras at once: names by a pattern, account, switches; shows the names before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Input, Label

from proxyd.api.bulk import CamerasUpdated
from proxyd.api.models import Camera
from proxyd.api.renaming import LONGEST_PATTERN, Subject, name_problems, new_names, pattern_problem

from ..key_order import give_focus
from ..ui import ui_of
from ..widgets.line import Line, line, plain, wrap
from ..widgets.paint import Lines
from ..widgets.switches import Switches
from ..words import Tone, count
from .dialog import WIDTH
from .field_form import FieldForm

_SWITCHES = (
    ("discovery", "Discovery", "recorders find them by searching"),
    ("https", "HTTPS", "they answer by HTTPS, too"),
    ("audio", "Sound", "recorders get it"),
    ("h265", "H.265", "offered where H.264 is, too"),
    ("metadata", "Metadata", "events beside the video"),
    ("forward", "Forward", "recorders may set the encoder"),
    ("share", "Sharing", "one session with the NVR"),
)
_SHOWN_NAMES = 3


class ChangeCameras(FieldForm[CamerasUpdated]):
    """Dismissed with what was changed, or None."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("pattern", "Names", "{name} {n:02} {nvr} {ch:02}; empty: they stay"),
        ("username", "User", "stays"),
        ("password", "Password", "stays"),
    )
    MOST_CHARS: ClassVar[int] = LONGEST_PATTERN

    def __init__(self, cameras: Sequence[Camera]) -> None:
        super().__init__({}, "Change")
        self._cameras = cameras

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog form", can_focus=False):
            yield Lines(id="title")
            for name, label, placeholder in self.FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label, classes="label")
                    yield Input(
                        placeholder=placeholder,
                        password=name == "password",
                        compact=True,
                        max_length=self.MOST_CHARS,
                        id=name,
                    )
                yield Lines(classes="wrong", id=f"wrong-{name}")
            yield Switches(_SWITCHES, id="switches")
            yield Lines(id="answer")
            with Horizontal(classes="buttons"):
                yield Button(self._save, id="save", compact=True, variant="primary")
                yield Button("Cancel", id="close", compact=True)
            yield Lines(id="hint")

    def on_mount(self) -> None:
        title = f"Change {count(len(self._cameras), 'camera')}"
        self.say([line((title, Tone.STRONG))], "Enter next field   Space switch   ^s change   Esc back", "pattern")
        self._preview()

    @property
    def _names(self) -> dict[int, str]:
        store = ui_of(self).store
        pattern = self.query_one("#pattern", Input).value
        subjects = [Subject(one.id, one.name, store.nvr_name(one.nvr), one.channel) for one in self._cameras]
        return new_names(pattern, subjects)

    def _wrong_names(self) -> str:
        pattern = self.query_one("#pattern", Input).value
        if not pattern:
            return ""
        if problem := pattern_problem(pattern):
            return problem
        others = {camera.id: camera.name for camera in ui_of(self).store.cameras.values()}
        return " ".join(name_problems(self._names, others)[:2])

    @on(Input.Changed, "#pattern")
    def _preview(self) -> None:
        """What the pattern makes of the first few, or what is wrong with it."""
        wrong = self._wrong_names()
        if wrong:
            shown: list[Line] = list(wrap(wrong, WIDTH - 11, Tone.ERROR, limit=2))
        elif self.query_one("#pattern", Input).value:
            names = self._names
            pairs = [(camera.name, names[camera.id]) for camera in self._cameras]
            shown = [
                line((f"{plain(old)} ", Tone.MUTED), ("→ ", Tone.MUTED), (plain(new), Tone.ACCENT))
                for old, new in pairs[:_SHOWN_NAMES]
            ]
            if len(pairs) > _SHOWN_NAMES:
                shown.append(line((f"and {len(pairs) - _SHOWN_NAMES} more", Tone.MUTED)))
        else:
            shown = []
        self.query_one("#wrong-pattern", Lines).show(shown)

    @on(Switches.Changed)
    def _switched(self) -> None:
        self.answer("", Tone.TEXT)

    def params(self) -> dict[str, Any] | None:
        typed = {name: value for name, value in self.typed().items() if value}
        if self._wrong_names():
            self._preview()
            give_focus(self.query_one("#pattern", Input))
            return None
        switched = {name: value for name, value in self.query_one(Switches).values.items() if value is not None}
        if not typed and not switched:
            self.answer("Nothing is to be changed yet.", Tone.WARNING)
            return None
        return {"ids": [camera.id for camera in self._cameras], **typed, **switched}

    def test(self, params: dict[str, Any]) -> None:
        """There is nothing to test: the names are shown as they are typed."""

    def save(self, params: dict[str, Any]) -> None:
        self.start("camera.update_all", params, "Changing…", self.dismiss)

    @on(Input.Submitted, "#password")
    def _to_switches(self, event: Input.Submitted) -> None:
        event.stop()
        event.prevent_default()
        give_focus(self.query_one(Switches))

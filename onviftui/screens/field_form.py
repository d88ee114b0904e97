"""What the forms for sources of pictures share: fields with errors beside them, a test, and a button that saves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Input, Label

from proxyd.errors import InvalidInput, ProxyError

from ..key_order import give_focus
from ..layers import Modal
from ..ui import Asking, ui_of
from ..widgets.choice import Choice
from ..widgets.line import Line, line, wrap
from ..widgets.paint import Lines
from ..words import Tone
from .dialog import WIDTH

TEST_DEADLINE_S = 90.0
_LABEL = 11  # cells, as in app.tcss; what is wrong stands beside them
_Saved = TypeVar("_Saved")


class FieldForm(Modal[_Saved | None], Generic[_Saved]):
    """Dismissed with what was saved, or None. `FIELDS` are name, label and placeholder; each is text, unless `CHOICES`
    has the few words that it can be."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("ctrl+t", "test", show=False),
        Binding("ctrl+s", "save", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("ctrl+c", "app.interrupt", show=False, priority=True),
    ]
    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]]
    CHOICES: ClassVar[Mapping[str, Sequence[tuple[str, str]]]] = {}  # by field: words and meanings
    MOST_CHARS: ClassVar[int] = 255
    TEST: ClassVar[str] = "Test"  # on the button that tries what is typed; "": there is none

    def __init__(self, values: Mapping[str, str], save: str, placeholders: Mapping[str, str] | None = None) -> None:
        """`save` is written on the button; `placeholders` stand in the place of those in `FIELDS`."""
        super().__init__()
        self._values = values
        self._save = save
        self._placeholders = placeholders or {}
        self._busy = False
        self._asked: Asking | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog form", can_focus=False):
            yield Lines(id="title")
            for name, label, placeholder in self.FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label, classes="label")
                    yield self._field(name, self._placeholders.get(name, placeholder))
                yield Lines(classes="wrong", id=f"wrong-{name}")
            yield Lines(id="answer")
            with Horizontal(classes="buttons"):
                yield Button(self._save, id="save", compact=True, variant="primary")
                if self.TEST:
                    yield Button(self.TEST, id="test", compact=True)
                yield Button("Cancel", id="close", compact=True)
            yield Lines(id="hint")

    def _field(self, name: str, placeholder: str) -> Choice | Input:
        value = self._values.get(name, "")
        if name in self.CHOICES:
            return Choice(self.CHOICES[name], value, id=name)
        secret = name == "password"
        return Input(value, placeholder, password=secret, compact=True, max_length=self.MOST_CHARS, id=name)

    def say(self, title: Sequence[Line], hint: str, first: str) -> None:
        """What stands above and below the fields, and the field to begin with."""
        self.query_one("#title", Lines).show([*title, line("")])
        self.query_one("#hint", Lines).show([line(""), line((hint, Tone.MUTED))])
        self.query_one("#answer", Lines).show([line("")])
        give_focus(self.query_one(f"#{first}"))

    def typed(self) -> dict[str, str]:
        """What stands in the fields, by name."""
        fields = ((name, self.query_one(f"#{name}")) for name, _, _ in self.FIELDS)
        return {name: field.value for name, field in fields if isinstance(field, Choice | Input)}

    def clear(self, name: str) -> None:
        """What stands in this field is not to be seen any longer."""
        self.query_one(f"#{name}", Input).value = ""

    def show_wrong(self, wrong: Mapping[str, str]) -> None:
        """Words beside the fields that they are about; the first of these gets the cursor."""
        first = ""
        for name, _, _ in self.FIELDS:
            words = wrong.get(name, "")
            shown: list[Line] = list(wrap(words, WIDTH - _LABEL, Tone.ERROR, limit=2)) if words else []
            self.query_one(f"#wrong-{name}", Lines).show(shown)
            first = first or (name if words else "")
        if first:
            self.query_one("#answer", Lines).show([line("")])  # of what stood there before: it does not hold any more
            give_focus(self.query_one(f"#{first}"))

    def answer(self, words: str, tone: Tone) -> None:
        self.query_one("#answer", Lines).show([line(""), *wrap(words, WIDTH, tone, limit=6)])

    def refused(self, error: ProxyError) -> str:
        """What is said when the daemon did not do it."""
        return str(error)

    @abstractmethod
    def params(self) -> dict[str, Any] | None:
        """The fields for the daemon; None when something here is wrong already, and is said."""

    @abstractmethod
    def test(self, params: dict[str, Any]) -> None:
        """Have the daemon try these, without saving anything."""

    @abstractmethod
    def save(self, params: dict[str, Any]) -> None:
        """Have the daemon keep them."""

    def action_test(self) -> None:
        if (params := self.params()) is not None and not self._busy:
            params.pop("name", None)
            self.test(params)

    def action_save(self) -> None:
        if (params := self.params()) is not None and not self._busy:
            self.save(params)

    def start(self, method: str, params: dict[str, Any], doing: str, then: Callable[[Any], Any]) -> None:
        """Ask the daemon; only one thing at a time."""
        self._busy = True
        self.answer(doing, Tone.ACCENT)

        def arrived(result: Any) -> None:
            self._busy = False
            if self.is_current:
                then(result)

        def failed(error: ProxyError) -> bool:
            self._busy = False
            if not self.is_current:
                return False
            known = {name for name, _, _ in self.FIELDS}
            wrong = error.fields if isinstance(error, InvalidInput) else {}
            self.show_wrong({name: words for name, words in wrong.items() if name in known})
            self.answer("" if wrong and wrong.keys() <= known else self.refused(error), Tone.ERROR)
            return True

        ui = ui_of(self)
        self._asked = ui.ask(
            method, params, doing="", then=arrived, failed=failed, deadline_s=TEST_DEADLINE_S, owner=self
        )

    @on(Input.Submitted)
    @on(Choice.Submitted)
    def _next_field(self, event: Input.Submitted | Choice.Submitted) -> None:
        names = [name for name, _, _ in self.FIELDS]
        place = names.index((event.control.id if event.control else None) or names[0])
        if place + 1 < len(names):
            give_focus(self.query_one(f"#{names[place + 1]}"))
        else:
            self.action_save()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        {"save": self.action_save, "test": self.action_test, "close": self.action_close}[event.button.id or ""]()

    def action_close(self) -> None:
        """While the daemon is asked something: do not wait for it. What was typed stays."""
        if self._busy and self._asked is not None:
            words = self._asked.give_up()
            self._busy, self._asked = False, None
            self.answer(words, Tone.WARNING)
        else:
            self.dismiss(None)

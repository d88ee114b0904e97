"""What the examination of interfaces and network found: the worst first, each with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from proxyd.api.models import Finding

from ..key_order import give_focus
from ..layers import Modal
from ..widgets.finding_lines import finding_lines
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from .dialog import CLOSE


class Findings(Modal[None]):
    """Scrolls; closes like the help."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__()
        self._findings = findings

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"), ScrollPane():
            yield Lines()

    def on_mount(self) -> None:
        self.query_one(Lines).show(finding_lines(self._findings))
        give_focus(self.query_one(ScrollPane))

    def action_close(self) -> None:
        self.dismiss(None)

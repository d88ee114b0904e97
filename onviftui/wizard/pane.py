"""What every step has: a pane is no widget, the screen asks it for lines and rows and tells it of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxyd.api.models import Camera, Nvr
from proxyd.errors import ProxyError

from ..store import Store
from ..ui import Ui, ui_of
from ..widgets.line import Line
from ..widgets.rows import Row
from .places import PLACES, Place, cameras_of, nvr_in_hand

if TYPE_CHECKING:
    from .screen import WizardScreen


_DONE_BY = {"edit": "entry", "leave_out": "mark", "by_hand": "by_hand", "again": "again"}


class Pane:
    """One step. `table`: which of the screen's tables it shows, if any."""

    place: Place
    table = ""

    def __init__(self, screen: WizardScreen) -> None:
        self.screen = screen
        self.waiting = False  # for an answer of the daemon; keys that ask it do nothing then
        self.trouble = ""

    @property
    def ui(self) -> Ui:
        return ui_of(self.screen)

    @property
    def store(self) -> Store:
        return self.ui.store

    @property
    def nvr(self) -> Nvr | None:
        return self.store.nvrs.get(self.screen.chosen_nvr) or nvr_in_hand(self.store)

    @property
    def cameras(self) -> list[Camera]:
        return cameras_of(self.nvr, self.store)

    def ask(self, method: str, params: dict[str, Any], doing: str, then: Any, deadline_s: float = 30.0) -> None:
        """One call at a time; what goes wrong stands on the step."""
        if self.waiting:
            return
        self.waiting, self.trouble = True, ""

        def arrived(result: Any) -> None:
            self.waiting = False
            then(result)
            self.screen.show_step()

        def failed(error: ProxyError) -> bool:
            self.waiting, self.trouble = False, str(error)
            if self.screen.pane is self and self.screen.is_current:
                self.screen.show_step()
                self.ui.toast(self.trouble, "error")
            return True

        asked = self.ui.ask(method, params, doing=doing, then=arrived, failed=failed, deadline_s=deadline_s)
        self.waiting = asked is not None  # None: refused, or asked already from elsewhere
        self.screen.show_step()

    def idle(self) -> frozenset[str]:
        """Actions of keys that do nothing at this step now: those that it has left as they are here."""
        kind = type(self)
        left = frozenset(action for action, name in _DONE_BY.items() if getattr(kind, name) is getattr(Pane, name))
        return left | {"back_step"} if self.place is PLACES[0] else left

    # what steps say and do

    def arrive(self) -> None:
        """It is shown now."""

    def lines(self, width: int) -> list[Line]:
        raise NotImplementedError

    def rows(self) -> list[Row]:
        return []

    def go(self) -> None:
        """Enter."""
        self.screen.go_on()

    def again(self) -> None:
        """r"""

    def by_hand(self) -> None:
        """a"""

    def back(self) -> bool:
        """b; True when it was about something within this step."""
        return False

    def count_by(self, step: int) -> None:
        """+ and -"""

    def mark(self) -> None:
        """Space"""

    def cancel(self) -> None:
        """c"""

    def interfaces(self) -> None:
        """i"""

    def entry(self) -> str | None:
        """e: what stands in the field to begin with; None where nothing can be typed."""
        return None

    def entered(self, text: str) -> bool:
        """The field was left with Enter; True when it shall stay open."""
        return False

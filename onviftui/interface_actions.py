"""What the user can do to interfaces: each change is shown first, and exactly what was shown is done."""

from __future__ import annotations

from typing import Any

from proxyd.api.models import InterfaceChange, PlannedInterface

from .calls import Caller
from .screens.dialog import AskText, Confirm
from .words import count

CHANGE_DEADLINE_S = 90.0  # new static addresses are asked for on the network before they are used
MOST_AT_ONCE = 512


class ActingOnInterfaces(Caller):
    """The verbs behind the keys of the interfaces view."""

    def add_interfaces(self) -> None:
        if not self.allowed("interface.add"):
            return

        def typed(text: str | None) -> None:
            if text is None:
                return
            if not text.isdecimal() or not 1 <= int(text) <= MOST_AT_ONCE:
                self.toast(f"Type a number from 1 to {MOST_AT_ONCE}.", "warning")
                return
            self._planned("interface.add", {"count": int(text)})

        self.push_screen(AskText("How many more interfaces?", "", "Enter shows them first, Esc goes back"), typed)

    def remove_interface(self, name: str) -> None:
        self._planned("interface.remove", {"names": [name]})

    def _planned(self, method: str, params: dict[str, Any]) -> None:
        """A dry run, then the question, then just that."""

        def shown(change: InterfaceChange) -> None:
            def answered(yes: bool | None) -> None:
                if yes:
                    digest = {"digest": change.digest}
                    self._ask(method, params | digest, doing=doing, then=lambda done: self.toast(_done(done)))

            title, body, do = _question(change)
            self.push_screen(Confirm(title, body, do), answered)

        doing = "Adding interfaces…" if method == "interface.add" else "Removing…"
        self._ask(method, params | {"dry_run": True}, doing="Looking what that means…", then=shown)

    def _ask(self, method: str, params: dict[str, Any], *, doing: str, then: Any) -> None:
        self.ask(method, params, doing=doing, then=then, deadline_s=CHANGE_DEADLINE_S)


def _question(change: InterfaceChange) -> tuple[str, str, str]:
    """Title, body and the word on the button."""
    if change.removed:
        (one, *more) = change.removed
        what = one.name if not more else count(len(change.removed), "interface")
        return f"Remove {what}?", f"{_listed(change.removed)} It leaves the network for good.", "Remove"
    title = f"Add {count(len(change.added), 'interface')}?"
    return title, f"{_listed(change.added)} Cameras that wait for one start by themselves.", "Add"


def _listed(interfaces: list[PlannedInterface]) -> str:
    words = [f"{one.name} on {one.parent}, {one.address or 'address by DHCP'}" for one in interfaces]
    if len(words) > 3:
        words = [words[0], "…", words[-1]]
    return "; ".join(words) + "."


def _done(change: InterfaceChange) -> str:
    if change.removed:
        return f"{', '.join(one.name for one in change.removed)} removed."
    return f"{count(len(change.added), 'interface')} added."

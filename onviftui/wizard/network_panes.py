"""The steps of the machine's own network: is it ready, and has it interfaces enough."""

from __future__ import annotations

from typing import Any

from proxyd.api.models import Finding, InterfaceChange

from ..widgets.line import Line
from ..words import count
from . import words
from .pane import Pane
from .places import Place, interfaces_to_offer

EXAMINE_S = 90.0
CHANGE_DEADLINE_S = 90.0
MOST_INTERFACES = 512


class NetworkPane(Pane):
    place = Place.NETWORK
    findings: list[Finding] | None = None

    def arrive(self) -> None:
        if self.findings is None:
            self.again()

    def again(self) -> None:
        def found(findings: list[Finding]) -> None:
            self.findings = findings
            self.store.examined(findings)

        self.ask("interface.doctor", {}, "Examining the network…", found, EXAMINE_S)

    def lines(self, width: int) -> list[Line]:
        return words.network_lines(self.store, self.findings, self.trouble, width)


class InterfacesPane(Pane):
    place = Place.INTERFACES
    wanted = 0
    parent = ""
    change: InterfaceChange | None = None

    def arrive(self) -> None:
        self.wanted, self.change = interfaces_to_offer(self.store), None

    def lines(self, width: int) -> list[Line]:
        return words.interface_lines(self.store, self.wanted, self.change, self.ui.look, width)

    @property
    def _params(self) -> dict[str, Any]:
        return {"count": self.wanted} | ({"parent": self.parent} if self.parent else {})

    def go(self) -> None:
        if self.change is None:
            self.ask("interface.add", self._params | {"dry_run": True}, "Looking…", self._shown, CHANGE_DEADLINE_S)
            return
        params = self._params | {"digest": self.change.digest}
        self.ask("interface.add", params, "Making interfaces…", self._made, CHANGE_DEADLINE_S)

    def _shown(self, change: InterfaceChange) -> None:
        self.change = change

    def _made(self, change: InterfaceChange) -> None:
        self.change = None
        self.ui.toast(f"{count(len(change.added), 'interface')} added.")
        if self.screen.pane is self:
            self.screen.go_on()

    def back(self) -> bool:
        had, self.change = self.change is not None, None
        return had

    def count_by(self, step: int) -> None:
        self.wanted, self.change = max(1, min(MOST_INTERFACES, self.wanted + step)), None

    def entry(self) -> str:
        return f"{self.wanted} {self.parent}".strip()

    def entered(self, text: str) -> bool:
        number, _, parent = text.strip().partition(" ")
        if not number.isdecimal() or not 1 <= int(number) <= MOST_INTERFACES:
            self.ui.toast(f"Type a number from 1 to {MOST_INTERFACES}; after it the parent, where there are several.")
            return True
        self.wanted, self.parent, self.change = int(number), parent.strip(), None
        return False

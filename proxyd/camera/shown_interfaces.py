"""Interfaces as subscribers see them: tells what looks different from the last time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from proxyd.api import models as m
from proxyd.hub import Hub
from proxyd.store.rows import InterfaceRow

from .view import Tenure, interface_model


class ShownInterfaces:
    """By MAC: `words` is what keeps an interface from its address, `tenures` where it has it from. Fill `rows`, then
    `publish`."""

    def __init__(
        self, hub: Hub, words: Callable[[], Mapping[str, str]], tenures: Callable[[], Mapping[str, Tenure]]
    ) -> None:
        self._hub = hub
        self._words = words
        self._tenures = tenures
        self._shown: dict[int, m.Interface] = {}
        self.rows: Sequence[InterfaceRow] = ()

    def models(self) -> list[m.Interface]:
        return list(self._shown.values())

    def publish(self) -> None:
        """Those that are gone and that no camera waits for are remembered, but not shown."""
        words, tenures = self._words(), self._tenures()
        shown = (row for row in self.rows if row.present or row.camera)
        now = {row.id: interface_model(row, words.get(row.mac, ""), tenures.get(row.mac)) for row in shown}
        for id_ in self._shown.keys() - now.keys():
            self._hub.removed("interface", id_)
        for id_, model in now.items():
            if self._shown.get(id_) != model:
                self._hub.changed("interface", model)
        self._shown = now

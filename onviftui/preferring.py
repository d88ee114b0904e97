"""The user's preferences in the running application: taken at its start, kept and acted on when they change."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import preferences as file
from .appearance import Dressed
from .preferences import Preferences
from .ui import Severity


class Preferring(Dressed):
    """`preferences_file` None: nothing is read or kept, as in tests."""

    preferences = Preferences()
    preferences_file: Path | None = None

    @abstractmethod
    def toast(self, text: str, severity: Severity = "information") -> None:
        """See `ui.Ui.toast`."""

    def take_preferences(self, path: Path | None) -> None:
        """Before the screen is drawn first."""
        self.preferences_file = path
        if path is not None:
            self.preferences = file.load(path)
        self.wanted_theme = self.preferences.theme

    def prefer(self, **changes: Any) -> None:
        """See `ui.Ui.prefer`."""
        before, self.preferences = self.preferences, replace(self.preferences, **changes)
        self.preferences_changed(before)
        if self.preferences_file is None:
            return
        try:
            file.save(self.preferences_file, self.preferences)
        except OSError as error:
            why = error.strerror or "it cannot be written"
            self.toast(f"This holds until you quit: {self.preferences_file}: {why}.", "warning")

    def preferences_changed(self, before: Preferences) -> None:
        """What must happen at once."""
        now = self.preferences
        if now.theme != before.theme:
            self.wanted_theme = now.theme
            self.dress()
        if now.mouse != before.mouse:
            self.set_mouse(now.mouse)

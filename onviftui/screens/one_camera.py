"""Base of the full screens about one camera."""

from __future__ import annotations

from proxyd.api.models import Camera

from ..store import Changes
from ..ui import ui_of
from .live_screen import LiveScreen


class OneCamera(LiveScreen):
    """Closes when its camera has been removed; under a dialog, when that has closed."""

    def __init__(self, camera: int) -> None:
        super().__init__()
        self._camera = camera

    @property
    def camera(self) -> Camera | None:
        """None once it has been removed."""
        return ui_of(self).store.cameras.get(self._camera)

    def is_about_it(self, changes: Changes) -> bool:
        return bool(changes.everything or changes.link or self._camera in changes.of("camera"))

    def closes(self) -> bool:
        """Leaves where the camera is no more, if this is the screen on top. True when there is nothing left to show."""
        if self.camera is not None:
            return False
        if self.is_active:
            ui_of(self).toast("This camera has been removed.")
            self.app.pop_screen()
        return True

    def on_screen_resume(self) -> None:
        self.closes()

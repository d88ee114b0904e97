"""What the user can do to many cameras at once, and taking a change back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime

from proxyd.api.bulk import CamerasUpdated
from proxyd.api.models import Camera
from proxyd.api.undo import Undoable, Undone

from .calls import Caller
from .screens.change_cameras import ChangeCameras
from .screens.dialog import Confirm
from .words import count, format_when


class ActingSafely(Caller):
    """The verbs behind `u` and behind the change of marked cameras."""

    @abstractmethod
    def local_now(self) -> datetime:
        """See `ui.Ui.local_now`."""

    def undo(self, entry: Undoable | None = None) -> None:
        """See `ui.Ui.undo`."""
        if not self.allowed("undo.apply", "undo"):
            return
        if entry is not None:
            self._ask_to_undo(entry)
            return

        def arrived(known: list[Undoable]) -> None:
            if known:
                self._ask_to_undo(known[0])
            else:
                self.toast("There is nothing to take back since proxyd started.")

        self.ask("undo.list", doing="Looking what was changed last…", then=arrived)

    def _ask_to_undo(self, entry: Undoable) -> None:
        now = self.local_now()
        when = format_when(entry.at, now, now.tzinfo)

        def answered(yes: bool | None) -> None:
            if yes:
                params = {"number": entry.number}
                self.ask("undo.apply", params, doing="Taking it back…", then=done)

        def done(undone: Undone) -> None:
            self.toast(f"Took back: {undone.what}")

        question = Confirm("Take back?", f"{entry.what} ({entry.who}, {when})", "Take back")
        self.push_screen(question, answered)

    def change_cameras(self, cameras: Sequence[int]) -> None:
        """See `ui.Ui.change_cameras`."""
        chosen: list[Camera] = [self.store.cameras[key] for key in cameras if key in self.store.cameras]
        if not chosen or not self.allowed("camera.update_all", "change"):
            return

        def changed(result: CamerasUpdated | None) -> None:
            if result is None:
                return
            for camera in result.cameras:
                self.store.put("camera", camera)
            self.toast(f"{count(len(result.cameras), 'camera')} changed. u takes it back.")

        self.push_screen(ChangeCameras(chosen), changed)

"""What the user can do about recorders: forget who has a camera, and what recorders may do with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxyd.api.models import Camera

from .calls import Caller
from .screens.dialog import AskText, Confirm
from .words import count

_LEAST_S, _MOST_S = 10, 3600
_NOTHING = "none"


class ActingForRecorders(Caller):
    """The verbs behind `F`, and behind Enter on the clock, the notifications and the accounts of a camera."""

    def forget_adoption(self, cameras: Sequence[int]) -> None:
        """See `ui.Ui.forget_adoption`."""
        chosen = [self.store.cameras[key] for key in cameras if key in self.store.cameras]
        if not chosen or not self.allowed("adoption.forget", "forget"):
            return
        what = self.store.camera_label(chosen[0]) if len(chosen) == 1 else count(len(chosen), "camera")
        body = "When it has left its recorder, or gets another one. Who comes next is met for the first time; the "
        body += "guided adoption takes it for one that nobody has. Recorders notice nothing of it."

        def answered(yes: bool | None) -> None:
            if yes:
                self.ask("adoption.forget", {"ids": [one.id for one in chosen]}, doing="Forgetting…", then=done)

        def done(changed: list[Camera]) -> None:
            for camera in changed:
                self.store.put("camera", camera)
            self.toast(f"Forgot which recorder has {what}.")

        self.push_screen(Confirm(f"Forget which recorder has {what}?", body, "Forget"), answered)

    def change_rights(self, camera: int, right: str) -> None:
        """See `ui.Ui.change_rights`."""
        known = self.store.cameras.get(camera)
        if known is not None and self.allowed("camera.update", right):
            {"clock": self._clock, "notifies": self._notifies, "accounts": self._accounts}[right](known)

    def _clock(self, camera: Camera) -> None:
        def typed(text: str | None) -> None:
            if text is None:
                return
            if not (text.isascii() and text.isdecimal() and _LEAST_S <= int(text) <= _MOST_S):
                self.toast(f"Type a number of seconds from {_LEAST_S} to {_MOST_S}.", "warning")
                return
            self._update(camera, {"clock_window_s": int(text)}, f"a recorder's clock may differ by {text} s.")

        title, hint = (
            "By how many seconds may a recorder's clock differ?",
            "300 as it comes; Enter saves, Esc goes back",
        )
        self.push_screen(AskText(title, str(camera.clock_window_s), hint), typed)

    def _notifies(self, camera: Camera) -> None:
        def typed(text: str | None) -> None:
            if text is not None:
                networks = [] if text == _NOTHING else [one.strip() for one in text.split(",") if one.strip()]
                where = f"its own LAN and {', '.join(networks)}" if networks else "its own LAN alone"
                self._update(camera, {"notify": networks}, f"notifications go to {where}.")

        title = "Other networks for its notifications, such as 10.9.0.0/24, 10.8.0.7"
        hint = f"{_NOTHING}: its own LAN alone; Enter saves, Esc goes back"
        self.push_screen(AskText(title, ", ".join(camera.notify) or _NOTHING, hint, longest=512), typed)

    def _accounts(self, camera: Camera) -> None:
        if not camera.accounts:
            self.toast(f"No recorder has made an account on {camera.name}; its own is changed with a.")
            return
        one = len(camera.accounts) == 1
        body = f"{', '.join(camera.accounts)} {'was' if one else 'were'} made by recorders. Who signs in with "
        body += f"{'it' if one else 'them'} loses the camera. Its own account stays."

        def answered(yes: bool | None) -> None:
            if yes:
                self._update(camera, {"drop_accounts": True}, "its own account is the only one now.")

        self.push_screen(Confirm(f"Remove the other accounts of {camera.name}?", body, "Remove"), answered)

    def _update(self, camera: Camera, changes: dict[str, Any], done: str) -> None:
        def changed(result: Camera) -> None:
            self.store.put("camera", result)
            self.toast(f"{result.name}: {done}")

        self.ask("camera.update", {"id": camera.id, **changes}, doing="Changing…", then=changed)

"""View 5: the guided adoption. Says which camera to adopt now, and ticks it off by itself."""

from __future__ import annotations

from textual.app import ComposeResult

from proxyd.api.models import Adoption, AdoptionStep, Camera, Credentials, Role

from ..key_order import give_focus
from ..keys import view_bindings
from ..roles import may
from ..store import Changes
from ..ui import is_there, ui_of
from ..widgets.adoption_lines import adoption_lines, nobody_has
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from .view import View

_UNDER_WAY = frozenset({"pause", "cancel_adoption"})
_IN_TURN = frozenset({"open", "skip", "reveal", "copy"})  # they are about the camera whose turn it is


class AdoptView(View):
    view_id = "adopt"
    BINDINGS = view_bindings("adopt")

    def __init__(self) -> None:
        super().__init__(id=self.view_id, classes="view")
        self._passwords: dict[int, str] = {}

    def compose(self) -> ComposeResult:
        with ScrollPane(id="adopt-body"):
            yield Lines(id="adoption")

    def on_mount(self) -> None:
        self.reload()

    def on_resize(self) -> None:
        self.call_after_refresh(self.reload)

    def focus_main(self) -> None:
        give_focus(self.query_one("#adopt-body"))

    def apply(self, changes: Changes) -> None:
        if changes.everything or changes.link or changes.of("adoption") or changes.of("camera"):
            self.reload()

    def reload(self) -> None:
        ui = ui_of(self)
        cameras = list(ui.store.cameras.values())
        width = max(40, self.size.width)
        names = {camera.id: ui.store.camera_label(camera) for camera in cameras}
        steps = [
            step.model_copy(update={"name": names.get(step.camera, step.name)}) for step in ui.store.adoption.steps
        ]
        adoption = ui.store.adoption.model_copy(update={"steps": steps})
        operator = may(ui.store.role, Role.OPERATOR)
        zone = ui.local_now().tzinfo
        lines = adoption_lines(adoption, cameras, self._passwords, ui.look, width, zone, operator=operator)
        self.query_one("#adoption", Lines).show(lines, stale=self.stale)
        self.show_keys()

    def idle(self) -> frozenset[str]:
        adoption = ui_of(self).store.adoption
        if adoption.state not in ("running", "paused"):
            free = nobody_has(ui_of(self).store.cameras.values())
            return _UNDER_WAY | _IN_TURN if free else _UNDER_WAY | _IN_TURN | {"begin"}
        return frozenset({"begin"}) if self._turn else _IN_TURN | {"begin"}

    @property
    def _step(self) -> AdoptionStep | None:
        """Of the first camera whose turn it is."""
        return next((step for step in ui_of(self).store.adoption.steps if step.state == "now"), None)

    @property
    def _turn(self) -> Camera | None:
        step = self._step
        return ui_of(self).store.cameras.get(step.camera) if step else None

    def _can(self, action: str) -> bool:
        """When not, it is said why."""
        if action not in self.idle():
            return True
        if ui_of(self).store.adoption.state in ("running", "paused"):
            ui_of(self).toast("No camera has its turn now.")
        else:
            ui_of(self).toast("No guided adoption is under way. a begins one.")
        return False

    def _call(self, method: str, doing: str, **params: object) -> None:
        def arrived(adoption: Adoption) -> None:
            ui_of(self).store.put("adoption", adoption)

        ui_of(self).ask(method, params, doing=doing, then=arrived)

    def action_begin(self) -> None:
        self._call("adoption.start", "Beginning…")

    def action_pause(self) -> None:
        if ui_of(self).store.adoption.state == "paused":
            self._call("adoption.resume", "Going on…")
        elif self._can("pause"):
            self._call("adoption.pause", "Pausing…")

    def action_skip(self) -> None:
        if self._can("skip") and (camera := self._turn) is not None:
            self._call("adoption.skip", f"Leaving out {camera.name}…", camera=camera.id)

    def action_cancel_adoption(self) -> None:
        if self._can("cancel_adoption"):
            self._call("adoption.cancel", "Ending it…")

    def action_open(self) -> None:
        if self._can("open") and (camera := self._turn) is not None:
            ui_of(self).open_camera(camera.id, requests=True)

    def action_copy(self) -> None:
        step = self._step
        if self._can("copy") and step is not None and step.address:
            ui_of(self).copy(step.address, f"address of {step.name}")

    def action_reveal(self) -> None:
        camera = self._turn
        if not self._can("reveal") or camera is None:
            return
        if self._passwords:
            self._passwords = {}
            self.reload()
            return

        def arrived(credentials: Credentials) -> None:
            self._passwords = {credentials.camera: credentials.password}
            if is_there(self):
                self.reload()

        ui_of(self).ask("camera.credentials", {"id": camera.id}, doing="Fetching…", then=arrived)

"""The steps of the cameras: their names, their start, and a recorder that takes them."""

from __future__ import annotations

from typing import Any

from proxyd.api.models import Camera

from ..ui import is_there
from ..widgets.line import Line
from ..widgets.rows import Row
from . import words
from .pane import Pane
from .places import Place, free_interfaces, missing_interfaces
from .rows import camera_row


class NamesPane(Pane):
    place = Place.NAMES
    table = "names"

    def lines(self, width: int) -> list[Line]:
        return words.name_lines(self.cameras, self._left_out, self.screen.editing, width)

    @property
    def _left_out(self) -> set[int]:
        return self.screen.left_out & {camera.id for camera in self.cameras}

    def rows(self) -> list[Row]:
        return [camera_row(camera, self.ui.look, left_out=camera.id in self._left_out) for camera in self.cameras]

    def mark(self) -> None:
        if self.screen.cursor is not None:
            self.screen.left_out.symmetric_difference_update({self.screen.cursor})
            self.screen.table.action_move(1)

    def entry(self) -> str | None:
        camera = self.store.cameras.get(self.screen.cursor or 0)
        return camera.name if camera else None

    def entered(self, text: str) -> bool:
        camera = self.store.cameras.get(self.screen.cursor or 0)
        if camera is None:
            return False
        name = text.strip()
        if name and name != camera.name:

            def renamed(changed: Camera) -> None:
                self.store.put("camera", changed)

            # Not through `ask`: the next name is typed while this one is on its way.
            self.ui.ask("camera.update", {"id": camera.id, "name": name}, doing="Renaming…", then=renamed)
        at_end = self.screen.cursor == self.cameras[-1].id
        self.screen.table.action_move(1)
        return not at_end


class StartPane(Pane):
    place = Place.START

    def lines(self, width: int) -> list[Line]:
        return words.start_lines(self.cameras, self._left_out, self.ui.look, width)

    @property
    def _left_out(self) -> set[int]:
        return self.screen.left_out & {camera.id for camera in self.cameras}

    def go(self) -> None:
        gone = sorted(self._left_out)
        asleep = [camera.id for camera in self.cameras if not camera.enabled and camera.id not in gone]
        if gone:
            self.ask("camera.remove", {"ids": gone}, "Leaving some out…", lambda _: self._removed(gone, asleep))
        elif asleep:
            self._start(asleep)
        else:
            self.screen.go_on()

    def _removed(self, gone: list[int], asleep: list[int]) -> None:
        self.screen.left_out.difference_update(gone)
        if asleep:
            self._start(asleep)

    def _start(self, asleep: list[int]) -> None:
        def started(cameras: list[Camera]) -> None:
            for camera in cameras:
                self.store.put("camera", camera)

        self.ask("camera.start", {"ids": asleep}, "Starting the cameras…", started)

    def interfaces(self) -> None:
        if missing_interfaces(self.store) or not free_interfaces(self.store):
            self.screen.show_place(Place.INTERFACES)


class AdoptPane(Pane):
    place = Place.ADOPT

    def lines(self, width: int) -> list[Line]:
        return words.adopt_lines(self.cameras, width, under_way=self._under_way)

    def go(self) -> None:
        running = [camera for camera in self.cameras if camera.enabled]
        if running and all(camera.adopted_by for camera in running):
            self.ui.show_view("cameras")
        elif self._under_way:
            self.ui.show_view("adopt")
        else:
            self.ask("adoption.start", {}, "Beginning…", self._begun)

    @property
    def _under_way(self) -> bool:
        return self.store.adoption.state in ("running", "paused")

    def _begun(self, adoption: Any) -> None:
        self.store.put("adoption", adoption)
        if is_there(self.screen):
            self.ui.show_view("adopt")

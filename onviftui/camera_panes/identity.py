"""The first pane: everything to type into a recorder, what is on and off, and who the camera is."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from proxyd.api.models import Camera, Certificate, Credentials, Role

from ..roles import may
from ..store import Changes
from ..ui import ui_of
from ..widgets.columns import Cell, Column
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import Tone
from .fields import Field, camera_fields
from .pane import Pane


class IdentityPane(Pane):
    """`p` shows the password as long as the screen stands."""

    pane_id = "camera"
    title = "Camera"
    heading = "To type into a recorder, and what it may do"
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column("field", "FIELD", 11), Column("value", "VALUE", 30, flex=1))

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        self._password = ""
        self._certificate: Certificate | None = None

    def compose(self) -> ComposeResult:
        yield Lines(classes="pane-heading")
        yield LiveTable(self.COLUMNS, ui_of(self).look, id="fields")

    @property
    def table(self) -> LiveTable:
        return self.query_one("#fields", LiveTable)

    def stops(self) -> list[Widget]:
        return [self.table]

    def shown(self) -> None:
        self.show_heading()
        self.redraw()
        self._read_certificate()

    def follow(self, changes: Changes) -> None:
        self.redraw()
        if self.camera is not None and self.camera.https and (self._certificate is None or changes.log):
            self._read_certificate()

    def redraw(self) -> None:
        rows = [
            Row(one.key, " ", Tone.MUTED, (Cell(one.label, Tone.MUTED), Cell(one.value, one.tone, link=one.link)))
            for one in self.fields()
        ]
        self.table.show(rows, stale=self.stale)

    def fields(self) -> list[Field]:
        camera = self.camera
        if camera is None:
            return []
        ui = ui_of(self)
        return camera_fields(
            camera,
            ui.store.nvr_name(camera.nvr),
            ui.look,
            password=self._password,
            may_change=may(ui.store.role, Role.OPERATOR),
            certificate=self._certificate,
            zone=ui.local_now().tzinfo,
        )

    def current(self) -> Field | None:
        """The field under the cursor."""
        key = self.table.cursor_key
        return next((one for one in self.fields() if one.key == key), None)

    def _read_certificate(self) -> None:
        def arrived(certificate: Certificate) -> None:
            self._certificate = certificate if certificate.https else None
            self.redraw()

        if self.camera is not None and self.camera.https:
            self.ask("camera.certificate", arrived)

    def reveal(self) -> None:
        """Show the password, or hide it again."""
        if self._password:
            self._password = ""
            self.redraw()
            return

        def arrived(credentials: Credentials) -> None:
            self._password = credentials.password
            self.redraw()

        self.ask("camera.credentials", arrived, doing="Fetching…")

    def forget_password(self, camera: Camera) -> None:
        """It has been changed."""
        self._password = ""
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    @on(LiveTable.Moved, "#fields")
    def _moved(self, message: LiveTable.Moved) -> None:
        message.stop()

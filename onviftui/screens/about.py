"""About: versions of everything that matters for a report, where the data lies, and the licence."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib import metadata
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from proxyd import __version__
from proxyd.api.models import API_VERSION, Status

from ..key_order import give_focus
from ..ui import ui_of
from ..widgets.line import Line, line, table
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Tone, format_when
from .dialog import CLOSE, WIDTH

_LIBRARIES = ("textual", "aiohttp", "asyncssh", "cryptography", "pydantic")


class About(ModalScreen[None]):
    """Scrolls; closes like the help."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"), ScrollPane():
            yield Lines()

    def on_mount(self) -> None:
        self.query_one(Lines).show(about_lines(ui_of(self).store.status, ui_of(self).local_now()))
        give_focus(self.query_one(ScrollPane))

    def action_close(self) -> None:
        self.dismiss(None)


def facts(status: Status | None, now: datetime) -> dict[str, str]:
    """What About says, in its order."""
    said = {"onviftui": __version__}  # also in a checkout that is not installed
    if status is None:
        said["proxyd"] = "not connected"
    else:
        said |= {
            "proxyd": f"{status.version} (pid {status.pid})",
            "mode": status.mode,
            "data": status.data_dir,
            "running since": format_when(status.started, now, now.tzinfo),
            "your role": status.role.value,
        }
        if status.database_version:
            said["database"] = f"version {status.database_version}"
    said["API"] = f"version {API_VERSION}"
    said["Python"] = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    said |= {name: version_of(name) for name in _LIBRARIES}
    said["licence"] = "Apache-2.0"
    return said


def about_lines(status: Status | None, now: datetime) -> list[Line]:
    return [
        line(("onviftui", Tone.STRONG)),
        line("Every channel of an NVR becomes an ONVIF camera of its own."),
        line(""),
        *table(list(facts(status, now).items()), WIDTH),
        line(""),
        line(("Esc closes this", Tone.MUTED)),
    ]


def version_of(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"

"""About: versions of everything that matters for a report, where the data lies, and the licence."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from proxyd import __version__
from proxyd.api.models import API_VERSION, Status

from ..key_order import give_focus
from ..layers import Modal
from ..ui import ui_of
from ..widgets.line import Line, line, table
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Tone, format_when
from .dialog import CLOSE, WIDTH

_LIBRARIES = ("textual", "aiohttp", "asyncssh", "cryptography", "pydantic")


class About(Modal[None]):
    """Scrolls; closes like the help."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"), ScrollPane():
            yield Lines()

    def on_mount(self) -> None:
        ui = ui_of(self)
        self.query_one(Lines).show(about_lines(ui.store.status, ui.software(), ui.local_now()))
        give_focus(self.query_one(ScrollPane))

    def action_close(self) -> None:
        self.dismiss(None)


def software() -> dict[str, str]:
    """Versions of what this process is made of."""
    said = {"onviftui": __version__}  # also in a checkout that is not installed
    said["Python"] = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return said | {name: version_of(name) for name in _LIBRARIES}


def facts(status: Status | None, software: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What About says, in its order."""
    said = {"onviftui": software["onviftui"]}
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
    said |= software
    said["licence"] = "Apache-2.0"
    return said


def about_lines(status: Status | None, software: Mapping[str, str], now: datetime) -> list[Line]:
    return [
        line(("onviftui", Tone.STRONG)),
        line("Every channel of an NVR becomes an ONVIF camera of its own."),
        line(""),
        *table(list(facts(status, software, now).items()), WIDTH),
        line(""),
        line(("Esc closes this", Tone.MUTED)),
    ]


def version_of(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"

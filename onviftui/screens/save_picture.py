"""Saves a camera's picture: a new one, as large as the NVR gives it, into a file that the user names."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime
from pathlib import Path

from textual.widget import Widget

from proxyd.api.models import Camera, Picture

from ..picture_words import file_name, size_words, ssh_command
from ..text_file import typed_path
from ..ui import ui_of
from ..widgets.line import plain
from .dialog import AskText


def save_picture(by: Widget, camera: Camera, shown: Picture, fetched: datetime, *, deadline_s: float) -> None:
    """Asks for a name, then for the picture. A user by SSH is told instead how to have it on his own machine. `by`
    owns the work; `shown` says how large it will be, `fetched` gives the name its time."""
    ui = ui_of(by)
    name = file_name(camera.name, fetched)
    if not ui.local:
        command = ssh_command(f"camera snapshot {camera.id}", name)
        ui.toast(f"Nothing is written on the box. On your machine: {command}")
        return

    def chosen(typed: str | None) -> None:
        if typed is None:
            return
        target = typed_path(typed)

        def arrived(whole: Picture) -> None:
            ui.pictures.work(by, _write(by, whole, target), "saving")

        doing = f"Fetching a picture of {plain(camera.name)}…"
        ui.ask("camera.snapshot", {"id": camera.id}, doing=doing, then=arrived, deadline_s=deadline_s)

    hint = f"A new picture of {size_words(shown.size)}. Enter saves, Esc goes back"
    by.app.push_screen(AskText("Save the picture as", str(Path.cwd() / name), hint, same=True, longest=1024), chosen)


async def _write(by: Widget, picture: Picture, target: Path) -> None:
    def write() -> None:
        with target.open("xb") as file:
            file.write(base64.b64decode(picture.data))

    ui = ui_of(by)
    try:
        await asyncio.to_thread(write)
    except FileExistsError:
        ui.toast(f"{target} exists already. Press s and choose another name.", "error")
    except OSError as error:
        why = error.strerror or "it cannot be written"
        ui.toast(f"{target}: {why}. Press s and choose another place.", "error")
    else:
        ui.toast(f"Saved {target} ({picture.width}×{picture.height}, {picture.size / 1000:.1f} kB).")

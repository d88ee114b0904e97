"""Every view and screen of the UI over one made-up house, at a time and on a host that never change.

For the tests that compare screens and for the pictures in the documentation. A scene is how to get there by keys.
"""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from onviftui.app import OnviftuiApp
from onviftui.store import Link
from onviftui.words import Look
from proxyd.api.backups import Backup
from proxyd.api.models import Finding, Picture, Role
from proxyd.api.undo import Undoable
from proxyd.api.users import User, UserKey, Users

from .fake_daemon import STARTED, FakeDaemon, interface, job, troubled
from .ui_driver import Ui

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


class StagedApp(OnviftuiApp):
    """The real one, but for the clock and the host's name."""

    def local_now(self) -> datetime:
        return NOW


def house(daemon: FakeDaemon) -> None:
    """Some of everything."""
    troubled(daemon)
    for number in range(1, 17):
        daemon.tables["interface"][number] = interface(number, number)
    daemon.tables["interface"][17] = interface(17)
    daemon.tables["job"][2] = job(2, done=7, total=16, now="ch 8 stream addresses (sub)")
    daemon.answers["interface.doctor"] = [
        Finding(
            id="no-answer",
            severity="problem",
            what="eth0: no DHCP answer in 30 s.",
            why="The cable may be in another network.",
            todo="Plug it into the cameras' network, then press x again.",
            interface="eth0",
        ),
        Finding(id="mode", severity="ok", what="Loopback mode: cameras run on this machine alone."),
    ]
    key = UserKey(kind="ssh-ed25519", fingerprint="SHA256:YkVhbm5hJ3Mga2V5IG9uIGhlciBsYXB0b3A", comment="laptop")
    anna = User(name="anna", role=Role.ADMIN, keys=[key], password=False)
    jo = User(name="jo", role=Role.VIEWER, keys=[], password=True)
    daemon.answers["user.list"] = Users(users=[anna, jo], problems=[], folder="/var/lib/onviftui")

    daemon.answers["camera.snapshot"] = _picture
    daemon.answers["backup.list"] = [
        Backup(name=f"2026-11-{day}T03-00.backup", size=91_000 + day, at=f"2026-11-{day}T03:00:00Z", version="0.1.0")
        for day in (22, 21)
    ]
    daemon.answers["undo.list"] = [
        Undoable(number=2, at=STARTED, who="anna via onviftui", role=Role.OPERATOR, what="Yard 2 was renamed Yard"),
        Undoable(number=1, at=STARTED, who="root", role=Role.OPERATOR, what="Roof was stopped"),
    ]


def _picture(params: dict[str, Any]) -> Picture:
    """A sky, a wall, a lamp: no two cameras alike."""
    camera = int(params["id"])
    image = Image.new("RGB", (320, 180), (90, 120 + camera * 5, 170))
    drawn = ImageDraw.Draw(image)
    drawn.rectangle((0, 100, 320, 180), fill=(60 + camera * 8, 80, 60))
    drawn.rectangle((30 + camera * 10, 60, 120 + camera * 10, 150), fill=(150, 130 - camera * 4, 100))
    drawn.ellipse((240 - camera * 7, 20, 270 - camera * 7, 50), fill=(250, 240, 180))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode()
    return Picture(
        content_type="image/jpeg", data=data, origin="from the NVR", width=1280, height=720, size=94_000 + camera * 100
    )


def empty(daemon: FakeDaemon) -> None:
    """As after the installation."""
    for table in daemon.tables.values():
        table.clear()


@dataclass(frozen=True, slots=True)
class Scene:
    """`keys` lead there from the start; "=text" is typed, "@text" is
    the row that the cursor goes to. `what` is a sentence for the tour."""

    name: str
    keys: tuple[str, ...]
    what: str
    fill: Callable[[FakeDaemon], None] = house


SCENES: tuple[Scene, ...] = (
    Scene("first-run", ("escape", "1"), "Nothing is set up yet, and the screen says what to do first.", empty),
    Scene("overview", ("1",), "Is all well, what needs a person, what runs now."),
    Scene("cameras", ("2",), "Every camera with its state; the pane tells more of the one under the cursor."),
    Scene("filter", ("2", "slash", "=state:playing"), "Words and fields narrow a list while you type."),
    Scene("nvrs", ("3",), "The NVRs: how they answer, what they have, when they were scanned."),
    Scene("interfaces", ("4",), "The network interfaces, each with a MAC and an address for one camera."),
    Scene("adopt", ("5",), "The guided adoption: recorders find one camera after the other."),
    Scene("jobs", ("6",), "What runs and what ran."),
    Scene("logs", ("7",), "What happened, and who did it."),
    Scene("system", ("8",), "What belongs to the whole box."),
    Scene("camera", ("2", "j", "enter"), "Everything to type into a recorder, and why a camera stands as it does."),
    Scene("streams", ("2", "j", "enter", "b"), "What flows to whom, how much, and what was lost."),
    Scene("snapshot", ("2", "j", "o"), "What the camera sees, drawn by what the terminal can."),
    Scene("sheet", ("2", "O"), "All cameras at a glance; fetched when you ask, never by itself."),
    Scene("wizard", ("1", "w"), "The guide, from an empty box to cameras in the recorder."),
    Scene("settings", ("8", "@Settings", "enter"), "What holds for all cameras, and what you alone prefer."),
    Scene("backups", ("8", "@Backups", "enter"), "Everything in one encrypted file, and back again."),
    Scene("undo", ("8", "@Undo", "enter"), "What can be taken back, and who did it."),
    Scene("job", ("6", "end", "enter"), "One scan: what it found, what is new."),
    Scene("users", ("8", "@Users", "enter"), "Who may log in by SSH, and what each may do."),
    Scene("findings", ("4", "x"), "The examination: what is wrong, why, and what to do."),
    Scene("stop", ("2", "j", "s"), "What recorders would lose is said before it is done."),
    Scene("rename", ("2", "j", "e"), "Short questions are asked in the middle."),
    Scene("nvr-form", ("3", "a"), "An NVR is tested before it is kept."),
    Scene("discover", ("3", "f"), "NVRs that answer in this network."),
    Scene("palette", ("2", "colon", "=dock"), "Every key, every place and every theme, found by a few letters."),
    Scene("help", ("2", "question_mark"), "Every key that does something here."),
)


@asynccontextmanager
async def on_stage(scene: Scene, size: tuple[int, int], folder: Path, *, ascii_only: bool = False) -> AsyncIterator[Ui]:
    """The UI, when everything that the scene asked for has arrived. `folder` for the socket."""
    socket = folder / "s"
    async with FakeDaemon(socket, 16) as daemon:
        scene.fill(daemon)
        app = StagedApp(socket, Look(ascii=ascii_only), log=folder / "crash.log")
        app.host = "garage-box"
        async with app.run_test(size=size) as pilot:
            ui = Ui(app, pilot)
            await ui.until(lambda: app.store.link is Link.LIVE, "a connection")
            await _settled(ui)
            for key in scene.keys:
                await _do(ui, key)
                await _settled(ui)
            yield ui


async def _do(ui: Ui, key: str) -> None:
    if key.startswith("="):
        await ui.write(key[1:])
    elif key.startswith("@"):
        ui.table.move_to(next(row for row in ui.table.keys if key[1:] in ui.table.text_of(row)))
    else:
        await ui.press(key)


async def _settled(ui: Ui) -> None:
    """Nothing is asked or waits to be shown any more."""
    app = ui.app
    await ui.pilot.pause()
    await ui.until(lambda: app._flush_timer is None and not any(not w.is_finished for w in app.workers), "an end")
    await ui.pilot.pause()

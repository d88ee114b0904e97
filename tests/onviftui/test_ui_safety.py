"""Undo, changes of many cameras, backups and settings in the UI, with the keyboard, against a daemon on a socket."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from onviftui.screens import system
from onviftui.screens.change_cameras import ChangeCameras
from onviftui.screens.dialog import Confirm
from onviftui.widgets.switches import Switches
from proxyd.api.backups import Backup, BackupContents, BackupPiece, BackupWritten, Restored
from proxyd.api.bulk import CamerasUpdated, Renamed
from proxyd.api.dial import own
from proxyd.api.models import Role
from proxyd.api.settings import DaemonSettings, Setting
from proxyd.api.undo import Undoable, Undone
from proxyd.errors import Conflict, InvalidInput

from .fake_daemon import FakeDaemon, log
from .ui_driver import HUGE, NARROW, WIDE, Ui, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
RENAMED = Undoable(number=3, at="2026-11-22T09:00:00Z", who="anna", role=Role.OPERATOR, what="Renamed Yard to Garden.")
REMOVED = Undoable(number=2, at="2026-11-22T08:00:00Z", who="root", role=Role.ADMIN, what="Removed Ramp.")
BACKUP = Backup(name="2026-11-22-080000", size=123_456, at="2026-11-22T08:00:00Z", version="0.1.0", schema_version=7)
ODD = Backup(name="odd", size=3, problem="This is no backup of onviftui.")
CONTENTS = BackupContents(
    name=BACKUP.name,
    at=BACKUP.at,
    version="0.1.0",
    schema_version=7,
    nvrs=["Garage"],
    cameras=["Yard", "駐車場 north"],
    warnings=["The old machine must not run any more then."],
)
SETTINGS = DaemonSettings(
    username="onvif",
    sharing=4,
    adopted=2,
    file="/etc/proxyd/proxyd.toml",
    configuration=[
        Setting(section="daemon", name="log_level", value="info", source="default"),
        Setting(section="nvr", name="parallel", value="2", source="file"),
    ],
)


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


async def open_entry(ui: Ui, label: str) -> None:
    await ui.press("8")
    ui.table.move_to(next(n for n, entry in enumerate(system.ENTRIES) if entry.label == label))
    await ui.press("enter")


# undo


@SIZES
@pytest.mark.parametrize("view", ["1", "2", "3", "7", "8"])
async def test_u_asks_and_takes_the_last_change_back_from_everywhere(
    socket: Path, size: tuple[int, int], view: str
) -> None:
    daemon = FakeDaemon(socket, 2)
    daemon.answers["undo.list"] = [RENAMED, REMOVED]
    daemon.answers["undo.apply"] = Undone(number=3, what=RENAMED.what)
    async with daemon, running_ui(socket, size) as ui:
        await ui.press(view, "u")
        await ui.sees("Renamed Yard to Garden. (anna")
        assert isinstance(ui.app.screen, Confirm)
        await ui.press("escape")
        assert daemon.called("undo.apply") == []
        await ui.press("u")
        await ui.sees("Take back?")
        await ui.press("y")
        await ui.hears("Took back: Renamed Yard to Garden.")
        assert daemon.called("undo.apply") == [{"number": 3}]


async def test_nothing_to_take_back_and_what_cannot_be_are_said(socket: Path) -> None:
    daemon = FakeDaemon(socket, 1)
    daemon.answers["undo.list"] = []
    async with daemon, running_ui(socket) as ui:
        await ui.press("u")
        await ui.hears("There is nothing to take back")
        daemon.answers["undo.list"] = [RENAMED]
        daemon.answers["undo.apply"] = Conflict("This was changed again since.", "Change it by hand.")
        await ui.press("u")
        await ui.sees("Take back?")
        await ui.press("y")
        await ui.hears("This was changed again since.")


async def test_removed_cameras_of_an_nvr_come_back_with_shift_u(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await ui.press("3", "U")
        await ui.until(lambda: daemon.called("nvr.scan") != [], "a scan")
        assert daemon.called("nvr.scan")[0]["restore"] is True
        assert daemon.called("undo.list") == []


@SIZES
async def test_any_change_of_the_list_can_be_taken_back(socket: Path, size: tuple[int, int]) -> None:
    daemon = FakeDaemon(socket, 1)
    daemon.answers["undo.list"] = [RENAMED, REMOVED]
    daemon.answers["undo.apply"] = Undone(number=2, what=REMOVED.what)
    async with daemon, running_ui(socket, size) as ui:
        await open_entry(ui, "Undo")
        await ui.sees("Renamed Yard to Garden.")
        await ui.press("j", "enter")
        await ui.sees("Take back?")
        daemon.answers["undo.list"] = [RENAMED]
        await ui.press("y")
        await ui.hears("Took back: Removed Ramp.")
        daemon.change("log", log(90, "Took back: Removed Ramp."))  # what the daemon writes is the news
        await ui.until(lambda: ui.table.keys == [3], "the list without it")
        daemon.answers["undo.list"] = []
        await ui.press("r")
        await ui.sees("There is nothing to take back since proxyd started.")


async def test_a_viewer_is_not_offered_to_take_anything_back(socket: Path) -> None:
    daemon = FakeDaemon(socket, 2)
    daemon.role = Role.VIEWER
    daemon.answers["undo.list"] = [RENAMED]
    async with daemon, running_ui(socket) as ui:
        await ui.press("2", "u")
        await ui.hears("needs the role operator")
        await ui.press("c")
        assert not isinstance(ui.app.screen, ChangeCameras)
        await open_entry(ui, "Undo")
        await ui.sees("Only the role operator may take it back.")
        await ui.press("enter")
        assert daemon.called("undo.apply") == []


# many cameras


def as_changed(daemon: FakeDaemon, names: list[str]) -> Any:
    def answer(params: dict[str, Any]) -> CamerasUpdated:
        before = [daemon.tables["camera"][key] for key in params["ids"]]
        after = [one.model_copy(update={"name": name}) for one, name in zip(before, names, strict=True)]
        renamed = [Renamed(camera=a.id, before=a.name, after=b.name) for a, b in zip(before, after, strict=True)]
        return CamerasUpdated(names=renamed, cameras=after, done=True)

    return answer


@SIZES
async def test_marked_cameras_are_changed_at_once_with_names_that_are_shown_before(
    socket: Path, size: tuple[int, int]
) -> None:
    async with FakeDaemon(socket, 6) as daemon, running_ui(socket, size) as ui:
        daemon.answers["camera.update_all"] = as_changed(daemon, ["Garage 01", "Garage 02"])
        await ui.press("2", "space", "space", "c")
        await ui.sees("Change 2 cameras")
        await ui.write("{nvr} {ch:02}")
        await ui.sees("01 Front gate → Garage 01")
        await ui.sees("02 Yard → Garage 02")
        await ui.press("enter", "enter")
        await ui.write("new-password")
        await ui.press("enter")
        assert isinstance(ui.app.focused, Switches)
        await ui.press("j", "j", "space", "space", "k", "space")
        await ui.until(lambda: "[off]" in ui.line_with("Sound"), "the form scrolled to the switches")
        assert "[on]" in ui.line_with("HTTPS")
        assert "[leave]" in ui.line_with("Discovery")
        await ui.press("ctrl+s")
        await ui.hears("2 cameras changed. u takes it back.")
        wanted = {"ids": [1, 2], "pattern": "{nvr} {ch:02}", "password": "new-password", "audio": False, "https": True}
        assert daemon.called("camera.update_all") == [wanted]
        await ui.sees("Garage 02")


async def test_names_that_cannot_be_are_said_while_they_are_typed(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("2", "space", "space", "c")
        for pattern, words in (
            ("Same", "2 cameras would be called Same."),
            ("{nmae}", "means nothing"),
            ("03 Office", "would be called 03 Office."),
            ("x" * 64 + "{n}", "65 characters"),
        ):
            ui.app.screen.query_one("#pattern", Input).value = pattern
            await ui.sees(words)
            await ui.press("ctrl+s")
        assert daemon.called("camera.update_all") == []
        ui.app.screen.query_one("#pattern", Input).value = ""
        await ui.press("ctrl+s")
        await ui.sees("Nothing is to be changed yet.")
        daemon.answers["camera.update_all"] = InvalidInput("No.", "", {"pattern": "is taken by now"})
        ui.app.screen.query_one("#pattern", Input).value = "Gate {n}"
        await ui.press("ctrl+s")
        await ui.sees("is taken by now")
        await ui.press("escape")
        assert not isinstance(ui.app.screen, ChangeCameras)


async def test_without_marks_the_camera_of_the_cursor_is_changed(socket: Path) -> None:
    async with FakeDaemon(socket, 3), running_ui(socket, ascii_only=True) as ui:
        await ui.press("2", "j", "c")
        await ui.sees("Change 1 camera")
        await ui.write("Gate")
        await ui.sees("02 Yard > Gate")
        assert ui.text.isascii()


# backups


def backing_up(socket: Path) -> FakeDaemon:
    daemon = FakeDaemon(socket, 2)
    daemon.answers["backup.list"] = [BACKUP, ODD]
    daemon.answers["backup.create"] = BACKUP
    daemon.answers["backup.check"] = CONTENTS
    daemon.answers["backup.restore"] = Restored(contents=CONTENTS, safety="2026-11-22-090000-before-restore")
    daemon.answers["backup.remove"] = ODD
    return daemon


@SIZES
async def test_a_backup_is_made_with_a_passphrase_typed_twice(socket: Path, size: tuple[int, int]) -> None:
    daemon = backing_up(socket)
    daemon.answers["backup.list"] = []
    async with daemon, running_ui(socket, size) as ui:
        await open_entry(ui, "Backups")
        await ui.sees("No backup yet.")
        await ui.press("c")
        await ui.sees("Make a backup")
        await ui.write("short")
        await ui.press("ctrl+s")
        await ui.sees("needs at least 8 characters")
        ui.app.screen.query_one("#password", Input).value = "correct horse"
        ui.app.screen.query_one("#again", Input).value = "correct house"
        await ui.press("ctrl+s")
        await ui.sees("is not the same")
        assert "correct" not in ui.text
        ui.app.screen.query_one("#again", Input).value = "correct horse"
        daemon.answers["backup.list"] = [BACKUP]
        await ui.press("ctrl+s")
        await ui.hears("Made the backup 2026-11-22-080000.")
        assert daemon.called("backup.create") == [{"passphrase": "correct horse"}]
        await ui.sees("2026-11-22-080000 ")


@SIZES
async def test_a_restore_shows_what_it_means_and_wants_a_typed_word(socket: Path, size: tuple[int, int]) -> None:
    async with backing_up(socket) as daemon, running_ui(socket, size) as ui:
        await open_entry(ui, "Backups")
        await ui.sees("cannot be used")
        await ui.press("g", "enter")
        await ui.sees("Backup 2026-11-22-080000")
        await ui.write("correct horse")
        await ui.press("enter")
        await ui.sees("駐車場 north")
        await ui.press("escape", "R")
        await ui.write("correct horse")
        await ui.press("enter")
        await ui.sees("Restore 2026-11-22-080000?")
        assert "The old machine" in ui.text
        await ui.press("y")  # typed into the field: no shortcut for this question
        assert daemon.called("backup.restore") == []
        ui.app.screen.query_one(Input).value = ""
        await ui.write("restore")
        await ui.press("enter")
        await ui.hears("proxyd starts anew")
        assert daemon.called("backup.restore") == [{"name": BACKUP.name, "passphrase": "correct horse"}]


async def test_a_wrong_passphrase_is_said_in_the_form(socket: Path) -> None:
    async with backing_up(socket) as daemon, running_ui(socket) as ui:
        daemon.answers["backup.check"] = InvalidInput("The passphrase is wrong, or the backup is damaged.")
        await open_entry(ui, "Backups")
        await ui.sees(BACKUP.name)
        await ui.press("g", "R")
        await ui.write("nonsense")
        await ui.press("enter")
        await ui.sees("The passphrase is wrong")


async def test_a_backup_is_saved_to_a_new_file_and_removed(socket: Path, tmp_path: Path) -> None:
    data = bytes(range(256)) * 900
    async with backing_up(socket) as daemon, running_ui(socket) as ui:

        def piece(params: dict[str, Any]) -> BackupPiece:
            part = data[params["offset"] : params["offset"] + 100_000]
            encoded = base64.b64encode(part).decode()
            return BackupPiece(name=BACKUP.name, offset=params["offset"], size=len(data), data=encoded)

        daemon.answers["backup.read"] = piece
        await open_entry(ui, "Backups")
        await ui.sees(BACKUP.name)
        target = tmp_path / "mine.backup"
        for words in ("Wrote", "it is there already"):
            await ui.press("g", "s")
            ui.app.screen.query_one(Input).value = str(target)
            await ui.press("enter")
            await ui.hears(words)
        assert target.read_bytes() == data
        assert target.stat().st_mode & 0o777 == 0o600
        await ui.press("G", "enter")
        await ui.hears("This is no backup of onviftui.")
        await ui.press("d")
        await ui.sees("Remove odd?")
        await ui.press("y")
        await ui.hears("Removed the backup odd.")


async def test_the_file_of_a_backup_is_brought_into_the_list(socket: Path, tmp_path: Path) -> None:
    data = bytes(range(256)) * 900
    file = tmp_path / "odd.backup"
    file.write_bytes(data)
    arrived = bytearray()
    async with backing_up(socket) as daemon, running_ui(socket) as ui:

        def written(params: dict[str, Any]) -> BackupWritten:
            assert (params["name"], params["offset"]) == ("odd-2", len(arrived))
            arrived.extend(base64.b64decode(params["data"]))
            whole = BACKUP.model_copy(update={"name": "odd-2"}) if params["last"] else None
            if whole is not None:
                daemon.answers["backup.list"] = [BACKUP, whole, ODD]
            return BackupWritten(size=len(arrived), backup=whole)

        daemon.answers["backup.write"] = written
        await open_entry(ui, "Backups")
        await ui.sees(BACKUP.name)
        for name, words in ((tmp_path, "is no file"), ("/nowhere", "No such file"), (file, "R restores it.")):
            await ui.press("b")
            ui.app.screen.query_one(Input).value = str(name)
            await ui.press("enter")
            await ui.hears(words)
        assert arrived == data
        await ui.until(lambda: "odd-2" in ui.table.text_of(ui.table.cursor_key or 0), "the cursor on it")
        assert daemon.called("backup.restore") == []


async def test_by_ssh_the_lines_that_carry_a_backup_are_said(socket: Path) -> None:
    async with backing_up(socket) as daemon, running_ui(socket, where=own(socket)) as ui:
        await open_entry(ui, "Backups")
        await ui.sees(BACKUP.name)
        await ui.press("b")
        await ui.sees("ssh BOX backup bring - < FILE")
        await ui.press("escape", "s")
        await ui.sees(f"ssh BOX backup fetch {BACKUP.name} - > {BACKUP.name}.backup")
        await ui.press("y")
        await ui.hears("Copied the line")
        assert daemon.called("backup.read") == []


# settings


@SIZES
async def test_preferences_are_changed_kept_and_what_is_configured_is_only_shown(
    socket: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    daemon = FakeDaemon(socket, 2)
    daemon.answers["settings.get"] = SETTINGS
    async with daemon, running_ui(socket, size) as ui:
        ui.app.preferences_file = tmp_path / "config" / "preferences.json"
        await open_entry(ui, "Settings")
        await ui.sees("nvr.parallel")
        await ui.press("g", "enter")
        await ui.sees("High contrast, light")
        await ui.press("j", "j", "enter")
        assert ui.app.preferences.theme == "light" == ui.app.wanted_theme
        await ui.press("j", "j", "enter")
        assert not ui.app.preferences.links
        assert "off" in ui.line_with("Links") and "you" in ui.line_with("Links")
        assert '"links": false' in ui.app.preferences_file.read_text()
        await ui.press("j", "enter")
        assert not ui.app.preferences.clipboard
        await ui.press("y")
        await ui.hears("The Clipboard: off")
        await ui.press("G", "enter")
        await ui.hears("Only read here. To change it, edit the configuration (/etc/proxyd/proxyd.toml)")


@SIZES
async def test_the_shared_account_says_what_a_change_means(socket: Path, size: tuple[int, int]) -> None:
    daemon = FakeDaemon(socket, 2)
    daemon.answers["settings.get"] = SETTINGS
    daemon.answers["settings.account"] = SETTINGS.model_copy(update={"username": "rec"})
    async with daemon, running_ui(socket, size) as ui:
        await open_entry(ui, "Settings")
        await ui.sees("Shared account")
        row = next(key for key in ui.table.keys if "Shared account" in ui.table.text_of(key))
        ui.table.move_to(row)
        await ui.press("enter")
        await ui.sees("Recorders know 2 of them: they lose these cameras")
        ui.app.screen.query_one("#username", Input).value = "rec"
        ui.app.screen.query_one("#password", Input).value = "new-one"
        await ui.press("ctrl+s")
        await ui.hears("4 cameras share the account rec now.")
        assert daemon.called("settings.account") == [{"username": "rec", "password": "new-one"}]
        assert "rec" in ui.line_with("Shared account")


async def test_a_viewer_sees_settings_and_changes_his_own(socket: Path) -> None:
    daemon = FakeDaemon(socket, 1)
    daemon.role = Role.VIEWER
    daemon.answers["settings.get"] = SETTINGS
    async with daemon, running_ui(socket, HUGE) as ui:
        await open_entry(ui, "Settings")
        await ui.sees("Shared account")
        row = next(key for key in ui.table.keys if "Shared account" in ui.table.text_of(key))
        ui.table.move_to(row)
        await ui.press("enter")
        await ui.hears("needs the role admin")
        await ui.press("g", "j", "enter")
        assert not ui.app.preferences.mouse
        await open_entry(ui, "Backups")
        await ui.hears("needs the role admin")
        assert daemon.called("backup.list") == []

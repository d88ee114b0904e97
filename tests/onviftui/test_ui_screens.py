"""Every view and dialog at 80×24 and 120×40, driven by keys against a daemon on a real socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from onviftui.screens.camera import CameraScreen
from onviftui.screens.dialog import AskText, Confirm
from onviftui.screens.discover import Discover
from onviftui.screens.help import Help
from onviftui.screens.job import JobScreen
from onviftui.screens.nvr_form import NvrForm
from onviftui.screens.source_form import SourceForm
from onviftui.widgets.frame import AlarmLines
from proxyd.api.models import CameraState, JobState, NvrState, NvrTest, ScanDiff, Source
from proxyd.errors import Conflict, InvalidInput, UpstreamAuthError

from .fake_daemon import FakeDaemon, camera, job, nvr, troubled
from .ui_driver import HUGE, NARROW, WIDE, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


@SIZES
async def test_first_run_says_what_to_do(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket), running_ui(socket, size) as ui:
        await ui.sees("Welcome.")
        assert "find your NVR" in ui.text
        assert "a add NVR  f find" in ui.text.splitlines()[-1]
        await ui.press("2")
        await ui.sees("No camera yet")
        await ui.press("3")
        await ui.sees("No NVR yet.")
        await ui.press("a")
        assert isinstance(ui.app.screen, NvrForm)


@SIZES
async def test_overview_names_what_is_wrong_and_enter_leads_to_the_repair(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        async with running_ui(socket, size) as ui:
            await ui.sees("wrong NVR password for user admin")
            assert "16 cameras" in ui.text.splitlines()[0]
            assert "● 11" in ui.text.splitlines()[0]
            assert "Mbit/s" in ui.text.splitlines()[0]
            assert "Enter: fix it" in ui.line_with("wrong NVR password")
            await ui.until(lambda: isinstance(ui.app.focused, AlarmLines), "focus on the alarms")
            await ui.press("enter")
            assert isinstance(ui.app.screen, NvrForm)
            assert isinstance(ui.app.focused, Input)


@SIZES
async def test_overview_says_when_all_is_well(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 8), running_ui(socket, size) as ui:
        await ui.sees("All cameras run.")


@SIZES
async def test_all_views_show_their_rows(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        async with running_ui(socket, size) as ui:
            for key, words in (
                ("2", "02 Yard"),
                ("3", "127.0.0.1:8000"),
                ("4", "lo:1"),
                ("6", "16/16"),
                ("7", "No DHCP answer on eth0"),
                ("1", "LATEST"),
            ):
                await ui.press(key)
                await ui.sees(words)
                assert all(len(line) <= size[0] for line in ui.text.splitlines())
            await ui.press("5")
            await ui.sees("begins with the")


async def test_camera_rows_have_glyph_word_and_right_aligned_numbers(socket: Path) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        async with running_ui(socket) as ui:
            await ui.press("2")
            await ui.sees("02 Yard")
            heading, playing = ui.line_with("CAMERA"), ui.line_with("02 Yard")
            assert "● 02 Yard" in playing
            assert "playing" in playing
            assert playing.index("6.0") + 3 == heading.index("MBIT/S") + 6
            assert "✖ 07 Loading dock" in ui.text
            assert "wrong NVR password" in ui.line_with("07 Loading dock  ")
            assert "◌ 03 Office" in ui.text


async def test_wide_characters_do_not_shift_the_columns(socket: Path) -> None:
    async with FakeDaemon(socket, 8), running_ui(socket) as ui:
        await ui.press("2")
        await ui.sees("駐車場")
        row = ui.table.text_of(6)
        assert row.index("127.0.10.6") + 3 == ui.table.text_of(5).index("127.0.10.5")  # three cells wider


async def test_ascii_terminals_get_ascii_only(socket: Path) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        async with running_ui(socket, ascii_only=True) as ui:
            for key in "123467":
                await ui.press(key)
                assert ui.text.isascii(), [char for char in ui.text if not char.isascii()]


async def test_the_detail_pane_moves_to_the_right_when_there_is_room(socket: Path) -> None:
    async with FakeDaemon(socket, 4), running_ui(socket, HUGE) as ui:
        await ui.press("2")
        await ui.sees("LAST REQUESTS OF RECORDERS")
        assert "GetProfiles" in ui.text
        assert "127.0.10.1" in ui.line_with("Address")


async def test_events_that_do_not_come_are_told_at_the_nvr(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, HUGE) as ui:
        await ui.press("3")
        nvr = daemon.tables["nvr"][1]
        daemon.change("nvr", nvr.model_copy(update={"state": NvrState.OK, "reason": "", "events": "pull point"}))
        await ui.sees("events by pull point")
        said = "none: too many event subscriptions are open on the NVR: restart it"
        daemon.change("nvr", nvr.model_copy(update={"state": NvrState.OK, "reason": "", "events": said}))
        await ui.sees("Events: too many event subscriptions")


@SIZES
async def test_marked_cameras_are_stopped_together_after_a_question(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 8) as daemon, running_ui(socket, size) as ui:
        await ui.press("2", "space")
        await ui.sees("1 marked   Esc clears")
        await ui.press("space", "v")
        await ui.sees("3 marked   v marks up to here   Esc clears")
        await ui.press("j", "v")
        await ui.sees("4 marked   Esc clears")
        await ui.press("s")
        assert isinstance(ui.app.screen, Confirm)
        await ui.sees("Stop 4 cameras?")
        assert "01 Front gate, 02 Yard, 03 Office, 04 Ramp." in " ".join(ui.text.replace("│", " ").split())
        assert "until you start them again" in " ".join(ui.text.replace("│", " ").split())
        assert not daemon.called("camera.stop")
        await ui.press("y")
        await ui.hears("4 cameras stopped.")
        assert daemon.called("camera.stop") == [{"ids": [1, 2, 3, 4]}]
        await ui.sees("○ 4")
        await ui.press("s")
        await ui.hears("4 cameras started.")
        await ui.press("escape")
        assert not ui.table.marked


async def test_restart_asks_only_when_somebody_watches(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon:
        daemon.tables["camera"][2] = camera(2, clients=1, recorder="10.77.0.3")
        async with running_ui(socket) as ui:
            await ui.press("2", "R")
            await ui.hears("01 Front gate restarted.")
            await ui.press("j", "R")
            assert isinstance(ui.app.screen, Confirm)
            await ui.press("escape")
            assert daemon.called("camera.restart") == [{"ids": [1]}]


async def test_removing_a_camera_asks_first(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("2", "d")
        await ui.sees("Remove 01 Front gate?")
        await ui.press("enter")  # the safe button has the focus
        assert not daemon.called("camera.remove")
        await ui.press("d", "y")
        await ui.hears("removed")
        assert daemon.called("camera.remove") == [{"ids": [1]}]


async def test_cameras_of_the_same_name_are_told_apart_by_their_nvr(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon:
        daemon.tables["nvr"][2] = nvr(2, name="Barn")
        daemon.tables["camera"][3] = camera(3, name="02 Yard", nvr=2)
        async with running_ui(socket) as ui:
            await ui.press("2", "j", "j", "d")
            await ui.sees("Remove 02 Yard (Barn)?")
            await ui.press("escape")
            await ui.sees("02 Yard (Garage)")
            daemon.change("camera", camera(3, name="Gate", nvr=2))
            await ui.until(lambda: "(Garage)" not in ui.text, "the bare name")
            daemon.change("camera", camera(1, name="02 Yard"))
            await ui.sees("02 Yard (ch 2)")


async def test_an_nvr_that_was_never_reached_says_why_in_full(socket: Path) -> None:
    async with FakeDaemon(socket, 0) as daemon:
        reason = (
            "Barn: 10.0.0.9:8001 refuses the connection. ONVIF is often off by default: check it and the port 8000."
        )
        bare = {"manufacturer": "", "model": "", "firmware": "", "serial": "", "last_scan": None, "channels": 0}
        daemon.tables["nvr"][1] = nvr(
            1, name="Barn", state=NvrState.UNREACHABLE, reason=reason, clock_offset_s=None, **bare
        )
        async with running_ui(socket) as ui:
            await ui.press("3")
            await ui.sees("port 8000.")
            await ui.press("e")
            await ui.sees("10.0.0.9:8001 refuses the connection.")


async def test_an_nvr_whose_only_scan_failed_says_so_and_leads_to_the_form(socket: Path) -> None:
    async with FakeDaemon(socket, 0) as daemon:
        daemon.tables["nvr"][1] = nvr(1, state=NvrState.NEW, last_scan=None, channels=0, online=0)
        error = "127.0.0.1:8000 answered with a web page."
        daemon.tables["job"][1] = job(1, state=JobState.FAILED, error=error, hint="Check the port.")
        async with running_ui(socket) as ui:
            await ui.sees("✖ Garage: 127.0.0.1:8000 answered with a web page")
            assert "has not been scanned yet" not in ui.text
            await ui.press("3")
            await ui.sees("scan failed")
            await ui.sees("Check the port.")
            await ui.press("enter")
            assert isinstance(ui.app.screen, NvrForm)


async def test_rename(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("2", "e")
        assert isinstance(ui.app.screen, AskText)
        await ui.press("ctrl+u")
        await ui.write("Gate 駅")
        await ui.press("enter")
        await ui.hears("is now Gate 駅")
        assert daemon.called("camera.update") == [{"id": 1, "name": "Gate 駅"}]
        await ui.sees("Gate 駅")


async def test_a_camera_says_why_its_last_picture_did_not_come(socket: Path) -> None:
    why = "none: the NVR offers none. Pictures of an H.264 stream need PyAV. Install it: contrib/setup --pictures"
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("2")
        daemon.change("camera", daemon.tables["camera"][1].model_copy(update={"picture": why}))
        await ui.press("enter")
        await ui.sees("Snapshot: none: the NVR offers none.")
        await ui.sees("Install it: contrib/setup --pictures")


@SIZES
async def test_adding_an_nvr_shows_errors_beside_their_fields_then_scans(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket, size) as ui:
        await ui.press("a")
        await ui.press("ctrl+s")
        await ui.sees("which address does the NVR have?")
        await ui.sees("which user may sign in")
        await ui.write("http://127.0.0.5:8000/onvif/device_service")
        await ui.press("enter")
        await ui.press("enter")
        await ui.write("admin")
        await ui.press("enter")
        await ui.write("secret pass")
        daemon.answers["nvr.add"] = InvalidInput("Wrong.", fields={"host": "is one of our own cameras"})
        await ui.press("ctrl+s")
        await ui.sees("is one of our own cameras")
        assert "secret pass" not in ui.text
        del daemon.answers["nvr.add"]
        await ui.press("ctrl+s")
        await ui.until(lambda: isinstance(ui.app.screen, JobScreen), "the scan")
        added = daemon.called("nvr.add")[-1]
        assert added == {"host": "127.0.0.5", "port": 8000, "username": "admin", "password": "secret pass"}
        assert daemon.called("nvr.scan") == [{"id": 1}]


@SIZES
async def test_the_test_button_says_in_words_what_is_wrong(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket, size) as ui:
        await ui.press("3", "e")
        await ui.press("ctrl+t")
        await ui.sees("signed in. 16 channels.")
        daemon.answers["nvr.test"] = NvrTest(ok=False, message="The NVR refused the password.", hint="Type it again.")
        await ui.press("ctrl+t")
        await ui.sees("The NVR refused the password. Type it again.")
        assert daemon.called("nvr.test")[0] == {"id": 1, "host": "127.0.0.1", "port": 8000, "username": "admin"}
        daemon.answers["nvr.test"] = Conflict("A scan is running.", "Wait until it ends.")
        await ui.press("ctrl+t")
        await ui.sees("A scan is running. Wait until it ends.")
        ui.app.screen.query_one("#port", Input).value = "0"
        await ui.press("ctrl+t")  # nothing is asked: what was answered before is about other values
        await ui.sees("a number from 1 to 65535")
        assert "A scan is running." not in ui.text
        buttons = [button for button in ui.app.screen.query(Button) if button.region.bottom <= size[1]]
        assert len(buttons) == 3


async def test_editing_sends_only_what_was_changed(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("3", "e", "ctrl+s")
        assert not isinstance(ui.app.screen, NvrForm)
        assert not daemon.called("nvr.update")
        await ui.press("e", "end", "ctrl+u")
        await ui.write("127.0.0.44")
        await ui.press("ctrl+s")
        await ui.hears("saved")
        assert daemon.called("nvr.update") == [{"id": 1, "host": "127.0.0.44"}]


async def test_how_streams_come_can_be_chosen_for_a_known_nvr(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("3", "e")
        await ui.sees("[auto] tcp  udp   TCP; UDP where it refuses that")
        assert ui.line_with("[auto]").rstrip(" │").endswith("refuses that")
        await ui.press("end", *["down"] * 5)
        await ui.press("space", "x", "right", "right", "left")
        await ui.sees(" auto  tcp [udp]")
        await ui.press("a", "u")
        await ui.sees("[udp]  packets of their own")
        await ui.press("enter")
        await ui.hears("saved")
        await ui.sees("streams by UDP")
        assert daemon.called("nvr.update") == [{"id": 1, "transport": "udp"}]


async def test_a_refused_password_is_saved_only_by_somebody_who_insists(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.answers["nvr.test"] = NvrTest(ok=False, message="It refuses the password.", hint="2 tries were refused.")
        await ui.press("3", "e", "down", "down", "down")
        await ui.write("bad")
        await ui.press("ctrl+s")
        await ui.sees("2 tries were refused. Nothing was")
        assert daemon.called("nvr.test")[0]["password"] == "bad"
        await ui.write("x")
        await ui.press("ctrl+s")
        await ui.until(lambda: len(daemon.called("nvr.test")) == 2, "another password is tested again")
        await ui.sees("2 tries were refused. Nothing was")
        assert not daemon.called("nvr.update")
        await ui.press("ctrl+s")
        await ui.hears("Garage saved")
        assert daemon.called("nvr.update") == [{"id": 1, "password": "badx"}]
        daemon.change("camera", camera(2, CameraState.WRONG_PASSWORD))
        await ui.until(lambda: "wrong password" in ui.line_with("127.0.0.1:8000"), "the NVR's state")


async def test_testing_from_the_list(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.answers["nvr.test"] = UpstreamAuthError("The NVR refused the password.", "Press e to change it.")
        await ui.press("3", "t")
        await ui.hears("The NVR refused the password. Press e to change it.")


@SIZES
async def test_a_camera_by_its_stream_address(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket, size) as ui:
        await ui.press("3", "a")
        await ui.write("rtsp://192.0.2.7:8554/a")
        await ui.press("down", "down")
        await ui.write("u")
        await ui.press("ctrl+s")
        await ui.sees("that is one stream: press ^r")
        await ui.press("ctrl+r")
        assert isinstance(ui.app.screen, SourceForm)
        assert ui.app.screen.query_one("#main", Input).value == "rtsp://192.0.2.7:8554/a"
        buttons = [button for button in ui.app.screen.query(Button) if button.region.bottom <= size[1]]
        assert len(buttons) == 3
        await ui.press("down")
        await ui.write("rtsp://192.0.2.8/b")
        daemon.answers["source.test"] = NvrTest(ok=True, message="192.0.2.7 gives its streams: main H.264 1280×720.")
        daemon.answers["source.add"] = InvalidInput("No.", fields={"sub": "is on another host than the main stream"})
        await ui.press("ctrl+s")
        await ui.sees("is on another host than the main stream")
        assert ui.app.focused is ui.app.screen.query_one("#sub")
        await ui.press("ctrl+u")
        daemon.answers["source.test"] = NvrTest(ok=True, message="192.0.2.7 gives its streams: main H.264 1280×720.")
        await ui.press("ctrl+t")
        await ui.sees("main H.264 1280×720")
        assert daemon.called("source.test")[-1] == {"main": "rtsp://192.0.2.7:8554/a"}
        daemon.answers["source.add"] = Source(nvr=2, channel=1, name="Yard", camera=9, main="rtsp://192.0.2.7:8554/a")
        await ui.press("down", "down")
        await ui.write("admin")
        await ui.press("enter")
        await ui.write("s3cret")
        await ui.press("enter")
        await ui.write("Yard")
        await ui.press("enter")
        await ui.hears("Yard was added; its streams are being read.")
        assert daemon.called("source.add")[1] == {
            "main": "rtsp://192.0.2.7:8554/a",
            "username": "admin",
            "password": "s3cret",
            "name": "Yard",
        }


async def test_a_row_of_sources_without_an_account_can_be_renamed(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.change("nvr", nvr().model_copy(update={"kind": "rtsp", "username": ""}))
        await ui.press("3")
        await ui.sees("no account")
        await ui.press("e")
        ui.app.screen.query_one("#name", Input).value = "Old ones"
        await ui.press("ctrl+s")
        await ui.hears("saved")
        assert daemon.called("nvr.update") == [{"id": 1, "name": "Old ones"}]


@SIZES
async def test_discover_marks_known_devices_and_fills_the_form(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket, size) as ui:
        daemon.hold["nvr.discover"] = asyncio.Event()
        await ui.press("f")
        assert isinstance(ui.app.screen, Discover)
        await ui.sees("Searching the network")
        daemon.hold["nvr.discover"].set()
        await ui.sees("3 devices found")
        assert "added already" in ui.line_with("Garage")
        assert "wants a password" in ui.line_with("NVR-4")
        await ui.press("enter")
        await ui.hears("is added already")
        await ui.press("j", "enter")
        assert isinstance(ui.app.screen, NvrForm)
        assert ui.app.screen.query_one("#host", Input).value == "127.0.0.9"
        assert ui.app.focused is ui.app.screen.query_one("#username")


async def test_discover_asks_single_addresses_and_says_when_nothing_answers(socket: Path) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket) as ui:
        daemon.answers["nvr.discover"] = lambda params: []
        await ui.press("f")
        await ui.sees("No ONVIF device answered")
        await ui.press("p")
        await ui.write("127.0.0.1:3703")
        await ui.press("enter")
        await ui.until(lambda: len(daemon.called("nvr.discover")) == 2, "a second search")
        assert daemon.called("nvr.discover")[1]["probe"] == ["127.0.0.1:3703"]
        await ui.press("a")
        assert isinstance(ui.app.screen, NvrForm)


async def test_removing_an_nvr_with_cameras_needs_its_name(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("3", "d")
        await ui.sees("also removes its 4 cameras")
        await ui.press("enter")
        assert not daemon.called("nvr.remove")
        await ui.write("Garage")
        await ui.press("enter")
        await ui.hears("Garage removed.")
        assert daemon.called("nvr.remove") == [{"id": 1}]


@SIZES
async def test_a_scan_shows_progress_eta_and_what_changed(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket, size) as ui:
        await ui.press("3", "r")
        await ui.until(lambda: isinstance(ui.app.screen, JobScreen), "the scan")
        daemon.change("job", job(1, done=11, total=16, now="ch 12 stream addresses (sub)", eta_s=14.2))
        await ui.sees("11/16")
        await ui.sees("ch 12 stream addresses (sub)")
        assert "left     ~14 s" in ui.text
        diff = ScanDiff(new=[1, 2, 3], changed=[4], offline=[9], warnings=["The clock is 7 h 02 min behind."])
        daemon.change("job", job(1, JobState.DONE, done=16, total=16, diff=diff))
        await ui.sees("ch 1-3")
        await ui.sees("The clock is 7 h 02 min behind.")
        await ui.press("enter")
        await ui.sees("01 Front gate")


async def test_jobs_have_a_bar_each_and_can_be_cancelled(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.change("job", job(1, done=4, total=16))
        daemon.change("job", job(2, JobState.FAILED, title="Scan of Barn", error="The NVR did not answer."))
        await ui.press("6")
        await ui.sees("4/16")
        assert "███" in ui.line_with("4/16")
        ui.table.move_to(1)
        await ui.press("c")
        await ui.hears("cancelled")
        assert daemon.called("job.cancel") == [{"id": 1}]


async def test_a_second_scan_key_shows_the_running_one(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.change("job", job(1, done=4, total=16))
        await ui.until(lambda: bool(ui.app.store.jobs), "the job")
        await ui.press("3", "r")
        assert isinstance(ui.app.screen, JobScreen)
        assert not daemon.called("nvr.scan")


async def test_enter_on_an_nvr_shows_its_cameras(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon:
        daemon.tables["nvr"][2] = nvr(2, state=NvrState.UNREACHABLE)
        async with running_ui(socket) as ui:
            await ui.press("3", "enter")
            await ui.sees('nvr:"Garage"   4 of 4')
            await ui.press("3", "j", "enter")
            assert isinstance(ui.app.screen, NvrForm)


async def test_log_entries_lead_to_what_they_are_about(socket: Path) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        async with running_ui(socket) as ui:
            await ui.press("7", "enter")
            assert isinstance(ui.app.screen, CameraScreen)
            await ui.sees("03 Office")


async def test_interfaces_lead_to_their_camera(socket: Path) -> None:
    async with FakeDaemon(socket, 4), running_ui(socket) as ui:
        await ui.press("4")
        await ui.sees("4 in use, 2 free")
        await ui.press("enter")
        assert isinstance(ui.app.screen, CameraScreen)


@SIZES
async def test_help_comes_from_the_key_table(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 4), running_ui(socket, size) as ui:
        await ui.press("2", "question_mark")
        assert isinstance(ui.app.screen, Help)
        await ui.sees("Start or stop the marked cameras")
        await ui.press("escape")
        assert not isinstance(ui.app.screen, Help)


async def test_state_changes_arrive_while_a_dialog_is_open(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("2", "question_mark")
        daemon.change("camera", camera(2, CameraState.FAILED, reason="Broken."))
        await ui.until(lambda: ui.app.store.cameras[2].state is CameraState.FAILED, "the event")
        await ui.press("escape")
        await ui.sees("✖ 02 Yard")


async def test_a_failed_scan_leads_to_the_form_and_saving_scans_again(socket: Path) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket) as ui:
        daemon.change("nvr", nvr(1, state=NvrState.WRONG_PASSWORD, last_scan=None, reason="Wrong password."))
        daemon.change("job", job(1, JobState.FAILED, error="The NVR refused the password.", hint="Correct it."))
        await ui.until(lambda: bool(ui.app.store.jobs), "the job")
        await ui.press("6", "enter")
        await ui.sees("Enter corrects address or account")
        await ui.press("enter")
        assert isinstance(ui.app.screen, NvrForm)
        assert ui.app.focused is ui.app.screen.query_one("#password")
        await ui.write("right")
        await ui.press("ctrl+s")
        await ui.until(lambda: isinstance(ui.app.screen, JobScreen) and ui.app.screen.job == 2, "the new scan")
        assert daemon.called("nvr.update")[0]["password"] == "right"

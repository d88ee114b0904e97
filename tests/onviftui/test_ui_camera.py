"""A camera's screen: its panes by size, what they read and when, and what can be done in them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
import segno
from rich.cells import cell_len

from onviftui.camera_panes.pane import Pane
from onviftui.camera_panes.ptz import PtzPane
from onviftui.camera_panes.requests import in_keys
from onviftui.camera_panes.streams import StreamsPane
from onviftui.screens.camera import CameraScreen
from onviftui.screens.qr import QrCode
from onviftui.store import Link
from onviftui.widgets.livetable import LiveTable
from onviftui.widgets.paint import Lines
from onviftui.widgets.qr import QUIET
from proxyd.api.models import CameraEvent, LogEntry, Role, TraceEntry
from proxyd.errors import InvalidInput

from .fake_daemon import FakeDaemon, log
from .test_qr import read_halves
from .ui_driver import HUGE, NARROW, WIDE, Ui, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
ALL = (200, 60)


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def change(daemon: FakeDaemon, **changes: Any) -> None:
    """The first camera is not as it was."""
    daemon.change("camera", daemon.tables["camera"][1].model_copy(update=changes))


def playing(daemon: FakeDaemon, bps: int = 5_900_000) -> dict[str, Any]:
    """Somebody plays the main stream of the first camera."""
    main, sub = daemon.tables["camera"][1].streams
    main = main.model_copy(update={"bps": bps, "clients": 1})
    return {"clients": 1, "recorder": "10.77.0.3", "streams": [main, sub]}


def shown_panes(ui: Ui) -> list[str]:
    return [pane.pane_id for pane in ui.app.screen.query(Pane) if pane.is_shown]


async def until_shown(ui: Ui, pane: str) -> None:
    await ui.until(lambda: pane in shown_panes(ui), pane)


async def until_moved(daemon: FakeDaemon, ui: Ui, action: str) -> None:
    """The last move that was asked for is this one."""
    await ui.until(lambda: [call["action"] for call in daemon.called("camera.ptz")][-1:] == [action], action)


# panes


@pytest.mark.parametrize(
    ("size", "panes"),
    [
        (NARROW, ["camera"]),
        (WIDE, ["camera", "requests"]),
        (ALL, ["camera", "streams", "ptz", "requests", "events", "logs"]),
    ],
    ids=["80x24", "120x40", "200x60"],
)
async def test_as_many_panes_as_there_is_room_for(socket: Path, size: tuple[int, int], panes: list[str]) -> None:
    async with FakeDaemon(socket, 2) as daemon:
        daemon.tables["camera"][1] = daemon.tables["camera"][1].model_copy(update={"ptz": True})
        async with running_ui(socket, size) as ui:
            await ui.press("2", "enter")
            await ui.sees("http://127.0.10.1:8080/onvif/device_service")
            assert shown_panes(ui) == panes
            assert all(len(line) <= size[0] for line in ui.text.splitlines())


async def test_tab_goes_through_all_panes_and_back(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await ui.press("2", "enter")
        seen = []
        for words in ("drawn: the last 5 minutes", "What happened", "What recorders asked", "What was done, what"):
            await ui.press("tab")
            await ui.sees(words)
            seen += shown_panes(ui)
        assert seen == ["streams", "events", "requests", "logs"]
        await ui.press("tab")
        await ui.sees("To type into a recorder")
        await ui.press("shift+tab")
        await ui.sees("What was done, what")
        change(daemon, ptz=True)  # a scan has found a motor
        await ui.sees("PTZ")
        await ui.press("shift+tab")
        await ui.sees("Move the camera")


@SIZES
async def test_keys_go_to_their_pane(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 2) as daemon:
        daemon.tables["camera"][1] = daemon.tables["camera"][1].model_copy(update={"ptz": True})
        async with running_ui(socket, size) as ui:
            await ui.press("2", "enter")
            for key, pane in (("b", "streams"), ("t", "requests"), ("v", "events"), ("l", "logs"), ("m", "ptz")):
                await ui.press(key)
                await until_shown(ui, pane)
                await ui.until(lambda: ui.app.focused is not None, "a focus")
                assert f"▸{ui.app.screen.query_one(f'#pane-{pane}', Pane).title}" in ui.text


async def test_a_resize_keeps_the_pane_and_shows_more_or_fewer(socket: Path) -> None:
    async with FakeDaemon(socket, 2), running_ui(socket, WIDE) as ui:
        await ui.press("2", "enter", "v")
        await ui.sees("line crossed")
        assert shown_panes(ui) == ["camera", "events"]
        await ui.pilot.resize_terminal(*NARROW)
        await ui.until(lambda: shown_panes(ui) == ["events"], "one pane")
        assert "line crossed" in ui.text
        await ui.pilot.resize_terminal(*ALL)
        await ui.until(lambda: len(shown_panes(ui)) == 5, "all panes; there is no motor")


async def test_camera_screen_closes_when_the_camera_is_removed_elsewhere(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await ui.press("2", "enter")
        daemon.remove("camera", 1)
        await ui.hears("has been removed")
        assert not isinstance(ui.app.screen, CameraScreen)


async def test_in_ascii_every_pane_is_ascii(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon:
        daemon.tables["camera"][1] = daemon.tables["camera"][1].model_copy(update={"ptz": True, **playing(daemon)})
        async with running_ui(socket, ascii_only=True) as ui:
            await ui.press("2", "enter")
            for key in "btvlm":
                await ui.press(key)
                assert ui.text.isascii(), [char for char in ui.text if not char.isascii()]
            await ui.press("b")
            await ui.sees("max 5.9")  # numbers in the place of blocks


# the camera's own fields


@SIZES
async def test_urls_stand_there_and_the_password_only_on_demand(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 8) as daemon, running_ui(socket, size) as ui:
        await ui.press("2", "j", "enter")
        await ui.sees("http://127.0.10.2:8080/onvif/device_service")
        assert daemon.password not in ui.text
        await ui.press("p")
        await ui.sees(daemon.password)
        await ui.press("p")
        await ui.until(lambda: daemon.password not in ui.text, "a hidden password")
        await ui.press("escape")
        assert not isinstance(ui.app.screen, CameraScreen)


async def test_y_offers_all_addresses_and_begins_at_the_field_under_the_cursor(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await ui.press("2", "enter", "y")
        await ui.sees("Copy of 01 Front gate")
        for words in ("ONVIF address", "main stream", "sub stream", "snapshot address", "serial number"):
            assert words in ui.text
        await ui.press("y")
        await ui.hears("Copied the address of 01 Front gate: 127.0.10.1")
        assert ui.app.clipboard == "127.0.10.1"
        await ui.press("y", "j", "j", "enter")
        await ui.hears("Copied the main stream of 01 Front gate: ")
        assert ui.app.clipboard == "rtsp://127.0.10.1:8554/main"
        await ui.press("j", "j", "y", "enter")
        assert "Esc back  ? help" in ui.text.splitlines()[-1]
        await ui.hears("Copied the password")
        assert ui.app.clipboard == daemon.password
        assert daemon.password not in ui.text


async def test_a_viewer_is_offered_neither_password_nor_pad(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon:
        daemon.role = Role.VIEWER
        daemon.tables["camera"][1] = daemon.tables["camera"][1].model_copy(update={"ptz": True})
        async with running_ui(socket) as ui:
            await ui.press("2", "enter", "y")
            await ui.sees("Copy of 01 Front gate")
            assert "password" not in ui.text
            await ui.press("escape")
            await ui.sees("To type into a recorder")
            assert "PTZ" not in ui.text.splitlines()[2]
            assert "for operators" in ui.line_with("Password")
            await ui.press("a")
            await ui.hears("needs the role operator")
            assert not daemon.called("camera.update")


async def test_discovery_is_switched_and_its_troubles_are_told(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, HUGE) as ui:
        await ui.press("2", "enter")
        await ui.sees("Discovery")
        assert "on" in ui.line_with("Discovery")
        await ui.press("i")
        await ui.hears("do not find 01 Front gate by searching any more")
        assert daemon.called("camera.update") == [{"id": 1, "discovery": False}]
        await ui.until(lambda: "only its address" in ui.line_with("Discovery"), "that it is off")
        await ui.press("i")
        await ui.hears("find 01 Front gate by searching again")
        change(daemon, note="Cannot be found by searching: UDP port 3702 is taken.")
        await ui.sees("UDP port 3702")
        await ui.press("escape")
        await ui.sees("Cannot be found by searching")


async def test_sound_h265_metadata_settings_and_https_are_switched_where_they_stand(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, HUGE) as ui:
        await ui.press("2", "enter")
        await ui.sees("Discovery")
        for label, field, toast, words in (
            ("Sound", "audio", "no sound any more", "recorders get none"),
            ("H.265", "h265", "H.265 is hidden", "hidden where there is H.264"),
            ("Metadata", "metadata", "no events beside the video any more", "off: recorders get no events"),
            ("Settings", "forward", "recorders may change encoder", "recorders may change"),
            ("Sharing", "share", "a session with the NVR each", "NVR for each recorder"),
            ("HTTPS", "https", "it answers by HTTPS, too", "HTTPS        on; its addresses"),
        ):
            rows = [line[4:15].strip() for line in ui.text.splitlines()]
            await ui.press("g", *["j"] * (rows.index(label) - rows.index("Address")), "enter")
            await ui.hears(toast)
            assert daemon.called("camera.update")[-1] == {"id": 1, field: field in ("forward", "https")}
            await ui.sees(words)
        known = daemon.tables["camera"][1]
        streams = [one.model_copy(update={"rtsps_url": f"rtsps://10.77.0.101/{one.name}"}) for one in known.streams]
        change(daemon, streams=streams)
        await ui.sees("rtsps://10.77.0.101/sub")
        await ui.press("enter")
        await ui.hears("it answers by HTTP alone")  # the cursor stands where it stood


async def test_what_can_be_set_by_commands_alone_is_shown(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, HUGE) as ui:
        changes = {"clock_window_s": 3600, "notify": ["10.9.0.0/24"], "accounts": ["protect"], "ptz": True}
        changes |= {"https": True, "https_url": "https://10.77.0.101/onvif/device_service", "speaker": True}
        main = daemon.tables["camera"][1].streams[0]
        changes["streams"] = [main.model_copy(update={"rtsps_url": "rtsps://10.77.0.101/main"})]
        change(daemon, **changes)
        await ui.press("2", "enter")
        await ui.sees("a recorder's may differ by 3600 s")
        await ui.sees("self-made, until 2036-11-22")
        rows = [" ".join(line.split()) for line in ui.text.splitlines()]
        for words in (
            "PTZ yes",
            "Speaker yes: recorders can talk",
            "RTSPS rtsps://10.77.0.101/main",
            "Notifies its own LAN, 10.9.0.0/24",
            "Accounts its own, protect",
            "HTTPS https://",
            "Certificate self-made, until 2036-11-22, for 127.0.10.1",
        ):
            assert any(words in row for row in rows), words
        fields = ui.app.screen.query_one("#fields", LiveTable)
        fields.move_to(next(key for key in fields.keys if "Certificate" in fields.text_of(key)))
        await ui.press("enter")
        await ui.sees("the certificate of its HTTPS")
        await ui.sees("refuse one that nobody")


async def test_the_account_is_changed_with_words_about_what_that_means(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        change(daemon, adopted_by="10.77.0.3")
        await ui.press("2", "enter")
        await ui.sees("10.77.0.3")
        await ui.press("j", "enter")  # on the user
        await ui.sees("Account of 01 Front gate")
        assert "The recorder at 10.77.0.3 has this account." in ui.text
        await ui.press("enter")
        await ui.write("new-secret")
        daemon.answers["camera.update"] = InvalidInput("Wrong.", fields={"password": "is too easy"})
        await ui.press("enter")
        await ui.sees("is too easy")
        del daemon.answers["camera.update"]
        await ui.press("ctrl+s")
        await ui.hears("type the new account into the recorder now")
        assert daemon.called("camera.update")[-1] == {"id": 1, "password": "new-secret"}
        assert "new-secret" not in ui.text


async def test_addresses_are_links_where_terminal_and_user_want_them(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def links(ui: Ui) -> set[str]:
        table = ui.app.screen.query_one("#fields", LiveTable)
        strips = [table.render_line(y) for y in range(table.size.height)]
        return {one.style.link for strip in strips for one in strip if one.style and one.style.link}

    monkeypatch.setenv("TERM", "xterm-256color")
    async with FakeDaemon(socket, 2), running_ui(socket, HUGE) as ui:
        await ui.press("2", "enter")
        await ui.sees("ONVIF")
        assert "rtsp://127.0.10.1:8554/main" in links(ui) and len(links(ui)) == 4
        ui.app.prefer(links=False)
        assert not links(ui)
        ui.app.prefer(links=True)
        monkeypatch.setenv("TERM", "linux")
        assert not links(ui)


# the QR code


async def test_the_qr_code_on_the_screen_is_that_of_the_onvif_address(socket: Path) -> None:
    url = "http://127.0.10.1:8080/onvif/device_service"
    expected = [list(row) for row in segno.make(url, error="l", micro=False).matrix_iter(border=QUIET)]
    async with FakeDaemon(socket, 2), running_ui(socket) as ui:
        await ui.press("2", "enter", "Q")
        await ui.sees(url)
        lines = [line.partition("│")[2] for line in ui.text.splitlines() if "│" in line]
        drawn = [line[1 : 1 + len(expected)] for line in lines if set(line[1 : 1 + len(expected)]) <= set(" █▀▄")]
        assert read_halves(drawn, len(expected)) == expected
        await ui.press("Q")
        await ui.sees("To type into a recorder")


async def test_without_blocks_the_code_says_what_room_it_needs_and_is_drawn_where_there_is(socket: Path) -> None:
    async with FakeDaemon(socket, 2), running_ui(socket, ascii_only=True) as ui:
        await ui.press("2", "enter", "Q")
        await ui.sees("The code needs 70 columns and 39 lines")
        await ui.pilot.resize_terminal(*WIDE)
        await ui.until(lambda: "The code needs" not in ui.text, "that it fits")
        assert ui.text.isascii()
        reversed_cells = sum(
            segment.cell_length
            for strip in ui.app.screen.query_one(QrCode).strips
            for segment in strip
            if segment.style and segment.style.reverse
        )
        url = "http://127.0.10.1:8080/onvif/device_service"
        light = sum(not module for row in segno.make(url, error="l").matrix_iter(border=QUIET) for module in row)
        assert reversed_cells == 2 * light


# streams


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE], ids=["80x24", "120x40", "160x48"])
async def test_streams_say_what_passes_who_gets_it_and_draw_the_last_minutes(
    socket: Path, size: tuple[int, int]
) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, size) as ui:
        await ui.press("2", "enter", "b")
        await ui.sees("○ idle")
        change(daemon, **playing(daemon))
        await ui.sees("● running")
        await ui.sees("█")
        await ui.sees("10.77.0.3:40000")
        rows = [" ".join(line.rpartition("│")[2].split()) for line in ui.text.splitlines()]
        at = rows.index("main H.265 2560×1440 25 fps ● running")
        assert rows[at + 1] == "rtsp://127.0.10.1:8554/main"
        assert rows[at + 2] == "now 5.9 Mbit/s 24.9 fps key 2.0 s jitter 1.2 ms"
        assert rows[at + 3] == "lost 3 packets"
        assert rows[at + 4].startswith("Mbit/s ▁") and rows[at + 4].endswith("█ max 5.9")
        assert rows[at + 6].startswith("plays ") and "█ max " in rows[at + 6]
        assert rows[at + 7].startswith("to 10.77.0.3:40000 TCP since ") and "2 skips" in rows[at + 7]
        assert all(len(line) <= size[0] for line in ui.text.splitlines())


async def test_nothing_is_asked_for_when_nobody_plays_or_nobody_looks(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await ui.press("2", "enter")
        await ui.sees("To type into a recorder")
        assert not daemon.called("camera.streams") and not daemon.called("camera.history")
        await ui.press("b")
        await ui.sees("○ idle")
        pane = ui.app.screen.query_one(StreamsPane)
        assert pane._timer is None
        change(daemon, **playing(daemon))
        await ui.until(lambda: pane._timer is not None, "looks once a second")
        asked = len(daemon.called("camera.streams"))
        await ui.until(lambda: len(daemon.called("camera.streams")) >= asked + 2, "two more looks")
        await ui.press("v")
        assert pane._timer is None
        await ui.press("b")
        await ui.until(lambda: pane._timer is not None, "looks again")
        main, sub = daemon.tables["camera"][1].streams
        change(daemon, clients=0, streams=[main.model_copy(update={"clients": 0, "bps": 0}), sub])
        await ui.until(lambda: pane._timer is None, "that it ends with the last recorder")
        await ui.sees("(until ")


async def test_a_figure_that_changes_repaints_its_own_line_alone(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        change(daemon, **playing(daemon))
        await ui.press("2", "enter", "b")
        await ui.sees("24.9 fps")
        await ui.sees("█")
        lines = ui.app.screen.query_one("#stream-lines", Lines)
        known = daemon._camera_streams({"id": 1})
        painted = lines.painted_lines
        daemon.answers["camera.streams"] = [known[0].model_copy(update={"fps": 12.3}), known[1]]
        await ui.sees("12.3 fps")
        assert lines.painted_lines == painted + 1
        asked = len(daemon.called("camera.streams"))
        await ui.until(lambda: len(daemon.called("camera.streams")) >= asked + 2, "two more looks")
        assert lines.painted_lines == painted + 1


# events and requests


@SIZES
async def test_events_follow_as_they_come(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, size) as ui:
        await ui.press("2", "enter", "v")
        await ui.sees("line crossed")
        asked = len(daemon.called("camera.events"))
        change(daemon, last_event="motion ends", last_event_at="2026-11-22T09:00:11.000Z")
        await ui.until(lambda: len(daemon.called("camera.events")) > asked, "that the events are read again")
        await ui.press("t")
        await ui.sees("GetProfiles")
        assert "line crossed" not in ui.text


@SIZES
async def test_requests_say_who_is_refused_and_what_to_do_with_the_keys_of_the_screen(
    socket: Path, size: tuple[int, int]
) -> None:
    async with FakeDaemon(socket, 2), running_ui(socket, size) as ui:
        await ui.press("2", "t")
        await ui.sees("10.77.0.3 reached the camera, but used a wrong")
        await ui.sees("p shows")
        assert "onviftui camera credentials" not in ui.text


async def test_new_requests_come_by_themselves_while_somebody_looks(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await ui.press("2", "t")
        await ui.sees("GetProfiles")
        newer = TraceEntry(
            number=4, at="2026-11-22T09:00:12Z", client="10.77.0.3", protocol="onvif", operation="GetNodes", ok=True
        )
        trace = [*daemon._camera_trace({}), newer]
        daemon.answers["camera.trace"] = lambda params: trace[-params["limit"] :]
        await ui.sees("GetNodes")
        lists = [call for call in daemon.called("camera.trace") if call["limit"] > 1]
        asked = len(daemon.called("camera.trace"))
        await ui.until(lambda: len(daemon.called("camera.trace")) > asked, "another look")
        assert [call for call in daemon.called("camera.trace") if call["limit"] > 1] == lists  # one entry tells enough
        await ui.press("v")
        assert all(pane._timer is None for pane in ui.app.screen.query(Pane))


def test_commands_are_said_as_keys_where_there_are_some() -> None:
    said = "Type it, or: onviftui camera edit 17 --discovery on"
    assert in_keys(said) == "Type it, or: press i"
    assert in_keys("onviftui camera show 3 says how it stands.") == "onviftui camera show 3 says how it stands."


# the log


async def test_its_log_entries_come_with_the_newest_and_are_shown_in_full(socket: Path) -> None:
    long = "10.77.0.3 " + "asks again and again " * 8 + "to the end"
    async with FakeDaemon(socket, 2) as daemon:
        older: list[LogEntry] = [log(8, long, "warning", "camera 1"), log(9, "of another", subject="camera 2")]
        daemon.answers["log.tail"] = older
        line = logging.LogRecord(
            "proxyd.camera.fleet", logging.WARNING, __file__, 1, "camera 1: port is taken", (), None
        )
        daemon.ring.handle(line)
        async with running_ui(socket) as ui:
            await ui.press("2", "enter", "l")
            await ui.sees("asks again and again")
            await ui.sees("port is taken")
            assert "of another" not in ui.text
            await ui.press("j", "j")
            await ui.sees("to the end")
            daemon.change("log", log(10, "Renamed it.", subject="camera 1"))
            await ui.sees("Renamed it.")
            rows = ui.text.splitlines()
            assert next(n for n, row in enumerate(rows) if "Renamed" in row) < next(
                n for n, row in enumerate(rows) if "asks again" in row
            )


# the pad


async def with_pad(daemon: FakeDaemon, ui: Ui) -> PtzPane:
    change(daemon, ptz=True)
    await ui.press("2", "enter")
    await ui.sees("PTZ")
    await ui.press("m")
    await ui.sees("Arrows or h j k l move it")
    return ui.app.screen.query_one(PtzPane)


async def test_keys_of_the_pad_move_the_camera_for_a_moment(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await with_pad(daemon, ui)
        for key, action in (("l", "right"), ("up", "up"), ("plus", "in"), ("H", "home"), ("space", "stop")):
            await ui.press(key)
            await until_moved(daemon, ui, action)
        assert daemon.called("camera.ptz")[0] == {"id": 1, "action": "right", "speed": 0.5, "seconds": 0.6}
        await ui.press("greater_than_sign")
        await ui.sees("75 %")
        await ui.press("h")
        await ui.until(lambda: daemon.called("camera.ptz")[-1]["speed"] == 0.75, "a faster move")


async def test_a_held_key_makes_no_queue_and_stop_comes_first(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await with_pad(daemon, ui)
        gate = daemon.hold["camera.ptz"] = asyncio.Event()
        await ui.press(*["l"] * 20, "space", "l", "l")
        gate.set()
        await ui.until(lambda: len(daemon.called("camera.ptz")) == 2, "the first and the one that counts")
        await ui.until(lambda: not ui.app.screen.query_one(PtzPane)._moving, "the end")
        assert [call["action"] for call in daemon.called("camera.ptz")] == ["right", "stop"]


async def test_presets_are_listed_by_name_and_enter_goes_there(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await with_pad(daemon, ui)
        await ui.sees("Parking lot")
        await ui.press("tab", "j", "enter")
        await ui.until(lambda: bool(daemon.called("camera.ptz")), "a move")
        moved = {"id": 1, "action": "preset", "preset": "Parking lot", "speed": 1.0, "seconds": 0.6}
        assert daemon.called("camera.ptz") == [moved]
        await ui.press("tab")
        await ui.sees("What was done, what")


async def test_y_in_the_list_offers_the_same(socket: Path) -> None:
    async with FakeDaemon(socket, 2), running_ui(socket) as ui:
        await ui.press("2", "j", "y")
        await ui.sees("Copy of 02 Yard")
        await ui.press("j", "enter")
        await ui.hears("Copied the ONVIF address of 02 Yard: ")
        assert ui.app.clipboard == "http://127.0.10.2:8080/onvif/device_service"


@pytest.mark.parametrize("key", ["b", "t", "v", "l", "m", "p"])
async def test_every_pane_lives_on_when_the_daemon_goes_and_comes_back(socket: Path, key: str) -> None:
    async with FakeDaemon(socket, 2) as daemon:
        daemon.tables["camera"][1] = daemon.tables["camera"][1].model_copy(update={"ptz": True, **playing(daemon)})
        async with running_ui(socket) as ui:
            await ui.press("2", "enter", key)
            await ui.pilot.pause()
            await daemon.stop()
            await ui.sees("proxyd is away")
            await ui.press("tab", "shift+tab", "j", "k", key)
            daemon.tables["camera"][1] = daemon.tables["camera"][1].model_copy(update={"name": "Renamed meanwhile"})
            await daemon.start()
            await ui.until(lambda: ui.app.store.link is Link.LIVE, "the daemon again")
            await ui.sees("Renamed meanwhile")
            if key == "b":
                await ui.sees("24.9 fps")
            elif key == "t":
                await ui.sees("GetProfiles")
            elif key == "v":
                await ui.sees("line crossed")
            assert not ui.app.crashes


async def test_what_devices_say_cannot_move_the_cursor(socket: Path) -> None:
    wide, hostile = "駐車場", "a\x1b[2Jb\u202ec\u200bd"
    async with FakeDaemon(socket, 2) as daemon:
        known = daemon.tables["camera"][1].model_copy(update={"name": wide + hostile, "ptz": True, **playing(daemon)})
        daemon.tables["camera"][1] = known.model_copy(update={"accounts": [hostile], "username": wide * 30})
        daemon.answers["camera.presets"] = [hostile, wide * 20]
        daemon.answers["camera.events"] = [CameraEvent(at="not a time", what=hostile, topic=wide * 30)]
        async with running_ui(socket) as ui:
            await ui.press("2", "enter")
            for key in "btvlmy":
                await ui.press(key)
                await ui.pilot.pause()
                assert "\x1b" not in ui.text and "\u202e" not in ui.text
                assert all(cell_len(line) <= 80 for line in ui.text.splitlines())
            assert not ui.app.crashes

"""View 7: both logs, what of them is shown, standing still, older entries, looking for words, a file."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from onviftui.log_book import LIMIT, LogBook
from onviftui.log_file import write_new_file
from onviftui.screens.logs import LogsView
from onviftui.screens.whole_entry import WholeEntry
from onviftui.text_file import typed_path
from onviftui.widgets.log_lines import saving_command
from proxyd.api.dial import own
from proxyd.api.models import LogEntry, Role
from proxyd.errors import ProxyError

from .fake_daemon import FakeDaemon, log, troubled
from .ui_driver import WIDE, Ui, running_ui


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def book_of(first: int, last: int) -> LogBook[LogEntry]:
    book: LogBook[LogEntry] = LogBook()
    book.add([log(number, "x") for number in range(first, last + 1)])
    return book


def test_a_book_takes_each_entry_once_and_reads_back_page_by_page() -> None:
    book = book_of(500, 600)
    assert not book.add([log(550, "again"), log(600, "again")])
    assert book.add([log(600, "again"), log(601, "new")])
    book.add_older([log(number, "x") for number in range(400, 501)], book.oldest, more=True)
    assert list(book.shown()) == list(range(400, 602))
    assert book.older
    book.add_older([log(399, "x")], book.oldest, more=False)
    assert (book.oldest, book.older) == (399, False)


def test_a_book_with_a_gap_reads_the_older_ones_again() -> None:
    book = book_of(1, 50)
    book.add_older([], 1, more=False)
    assert not book.older
    assert book.add([log(number, "x") for number in range(60, 71)])
    assert (book.oldest, book.newest, book.older) == (60, 70, True)
    book.pause()
    book.add([log(90, "x")])
    assert list(book.shown()) == list(range(60, 71))  # what somebody looks at stays
    book.go_on()
    assert (list(book.shown()), book.older) == ([90], True)


def test_a_page_that_was_asked_for_before_a_gap_is_passed_over() -> None:
    book = book_of(100, 150)
    asked = book.oldest
    book.add([log(number, "x") for number in range(500, 511)])
    book.add_older([log(number, "x") for number in range(50, 100)], asked, more=True)
    assert (book.oldest, book.older) == (500, True)
    book.add_older([log(number, "x") for number in range(450, 500)], book.oldest, more=True)
    assert list(book.shown()) == list(range(450, 511))


def test_a_book_that_is_full_drops_the_oldest_and_takes_no_older_ones() -> None:
    book = book_of(1000, 1000 + LIMIT + 49)
    assert (len(book.shown()), book.oldest) == (LIMIT, 1050)
    book.add_older([log(number, "x") for number in range(900, 1000)], book.oldest, more=True)
    assert (len(book.shown()), book.oldest, book.older) == (LIMIT, 1050, False)


def test_a_paused_book_shows_what_was_and_counts_what_comes() -> None:
    book = book_of(1, 5)
    book.pause()
    book.add([log(6, "x"), log(7, "x")])
    assert list(book.shown()) == [1, 2, 3, 4, 5]
    assert [entry.id for entry in book.waiting()] == [6, 7]
    book.go_on()
    assert list(book.shown())[-1] == 7
    assert not book.waiting()


def say(daemon: FakeDaemon, level: int, logger: str, message: str, *values: object) -> None:
    daemon.ring.handle(logging.LogRecord(logger, level, __file__, 1, message, values, None))


def top(ui: Ui) -> str:
    """The line that says which log, what of it, and whether it goes on."""
    return ui.line_with("Events ")


async def test_the_newest_stays_on_top_until_one_looks_back(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("7")
        assert "following" in top(ui)
        daemon.change("log", log(3, "first news"))
        await ui.sees("first news")
        assert ui.table.cursor_key == 3
        await ui.press("j")
        assert "paused" in top(ui)
        for number in range(4, 41):
            daemon.change("log", log(number, f"news {number}"))
        await ui.sees("paused, 37 new")
        assert "news 40" not in ui.text
        assert ui.table.cursor_key == 2
        await ui.press("g")
        await ui.sees("news 40")
        assert "following" in top(ui)
        assert ui.table.cursor_key == 40


async def test_p_stands_still_on_the_newest_too_and_p_goes_on(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        await ui.press("7", "p")
        daemon.change("log", log(3, "first news"))
        await ui.sees("paused, 1 new")
        await ui.press("j", "k")
        assert "paused, 1 new" in top(ui)
        await ui.press("p")
        await ui.sees("first news")
        assert "following" in top(ui)


async def test_level_and_subject_say_what_they_leave_out(socket: Path) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        async with running_ui(socket, WIDE) as ui:
            await ui.press("7", "w")
            assert "level warnings and errors" in top(ui)
            assert sorted(ui.table.keys) == [4, 5]
            await ui.press("w")
            assert "level errors alone" in top(ui)
            assert ui.table.keys == [4]
            await ui.press("w")
            assert "level" not in top(ui)
            ui.table.move_to(5)
            await ui.press("c")
            assert "only 03 Office" in top(ui)
            assert ui.table.keys == [5]
            daemon.change("log", log(6, "not about that"))
            daemon.change("log", log(7, "about that", subject="camera 3"))
            await ui.press("g")
            await ui.until(lambda: ui.table.keys == [7, 5], "the news about it alone")
            await ui.press("escape")
            assert "only" not in top(ui)
            assert ui.table.keys[0] == 7
            await ui.press("w")
            await ui.press("slash", *"about:yard", "enter")
            assert "Nothing matches the filter" in ui.text
            await ui.press("escape", "escape")
            assert len(ui.table.keys) == 7
            await ui.press("slash", *"camera:office !camera:yard", "enter")
            assert ui.table.keys == [7, 5]


async def test_older_entries_come_when_the_end_is_reached(socket: Path) -> None:
    async with FakeDaemon(socket, 1) as daemon:
        everything = {number: log(number, f"entry {number}") for number in range(1, 1301)}
        daemon.tables["log"] = {number: everything[number] for number in range(1201, 1301)}  # the snapshot
        async with running_ui(socket) as ui:
            daemon.tables["log"] = everything
            await ui.press("7")
            assert len(ui.table.keys) == 100
            await ui.press("G")
            await ui.until(lambda: len(ui.table.keys) == 600, "a page")
            assert ui.table.cursor_key == 1201
            await ui.press("G")
            await ui.until(lambda: len(ui.table.keys) == 1100, "another page")
            await ui.press("G")
            await ui.until(lambda: len(ui.table.keys) == 1300, "the rest")
            await ui.press("G")
            assert "entry 1 " in ui.text
            await ui.pilot.pause()
            assert [call["before"] for call in daemon.called("log.tail")] == [1201, 701, 201]


async def test_a_filter_with_few_matches_looks_in_the_older_ones_by_itself(socket: Path) -> None:
    async with FakeDaemon(socket, 1) as daemon:
        daemon.tables["log"] = {number: log(number, f"entry {number}.") for number in range(1201, 1301)}
        async with running_ui(socket) as ui:
            daemon.tables["log"] = {number: log(number, f"entry {number}.") for number in range(1, 1301)}
            await ui.press("7", "slash", *"7.", "enter")
            await ui.until(lambda: len(ui.table.keys) >= 20, "a screen of matches")


async def test_the_daemons_own_lines_come_as_they_are_said(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket, WIDE) as ui:
        say(daemon, logging.INFO, "proxyd.camera.fleet", "camera %d: listens on %s", 2, "127.0.10.2")
        await ui.press("7", "tab")
        await ui.sees("camera 2: listens on 127.0.10.2")
        assert "▸Daemon" in top(ui)
        assert "PART" in ui.text
        assert "02 Yard" in ui.line_with("listens on")
        say(daemon, logging.ERROR, "proxyd.rtsp.shared", "camera 3 main: lost")
        await ui.sees("✖ ")
        assert ui.table.cursor_key == 2
        await ui.press("tab")
        await ui.sees("proxyd started")
        assert "▸Events" in top(ui)
        asked = len(daemon.called("log.daemon"))
        say(daemon, logging.ERROR, "proxyd.rtsp.shared", "nobody looks")
        await ui.pilot.pause(1.2)  # that nothing is asked while nobody looks
        assert len(daemon.called("log.daemon")) == asked


async def test_a_bug_of_the_daemon_is_shown_in_full(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        try:
            raise RuntimeError("odd " * 60)
        except RuntimeError:
            info = sys.exc_info()
            daemon.ring.handle(logging.LogRecord("proxyd.jobs", logging.ERROR, __file__, 1, "a bug", None, info))
        await ui.press("7", "tab")
        await ui.sees("a bug")
        await ui.press("enter")
        await ui.sees("Traceback")
        assert isinstance(ui.app.screen, WholeEntry)
        await ui.press("G")
        await ui.sees("Esc closes this")
        await ui.press("escape")
        assert ui.app.query_one(LogsView).display


async def test_a_viewer_is_told_why_he_does_not_see_the_daemons_lines(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon:
        daemon.role = Role.VIEWER
        async with running_ui(socket) as ui:
            await ui.press("7", "tab")
            await ui.hears("needs the role operator")
            assert "Daemon" not in top(ui)
            assert not daemon.called("log.daemon")


async def test_find_goes_to_the_next_entry_and_hides_nothing(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon:
        daemon.tables["log"] = {n: log(n, f"entry {n} {'odd' if n % 10 == 0 else ''}") for n in range(1, 51)}
        async with running_ui(socket) as ui:
            await ui.press("7", "f", *"ODD", "enter")
            assert ui.table.cursor_key == 40  # the newest, 50, is where it began
            await ui.press("n", "n")
            assert ui.table.cursor_key == 20
            await ui.press("N")
            assert ui.table.cursor_key == 30
            assert len(ui.table.keys) == 50
            assert "find ODD" in top(ui)
            await ui.press("n", "n", "n")
            await ui.hears("not further down")


async def test_what_is_shown_goes_to_a_file_with_the_older_ones(socket: Path, tmp_path: Path) -> None:
    async with FakeDaemon(socket, 1) as daemon:
        everything = {n: log(n, f"entry {n}", "warning" if n % 2 else "info") for n in range(1, 1001)}
        daemon.tables["log"] = {n: everything[n] for n in range(901, 1001)}
        async with running_ui(socket) as ui:
            daemon.tables["log"] = everything
            target = tmp_path / "log.txt"
            await ui.press("7", "w", "x")
            assert ui.app.focused is not None
            await ui.press("ctrl+u")
            await ui.write(str(target))
            await ui.press("enter")
            await ui.hears("500 entries written to")
            lines = target.read_text().splitlines()
            assert len(lines) == 500
            assert lines[0].endswith("entry 999")
            assert lines[-1] == f"{everything[1].at}  warning  daemon  -  entry 1"
            assert target.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "log.txt")
    for name in ("log.txt", "link", "no/such/folder"):
        with pytest.raises(ProxyError):
            write_new_file(str(tmp_path / name), ["x\n"])
    with pytest.raises(ProxyError, match="/~nobody-of-that-name/log: No such file"):
        write_new_file("~nobody-of-that-name/log", ["x\n"])
    assert (tmp_path / "log.txt").read_text() == "mine"


def test_a_typed_path_is_a_file_whatever_it_is_called() -> None:
    assert typed_path("-") == Path.cwd() / "-", "and not standard input, which is the terminal"
    assert typed_path("~/x") == Path.home() / "x"


async def test_in_a_session_that_is_not_the_users_own_nothing_is_written(socket: Path) -> None:
    async with FakeDaemon(socket, 1), running_ui(socket, where=own(socket)) as ui:
        await ui.press("7", "x")
        await ui.hears("ssh BOX log tail --limit 1000 > log.txt")


def test_the_command_that_saves_the_log_from_afar_leaves_out_what_the_screen_does() -> None:
    assert saving_command("daemon", "warning", "camera 3", "dhcp").endswith(
        "log daemon --limit 1000 --level warning --camera 3 --text dhcp > log.txt"
    )
    assert saving_command("tail", "debug", "users", "a b; c") == "ssh BOX log tail --limit 1000 > log.txt"


async def test_names_are_harmless_and_fit(socket: Path) -> None:
    async with FakeDaemon(socket, 1) as daemon, running_ui(socket) as ui:
        daemon.change("log", log(9, "\x1b[2J駐車場 " * 40 + "end", subject="מצלמה\u202e 1"))
        await ui.press("7")
        await ui.sees("駐車場")
        assert "\x1b" not in ui.text
        await ui.press("v")
        await ui.sees("end")


async def test_looking_at_the_daemons_lines_sends_nothing_while_nothing_is_said(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        say(daemon, logging.INFO, "proxyd.daemon", "the only line")
        await ui.press("7", "tab")
        await ui.sees("the only line")
        await ui.pilot.pause()
        before, asked = ui.table.painted_lines, len(daemon.called("log.daemon"))
        await ui.until(lambda: len(daemon.called("log.daemon")) >= asked + 2, "two more looks")
        await ui.pilot.pause()
        assert ui.table.painted_lines == before

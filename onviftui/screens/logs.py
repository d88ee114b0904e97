"""View 7: what was done and by whom, or the daemon's own lines; newest first, as they come, until one looks back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.timer import Timer

from proxyd.api.logs import DaemonLog
from proxyd.api.models import LogEntry
from proxyd.errors import ProxyError

from ..keys import view_bindings
from ..log_book import PAGE, LogBook
from ..log_file import write_new_file
from ..store import Changes
from ..ui import ui_of
from ..widgets.line import Line, Piece, line, plain, spread
from ..widgets.livetable import LiveTable
from ..widgets.log_lines import (
    AT_LEAST,
    DAEMON_COLUMNS,
    EVENT_COLUMNS,
    LEVELS,
    AnyEntry,
    file_line,
    log_detail,
    log_row,
    paused_words,
    saving_command,
    who,
)
from ..widgets.paint import Lines
from ..widgets.rows import Row
from ..words import ON_GLYPH, Sign, Tone, count
from .dialog import AskText
from .view import TableView
from .whole_entry import WholeEntry

POLL_S = 1.0
_SUBJECT = re.compile(r"(camera|nvr) (\d{1,15})")


class LogsView(TableView):
    view_id = "logs"
    kind = "log"
    BINDINGS = view_bindings("logs")
    columns = EVENT_COLUMNS
    first_sort = ("time", True)
    filter_names = ("level", "camera", "nvr", "by", "about", "part")

    def __init__(self) -> None:
        super().__init__()
        self._books: dict[str, LogBook[Any]] = {"events": LogBook(), "daemon": LogBook()}
        self._mode = "events"
        self._least = "debug"
        self._only = ""  # the subject that alone is shown
        self._by_hand = False  # paused by the key, not by looking back
        self._reading = False  # a page of older ones is on its way
        self._polling = False
        self._poll_timer: Timer | None = None
        self._export_to: Callable[[], None] | None = None
        self._needle = ""

    def compose(self) -> ComposeResult:
        yield Lines(id="log-line")
        yield from super().compose()

    # the two logs

    @property
    def book(self) -> LogBook[Any]:
        return self._books[self._mode]

    def items(self) -> Mapping[int, AnyEntry]:
        shown: Mapping[int, AnyEntry] = self.book.shown()
        return {key: entry for key, entry in shown.items() if self._chosen(entry)} if self._choosing else shown

    @property
    def _choosing(self) -> bool:
        return bool(self._only) or LEVELS.index(self._least) > 1

    def _chosen(self, entry: AnyEntry) -> bool:
        return LEVELS.index(entry.level) >= LEVELS.index(self._least) and self._only in ("", entry.subject)

    def apply(self, changes: Changes) -> None:
        if changes.everything:  # entries may have been missed, or it is another daemon
            for book in self._books.values():
                book.clear()
        fresh = self._books["events"].add(ui_of(self).store.log.values())
        if changes.everything or changes.link or changes.of("camera") or changes.of("nvr"):
            self.reload()
        elif fresh and self._mode == "events":
            self._show()

    def reload(self) -> None:
        self._books["events"].add(ui_of(self).store.log.values())
        if self._mode == "daemon" and not ui_of(self).may_call("log.daemon"):
            self._mode = "events"  # another role than before
        self.table.show_columns(self._columns)
        self._poll()
        super().reload()

    @property
    def _columns(self) -> Sequence[Any]:
        return EVENT_COLUMNS if self._mode == "events" else DAEMON_COLUMNS

    def _poll(self) -> None:
        """The daemon's lines are fetched while they are looked at."""
        if self._mode == "daemon" and self._poll_timer is None:
            self._poll_timer = self.set_interval(POLL_S, self._look_again, name="daemon log")
            self._look_again()

    def _look_again(self) -> None:
        if self._mode != "daemon" or not self.display or not self.is_on_screen:
            if self._poll_timer is not None:
                self._poll_timer.stop()
                self._poll_timer = None
            return
        if self._polling or self.stale:
            return
        self._polling = True
        book = self._books["daemon"]
        params = {"after": book.newest, "limit": 1000 if book.newest else PAGE}

        def arrived(log: DaemonLog) -> None:
            self._polling = False
            if book.add(log.lines, older=log.older) and self._mode == "daemon":
                self._show()

        ui_of(self).ask("log.daemon", params, doing="", then=arrived, failed=self._poll_failed)

    def _poll_failed(self, error: ProxyError) -> bool:
        self._polling = False
        return True  # the header says that the daemon is away

    # older ones

    def _read_older(self) -> None:
        book = self.book
        if self._reading or not book.older or not book.oldest or self.stale:
            return
        self._reading = True
        before = book.oldest

        def arrived(answer: list[LogEntry] | DaemonLog) -> None:
            self._reading = False
            entries = answer.lines if isinstance(answer, DaemonLog) else answer
            book.add_older(entries, before, more=len(entries) == PAGE)
            if self._export_to is not None and not book.older:
                self._export_to()
            elif self._export_to is not None:
                self._read_older()
            if book is self.book:
                self._show()

        def failed(error: ProxyError) -> bool:
            self._reading, self._export_to = False, None
            return False

        method = "log.tail" if self._mode == "events" else "log.daemon"
        params = {"before": before, "limit": PAGE}
        asked = ui_of(self).ask(method, params, doing="Reading older entries…", then=arrived, failed=failed)
        self._reading = asked is not None

    # rows

    def _about(self, subject: str) -> str:
        """The name instead of the number, while it is known."""
        match = _SUBJECT.fullmatch(subject)
        if not match:
            return subject
        store = ui_of(self).store
        known: Any = (store.cameras if match[1] == "camera" else store.nvrs).get(int(match[2]))
        return known.name if known else subject

    def row(self, item: AnyEntry) -> Row:
        ui = ui_of(self)
        return log_row(item, self._about(item.subject), ui.look, ui.local_now())

    def fields(self, item: AnyEntry) -> dict[str, str]:
        about = f"{item.subject} {self._about(item.subject)}"
        fields = {"level": item.level, "about": about, "by": who(item), "part": who(item)}
        if match := _SUBJECT.fullmatch(item.subject):
            fields[match[1]] = f"{match[2]} {self._about(item.subject)}"
        return fields

    def sort_value(self, item: AnyEntry, column: str) -> Any:
        if column in ("", "time"):
            return item.id
        values = {"subject": self._about(item.subject), "message": item.message, "who": who(item)}
        return (values.get(column, "").casefold(), item.id)

    def empty_lines(self) -> list[Line]:
        if self.book.shown():
            return [line(""), line(("    Nothing of that kind. w and c show more, Esc shows all.", Tone.MUTED))]
        return [line(""), line(("    Nothing has happened yet.", Tone.MUTED))]

    def detail_lines(self, item: AnyEntry, width: int, height: int) -> list[Line]:
        return log_detail(item, self._about(item.subject), ui_of(self).local_now(), width, height)

    # following

    @property
    def _newest_first(self) -> bool:
        return (self._sort, self._descending) == ("time", True)

    def _show(self) -> None:
        super()._show()
        table = self.table
        if not self.book.paused and self._newest_first and table.keys and table.cursor_key != table.keys[0]:
            table.move_to(table.keys[0])
        self._show_line()
        self._fill_up()

    def _fill_up(self) -> None:
        """Older ones are read when the end is reached, or there is room."""
        table = self.table
        at_the_end = not table.keys or table.cursor_key == table.keys[-1]
        if at_the_end or len(table.keys) < table.size.height - 1:
            self._read_older()

    def _show_line(self) -> None:
        """Which log, what of it, and whether it goes on."""
        ui = ui_of(self)
        pieces: list[Piece] = []
        modes = ("events", "daemon") if ui.may_call("log.daemon") else ("events",)
        for mode in modes:
            mark = ui.look.cursor if mode == self._mode else " "
            pieces += [(f" {mark}", Tone.ACCENT)]
            pieces += [(f"{mode.capitalize()} ", Tone.STRONG if mode == self._mode else Tone.MUTED)]
        if LEVELS.index(self._least) > 1:
            pieces += [("  level ", Tone.MUTED), (AT_LEAST[self._least], Tone.ACCENT)]
        if self._only:
            pieces += [("  only ", Tone.MUTED), (plain(self._about(self._only)), Tone.ACCENT)]
        if self._needle:
            pieces += [("  find ", Tone.MUTED), (plain(self._needle), Tone.ACCENT)]
        right = line((f"{count(len(self.table.keys), 'entry', 'entries')}  ", Tone.MUTED), *self._standing(), " ")
        box = self.query_one("#log-line", Lines)
        box.show([spread(tuple(pieces), right, max(20, box.size.width or self.app.size.width))], stale=self.stale)

    def _standing(self) -> list[Piece]:
        if self.book.paused:
            waiting = sum(self._chosen(entry) for entry in self.book.waiting())
            return [(paused_words(waiting), Tone.WARNING)]
        return [(f"{ui_of(self).look.glyph(Sign(*ON_GLYPH, ''))} following", Tone.QUIET)]

    @on(LiveTable.Moved)
    def _looked_back(self) -> None:
        """Away from the newest: the list stands still. Back on it: it goes on."""
        table, book = self.table, self.book
        if not self._newest_first or not table.keys:
            return
        newest = table.cursor_key == table.keys[0]
        if not newest and not book.paused:
            book.pause()
        elif newest and book.paused and not self._by_hand:
            book.go_on()
            self._show()
        self._show_line()
        self._fill_up()

    def action_pause(self) -> None:
        book = self.book
        if book.paused:
            book.go_on()
        else:
            book.pause()
        self._by_hand = book.paused
        self._show()

    # what is shown

    def action_other_log(self) -> None:
        if not ui_of(self).allowed("log.daemon", "the daemon's log"):
            return
        self.book.go_on()
        self._by_hand = False
        self._mode = "events" if self._mode == "daemon" else "daemon"
        self.reload()

    def action_level(self) -> None:
        steps = ("debug", "warning", "error")
        self._least = steps[(steps.index(self._least) + 1) % len(steps)]
        self._show()

    def action_only(self) -> None:
        item = self.current()
        if self._only or item is None or not item.subject:
            self._only = ""
        else:
            self._only = item.subject
        self._show()

    def step_back(self) -> bool:
        if super().step_back():
            return True
        had = self._choosing or bool(self._needle) or self.book.paused
        self._least, self._only, self._needle, self._by_hand = "debug", "", "", False
        self.book.go_on()
        self._show()
        return had

    # looking for a word without hiding the rest

    def action_find(self) -> None:
        def typed(text: str | None) -> None:
            if text:
                self._needle = text
                self._show_line()
                self.action_find_older()

        self.app.push_screen(AskText("Find which words?", "", "Enter looks in older entries, n and N go on"), typed)

    def action_find_older(self) -> None:
        self._find(1)

    def action_find_newer(self) -> None:
        self._find(-1)

    def _find(self, step: int) -> None:
        if not self._needle:
            self.action_find()
            return
        table, needle = self.table, self._needle.casefold()
        items = self.items()
        places = [n for n, key in enumerate(table.keys) if needle in file_line(items[key]).casefold()]
        at = table.keys.index(table.cursor_key) if table.cursor_key is not None else -1
        ahead = [n for n in places if n > at] if step > 0 else [n for n in reversed(places) if n < at]
        if ahead:
            table.move_to(table.keys[ahead[0]])
            return
        more = " in what has been read; G reads older ones" if self.book.older and step > 0 else ""
        ui_of(self).toast(f"“{plain(self._needle)}” is not further {'down' if step > 0 else 'up'}{more}.", "warning")

    # one entry

    def action_open(self) -> None:
        item = self.current()
        match = _SUBJECT.fullmatch(item.subject) if item is not None else None
        if item is None:
            return
        if not match:
            self.action_whole()
            return
        store, number = ui_of(self).store, int(match[2])
        if match[1] == "camera" and number in store.cameras:
            ui_of(self).open_camera(number)
        elif match[1] == "nvr" and number in store.nvrs:
            ui_of(self).show_view("nvrs", f'name:"{store.nvrs[number].name}"')
        else:
            ui_of(self).toast(f"{item.subject} no longer exists.")

    def action_whole(self) -> None:
        item = self.current()
        if item is not None:
            self.app.push_screen(WholeEntry(item, self._about(item.subject)))

    # a file

    def action_export(self) -> None:
        """All that match, older ones too."""
        ui = ui_of(self)
        if not ui.local:
            verb = "tail" if self._mode == "events" else "daemon"
            text = " ".join(term.text for term in self._filter.terms if not (term.field or term.negated))
            command = saving_command(verb, self._least, self._only, text)
            ui.toast(f"Nothing is written on the box. On your machine: {command}")
            return

        def typed(path: str | None) -> None:
            if path is None:
                return
            self._export_to = lambda: self._write(path)
            if self.book.older and self.book.oldest and not self.stale:
                self._read_older()
            else:
                self._export_to()

        day = ui.local_now().strftime("%Y-%m-%d")
        path = f"~/onviftui-{self._mode}-{day}.txt"
        question = AskText("Write to which file?", path, "Enter writes it, Esc goes back", same=True, longest=1000)
        self.app.push_screen(question, typed)

    def _write(self, path: str) -> None:
        self._export_to = None
        self._show()
        items = self.items()
        try:
            written = write_new_file(path, [file_line(items[key]) for key in self.table.keys])
        except ProxyError as error:
            ui_of(self).toast(str(error), "error")
        else:
            ui_of(self).toast(f"{count(len(self.table.keys), 'entry', 'entries')} written to {written}.")

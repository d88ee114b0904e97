"""Entries of the two logs as rows, as the lines of the pane below, and as text for a file. Pure."""

from __future__ import annotations

import shlex
from datetime import datetime, tzinfo

from proxyd.api.logs import DaemonLine
from proxyd.api.models import LogEntry

from ..words import HUMAN_GLYPH, OFF_GLYPH, Look, Sign, Tone, format_time, format_when
from .columns import Cell, Column
from .line import Line, line, plain, wrap
from .rows import Row

AnyEntry = LogEntry | DaemonLine

LEVELS = ("debug", "info", "warning", "error")
SIGNS = {
    "debug": Sign("·", ".", Tone.MUTED, "debug"),
    "info": Sign(*OFF_GLYPH, "info"),
    "warning": Sign("▲", "!", Tone.WARNING, "warning"),
    "error": Sign(*HUMAN_GLYPH, "error"),
}
AT_LEAST = {
    "debug": "everything",
    "info": "everything",
    "warning": "warnings and errors",
    "error": "errors alone",
}
EVENT_COLUMNS = (
    Column("time", "TIME", 8),
    Column("subject", "ABOUT", 14, flex=1, longest=24),
    Column("message", "MESSAGE", 36, flex=5),
    Column("who", "BY", 10, 2, flex=1, longest=24),
)
DAEMON_COLUMNS = (
    Column("time", "TIME", 8),
    Column("who", "PART", 14),
    Column("message", "MESSAGE", 36, flex=5),
    Column("subject", "ABOUT", 12, 2, flex=1, longest=24),
)


def who(entry: AnyEntry) -> str:
    """Who did it, or which part of the daemon says it."""
    return entry.actor if isinstance(entry, LogEntry) else entry.part


def short_actor(actor: str) -> str:
    """For a narrow column: "anna via onviftui" came by SSH, and her name is what counts."""
    name, via, _ = actor.partition(" via ")
    return f"{name} (SSH)" if via else actor


def moment(at: str, now: datetime, zone: tzinfo | None) -> str:
    """The time of day; the day where it is another one."""
    clock = format_time(at, zone)
    try:
        day = datetime.fromisoformat(at).astimezone(zone)
    except ValueError:
        return clock
    return clock if day.date() == now.astimezone(zone).date() else f"{day.day} {day:%b}"


def log_row(entry: AnyEntry, about: str, look: Look, now: datetime) -> Row:
    """`about` is the name of what the entry is about. Cells in the order of its columns."""
    sign = SIGNS[entry.level]
    tone = {"info": Tone.TEXT, "debug": Tone.MUTED}.get(entry.level, sign.tone)
    time = Cell(moment(entry.at, now, now.tzinfo), Tone.MUTED)
    message = Cell(entry.message, tone)
    if isinstance(entry, LogEntry):
        cells = (time, Cell(about), message, Cell(short_actor(entry.actor), Tone.MUTED))
    else:
        cells = (time, Cell(entry.part, Tone.MUTED), message, Cell(about, Tone.MUTED))
    return Row(entry.id, look.glyph(sign), sign.tone, cells)


def log_detail(entry: AnyEntry, about: str, now: datetime, width: int, height: int) -> list[Line]:
    """What fits into the pane: a heading, then the message, wrapped."""
    room = max(1, height - 1)
    tone = SIGNS[entry.level].tone if entry.level in ("warning", "error") else Tone.TEXT
    words = wrap(entry.message, max(20, width - 2), tone, room)
    if isinstance(entry, DaemonLine) and entry.detail and len(words) < room:
        words += [line((entry.detail.strip().splitlines()[-1][: width - 2], Tone.MUTED))][: room - len(words)]
    when = format_when(entry.at, now, now.tzinfo)
    heading = [(f" {plain(about) or who(entry)}", Tone.STRONG), (f"   {entry.level}   {when}", Tone.MUTED)]
    if who(entry) and about:
        heading.append((f"   {'by ' if isinstance(entry, LogEntry) else ''}{plain(who(entry))}", Tone.MUTED))
    return [tuple(heading), *[((" ", Tone.TEXT), *w) for w in words]]


def whole_lines(entry: AnyEntry, about: str, now: datetime, width: int) -> list[Line]:
    """All of it, with the traceback of a bug."""
    facts = (("when", f"{format_when(entry.at, now, now.tzinfo)} ({entry.at})"), ("level", entry.level))
    lines = [line((plain(about) or "daemon", Tone.STRONG)), line("")]
    lines += [line((f"{label:<7}", Tone.MUTED), value) for label, value in facts]
    if who(entry):
        lines.append(line((f"{'by' if isinstance(entry, LogEntry) else 'part':<7}", Tone.MUTED), plain(who(entry))))
    lines += [line(""), *wrap(entry.message, width, Tone.TEXT, limit=60)]
    if isinstance(entry, DaemonLine) and entry.detail:
        lines.append(line(""))
        lines += [line((plain(row.expandtabs(4)), Tone.MUTED)) for row in entry.detail.splitlines()]
    return [*lines, line(""), line(("Esc closes this", Tone.MUTED))]


def file_line(entry: AnyEntry) -> str:
    """For a file: one line, and the traceback below it, indented. Times are UTC, as the daemon has them."""
    words = f"{entry.at}  {entry.level:<7}  {entry.subject or '-'}  {who(entry) or '-'}  {entry.message}"
    detail = entry.detail if isinstance(entry, DaemonLine) else ""
    return "\n".join([plain(words), *(f"    {plain(row)}" for row in detail.splitlines())]) + "\n"


def saving_command(log: str, level: str, subject: str, text: str) -> str:
    """What writes the same entries to a file from afar; `subject` as entries have it, `text`: words of the filter,
    which are left out where shells would take them apart."""
    words = f"ssh BOX log {log} --limit 1000"
    if level in ("warning", "error"):
        words += f" --level {level}"
    kind, _, number = subject.partition(" ")
    if kind in ("camera", "nvr") and number:
        words += f" --{kind} {number}"
    if text and text == shlex.quote(text):
        words += f" --text {text}"
    return f"{words} > log.txt"


def paused_words(waiting: int) -> str:
    return f"paused, {waiting} new" if waiting else "paused"

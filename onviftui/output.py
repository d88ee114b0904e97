"""How results look: aligned tables, `name: value` lines, JSON, and errors in one line with the next step.

Text from devices is made harmless first: control characters could otherwise drive the terminal.
"""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from proxyd.errors import InvalidInput, ProxyError

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `least` > 0: may shrink to that many cells on a narrow terminal; `optional`: may go."""

    title: str
    right: bool = False
    least: int = 0
    optional: bool = False


def display_width(text: str) -> int:
    """Terminal cells that `text` takes: wide East Asian characters two, combining ones none."""
    width = 0
    for char in text:
        if unicodedata.combining(char):
            continue
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return width


def harmless(value: object) -> str:
    """`value` as one printable line."""
    text = "" if value is None else str(value)
    return "".join(char if char.isprintable() else "�" for char in text)


def counted(count: int, noun: str) -> str:
    """Like "1 camera", "8 cameras"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def local_time(at: str | None) -> str:
    """A moment of the daemon (ISO 8601, UTC) as the clock on the wall shows it: "2026-11-22 15:03:29"."""
    try:
        moment = datetime.fromisoformat(at or "")
    except ValueError:
        return at or ""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, ending with … when something was cut."""
    if display_width(text) <= width:
        return text
    kept = ""
    for char in text:
        if display_width(kept + char) > width - 1:
            break
        kept += char
    return kept + "…" if width > 0 else ""


def format_table(columns: Sequence[Column], rows: Iterable[Sequence[object]], width: int | None) -> list[str]:
    """Lines of a table with a heading. Too wide for `width` (None: any width will do), columns shrink from the last to
    the first down to their `least`; when that does not help, optional columns are left out, last first."""
    cells = [[harmless(value) for value in row] for row in rows]
    widths = [
        max([display_width(column.title), *(display_width(row[i]) for row in cells)])
        for i, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    if width is not None:
        shown = _columns_that_fit(columns, widths, width)
        excess = _total(widths[i] for i in shown) - width
        for i in reversed(shown):
            if excess > 0 and columns[i].least:
                given = min(excess, max(0, widths[i] - columns[i].least))
                widths[i] -= given
                excess -= given
    lines = [[column.title for column in columns], *cells]
    return [_line([columns[i] for i in shown], [widths[i] for i in shown], [line[i] for i in shown]) for line in lines]


def _columns_that_fit(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    smallest = [min(widths[i], column.least or widths[i]) for i, column in enumerate(columns)]
    shown = list(range(len(columns)))
    for i in reversed(range(len(columns))):
        if columns[i].optional and _total(smallest[j] for j in shown) > width:
            shown.remove(i)
    return shown


def _total(widths: Iterable[int]) -> int:
    """Cells of a line with gaps between its columns."""
    each = list(widths)
    return sum(each) + len(_GAP) * (len(each) - 1)


def _line(columns: Sequence[Column], widths: list[int], cells: Sequence[str]) -> str:
    parts = []
    for column, width, cell in zip(columns, widths, cells, strict=True):
        text = cut(cell, width)
        padding = " " * (width - display_width(text))
        parts.append(padding + text if column.right else text + padding)
    return _GAP.join(parts).rstrip()


def format_pairs(pairs: Iterable[tuple[str, object]]) -> list[str]:
    """`name: value` lines with the values in one column; empty values are left out."""
    shown = [(name, harmless(value)) for name, value in pairs if value not in (None, "")]
    left = max((display_width(name) for name, _ in shown), default=0) + 2
    return [f"{name + ':':<{left}}{value}" for name, value in shown]


def jsonable(value: Any) -> Any:
    """Models, lists of models and plain values as JSON types."""
    if isinstance(value, list):
        return [jsonable(item) for item in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


class Output:
    """Where results go: `json_mode` decides between one JSON document and text for people."""

    def __init__(self, *, json_mode: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.json_mode = json_mode
        self.out = out or sys.stdout
        self.err = err or sys.stderr

    def document(self, value: Any) -> None:
        """One JSON document. Errors on the way out (a closed pipe) are the caller's to catch."""
        self.out.write(json.dumps(jsonable(value), ensure_ascii=False, indent=2) + "\n")

    def lines(self, lines: Iterable[str]) -> None:
        self.out.write("".join(f"{line}\n" for line in lines))

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
        """Fits a terminal's width; elsewhere nothing is cut."""
        width = shutil.get_terminal_size().columns if self.out.isatty() else None
        self.lines(format_table(columns, rows, width))

    def say(self, text: str) -> None:
        """A sentence for people: on standard output, or nowhere in JSON mode."""
        if not self.json_mode:
            self.out.write(f"{text}\n")

    def note(self, text: str) -> None:
        """A remark beside the result, on standard error in both modes."""
        self.err.write(f"{text}\n")
        self.err.flush()

    def error(self, error: ProxyError) -> None:
        """What happened and the next step, on standard error."""
        fields = error.fields if isinstance(error, InvalidInput) else {}
        if self.json_mode:
            body = {"code": error.code, "message": error.message, "hint": error.hint, "fields": fields}
            self.err.write(json.dumps({"error": body}, ensure_ascii=False) + "\n")
        else:
            # The daemon's own message lists them already.
            wrong = "; ".join(f"{name}: {what}" for name, what in fields.items() if what not in error.message)
            parts = (error.message, wrong and f"({wrong})", error.hint)
            self.err.write(harmless(" ".join(part for part in parts if part)) + "\n")
        self.err.flush()

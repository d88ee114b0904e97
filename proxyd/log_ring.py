"""The last lines of the daemon's own log, in memory, for those who cannot read the journal.

A handler of the root logger. It keeps what came last within two limits (lines and characters) and takes a limited
number of lines in each second: a flood costs a count, and one line says what was left out. Warnings have an allowance
of their own, so that chatter never hides them.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import takewhile
from typing import Literal, NamedTuple

from proxyd.api.logs import DaemonLine, DaemonLog, LogDaemonParams

LINES = 5000
CHARACTERS = 2_000_000
PER_SECOND = 200  # of warnings and errors, and as many of the rest
MESSAGE_LIMIT = 2000
DETAIL_LIMIT = 8000

Level = Literal["debug", "info", "warning", "error"]

_ORDER: tuple[Level, ...] = ("debug", "info", "warning", "error")
_SUBJECT = re.compile(r"\b(camera|nvr) (\d{1,15})\b", re.IGNORECASE)
_ACCOUNT = re.compile(r"(://)\S{0,400}@")  # no message should have one; if one has, it stops here, whatever is in it
_PARTS = {
    "proxyd.camera": "cameras",
    "proxyd.discovery": "searches",
    "proxyd.jobs": "scans",
    "proxyd.links": "interfaces",
    "proxyd.nvr": "NVRs",
    "proxyd.onvif": "cameras' ONVIF",
    "proxyd.rpc": "clients",
    "proxyd.rtsp": "streams",
    "proxyd.media": "streams",
    "proxyd.snapshot": "pictures",
    "proxyd.sources": "sources",
    "proxyd.store": "database",
    "proxyd.tls": "certificates",
}
_formatter = logging.Formatter()


class _Kept(NamedTuple):
    id: int
    created: float
    level: Level
    logger: str
    subject: str
    message: str
    detail: str

    @property
    def size(self) -> int:
        return len(self.message) + len(self.detail)


class LogRing(logging.Handler):
    """`attach` gives it the records of all loggers until the function that it returns is called."""

    def __init__(self, lines: int = LINES, per_second: int = PER_SECOND) -> None:
        super().__init__()
        self._kept: deque[_Kept] = deque(maxlen=lines)
        self._characters = 0
        self._newest = 0
        self._per_second = per_second
        self._second = 0
        self._room = {True: per_second, False: per_second}  # by "is it a warning or worse"
        self._over: Counter[str] = Counter()  # by logger, in this second
        self._left_out = 0

    def attach(self) -> Callable[[], None]:
        root = logging.getLogger()
        root.addHandler(self)
        return lambda: root.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Called under the handler's lock, from any thread."""
        second = int(record.created)
        if second != self._second:
            self._next_second(second)
        urgent = record.levelno >= logging.WARNING
        if not self._room[urgent]:
            self._over[record.name] += 1
            return
        self._room[urgent] -= 1
        try:
            message = record.getMessage()[:MESSAGE_LIMIT]
        except Exception:  # its values do not fit; the journal's handler complains of it
            message = str(record.msg)[:MESSAGE_LIMIT]
        detail = _formatter.formatException(record.exc_info)[-DETAIL_LIMIT:] if record.exc_info else ""
        self._keep(record.created, _level(record.levelno), record.name, _subject(record, message), message, detail)

    def _keep(self, created: float, level: Level, logger: str, subject: str, message: str, detail: str) -> None:
        self._newest += 1
        if "@" in message:
            message = _ACCOUNT.sub(r"\1", message)
        if "@" in detail:
            detail = _ACCOUNT.sub(r"\1", detail)
        if len(self._kept) == self._kept.maxlen:
            self._characters -= self._kept[0].size
        kept = _Kept(self._newest, created, level, logger, subject, message, detail)
        self._kept.append(kept)
        self._characters += kept.size
        while self._characters > CHARACTERS:
            self._characters -= self._kept.popleft().size

    def _next_second(self, second: int) -> None:
        """Says what the last one left out, once."""
        over, ended = self._over, self._second + 1.0
        self._second = second
        self._room = {True: self._per_second, False: self._per_second}
        if over:
            self._over = Counter()
            self._left_out += over.total()
            ((most, _),) = over.most_common(1)
            words = f"{over.total()} lines were left out in one second, most of them of: {part(most)}."
            self._keep(ended, "warning", __name__, "", words, "")

    def read(self, wanted: LogDaemonParams, now: float) -> DaemonLog:
        """`now` as time.time() has it: a flood that has ended is told of although nothing came after it."""
        self.acquire()
        try:
            if self._over and int(now) > self._second:
                self._next_second(int(now))
            everything = list(self._kept)
            newest, left_out = self._newest, self._left_out + self._over.total()
        finally:
            self.release()
        after = 0 if wanted.after > newest else wanted.after  # it was another daemon that gave that number
        first = everything[0].id if everything else newest + 1
        matches = _matcher(wanted)
        since = takewhile(lambda line: line.id > after, reversed(everything))
        found = (line for line in since if (not wanted.before or line.id < wanted.before) and matches(line))
        lines = [line for line, _ in zip(found, range(wanted.limit), strict=False)]
        return DaemonLog(
            lines=[_line(line) for line in reversed(lines)],
            newest=newest,
            older=next(found, None) is not None,
            forgotten=max(0, first - after - 1),
            left_out=left_out,
        )


def part(logger: str) -> str:
    """Which part of the daemon a logger belongs to, in words."""
    for prefix, words in _PARTS.items():
        if logger == prefix or logger.startswith(prefix + "."):
            return words
    return "daemon" if logger.split(".")[0] in ("proxyd", "root") else logger.split(".")[0][:40]


def _matcher(wanted: LogDaemonParams) -> Callable[[_Kept], bool]:
    levels = set(_ORDER[_ORDER.index(wanted.level) :])
    subjects = {f"camera {wanted.camera}"} if wanted.camera is not None else set()
    subjects |= {f"nvr {wanted.nvr}"} if wanted.nvr is not None else set()
    text = wanted.text.casefold()

    def matches(line: _Kept) -> bool:
        if line.level not in levels or (subjects and line.subject not in subjects):
            return False
        return not text or any(
            text in place.casefold() for place in (line.message, line.subject, part(line.logger), line.detail)
        )

    return matches


def _level(number: int) -> Level:
    return _ORDER[min(3, max(0, number // 10 - 1))]


def _subject(record: logging.LogRecord, message: str) -> str:
    camera = record.__dict__.get("camera")  # of a LoggerAdapter
    if isinstance(camera, int):
        return f"camera {camera}"
    match = _SUBJECT.search(message, 0, 200)
    return f"{match[1].lower()} {match[2]}" if match else ""


def _line(kept: _Kept) -> DaemonLine:
    at = datetime.fromtimestamp(kept.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return DaemonLine(
        id=kept.id,
        at=at,
        level=kept.level,
        part=part(kept.logger),
        subject=kept.subject,
        message=kept.message,
        detail=kept.detail,
    )

"""What the arm did or saw, in sentences for people: the newest ones, numbered, and each trouble said once. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

MOST_NOTICES = 100
Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Notice:
    """`at` is CLOCK_REALTIME; `camera` an interface's name, "" for the host."""

    id: int
    at: float
    level: Level
    text: str
    camera: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Notices:
    """`say` numbers and keeps; `tell` is told each new one."""

    def __init__(self, now: Callable[[], float], tell: Callable[[Notice], None]) -> None:
        self._now = now
        self._tell = tell
        self._kept: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self._last_id = 0
        self._standing: dict[str, str] = {}

    def say(self, level: Level, text: str, camera: str = "") -> None:
        self._last_id += 1
        notice = Notice(self._last_id, self._now(), level, text, camera)
        self._kept.append(notice)
        self._tell(notice)

    def stands(self, what: str, text: str, level: Level = "warning", camera: str = "") -> None:
        """A lasting trouble, named `what`: said when it begins or its words change, not while it lasts."""
        if self._standing.get(what) != text:
            self._standing[what] = text
            self.say(level, text, camera)

    def over(self, what: str, text: str = "", camera: str = "") -> None:
        """The trouble `what` is over; `text` is said if it was there."""
        if self._standing.pop(what, None) is not None and text:
            self.say("info", text, camera)

    def standing(self, what: str) -> str:
        """The words of that trouble, "" when there is none."""
        return self._standing.get(what, "")

    def kept(self) -> list[Notice]:
        return list(self._kept)

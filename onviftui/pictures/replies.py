"""Takes a terminal's answers out of what it sends, so that nobody takes them for keys. Pure.

Answers come between the keys that people press, cut anywhere. What may be the beginning of one is held back until the
rest is there, or until `release` says that it does not come.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .capability import Answers, cell_size

_WHOLE = re.compile(
    r"\x1b\[\?(?P<attributes>[\d;]{0,60})c"
    r"|\x1b\[6;(?P<height>\d{1,5});(?P<width>\d{1,5})t"
    r"|\x1bP>\|(?P<name>[^\x1b\x07]{0,200})(?:\x1b\\|\x07)"
    r"|\x1b_G(?P<kitty>[^\x1b]{0,200})\x1b\\"
    r"|\x1b\]11;(?P<background>rgba?:[\da-fA-F/]{5,20})(?:\x1b\\|\x07)"
)
_BEGUN = re.compile(
    r"\x1b(?:\[(?:\?[\d;]{0,60}|6(?:;\d{0,5}){0,2})?|P(?:>(?:\|[^\x1b\x07]{0,200}\x1b?)?)?|_(?:G[^\x1b]{0,200}\x1b?)?"
    r"|\](?:1(?:1(?:;[rgba:\da-fA-F/]{0,25}\x1b?)?)?)?)?\Z"
)
_BACKGROUND = "\x1b]11;"  # nobody types that, so its rest may be late


class Replies:
    """`answers` grows as they come."""

    def __init__(self) -> None:
        self.answers = Answers()
        self._held = ""

    def feed(self, text: str) -> str:
        """What is for others."""
        text = self._held + text
        rest = _WHOLE.sub(self._taken, text)
        begun = _BEGUN.search(rest) if not self.answers.complete else None
        self._held = rest[begun.start() :] if begun else ""
        return rest[: begun.start()] if begun else rest

    def release(self) -> str:
        """What was held back and is no answer after all: nothing more came for a while."""
        if self._held.startswith(_BACKGROUND):
            return ""
        held, self._held = self._held, ""
        return held

    def _taken(self, found: re.Match[str]) -> str:
        if found["attributes"] is not None:
            numbers = frozenset(int(number) for number in found["attributes"].split(";") if number)
            self.answers = replace(self.answers, attributes=numbers, complete=True)
        elif found["width"] is not None:
            self.answers = replace(self.answers, cell=cell_size(int(found["width"]), int(found["height"])))
        elif found["background"] is not None:
            self.answers = replace(self.answers, background=found["background"])
        elif found["name"] is not None:
            self.answers = replace(self.answers, name="".join(c for c in found["name"] if c.isprintable()))
        else:
            self.answers = replace(self.answers, kitty=found["kitty"].endswith(";OK"))
        return ""

"""A line of text in pieces with tones: fitting, wrapping and measuring in terminal cells. Pure.

Wide characters (CJK, emoji) take two cells; everything here counts cells, never characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size

from ..words import Tone

Piece = tuple[str, Tone]
Line = tuple[Piece, ...]
# variation selectors, the box of a keycap, skin tones
_LOOKS = frozenset(map(chr, (*range(0xFE00, 0xFE10), 0x20E3, *range(0x1F3FB, 0x1F400))))


def plain(text: str) -> str:
    """Without control characters: names come from devices and must not move the terminal's cursor. Also without what
    only changes the look of the character before it, which terminals do not agree on how wide to draw."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text if c not in _LOOKS)


_ASCII = {"…": "~", "→": ">", "–": "-", "×": "x", "•": "*", "●": "*", "▲": "!", "’": "'"}


def to_ascii(text: str) -> str:
    """As many cells as before, for terminals that show nothing else; unknown characters become "?"."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _ASCII.get(char, "?" * cell_len(char)) for char in text)


def fit(text: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """Exactly `width` cells; what is too long ends with the ellipsis."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        text = set_cell_size(text, max(0, width - cell_len(ellipsis))).rstrip() + ellipsis
        text = set_cell_size(text, width) if cell_len(text) > width else text
        length = cell_len(text)
    padding = " " * (width - length)
    return padding + text if right else text + padding


def fit_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """At most `width` cells; URLs keep both ends."""
    if cell_len(text) <= width:
        return text
    keep = max(0, width - cell_len(ellipsis))
    tail = keep // 3
    head = keep - tail
    return f"{_head(text, head)}{ellipsis}{_head(text[::-1], tail)[::-1]}"


def _head(text: str, width: int) -> str:
    """The beginning of the text, at most `width` cells."""
    while cell_len(text) > width:
        text = text[: max(len(text) - max(1, (cell_len(text) - width) // 2), 0)]
    return text


def line_len(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)


def line(*pieces: Piece | str) -> Line:
    """Pieces may be bare strings: plain text tone."""
    return tuple((p, Tone.TEXT) if isinstance(p, str) else p for p in pieces)


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` pushed apart to `width`; the left one gives way."""
    free = width - line_len(right)
    gap = free - line_len(left)
    if gap >= 1:
        return (*left, (" " * gap, Tone.TEXT), *right)
    return (*cut(left, max(0, free - 1)), (" ", Tone.TEXT), *right)


def cut(pieces: Line, width: int, ellipsis: str = "…") -> Line:
    """At most `width` cells."""
    if line_len(pieces) <= width:
        return pieces
    kept: list[Piece] = []
    room = width
    for text, tone in pieces:
        length = cell_len(text)
        if length >= room:
            kept.append((fit(text + " " if length == room else text, room, ellipsis=ellipsis), tone))
            break
        kept.append((text, tone))
        room -= length
    return tuple(kept)


def wrap(text: str, width: int, tone: Tone = Tone.TEXT, limit: int = 20) -> list[Line]:
    """At word boundaries, words longer than a line are cut; at most `limit` lines."""
    lines: list[str] = []
    current = ""
    for word in plain(text).split():
        joined = f"{current} {word}" if current else word
        if cell_len(joined) <= width:
            current = joined
            continue
        if current:
            lines.append(current)
        current = word if cell_len(word) <= width else fit_middle(word, width)
    if current:
        lines.append(current)
    if len(lines) > limit:
        lines = [*lines[: limit - 1], fit(lines[limit - 1] + " …", width).rstrip()]
    return [((text_line, tone),) for text_line in lines]


def broken(text: str, width: int) -> list[str]:
    """In as many lines as it takes; a line ends after a part of an address or a word, if that leaves it half full."""
    lines: list[str] = []
    while cell_len(text) > width:
        head = set_cell_size(text, width).rstrip()
        end = max(head.rfind(mark) + 1 for mark in "/?& ")
        end = end if end > len(head) // 2 else max(1, len(head))
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, text]


def table(rows: Iterable[tuple[str, str | Piece]], width: int, *, whole: bool = False) -> list[Line]:
    """ "label  value" pairs with a muted label column. What is too long is cut in its middle, or goes on below with
    `whole`."""
    pairs = [(label, value if isinstance(value, tuple) else (value, Tone.TEXT)) for label, value in rows]
    pairs = [(label, value) for label, value in pairs if value[0]]
    indent = max((cell_len(label) for label, _ in pairs), default=0) + 2
    room = max(8, width - indent)
    lines: list[Line] = []
    for label, (text, tone) in pairs:
        parts = broken(plain(text), room) if whole else [fit_middle(plain(text), room)]
        for number, part in enumerate(parts):
            lines.append(((fit("" if number else label, indent), Tone.MUTED), (part, tone)))
    return lines


def texts(lines: Sequence[Line]) -> list[str]:
    """Without tones, for tests and the clipboard."""
    return ["".join(text for text, _ in pieces) for pieces in lines]

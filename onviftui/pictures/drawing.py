"""A picture, ready to be drawn in a given room by a given method, and what that costs on the line. Pure, but CPU work
of up to a second for the finest methods: call it in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import blocks, kitty, scaling, sixel
from .blocks import Run
from .capability import GUESSED_CELL, Method

# Half blocks and characters are bounded: more cells show hardly more, and cost bytes.
_MOST_COLUMNS = 200
_FINER = 3  # pixels fetched for each that is drawn: small JPEGs have blotches
_FRAME_BYTES = 8  # to move to a line of the screen
_STYLE_BYTES = 4  # to end a style


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where pictures are drawn. `room` is columns and rows, `cell` the pixels of one, `number` the next picture's."""

    method: Method
    room: tuple[int, int]
    cell: tuple[int, int] | None = None
    true_colour: bool = True
    ascii_only: bool = False
    dark: bool = True
    number: int = 1

    @property
    def pixels(self) -> int:
        """The width that a picture needs at most to be drawn here."""
        if self.method in (Method.KITTY, Method.SIXEL):
            return self.room[0] * (self.cell or GUESSED_CELL)[0]
        return min(self.room[0], _MOST_COLUMNS) * _FINER


@dataclass(frozen=True, slots=True)
class Drawn:
    """`rows` are the cells; `first` goes to the terminal before them, `over` is drawn on top of them; `after` takes the
    picture out of the terminal's memory."""

    method: Method
    columns: int
    rows: list[list[Run]] = field(repr=False)
    first: str = field(default="", repr=False)
    over: str = field(default="", repr=False)
    after: str = field(default="", repr=False)

    @property
    def size(self) -> int:
        """Bytes that go to the terminal."""
        cells = sum(
            _FRAME_BYTES + sum(len(text.encode()) + _styled(front) + _styled(back) for text, front, back in row)
            for row in self.rows
        )
        return cells + len(self.first) + len(self.over)


def draw(data: bytes, picture: tuple[int, int], canvas: Canvas) -> Drawn:
    """`picture` is its width and height, whose shape is kept. Raises NotAPicture."""
    if canvas.method is Method.KITTY:
        return _kitty(data, picture, canvas)
    if canvas.method is Method.SIXEL:
        return _sixel(data, picture, canvas)
    return _cells(data, picture, canvas)


def _cells(data: bytes, picture: tuple[int, int], canvas: Canvas) -> Drawn:
    room = min(canvas.room[0], _MOST_COLUMNS), canvas.room[1]
    columns, rows = scaling.fitted(picture, room)
    if canvas.method is Method.BLOCKS:
        image = scaling.load(data, (columns, rows * 2))
        return Drawn(canvas.method, columns, blocks.half_blocks(image, true_colour=canvas.true_colour))
    image = scaling.load(data, (columns, rows))
    shades = blocks.characters(image, ascii_only=canvas.ascii_only, dark=canvas.dark)
    return Drawn(Method.CHARACTERS, columns, shades)


def _kitty(data: bytes, picture: tuple[int, int], canvas: Canvas) -> Drawn:
    cell = canvas.cell or GUESSED_CELL
    room = min(canvas.room[0], kitty.MOST_CELLS), min(canvas.room[1], kitty.MOST_CELLS)
    columns, rows = scaling.fitted(picture, room, cell)
    image = scaling.load(data, scaling.within(picture, (columns * cell[0], rows * cell[1])))
    colour = kitty.colour(canvas.number)
    return Drawn(
        canvas.method,
        columns,
        [[(text, colour, None)] for text in kitty.placeholders(columns, rows)],
        first=kitty.transmit(image, canvas.number, columns, rows),
        after=kitty.delete(canvas.number),
    )


def _sixel(data: bytes, picture: tuple[int, int], canvas: Canvas) -> Drawn:
    cell = canvas.cell or GUESSED_CELL
    columns, rows = scaling.fitted(picture, canvas.room, cell)
    width, height = columns * cell[0], rows * cell[1]
    # Not one pixel below its cells: what is drawn beneath the last line would scroll the screen.
    image = scaling.load(data, (width, max(sixel.BAND, height - height % sixel.BAND)))
    return Drawn(canvas.method, columns, [[(" " * columns, None, None)]] * rows, over=sixel.encode(image))


def _styled(colour: blocks.Colour | None) -> int:
    """Bytes of a colour in a line, with the end of the style."""
    return _STYLE_BYTES + 9 + sum(len(str(part)) for part in colour) if colour else 0

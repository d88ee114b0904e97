"""How many small pictures fit on a page, and how large they are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST, LARGEST = 18, 44  # columns of one picture
GAP = 2
_NAME_LINES = 1
_SHAPE = 9 / 32  # rows to columns of a 16:9 picture, whose cells are twice as high as wide
_BYTES_PER_CELL = 24  # of half blocks, as measured; an upper bound for usual pictures
_BYTES_PER_CELL_FEW = 15  # with 256 colours
_BYTES_PER_CHARACTER = 2


@dataclass(frozen=True, slots=True)
class Grid:
    """`across` × `down` pictures to a page, each `columns` × `rows` cells with a line for the name below."""

    across: int
    down: int
    columns: int
    rows: int

    @property
    def per_page(self) -> int:
        return self.across * self.down

    @property
    def height(self) -> int:
        """Of one picture with its name."""
        return self.rows + _NAME_LINES

    def pages(self, count: int) -> int:
        return max(1, -(-count // self.per_page))

    def corner(self, place: int) -> tuple[int, int]:
        """Left and top of the picture at this place of a page."""
        down, across = divmod(place, self.across)
        return across * (self.columns + GAP), down * self.height


def fitting(count: int, width: int, height: int) -> Grid:
    """The largest pictures of which all `count` fit, else the smallest, on several pages."""
    for columns in range(LARGEST, SMALLEST - 1, -1):
        grid = _of(columns, width, height)
        if grid.per_page >= count:
            return grid
    return _of(SMALLEST, width, height)


def _of(columns: int, width: int, height: int) -> Grid:
    columns = max(1, min(columns, width))
    rows = max(1, round(columns * _SHAPE))
    across = max(1, (width + GAP) // (columns + GAP))
    down = max(1, height // (rows + _NAME_LINES))
    return Grid(across, down, columns, min(rows, max(1, height - _NAME_LINES)))


def page_bytes(grid: Grid, count: int, *, colours: bool, true_colour: bool) -> int:
    """About what `count` pictures take on the line."""
    per_cell = _BYTES_PER_CHARACTER if not colours else _BYTES_PER_CELL if true_colour else _BYTES_PER_CELL_FEW
    return count * grid.columns * grid.rows * per_cell
